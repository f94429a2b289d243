from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from typer.testing import CliRunner

from command_line.catalogue_check import check
from command_line.publish import publish
from kept.errors import ConfigurationError, KeptError
from local_stack.child import Child
from local_stack.environment import plain_environment
from tests.producers.conftest import CASE_TABLE, Workbench

app = typer.Typer()
app.command("publish")(publish)
app.command("check")(check)


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments))


def refusal(*arguments: str) -> str:
    result = run("publish", *arguments)
    assert isinstance(result.exception, KeptError), result.output
    return str(result.exception)


def table(workbench: Workbench) -> tuple[str, str]:
    rows = "1,2011-07-01 12:00,,2011-07-02 12:00,Web,\n2,soon,,,,\n3,2011-07-01 13:00,,,Web,\n"
    path = workbench.write("t.csv", "id,opened,due,closed,channel,area\n" + rows)
    return str(path), workbench.mapping(CASE_TABLE)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "give a file and --mapping (boston_311, coselog_permits, coselog_permits_xes, open311)"),
        (["t.csv"], "t.csv: give --mapping for this file (boston_311, "),
        (["t.csv"], "`kept mapping new t.csv` drafts one); without a mapping: .jsonl"),
        (["t.jsonl", "--mapping", "boston_311"], "events of the contract need no mapping; leave out --mapping"),
        (["t.xes", "--mapping", "boston_311"], "kind 'case_table' is for .csv, .csv.gz; use a mapping for this file"),
        (["t.jsonl"], "t.jsonl: cannot be opened: No such file"),
        (["t.jsonl", "--as-of", "2011-07-01"], "t.jsonl: cannot be opened: No such file"),
        (["t.csv", "--simulated-city"], "--simulated-city takes no file"),
        (["t.csv", "--mapping", "boston_311", "--live"], "--live is for --simulated-city"),
        (["--simulated-city", "--live", "--speed", "10x"], "--live goes on in real time"),
        (["--simulated-city", "--speed", "fast"], "--speed: 'fast' is not valid"),
        (["--simulated-city", "--as-of", "soon"], "--as-of: 'soon' is no moment; valid: such as"),
        (["--simulated-city", "--as-of", "2026-01-05T00:03"], "a whole 5 minutes"),
        (["t.csv", "--mapping", "berlin"], "mapping: 'berlin' is not known"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_is_valid(arguments: list[str], says: str) -> None:
    assert says in refusal(*arguments)


def test_a_mapping_that_does_not_fit_is_refused_before_the_broker_is_asked(workbench: Workbench) -> None:
    _, mapping = table(workbench)
    other = workbench.write("other.csv", "a,b\n1,2\n")
    result = run("publish", str(other), "--mapping", mapping)
    assert isinstance(result.exception, ConfigurationError)
    assert "none of id, opened, due" in str(result.exception)


def test_live_events_that_a_full_spool_does_not_take_are_counted_and_the_exit_code_says_it(tmp_path: Path) -> None:
    settings = {"KEPT_SPOOL_FOLDER": str(tmp_path / "spool"), "KEPT_SPOOL_BYTES": "1048576"}
    command = [sys.executable, "-m", "command_line.main", "publish", "--simulated-city", "--live", "--days", "5"]
    nobody = ["--brokers", "127.0.0.1:1", "--json"]
    child = Child("city", [*command, *nobody], tmp_path / "log", environment=plain_environment() | settings)
    child.start()
    try:
        deadline = time.monotonic() + 60
        while "; waiting" not in child.log.read_text():
            assert time.monotonic() < deadline and child.running(), child.log_tail()
            time.sleep(0.05)
        child.signal(signal.SIGINT)
        assert child.wait(30) == 2, child.log_tail()
    finally:
        child.kill()
    lines = child.log.read_text().splitlines()
    counts = next(json.loads(line) for line in lines if line.startswith('{"topic"'))
    assert counts["published"] == counts["waiting"] > 0
    assert counts["failed"] > 0
    assert f"kept: {counts['failed']} events are neither at the broker nor on disk" in lines[-1]


@pytest.mark.broker
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
class TestOnABroker:
    @pytest.fixture
    def options(self, broker: Any, topic_prefix: str) -> list[str]:
        admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
        try:
            admin.create_topics([NewTopic(f"{topic_prefix}service-events", 2, 1)], timeout_ms=10_000)
        finally:
            admin.close()
        return ["--brokers", broker.bootstrap, "--topic-prefix", topic_prefix]

    def test_a_file_is_published_and_its_counts_are_one_json_object(
        self, workbench: Workbench, options: list[str]
    ) -> None:
        path, mapping = table(workbench)
        result = run("publish", path, "--mapping", mapping, "--as-of", "2011-07-02T00:00", "--json", *options)
        assert result.exit_code == 0, result.exception
        counts = json.loads(result.stdout)
        assert (counts["rows"], counts["published"], counts["acknowledged"], counts["ticks"]) == (3, 4, 4, 2)
        assert [problem["line"] for problem in counts["problems"]] == [3]

    def test_without_json_the_counts_are_a_line_and_problems_go_to_stderr(
        self, workbench: Workbench, options: list[str]
    ) -> None:
        path, mapping = table(workbench)
        result = run("publish", path, "--mapping", mapping, *options)
        assert result.stdout.startswith("3 rows, 1 of them not readable; 3 messages to ")
        assert "3 acknowledged" in result.stdout
        assert result.stderr.startswith("line 3: column 'opened' is not a time")

    def test_the_simulated_city_is_published_up_to_a_moment(self, options: list[str]) -> None:
        arguments = ["--simulated-city", "--seed", "3", "--days", "0.5", "--as-of", "2026-01-06T12:00", "--json"]
        result = run("publish", *arguments, *options)
        assert result.exit_code == 0, result.exception
        counts = json.loads(result.stdout)
        assert counts["published"] == counts["acknowledged"] > 500
        assert counts["ticks"] == 2

    def test_live_events_wait_on_disk_while_the_broker_is_away(
        self, broker: Any, options: list[str], tmp_path: Path
    ) -> None:
        environment = plain_environment() | {"KEPT_SPOOL_FOLDER": str(tmp_path / "spool")}
        command = [sys.executable, "-m", "command_line.main", "publish", "--simulated-city", "--live", "--days", "0.1"]
        child = Child("city", [*command, "--json", *options], tmp_path / "log", environment=environment)

        def segments() -> set[Path]:
            return set((tmp_path / "spool").rglob("*.segment"))

        def live(until: Callable[[], bool]) -> dict[str, Any]:
            begin = child.log.stat().st_size if child.log.exists() else 0
            child.start()
            try:
                deadline = time.monotonic() + 60
                while not until():
                    assert time.monotonic() < deadline and child.running(), child.log_tail()
                    time.sleep(0.05)
                child.signal(signal.SIGINT)
                assert child.wait(30) == 0, child.log_tail()
            finally:
                child.kill()
            counts: dict[str, Any] = json.loads(child.log.read_text()[begin:].splitlines()[-1])
            return counts

        broker.stop()
        away = live(lambda: bool(segments()))
        assert away["waiting"] == away["published"] > 0
        assert away["acknowledged"] == 0
        broker.start()
        waiting = segments()
        back = live(lambda: not waiting & segments())  # what waited was delivered, and its file is gone
        assert back["waiting"] == 0
        assert back["acknowledged"] == back["published"] + away["waiting"]


def test_the_catalogue_check_prints_a_line_a_service() -> None:
    result = run("check")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[-1] == "8 services, all valid; 7 owners to tell of alerts"
    assert any("Street light repairs (simulated): 85% within 5d" in line for line in lines)
    assert any("90% within 24h of working time" in line for line in lines)


def test_the_catalogue_check_prints_json() -> None:
    services = json.loads(run("check", "--json").stdout)["services"]
    assert len(services) == 8
    assert all(service["simulated"] for service in services)


def test_the_catalogue_check_exits_with_2_and_says_what_to_change(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('id = "a"\n')
    result = run("check", str(tmp_path))
    assert result.exit_code == 2
    assert "a.toml: top level: Object missing required field `name`" in result.stderr
