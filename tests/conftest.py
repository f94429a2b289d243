"""What all tests share: a real broker, topic names of their own, the reference data, golden files, and no silent skips.

`KEPT_TEST_FORBID_SKIPS=1` (set in CI) turns every skip into a failure, unless its reason is in `ALLOWED_SKIPS`.
"""

from __future__ import annotations

import os
import signal
import uuid
import warnings
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

CLIENT_WARNING = r"ignore:(read|open)_text is deprecated:DeprecationWarning"
"""kafka-python reads its own schemas with a function that Python 3.11 deprecates (and later takes back)."""
TLS_WARNING = r"ignore:unclosed <ssl\.SSLSocket:ResourceWarning"
"""The Kafka clients leave a TLS connection that a broker refused to the garbage collector, in whatever test that is."""
REFUSED_WARNING = r"ignore:unclosed <socket\.socket [^>]*laddr=\('0\.0\.0\.0', \d+\)>:ResourceWarning"
"""And a connection that was refused, or to a broker that is gone: what was logged of it may hold it until the end."""
SDK_WARNING = "ignore:Prefer using dashboardv2:DeprecationWarning"
"""The SDK of Grafana advises dashboards of version 2, which file provisioning rejects."""

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="(read|open)_text is deprecated", category=DeprecationWarning)
    from local_stack.broker import Broker, missing
    from local_stack.influxd import program
    from tests import certificates
    from tests import influxd as influx
    from tests.secured_broker import SecuredBroker

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parent.parent
BROKER_GROUPS = {"stream_processors": "workers on a broker", "local_stack": "stacks on a broker"}
"""By folder: what shares a broker. Each group waits more than it works, so that they go well side by side."""
ALLOWED_SKIPS: frozenset[str] = frozenset()
"""Reasons for which a test may be skipped even where skips are forbidden."""

_broker: pytest.StashKey[Broker] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write golden files anew instead of comparing")


def pytest_configure(config: pytest.Config) -> None:
    # A shell starts jobs in the background with Ctrl-C ignored, and so would everything be that a test starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("filterwarnings", CLIENT_WARNING)
    config.addinivalue_line("filterwarnings", SDK_WARNING)
    config.addinivalue_line("filterwarnings", TLS_WARNING)
    config.addinivalue_line("filterwarnings", REFUSED_WARNING)
    config.addinivalue_line("markers", "operations: upgrades, stops, restores and alerts in full (make operations)")
    config.addinivalue_line("markers", "kustomize: needs the command kustomize, and Go")
    config.addinivalue_line("markers", "influxdb: needs a real InfluxDB server, which is built from source")


@pytest.hookimpl(tryfirst=True)  # before xdist looks for groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        names = getattr(item, "fixturenames", ())
        if "broker" in names:
            item.add_marker(pytest.mark.broker)
        if "influxd" in names or "influxd_program" in names:
            item.add_marker(pytest.mark.influxdb)
        item.add_marker(pytest.mark.xdist_group(_shared_by(item)))
    if hasattr(config, "workerinput"):
        # Three processes share the work (make test), also on two cores: tests with a broker wait more than they work.
        # The longest groups go first, so that all end at about the same time.
        items.sort(key=lambda item: item.get_closest_marker("broker") is None)


def pytest_collection_finish(session: pytest.Session) -> None:
    """With pytest 9.2 xdist 3.8 saw no groups: each test had a broker and its fixtures made anew wherever it ran."""
    if getattr(session.config.option, "loadgroup", False):
        assert all("@" in item.nodeid for item in session.items), "pytest-xdist does not see the groups of tests"


def _shared_by(item: pytest.Item) -> str:
    """Tests of one group run in one process: those of a file; with a broker, those of `BROKER_GROUPS`."""
    if item.get_closest_marker("broker") is None:
        return str(item.path.relative_to(ROOT))
    return BROKER_GROUPS.get(item.path.parent.name, "others on a broker")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test that left the shared broker dead must not fail the next one."""
    broker = item.config.stash.get(_broker, None)
    if broker is not None and "broker" in getattr(item, "fixturenames", ()):
        broker.start()


def _refused(report: pytest.TestReport | pytest.CollectReport) -> str | None:
    if not report.skipped or hasattr(report, "wasxfail") or os.environ.get("KEPT_TEST_FORBID_SKIPS") != "1":
        return None
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = reason.removeprefix("Skipped: ")
    return (
        None if reason in ALLOWED_SKIPS else f"skipped where skips are forbidden (KEPT_TEST_FORBID_SKIPS=1): {reason}"
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    refusal = _refused(report)
    if refusal is not None:
        report.outcome = "failed"
        report.longrepr = refusal
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    refusal = _refused(report)
    if refusal is not None:
        report.outcome = "failed"
        report.longrepr = refusal
    return report


@pytest.fixture(scope="session")
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A real broker for the whole run. A test may kill or stop it: it runs again before the next one."""
    absent = missing()
    if absent is not None:
        pytest.skip(absent)
    started = Broker(tmp_path_factory.mktemp("kafka"), brief=True)
    started.start()
    request.config.stash[_broker] = started
    yield started
    del request.config.stash[_broker]
    started.stop()


@pytest.fixture(scope="session")
def secured_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBroker]:
    """A real broker with TLS, SASL and rights for the whole run."""
    absent = missing() or certificates.MISSING
    if absent is not None:
        pytest.skip(absent)
    secured = SecuredBroker(tmp_path_factory.mktemp("secured-kafka"))
    with secured.broker:
        yield secured


@pytest.fixture(scope="session")
def influxd_program() -> Path:
    """The program of a real InfluxDB server, for tests that need one of their own."""
    found = program()
    if found is None:
        pytest.skip(influx.MISSING)
    return found


@pytest.fixture(scope="session")
def influxd(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[influx.Server]:
    """A real InfluxDB server for the whole run; each test makes its own buckets."""
    url = os.environ.get("KEPT_TEST_INFLUXDB_URL")
    if url is not None:
        named = influx.Server(url, os.environ["KEPT_TEST_INFLUXDB_TOKEN"])
        named.make_org()
        yield named
        return
    own = influx.OwnServer(request.getfixturevalue("influxd_program"), tmp_path_factory.mktemp("influxd"))
    own.start()
    try:
        own.set_up()
        own.make_org()
        yield own
    finally:
        own.process.stop()


@pytest.fixture
def topic_prefix() -> str:
    """A prefix for topics and transactional ids that no other test uses."""
    return f"t{uuid.uuid4().hex[:12]}-"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the reference data of docs/indicators.md."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the reference data are not here (expected in ../{folder.parent.name}/{folder.name})")
    return folder


@pytest.fixture(scope="session")
def update_golden(request: pytest.FixtureRequest) -> bool:
    """True when golden files are to be written anew."""
    return bool(request.config.getoption("--update-golden"))
