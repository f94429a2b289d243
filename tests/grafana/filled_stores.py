"""Real stores filled by the real pipeline: the simulated city through a broker and two workers, with its alerts.

Prometheus watches two workers, an intake, itself and Alertmanager, with the rules of the city; InfluxDB holds the
history. The city's last weeks come at once, then live; some events are bad, some come twice, some late. What is raised
is answered.
"""

from __future__ import annotations

import http.client
import json
import logging
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

import catalogue
from command_line.topics import create_topics
from history.influxdb_setup import READ_TOKEN, WRITE_TOKEN, InfluxSetup, read_secret
from history.open import open_history
from kept.catalogue import Catalogue, Service, read_catalogue
from kept.durations import DAY_MS
from kept.events import Event
from kept.settings import Settings
from kept.signals.raised import Response
from kept.topics import topics
from local_stack.broker import Broker
from local_stack.child import Child
from local_stack.city_feed import CATCH_UP_DAYS, CityPace, city_events
from local_stack.demo_alerts import AlertPorts, alert_parts
from local_stack.environment import environment_of
from local_stack.ports import LOOPBACK, free_port
from local_stack.replay import WorkerGroup
from producers.publisher import Publisher
from tests.influxd import Server

DAYS, SEED, SCRIPT = 56, 1, "month_of_trouble"
TOKEN = "a-token-of-16-or-more"
PATIENCE_SECONDS = 120.0
SCRAPED_SECONDS = 25.0
"""Long enough for a rate over four scrapes after the last thing has come."""
UP_TO_DATE_SECONDS = 1800
ANSWERS: tuple[Literal["acknowledged", "useful", "noise"], ...] = ("acknowledged", "useful", "noise")


class Stores(NamedTuple):
    """Where the two servers are, and what a reader of the history needs."""

    prometheus: str
    influxdb: Settings
    """With the token that may only read."""
    seconds: float
    """How long it took."""

    def ask_prometheus(self, path: str, **values: str) -> Any:
        """`data` of an answer of its HTTP interface. Raises `AssertionError` with what it says against a query."""
        address = f"{self.prometheus}/api/v1/{path}?{urllib.parse.urlencode(values)}"
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{values}: {error.read().decode()}") from error


@contextmanager
def filled_stores(broker: Broker, influxd: Server, folder: Path) -> Iterator[Stores]:
    """Fill both stores, and keep everything running within."""
    started = time.monotonic()
    services = read_catalogue([catalogue.CITY])
    settings, reader = _settings(broker, influxd, folder, services)
    create_topics(settings)
    ports = [free_port() for _ in range(2)]
    intake_port = free_port()
    alerts = AlertPorts(prometheus=free_port(), alertmanager=free_port(), inbox=free_port())
    with ExitStack() as stack:
        workers = WorkerGroup(settings, folder, 2, ports)
        stack.callback(workers.stop)
        workers.start()
        feed = _Feed(settings, services)
        stack.callback(feed.stop)
        feed.start()
        for part in (_intake(settings, folder, intake_port), *alert_parts(folder, alerts, ports, 1, intake_port)):
            stack.callback(part.kill)
            part.start()
        stores = Stores(f"http://{LOOPBACK}:{alerts.prometheus}", reader, 0)
        wait_until("all services are published", lambda: _is_up_to_date(reader, services), workers.watch)
        # Not before: what is told of now, while the past is still coming, makes all of the past late.
        wait_until("the intake takes events", lambda: _post_events(intake_port, services[min(services)]), feed.check)
        _answer_signals(settings)
        wait_until("alerts of services fire", lambda: _fires(stores), workers.watch)
        time.sleep(SCRAPED_SECONDS)
        feed.check()
        yield stores._replace(seconds=time.monotonic() - started)


def wait_until(what: str, is_so: Callable[[], bool], meanwhile: Callable[[], None] = lambda: None) -> None:
    """Return when `is_so`; raises `AssertionError` after `PATIENCE_SECONDS`."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        meanwhile()
        assert time.monotonic() < deadline, f"still not: {what}"
        time.sleep(0.5)


class _Told(Exception):
    """The feed is told to end."""


class _Feed:
    """The city's events in a thread of their own: its past at once, then as they happen.

    One in `TWICE` comes twice, one in `LATE` comes a day late, and `BAD` messages are no events.
    """

    TWICE, LATE, LATE_BY, BAD = 1000, 20_000, 5000, 20
    STOPS, STOP_SECONDS = (21, 7, 2), 3.0
    """So many days before now the feed stops for a while: figures are published in between."""

    def __init__(self, settings: Settings, services: Catalogue) -> None:
        now_ms = self._now_ms = time.time_ns() // 1_000_000
        # The demo lets one watch its last days; here everything up to now comes at once.
        self._events, _ = city_events(services, now_ms + CATCH_UP_DAYS * DAY_MS, DAYS, SEED, SCRIPT)
        self._pace = CityPace(now_ms, sleep=self._sleep)
        self._settings = settings
        self._told = threading.Event()
        self._pool = ThreadPoolExecutor(1)
        self._done = self._pool.submit(lambda: None)

    def start(self) -> None:
        self._done = self._pool.submit(self._publish)

    def check(self) -> None:
        """Raise what has ended it."""
        if self._done.done():
            self._done.result()

    def stop(self) -> None:
        self._told.set()
        self._pool.shutdown()

    def _sleep(self, seconds: float) -> None:
        if self._told.wait(seconds):
            raise _Told

    def _publish(self) -> None:
        logging.getLogger("kafka").setLevel(logging.CRITICAL)
        topic = topics(self._settings.topic_prefix, self._settings.partitions).events.name
        with Publisher(topic, self._settings) as publisher, suppress(_Told):
            held: dict[int, Event] = {}
            stops = [self._now_ms - days * DAY_MS for days in self.STOPS]
            for number, (time_ms, event) in enumerate(self._events):
                self._pace.wait_for(time_ms)
                if self._told.is_set():
                    return
                if stops and time_ms > stops[0]:
                    del stops[0]
                    self._sleep(self.STOP_SECONDS)
                if number % self.LATE == self.LATE - 1:
                    held[number + self.LATE_BY] = event
                    continue
                publisher.publish(event)
                if number % self.TWICE == 0:
                    publisher.publish(event)
                if number in held:
                    publisher.publish(held.pop(number))
                if number < self.BAD:
                    publisher.send(f"bad-{number}".encode(), b"no event at all")


def _settings(broker: Broker, influxd: Server, folder: Path, services: Catalogue) -> tuple[Settings, Settings]:
    """Those of the workers, and of a reader: each with the token that `kept influx init` makes for it."""
    common = Settings(
        brokers=broker.bootstrap,
        topic_prefix=f"boards-{uuid.uuid4().hex[:12]}-",
        partitions=4,
        history="influxdb",
        influxdb_url=influxd.url,
        influxdb_org=influxd.org,
        influxdb_bucket=f"boards-{uuid.uuid4().hex[:12]}",
        idle_seconds=5,
        publishing_pause=0.5,
        intake_token=TOKEN,
        spool_folder=str(folder / "spool"),
    )
    setup = InfluxSetup(common, influxd.token)
    try:
        list(setup.run(folder / "secrets", list(services.values())))
    finally:
        setup.close()
    writer, reader = (
        msgspec.structs.replace(common, influxdb_token=read_secret(folder / "secrets" / name))
        for name in (WRITE_TOKEN, READ_TOKEN)
    )
    return writer, reader


def _intake(settings: Settings, folder: Path, port: int) -> Child:
    environment = environment_of(settings) | {"KEPT_INTAKE_PORT": str(port)}
    command = [sys.executable, "-m", "command_line.main", "intake"]
    return Child("intake", command, folder / "intake.log", environment=environment)


def _post_events(port: int, service: Service) -> bool:
    """Some requests to the intake, good and bad ones; False while it does not answer."""
    now = datetime.now(UTC).isoformat()
    about = {"service": service.id, "channel": service.channels.digital[0]}
    event = {"specversion": "1.0", "type": "contact.received", "source": "desk", "time": now}
    good = [event | {"id": f"contact-{n}", "data": {**about, "reason": "get_information"}} for n in range(20)]
    bad = [event | {"id": "bad", "data": {**about, "service": "no-such-service", "reason": "other"}}]
    return [_post(port, events) for events in (good, bad)] == [202, 400]


def _post(port: int, events: list[dict[str, Any]]) -> int | None:
    headers = {"Content-Type": "application/cloudevents-batch+json", "Authorization": f"Bearer {TOKEN}"}
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=10)
    try:
        connection.request("POST", "/events", json.dumps(events), headers)
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()


def _is_up_to_date(reader: Settings, services: Catalogue) -> bool:
    with closing(open_history(reader, read_only=True)) as store:
        published = store.published()
    return set(published) == set(services) and min(published.values()) > time.time() - UP_TO_DATE_SECONDS


def _answer_signals(settings: Settings) -> None:
    """Three kinds of answers to what is raised, as `kept alerts` records them."""
    with closing(open_history(settings)) as store:
        raised = store.signals()
        assert len(raised) >= len(ANSWERS), raised
        for says, signal in zip(ANSWERS, reversed(raised), strict=False):
            store.respond(Response(id=signal.id, says=says, at=int(time.time())))


def _fires(stores: Stores) -> bool:
    found = stores.ask_prometheus("query", query='ALERTS{alertstate="firing", component!="pipeline"}')
    return bool(found["result"])
