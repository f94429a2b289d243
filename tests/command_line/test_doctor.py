"""`kept doctor`: each check with a good and a bad case; it never raises, and never waits for ever."""

from __future__ import annotations

import datetime
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from command_line import doctor
from command_line.checks import brokers, configured, installed, machine
from command_line.checks.finding import Finding, ok
from command_line.topics import create_topics
from history.sqlite import SQLiteHistory
from kept.settings import Settings
from local_stack.broker import Broker
from local_stack.ports import LOOPBACK, free_port

ROOT = Path(__file__).resolve().parents[2]
NOBODY: dict[str, str] = {"PATH": "/nonexistent", "XDG_CACHE_HOME": "/nonexistent"}


def levels(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.what, finding.level) for finding in findings]


def only(findings: list[Finding], what: str) -> Finding:
    (found,) = [finding for finding in findings if finding.what == what]
    assert bool(found.fix) is (found.level != "ok")
    return found


def run_doctor(environment: dict[str, str], folder: Path) -> tuple[int, dict[str, Finding], float]:
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "command_line.main", "doctor", "--json"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(folder), **environment},
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=40,
    )
    assert "Traceback" not in done.stderr, done.stderr
    told = json.loads(done.stdout)
    assert told["ok"] is (done.returncode == 0)
    findings = {row["what"]: Finding(**row) for row in told["findings"]}
    return done.returncode, findings, time.monotonic() - started


def test_on_a_newcomer_s_machine_only_the_broker_is_to_mend(tmp_path: Path) -> None:
    code, findings, _ = run_doctor({"KEPT_BROKERS": f"{LOOPBACK}:{free_port()}"}, tmp_path)
    assert code == 1
    assert [what for what, finding in findings.items() if finding.level == "mend"] == ["broker"]
    assert "nothing listens there" in findings["broker"].seen
    assert not (tmp_path / "kept-history.sqlite").exists()


@pytest.mark.broker
def test_with_a_broker_and_topics_there_is_nothing_to_mend(broker: Broker, topic_prefix: str, tmp_path: Path) -> None:
    create_topics(Settings(brokers=broker.bootstrap, topic_prefix=topic_prefix, partitions=2))
    environment = {"KEPT_BROKERS": broker.bootstrap, "KEPT_TOPIC_PREFIX": topic_prefix, "KEPT_PARTITIONS": "2"}
    code, findings, _ = run_doctor(environment, tmp_path)
    assert code == 0, findings
    assert findings["topics"].level == "ok"


@pytest.mark.broker
def test_missing_topics_are_told_one_by_one(broker: Broker, topic_prefix: str) -> None:
    found = brokers.brokers(Settings(brokers=broker.bootstrap, topic_prefix=topic_prefix))
    assert [finding.level for finding in found] == ["ok", *["mend"] * 4]
    assert {finding.fix for finding in found[1:]} == {"kept topics create"}


@pytest.mark.broker
def test_a_broker_that_hangs_is_told_within_fifteen_seconds(broker: Broker, tmp_path: Path) -> None:
    assert broker.pid is not None
    os.killpg(broker.pid, signal.SIGSTOP)
    try:
        code, findings, seconds = run_doctor({"KEPT_BROKERS": broker.bootstrap}, tmp_path)
    finally:
        os.killpg(broker.pid, signal.SIGCONT)
    assert code == 1
    assert findings["broker"].level == "mend"
    assert findings["Python"].level == "ok"
    assert seconds < 18.0  # 14 s, and the start of Python on a busy machine


def test_a_check_that_hangs_or_fails_is_a_finding_and_the_others_are_told() -> None:
    ends = threading.Event()

    def hang() -> list[Finding]:
        ends.wait(60)
        return []

    def fail() -> list[Finding]:
        raise ZeroDivisionError("oops")

    started = time.monotonic()
    found = doctor.run({"first": hang, "second": fail, "third": lambda: [ok("third", "fine")]}, seconds=0.3)
    ends.set()
    assert time.monotonic() - started < 5.0
    assert levels(found) == [("first", "mend"), ("second", "mend"), ("third", "ok")]
    assert "no answer within 0.3 s" in found[0].seen
    assert "ZeroDivisionError: oops" in found[1].seen


def test_settings_that_make_no_sense_are_told_and_the_rest_is_looked_at(tmp_path: Path) -> None:
    found = doctor.examine({**NOBODY, "KEPT_BROKER": "a:1"}, seconds=5)
    assert found[0].level == "mend"
    assert "KEPT_BROKER: no such setting" in found[0].seen
    assert only(found, "Java").level == "note"
    assert "broker" not in dict(levels(found))


def test_python_that_is_too_old_is_to_mend() -> None:
    assert levels(installed.python()) == [("Python", "ok"), ("Kafka clients", "ok")]
    assert levels(installed.python((3, 10, 1))) == [("Python", "mend")]


def test_what_a_local_broker_needs_is_optional_and_said_with_its_command(tmp_path: Path) -> None:
    assert levels(installed.local_broker(NOBODY)) == [("Java", "note"), ("Kafka's jars", "note")]
    assert "apt-get install" in only(installed.local_broker(NOBODY), "Java").fix
    program(tmp_path / "java", "echo 'openjdk version \"11.0.2\"' >&2")
    assert "11; 17 is needed" in only(installed.local_broker({**NOBODY, "PATH": f"{tmp_path}:/bin"}), "Java").seen
    program(tmp_path / "java", "echo 'openjdk version \"21.0.2\"' >&2")
    program(tmp_path / "mvn", "true")
    found = installed.local_broker({**NOBODY, "PATH": f"{tmp_path}:/bin"})
    assert levels(found) == [("Java", "ok"), ("Kafka's jars", "ok")]


def test_other_programs_are_optional(tmp_path: Path) -> None:
    assert {level for _, level in levels(installed.programs(NOBODY))} == {"note"}
    program(tmp_path / "prometheus", "true")
    assert only(installed.programs({"PATH": str(tmp_path)}), "Prometheus").level == "ok"


def program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_a_secret_belongs_into_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    assert levels(configured.secrets({})) == [("secrets", "ok")]
    plain = only(configured.secrets({"KEPT_SASL_PASSWORD": "hunter2"}), "KEPT_SASL_PASSWORD")
    assert plain.level == "note"
    assert "hunter2" not in f"{plain}"
    file = tmp_path / "password"
    file.write_text("hunter2")
    environment = {"KEPT_SASL_PASSWORD_FILE": str(file)}
    for mode, level in ((0o600, "ok"), (0o640, "ok"), (0o644, "mend")):
        file.chmod(mode)
        assert only(configured.secrets(environment), "KEPT_SASL_PASSWORD_FILE").level == level
    file.unlink()
    assert only(configured.secrets(environment), "KEPT_SASL_PASSWORD_FILE").level == "mend"
    key = tmp_path / "key.pem"
    key.touch(mode=0o600)
    key.chmod(0o644)
    assert only(configured.secrets({"KEPT_SSL_KEYFILE": str(key)}), "KEPT_SSL_KEYFILE").fix == f"chmod o= {key}"


def test_security_that_is_set_but_not_used_is_told() -> None:
    assert levels(configured.security(Settings())) == [("security", "ok")]
    unused = only(configured.security(Settings(sasl_username="kept")), "security")
    assert (unused.level, "KEPT_SASL_USERNAME means nothing" in unused.seen) == ("note", True)
    said, settings = configured.settings({"KEPT_SSL_CAFILE": "/ca.pem"})
    assert (only(said, "settings").level, settings) == ("mend", None)
    clear = Settings(security_protocol="SASL_PLAINTEXT", sasl_username="u", sasl_password="hunter2")
    assert levels(configured.security(clear)) == [("security", "note")]
    assert levels(configured.security(Settings(security_protocol="SSL"))) == [
        ("certificates", "ok"),
        ("security", "ok"),
    ]
    missing = Settings(security_protocol="SSL", ssl_cafile="/nonexistent/ca.pem")
    assert levels(configured.security(missing)) == [("certificates", "mend")]


def test_the_catalogue_is_checked(tmp_path: Path) -> None:
    assert only(configured.services(Settings()), "catalogue").seen == "8 services in the simulated city"
    (tmp_path / "a.toml").write_text('id = "a"\n')
    broken = only(configured.services(Settings(catalogue=str(tmp_path))), "catalogue")
    assert broken.level == "mend"
    assert "a.toml" in broken.seen


def test_the_history_is_looked_at_and_never_made(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    settings = Settings(history_path=str(path))
    assert "not there yet" in only(machine.history(settings), "history").seen
    assert not path.exists()
    SQLiteHistory(path).close()
    assert only(machine.history(settings), "history").level == "ok"
    assert only(machine.history(Settings(history_path=str(tmp_path / "no" / "h"))), "history").level == "mend"
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    assert "another program" in only(machine.history(Settings(history_path=str(other))), "history").seen


def test_a_history_or_work_folder_that_may_not_be_written_is_to_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(history_path=str(tmp_path / "h"), work_folder=str(tmp_path))
    assert levels(machine.work_folder(settings)) == [("work folder", "ok")]
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    assert levels(machine.history(settings)) == [("history", "mend")]
    assert levels(machine.work_folder(settings)) == [("work folder", "mend")]
    assert levels(machine.work_folder(Settings(work_folder="/nonexistent"))) == [("work folder", "mend")]


def test_an_influxdb_that_does_not_answer_is_to_mend() -> None:
    url = f"http://{LOOPBACK}:{free_port()}"
    away = Settings(history="influxdb", influxdb_url=url, influxdb_token="hunter2")
    finding = only(machine.history(away), "history")
    assert finding.level == "mend"
    assert url in finding.seen
    assert "hunter2" not in f"{finding}"


def test_a_disk_that_is_nearly_full_is_to_mend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(history_path=str(tmp_path / "h"))
    assert only(machine.history(settings), "history disk").level == "ok"
    monkeypatch.setattr(machine, "LEAST_FREE_BYTES", 2**70)
    assert only(machine.history(settings), "history disk").level == "mend"


def test_a_metrics_port_that_another_program_has_is_to_mend() -> None:
    port = free_port()
    assert levels(machine.metrics_port(Settings(metrics_port=port))) == [("metrics port", "ok")]
    assert levels(machine.metrics_port(Settings())) == [("metrics port", "ok")]
    with socket.create_server((LOOPBACK, port)):
        assert levels(machine.metrics_port(Settings(metrics_port=port))) == [("metrics port", "mend")]
    assert only(machine.metrics_port(Settings(metrics_host="0.0.0.0")), "metrics host").level == "note"
    alone = only(machine.metrics_port(Settings(metrics_host="::1", metrics_port=port)), "metrics port")
    assert (alone.level, alone.seen) == ("ok", f"[::1]:{port} is free")
    assert (
        "cannot be listened on"
        in only(machine.metrics_port(Settings(metrics_host="nohost.invalid", metrics_port=port)), "metrics port").seen
    )


def test_a_spool_is_looked_at_where_it_would_be_made(tmp_path: Path) -> None:
    roomy = Settings(spool_folder=str(tmp_path / "spool"), spool_bytes=65_536)
    assert levels(machine.spool(roomy)) == [("spool folder", "ok")]
    assert not (tmp_path / "spool").exists()
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "1.segment").write_bytes(bytes(60_000))
    assert "start the broker" in only(machine.spool(roomy), "spool folder").fix
    assert levels(machine.spool(Settings(spool_folder="/proc/spool"))) == [("spool folder", "mend")]
    assert levels(machine.spool(Settings(spool_folder=str(tmp_path), spool_bytes=2**60))) == [("spool folder", "mend")]


def test_a_clock_that_was_never_set_is_to_mend() -> None:
    assert levels(machine.clock(datetime.datetime.now(datetime.UTC))) == [("clock", "ok")]
    assert levels(machine.clock(datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC))) == [("clock", "mend")]


def test_for_people_each_row_has_its_fix(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "command_line.main", "doctor"],
        env={"PATH": "/bin", "PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "KEPT_CATALOGUE": "/none",
             "KEPT_BROKERS": f"{LOOPBACK}:1"},
        capture_output=True, text=True, cwd=tmp_path, timeout=40,
    )  # fmt: skip
    rows = done.stdout.splitlines()
    at = next(number for number, row in enumerate(rows) if row.startswith("mend  catalogue"))
    assert rows[at + 1].strip() == "→ mend it, and look with: kept catalogue check"
    assert rows[-1] == "2 to mend."
    assert done.returncode == 1
