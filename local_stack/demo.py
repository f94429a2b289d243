"""`kept demo`: a broker, two workers, the simulated city, its alerts and the live page on one machine, until Ctrl-C.

Everything listens on loopback. Whatever happens, the end leaves nothing behind: no process, no file.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from msgspec import Struct

import catalogue
from history.sqlite import SQLiteHistory
from kept.catalogue import read_catalogue
from kept.errors import ConfigurationError, Retry, Stop
from local_stack.broker import Broker, missing
from local_stack.child import Child
from local_stack.city_feed import feed_start_ms
from local_stack.demo_alerts import AlertPorts, alert_parts, left_out
from local_stack.demo_places import Place, places, write_environment
from local_stack.environment import plain_environment
from local_stack.kafka_jars import cache_folder
from local_stack.ports import LOOPBACK, answers, require_free
from local_stack.work_folder import work_folder
from producers.simulator import read_script

PARTITIONS = 4
TOPIC_PREFIX = "demo-"
POLL_SECONDS = 0.25
STOP_SECONDS = 10.0


Say = Callable[[str | Place], None]


class DemoOptions(Struct, frozen=True, kw_only=True):
    """What the demo may be told. There are as many workers as `metrics_ports`; `seconds` None means until Ctrl-C."""

    page_port: int = 8400
    kafka_port: int = 9392
    metrics_ports: tuple[int, ...] = (8401, 8402)
    prometheus_port: int = 9490
    alertmanager_port: int = 9493
    inbox_port: int = 8410
    days: int = 140
    """Enough for the verdicts on the two improvements of the script."""
    seed: int = 1
    script: str | None = "did_it_work"
    """Incidents: a built-in script or the path of one; moments count from the start of the feed. None: none."""
    seconds: float | None = None

    def alert_ports(self) -> AlertPorts:
        """Those of what alerts need."""
        return AlertPorts(prometheus=self.prometheus_port, alertmanager=self.alertmanager_port, inbox=self.inbox_port)


class _ToldToEnd(BaseException):
    """Ctrl-C, or TERM from outside."""


def run_demo(options: DemoOptions, say: Say) -> None:
    """Run the demo; returns when told to end, or after `options.seconds`.

    Raises `Stop` when a port is taken, when a part dies (with the tail of its log), and when `options.seconds` are over
    before the first figure was published.
    """
    absent = missing()
    _check_script(options)
    _check_ports(options, with_broker=absent is None)
    with _ending_in_order(), work_folder() as folder:
        parts: list[Child] = []
        broker = None if absent is not None else Broker(folder / "kafka", port=options.kafka_port, brief=True)
        try:
            if broker is None:
                say(f"{absent}")
                say("Without it the same city runs here in one process, without a broker, workers or Prometheus.")
                parts += _start_all(_embedded_parts(options, folder))
            else:
                _start_broker(broker, say)
                _make_topics(options, folder)
                parts += _start_all(_parts(options, folder, say))
            _tell(options, folder, say, with_broker=broker is not None)
            _watch(options, folder, parts, broker, say)
        except _ToldToEnd:
            say("Stopping.")
        finally:
            _stop_all(parts, broker)


def _check_script(options: DemoOptions) -> None:
    """What makes no sense is refused before anything starts."""
    if options.script is not None:
        start_ms = feed_start_ms(time.time_ns() // 1_000_000, options.days)
        read_script(options.script, read_catalogue([catalogue.CITY]), start_ms=start_ms, end_ms=None)


def _check_ports(options: DemoOptions, *, with_broker: bool) -> None:
    alerts = options.alert_ports()
    wanted = [options.page_port, options.kafka_port, *options.metrics_ports]
    wanted += [alerts.prometheus, alerts.alertmanager, alerts.inbox]
    doubled = next((port for port in wanted if wanted.count(port) > 1), None)
    if doubled is not None:
        raise ConfigurationError(
            f"port {doubled} is asked for twice; live page, Kafka, each worker, Prometheus, Alertmanager and the "
            "on-call inbox need one each "
            "(--port, --kafka-port, --metrics-port, --prometheus-port, --alertmanager-port, --inbox-port)"
        )
    require_free(options.page_port, "live page", "--port")
    if not with_broker:
        return
    require_free(options.kafka_port, "Kafka", "--kafka-port")
    for port in options.metrics_ports:
        require_free(port, "metrics of a worker", "--metrics-port")
    alerts.require_free()


def _start_broker(broker: Broker, say: Say) -> None:
    if not cache_folder().is_dir():
        say("Fetching Kafka (54 MB, once).")
    say("Starting Kafka.")
    broker.start()


def _make_topics(options: DemoOptions, folder: Path) -> None:
    child = _kept(options, folder, "topics", ["command_line.main", "topics", "create"])
    child.start()
    code = child.wait(60)
    child.kill()
    if code != 0:
        raise Stop(f"the topics could not be made:\n{child.log_tail()}")


def _parts(options: DemoOptions, folder: Path, say: Say) -> Iterator[Child]:
    for number, port in enumerate(options.metrics_ports, start=1):
        scratch = folder / f"worker-{number}"
        scratch.mkdir()
        own = {
            "KEPT_WORKER_ID": f"worker-{number}",
            "KEPT_METRICS_PORT": str(port),
            "KEPT_WORK_FOLDER": str(scratch),
        }
        yield _kept(options, folder, f"worker-{number}", ["command_line.main", "worker"], own)
    yield _page(options, folder)
    yield _kept(options, folder, "simulated city", ["local_stack.city_feed", *_feed_arguments(options)])
    yield from alert_parts(folder, options.alert_ports(), options.metrics_ports, options.page_port)
    for words in left_out():
        say(words)


def _embedded_parts(options: DemoOptions, folder: Path) -> Iterator[Child]:
    yield _page(options, folder)
    yield _kept(options, folder, "simulated city", ["local_stack.embedded_demo", *_feed_arguments(options)])


def _feed_arguments(options: DemoOptions) -> list[str]:
    return [str(options.days), str(options.seed), *([] if options.script is None else [options.script])]


def _page(options: DemoOptions, folder: Path) -> Child:
    return _kept(options, folder, "live page", ["local_stack.page_process", str(options.page_port)])


def _kept(
    options: DemoOptions, folder: Path, name: str, module: Sequence[str], own: dict[str, str] | None = None
) -> Child:
    """A Python module of Kept as a child, told by `KEPT_*` variables: those of this shell do not reach it."""
    environment = {
        **plain_environment(),
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(folder),
        **_settings(options, folder),
        **(own or {}),
    }
    log = folder / f"{name.replace(' ', '-')}.log"
    return Child(name, [sys.executable, "-m", *module], log, environment=environment)


def _settings(options: DemoOptions, folder: Path) -> dict[str, str]:
    """What every command needs to work on this demo."""
    return {
        "KEPT_BROKERS": f"{LOOPBACK}:{options.kafka_port}",
        "KEPT_TOPIC_PREFIX": TOPIC_PREFIX,
        "KEPT_PARTITIONS": str(PARTITIONS),
        "KEPT_HISTORY_PATH": str(_history(folder)),
    }


def _history(folder: Path) -> Path:
    return folder / "history.sqlite"


def _start_all(parts: Iterator[Child]) -> Iterator[Child]:
    for part in parts:
        part.start()
        yield part


def _tell(options: DemoOptions, folder: Path, say: Say, *, with_broker: bool) -> None:
    say("")
    for place in places(
        options.page_port, options.kafka_port, options.metrics_ports, options.alert_ports(), with_broker
    ):
        say(place)
    say("")
    environment = write_environment(folder, _settings(options, folder), options.alert_ports(), options.metrics_ports)
    say(f"For `kept` in another shell:  . {environment}")
    say(
        f"A simulated city: {options.days} days at once, then a week in 17 minutes, then live. Look at the promise "
        "beside its closed-only figure: the gap is what most dashboards leave out."
    )
    say("Ctrl-C ends it and removes everything." if options.seconds is None else f"It ends in {options.seconds:g} s.")


def _watch(options: DemoOptions, folder: Path, parts: Sequence[Child], broker: Broker | None, say: Say) -> None:
    """Return after `options.seconds`; raise `Stop` as soon as a part has died."""
    started = time.monotonic()
    seen = False
    while options.seconds is None or time.monotonic() - started < options.seconds:
        for part in parts:
            if not part.running():
                raise Stop(
                    f"{part.log_tail()}\n{part.name} ended with code {part.exit_code()}; its last lines are above"
                )
        if broker is not None and not broker.running():
            raise Stop(f"{broker.log_tail()}\nKafka ended with code {broker.exit_code()}; its last lines are above")
        if not seen and answers(options.page_port) and _published(folder):
            seen = True
            say(f"First figures after {time.monotonic() - started:.0f} s.")
        time.sleep(POLL_SECONDS)
    if not seen:
        tails = "\n".join(f"-- {part.name}\n{part.log_tail(5)}" for part in parts)
        raise Stop(f"{tails}\nno figure was published within {options.seconds:g} s")


def _published(folder: Path) -> bool:
    try:
        store = SQLiteHistory(_history(folder), read_only=True)
    except Retry:
        return False
    try:
        return bool(store.published())
    except Retry:
        return False
    finally:
        store.close()


def _stop_all(parts: Sequence[Child], broker: Broker | None) -> None:
    """Tell all at once, then wait for each; the broker last, since the others say goodbye to it."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    for part in parts:
        part.signal(signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    for part in parts:
        part.wait(max(0.1, deadline - time.monotonic()))
        part.kill()
    if broker is not None:
        broker.stop(STOP_SECONDS)


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """Within, INT, TERM and HUP raise `_ToldToEnd`."""

    def told(number: int, frame: FrameType | None) -> None:
        raise _ToldToEnd

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, told) for number in numbers}
    try:
        yield
    except _ToldToEnd:
        pass  # told while the folder was made or removed: there is nothing else to stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
