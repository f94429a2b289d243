"""`kept doctor` on a whole installation: healthy, nothing is to mend; of what is done wrong it tells exactly that."""

from __future__ import annotations

import http.server
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from email.utils import formatdate
from pathlib import Path
from typing import NamedTuple

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from alert_rules.options import RuleOptions
from alert_rules.rules import RuleFormat, rule_files
from catalogue import services_in
from command_line.checks.finding import Finding
from command_line.checks.installed import OPTIONAL
from command_line.topics import create_topics
from history.sqlite import SQLiteHistory
from kept.owners import read_owners
from kept.settings import Settings
from local_stack.broker import Broker
from local_stack.environment import environment_of
from local_stack.ports import LOOPBACK, free_port
from local_stack.prometheus import INSTALL_COMMAND, Watching, prometheus, prometheus_command
from local_stack.replay import WorkerGroup
from tests.alertmanager import running
from tests.influxd import Server
from tests.secured_broker import SecuredBroker
from tests.waiting import eventually

pytestmark = [pytest.mark.broker, pytest.mark.operations, pytest.mark.timeout(280)]

ROOT = Path(__file__).resolve().parents[2]
SERVICE = """
id = "library"
name = "Library cards"
owner = "Libraries"
time_zone = "Europe/Amsterdam"
expected_silence = "1h"
{more}
[channels]
unlisted = "accept"
[promise]
words = "A card within five days"
target_share = 0.9
target_time = "5d"
"""
OWNER = """
["{name}"]
time_zone = "Europe/Amsterdam"
people = 3
working_hours = {{ mon = "09:00-17:00" }}
pages = [{{ kind = "webhook", url = "http://127.0.0.1:9/pages" }}]
tickets = [{{ kind = "webhook", url = "http://127.0.0.1:9/tickets" }}]
"""


def required_prometheus() -> str:
    command = prometheus_command()
    if command is None:
        pytest.skip(f"no Prometheus on PATH: {INSTALL_COMMAND}")
    return command


HEARTBEAT = 'heartbeat = [{ kind = "webhook", url = "http://127.0.0.1:9/heartbeat" }]\n'


class Installation(NamedTuple):
    """What runs, and the environment of its commands."""

    folder: Path
    environment: dict[str, str]
    settings: Settings


def a_catalogue(folder: Path, more: str = "", owners: tuple[str, ...] = ("platform", "Libraries")) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "library.toml").write_text(SERVICE.format(more=more))
    (folder / "owners.toml").write_text(
        "".join(OWNER.format(name=name) + HEARTBEAT * (name == "platform") for name in owners)
    )
    return folder


def doctor(environment: dict[str, str], folder: Path) -> dict[str, Finding]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "command_line.main", "doctor", "--json"],
        env=environment, capture_output=True, text=True, cwd=folder, timeout=40,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    told = json.loads(done.stdout)
    assert done.returncode == (0 if told["ok"] else 1)
    return {row["what"]: Finding(**row) for row in told["findings"]}


def to_mend(findings: dict[str, Finding]) -> list[str]:
    return [what for what, finding in findings.items() if finding.level == "mend"]


@pytest.fixture(scope="module")
def installation(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A worker, Prometheus with the rules of its catalogue, and Alertmanager with its owners."""
    folder = tmp_path_factory.mktemp("installation")
    entries = a_catalogue(folder / "catalogue")
    services = services_in([entries])
    ports = {name: free_port() for name in ("worker", "prometheus")}
    with ExitStack() as stack:
        mails = stack.enter_context(running(folder, read_owners([entries])))
        settings = Settings(
            brokers=broker.bootstrap, topic_prefix=f"doctor-{os.getpid()}-", partitions=2, catalogue=str(entries),
            history_path=str(folder / "history.sqlite"), spool_folder=str(folder / "spool"), spool_bytes=1024 * 1024,
            prometheus_url=f"http://{LOOPBACK}:{ports['prometheus']}", alertmanager_url=mails.url,
        )  # fmt: skip
        SQLiteHistory(Path(settings.history_path)).close()
        create_topics(settings)
        group = WorkerGroup(settings, folder, 1, [ports["worker"]])
        stack.callback(group.stop)
        group.start()
        rules = rule_files(services, RuleOptions(), RuleFormat.FILES)
        watching = Watching(metrics_ports=[ports["worker"]], rules=rules, every_seconds=0.5)
        child = prometheus(required_prometheus(), folder, ports["prometheus"], watching)
        stack.callback(child.kill)
        child.start()
        query = f"{settings.prometheus_url}/api/v1/query?query=kept_catalogue_info"
        eventually(lambda: b"fingerprint" in fetched(query), "Prometheus scrapes the worker", seconds=30)
        environment = environment_of(settings) | {"KEPT_METRICS_PORT": str(ports["worker"])}
        yield Installation(folder, environment, settings)


def fetched(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            body: bytes = answer.read()
            return body
    except OSError:
        return b""


def test_a_healthy_installation_has_nothing_to_mend(installation: Installation) -> None:
    findings = doctor(installation.environment, installation.folder)
    assert to_mend(findings) == []
    assert {what for what, finding in findings.items() if finding.level == "note"} <= {
        *OPTIONAL,
        "Java",
        "Kafka's jars",
    }


class Wrong(NamedTuple):
    """What `kept doctor` must say of it, and nothing else."""

    what: str
    seen: str
    fix: str


Seed = Callable[[Installation, Path, dict[str, str]], Wrong]


def broker_address(at: Installation, folder: Path, environment: dict[str, str]) -> Wrong:
    environment["KEPT_BROKERS"] = f"{LOOPBACK}:{free_port()}"
    return Wrong("broker", "nothing listens there", "start it, or set KEPT_BROKERS")


def partitions(at: Installation, folder: Path, environment: dict[str, str]) -> Wrong:
    wide = f"{at.settings.topic_prefix}wide-"
    create_topics(Settings(brokers=at.settings.brokers, topic_prefix=wide, partitions=2))
    environment |= {"KEPT_TOPIC_PREFIX": wide, "KEPT_PARTITIONS": "3"}
    return Wrong(f"topic {wide}", "partitions is 2, needed is 3", "KEPT_PARTITIONS")


def a_topic_setting(name: str, topic: str, value: str) -> Callable[[Installation, dict[str, str]], str]:
    def change(at: Installation, environment: dict[str, str]) -> str:
        prefix = f"{at.settings.topic_prefix}{topic}-{name.replace('.', '')}-"
        create_topics(Settings(brokers=at.settings.brokers, topic_prefix=prefix, partitions=2))
        environment["KEPT_TOPIC_PREFIX"] = prefix
        admin = KafkaAdminClient(bootstrap_servers=at.settings.brokers)
        try:
            admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, f"{prefix}{topic}", {name: value})])
        finally:
            admin.close()
        return f"topic {prefix}{topic}"

    return change


def events_compacted(at: Installation, folder: Path, environment: dict[str, str]) -> Wrong:
    topic = a_topic_setting("cleanup.policy", "service-events", "compact")(at, environment)
    return Wrong(topic, "cleanup.policy is compact, needed is delete", "kafka-configs")


def state_deleted(at: Installation, folder: Path, environment: dict[str, str]) -> Wrong:
    topic = a_topic_setting("cleanup.policy", "case-state", "delete")(at, environment)
    return Wrong(topic, "cleanup.policy is delete, needed is compact", "kafka-configs")


def retention_too_short(at: Installation, folder: Path, environment: dict[str, str]) -> Wrong:
    topic = a_topic_setting("retention.ms", "service-events", "3600000")(at, environment)
    return Wrong(topic, "retention.ms is", "kafka-configs")


def topic_missing(at: Installation, folder: Path, environment: dict[str, str]) -> Wrong:
    prefix = f"{at.settings.topic_prefix}lost-"
    create_topics(Settings(brokers=at.settings.brokers, topic_prefix=prefix, partitions=2))
    environment["KEPT_TOPIC_PREFIX"] = prefix
    admin = KafkaAdminClient(bootstrap_servers=at.settings.brokers)
    try:
        admin.delete_topics([f"{prefix}tallies"])
        deadline = time.monotonic() + 20
        while f"{prefix}tallies" in admin.list_topics():
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        admin.close()
    return Wrong(f"topic {prefix}tallies", "topic is missing", "kept topics create")


def secret_missing(at: Installation, folder: Path, environment: dict[str, str]) -> Wrong:
    environment["KEPT_SMTP_PASSWORD_FILE"] = str(folder / "nowhere")
    return Wrong("settings", "KEPT_SMTP_PASSWORD_FILE", "docs/settings.md")


def secret_for_all(at: Installation, folder: Path, environment: dict[str, str]) -> Wrong:
    file = folder / "token"
    file.write_text("a-token-of-16-or-more")
    file.chmod(0o644)
    environment["KEPT_INTAKE_TOKEN_FILE"] = str(file)
    return Wrong("KEPT_INTAKE_TOKEN_FILE", "every user of this machine may read", f"chmod o= {file}")


def setting_unknown(at: Installation, folder: Path, environment: dict[str, str]) -> Wrong:
    environment["KEPT_PARTITION"] = "4"
    return Wrong("settings", "KEPT_PARTITION: no such setting", "docs/settings.md")


def catalogue_invalid(at: Installation, folder: Path, environment: dict[str, str]) -> Wrong:
    environment["KEPT_CATALOGUE"] = str(a_catalogue(folder / "catalogue", 'colour = "red"'))
    return Wrong("catalogue", "library.toml", "kept catalogue check")


def calendar_unknown(at: Installation, folder: Path, environment: dict[str, str]) -> Wrong:
    environment["KEPT_CATALOGUE"] = str(a_catalogue(folder / "catalogue", 'calendar = "moon"'))
    return Wrong("catalogue", "moon", "kept catalogue check")


def catalogue_of_workers(at: Installation, folder: Path, environment: dict[str, str]) -> Wrong:
    entries = a_catalogue(folder / "catalogue")
    file = entries / "library.toml"
    file.write_text(file.read_text().replace("target_share = 0.9", "target_share = 0.8"))
    environment |= {"KEPT_CATALOGUE": str(entries), "KEPT_PROMETHEUS_URL": ""}
    return Wrong("worker's catalogue", "the catalogue here is", "restart it with this catalogue")


def history_not_writable(at: Installation, folder: Path, environment: dict[str, str]) -> Wrong:
    environment["KEPT_HISTORY_PATH"] = "/proc/history.sqlite"
    return Wrong("history", "/proc/history.sqlite may not be written", "KEPT_HISTORY_PATH")


def history_of_another_program(at: Installation, folder: Path, environment: dict[str, str]) -> Wrong:
    (folder / "other").write_bytes(b"not a database at all, but long enough to be taken for one" * 20)
    environment["KEPT_HISTORY_PATH"] = str(folder / "other")
    return Wrong("history", str(folder / "other"), "KEPT_HISTORY_PATH")


def port_in_use(at: Installation, folder: Path, environment: dict[str, str]) -> Wrong:
    environment["KEPT_METRICS_PORT"] = at.settings.prometheus_url.rpartition(":")[2]
    return Wrong("metrics port", "no worker answers there", "KEPT_METRICS_PORT")


def spool_not_writable(at: Installation, folder: Path, environment: dict[str, str]) -> Wrong:
    environment["KEPT_SPOOL_FOLDER"] = "/proc/kept-spool"
    return Wrong("spool folder", "may not be written", "KEPT_SPOOL_FOLDER")


def spool_larger_than_the_disk(at: Installation, folder: Path, environment: dict[str, str]) -> Wrong:
    environment["KEPT_SPOOL_BYTES"] = str(2**60)
    return Wrong("spool folder", "the disk is full first", "KEPT_SPOOL_BYTES")


def owner_without_receiver(at: Installation, folder: Path, environment: dict[str, str]) -> Wrong:
    owners = ("platform", "Libraries", "Museums")
    environment["KEPT_CATALOGUE"] = str(a_catalogue(folder / "catalogue", owners=owners))
    return Wrong("receivers", "museums-page, museums-ticket", "kept rules alertmanager")


def alertmanager_elsewhere(at: Installation, folder: Path, environment: dict[str, str]) -> Wrong:
    environment["KEPT_ALERTMANAGER_URL"] = f"http://{LOOPBACK}:{free_port()}"
    return Wrong("receivers", "does not answer", "KEPT_ALERTMANAGER_URL")


def state_format_unknown(at: Installation, folder: Path, environment: dict[str, str]) -> Wrong:
    environment["KEPT_STATE_FORMAT"] = "99"
    return Wrong("state format", "seen 99", "docs/upgrading.md")


def security_unused(at: Installation, folder: Path, environment: dict[str, str]) -> Wrong:
    environment["KEPT_SSL_CAFILE"] = str(folder / "ca.pem")
    return Wrong("settings", "KEPT_SSL_CAFILE is set, but KEPT_SECURITY_PROTOCOL is PLAINTEXT", "docs/settings.md")


SEEDS: list[Seed] = [
    broker_address, topic_missing, partitions, events_compacted, state_deleted, retention_too_short, secret_missing,
    secret_for_all, setting_unknown, catalogue_invalid, calendar_unknown, catalogue_of_workers,
    history_not_writable, history_of_another_program, port_in_use, spool_not_writable, spool_larger_than_the_disk,
    owner_without_receiver, alertmanager_elsewhere, state_format_unknown, security_unused,
]  # fmt: skip


def assert_only(findings: dict[str, Finding], wrong: Wrong) -> None:
    found = to_mend(findings)
    assert found and all(what.startswith(wrong.what) for what in found), findings
    for what in found:
        assert wrong.seen in findings[what].seen, findings[what]
        assert wrong.fix in findings[what].fix, findings[what]


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.__name__)
def test_what_is_wrong_is_told_and_nothing_else(installation: Installation, seed: Seed, tmp_path: Path) -> None:
    environment = dict(installation.environment)
    wrong = seed(installation, tmp_path, environment)
    assert_only(doctor(environment, installation.folder), wrong)


@contextmanager
def another_prometheus(folder: Path, port_scraped: int, rules: dict[str, str]) -> Iterator[str]:
    port = free_port()
    watching = Watching(metrics_ports=[port_scraped], rules=rules, every_seconds=0.5)
    child = prometheus(required_prometheus(), folder, port, watching)
    child.start()
    try:
        url = f"http://{LOOPBACK}:{port}"
        eventually(lambda: b"KeptWatchdog" in fetched(f"{url}/api/v1/rules"), "Prometheus has its rules", seconds=30)
        yield url
    finally:
        child.kill()


def test_a_prometheus_that_scrapes_no_worker_is_told(installation: Installation, tmp_path: Path) -> None:
    rules = rule_files(services_in([installation.folder / "catalogue"]), RuleOptions(), RuleFormat.FILES)
    with another_prometheus(tmp_path, free_port(), rules) as url:
        findings = doctor(installation.environment | {"KEPT_PROMETHEUS_URL": url}, installation.folder)
    assert_only(findings, Wrong("scraped workers", "no sample of any worker", "/metrics of each worker"))


def test_rules_that_are_not_of_the_catalogue_are_told(installation: Installation, tmp_path: Path) -> None:
    entries = a_catalogue(tmp_path / "former")
    file = entries / "library.toml"
    file.write_text(file.read_text().replace("Library cards", "Cards"))
    rules = rule_files(services_in([entries]), RuleOptions(), RuleFormat.FILES)
    with another_prometheus(tmp_path, int(installation.environment["KEPT_METRICS_PORT"]), rules) as url:
        eventually(
            lambda: b"fingerprint" in fetched(f"{url}/api/v1/query?query=kept_catalogue_info"), "it scrapes", seconds=30
        )
        findings = doctor(installation.environment | {"KEPT_PROMETHEUS_URL": url}, installation.folder)
    assert_only(findings, Wrong("alert rules", "for library", "kept rules generate"))


@contextmanager
def a_clock_ahead(by_seconds: float, body: bytes) -> Iterator[str]:
    """A server that gives one answer to everything, and puts a wrong time on it."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(200)
            self.send_header("Date", formatdate(time.time() + by_seconds, usegmt=True))
            self.end_headers()
            self.wfile.write(body)

    server = http.server.ThreadingHTTPServer((LOOPBACK, 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(("ahead", "says"), [(600, "behind"), (-600, "ahead of")])
def test_a_clock_that_is_not_that_of_the_others_is_told(installation: Installation, ahead: float, says: str) -> None:
    status = fetched(f"{installation.settings.alertmanager_url}/api/v2/status")
    with a_clock_ahead(ahead, status) as url:
        findings = doctor(installation.environment | {"KEPT_ALERTMANAGER_URL": url}, installation.folder)
    assert_only(findings, Wrong("clocks", f"s {says} Alertmanager", "NTP"))


def test_a_login_by_another_mechanism_than_the_broker_s_is_told(
    installation: Installation, secured_broker: SecuredBroker
) -> None:
    settings = secured_broker.settings("SCRAM")
    environment = installation.environment | {
        "KEPT_BROKERS": settings.brokers, "KEPT_SECURITY_PROTOCOL": settings.security_protocol,
        "KEPT_SASL_USERNAME": str(settings.sasl_username), "KEPT_SASL_MECHANISM": "PLAIN",
        "KEPT_SASL_PASSWORD_FILE": str(secured_broker.password_file), "KEPT_SSL_CAFILE": str(settings.ssl_cafile),
    }  # fmt: skip
    assert_only(doctor(environment, installation.folder), Wrong("broker", "KEPT_SASL_MECHANISM", "change what it says"))


@pytest.mark.influxdb
@pytest.mark.parametrize("case", ["healthy", "token", "bucket", "rights"])
def test_a_history_that_refuses_is_told(installation: Installation, influxd: Server, case: str, tmp_path: Path) -> None:
    bucket = influxd.make_bucket()
    token = influxd.make_token(("read", bucket), ("write", bucket))
    if case == "rights":
        token = influxd.make_token(("read", influxd.make_bucket()))
    file = tmp_path / "token"
    file.write_text("wrong" if case == "token" else token)
    file.chmod(0o600)
    environment = installation.environment | {
        "KEPT_HISTORY": "influxdb", "KEPT_INFLUXDB_URL": influxd.url, "KEPT_INFLUXDB_ORG": influxd.org,
        "KEPT_INFLUXDB_BUCKET": "elsewhere" if case == "bucket" else bucket, "KEPT_INFLUXDB_TOKEN_FILE": str(file),
    }  # fmt: skip
    findings = doctor(environment, installation.folder)
    if case == "healthy":
        assert to_mend(findings) == []
    else:
        assert_only(findings, Wrong("history", "", "kept influx init"))


def test_a_port_without_an_answer_is_no_worker_s(installation: Installation) -> None:
    with socket.create_server((LOOPBACK, 0)) as silent:
        environment = installation.environment | {"KEPT_METRICS_PORT": str(silent.getsockname()[1])}
        findings = doctor(environment, installation.folder)
    assert_only(findings, Wrong("metrics port", "no worker answers there", "KEPT_METRICS_PORT"))
