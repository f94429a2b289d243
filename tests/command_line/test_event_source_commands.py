"""`kept replay` and `kept publish` of event logs, pages and files of the contract; `kept mapping new`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer
from kafka.admin import NewTopic
from typer.testing import CliRunner

from command_line.main import app
from kept.errors import ConfigurationError, KeptError
from tests.producers.conftest import SERVICE
from tests.producers.xes import event as step
from tests.producers.xes import log, trace

OTHER = SERVICE.replace('"potholes"', '"bridges"').replace('"Potholes"', '"Bridges"')


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments))


def refusal(*arguments: str) -> str:
    result = run(*arguments)
    assert isinstance(result.exception, KeptError), result.output
    return str(result.exception)


def event(name: str, time: str, kind: str = "case.opened", service: str = "potholes", **data: Any) -> str:
    return json.dumps(
        {
            "specversion": "1.0", "type": kind, "source": "works", "id": f"{kind}-{name}", "subject": name,
            "time": time, "data": {"service": service, **data},
        }
    )  # fmt: skip


EVENTS = "\n".join(
    [
        event("b", "2011-07-02T10:00:00Z", service="bridges"),
        event("a", "2011-07-01T10:00:00Z"),
        event("a", "2011-07-03T10:00:00Z", "case.completed"),
        event("a", "2011-07-03T10:00:00Z", "case.completed"),
        event("c", "2011-07-01T11:00:00Z", service="parks"),
        event("d", "2011-07-01T12:00:00Z", "case.opened", channel=7),
        "{",
        event("e", "2011-07-09T12:00:00Z"),
    ]
)
AS_OF = ("--as-of", "2011-07-05T00:00")


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "catalogue"
    folder.mkdir()
    (folder / "potholes.toml").write_text(SERVICE)
    (folder / "bridges.toml").write_text(OTHER)
    monkeypatch.setenv("KEPT_CATALOGUE", str(folder))
    return folder


@pytest.fixture
def events(tmp_path: Path) -> str:
    (tmp_path / "events.jsonl").write_text(EVENTS)
    return str(tmp_path / "events.jsonl")


def values(result: Any) -> dict[tuple[str, str], Any]:
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    whole = [line for line in lines if line["window"] == "all" and line["slice"] == {}]
    return {(line["service"], line["indicator"]): line["value"] for line in whole}


ACCOUNT = (
    "8 rows, 2 of them not readable; 5 events received = 3 applied + 1 duplicate + 0 beyond retention + "
    "1 dead-lettered (unknown_service 1)"
)


def test_a_replay_of_events_is_about_the_services_of_the_catalogue(services: Path, events: str) -> None:
    result = run("replay", events, *AS_OF, "--embedded", "--json")
    assert result.exit_code == 0, result.output
    told = values(result)
    assert (told["potholes", "completions"], told["potholes", "backlog"], told["bridges", "backlog"]) == (1, 0, 1)
    assert {service for service, _ in told} == {"potholes", "bridges"}
    assert "line 7: undecodable: not JSON" in result.stderr
    assert "line 6: invalid: Expected `str | null`, got `int` - at `$.data.channel`" in result.stderr
    assert ACCOUNT in result.stderr


def test_for_people_there_is_a_table_for_each_service_that_was_told_of(services: Path, events: str) -> None:
    shown = run("replay", events, *AS_OF, "--embedded").stdout
    assert "Potholes as of 2011-07-05 00:00" in shown
    assert "Bridges as of 2011-07-05 00:00" in shown


def test_a_moment_without_an_offset_is_refused_when_the_services_are_in_several_zones(
    services: Path, events: str
) -> None:
    (services / "bridges.toml").write_text(OTHER.replace("Amsterdam", "Lisbon"))
    said = refusal("replay", events, *AS_OF, "--embedded")
    assert said.startswith(
        "--as-of: '2011-07-05T00:00' has no offset, and the services are in several time zones; add one: "
        "2011-07-05T00:00:00Z"
    )
    assert "add one: 2011-07-05T00:00:00Z" in refusal("replay", events, "--as-of", "2011-07-05", "--embedded")
    assert run("replay", events, "--as-of", "2011-07-05T00:00Z", "--embedded").exit_code == 0


def test_help_names_every_kind_of_file() -> None:
    for command in ("publish", "replay"):
        shown = " ".join(run(command, "--help").stdout.replace("│", " ").split())
        for word in (".csv", ".xes", "Open311", ".jsonl"):
            assert word in shown, (command, word)
    assert "new" in run("mapping", "--help").stdout


def test_an_event_log_and_pages_are_replayed_with_their_mappings(tmp_path: Path) -> None:
    (tmp_path / "service.toml").write_text(SERVICE)
    head = 'service = "potholes"\ncatalogue = "service.toml"\nsource = "s"\ntime_zone = "Europe/Amsterdam"\n'
    (tmp_path / "xes.toml").write_text(f'kind = "xes"\nover_with_last_event = true\n{head}')
    (tmp_path / "open311.toml").write_text(f'kind = "open311"\n{head}')
    visits = [
        step("visit", "2011-07-01T09:00:00Z"),
        step("visit", "2011-07-02T09:00:00Z", lifecycle__transition="assign"),
    ]
    (tmp_path / "log.xes").write_text(log(trace("a", *visits)))
    pages = tmp_path / "pages"
    pages.mkdir()
    request = {"service_request_id": "1", "status": "open", "requested_datetime": "2011-07-01T09:00:00Z"}
    (pages / "1.json").write_text(json.dumps([request]))
    of_log = run(
        "replay", str(tmp_path / "log.xes"), "--mapping", str(tmp_path / "xes.toml"), *AS_OF, "--embedded", "--json"
    )
    assert values(of_log)["potholes", "completions"] == 1
    assert "2 rows, 0 of them not readable, 1 passed over (lifecycle transition assign); 3 events" in of_log.stderr
    of_pages = run("replay", str(pages), "--mapping", str(tmp_path / "open311.toml"), *AS_OF, "--embedded", "--json")
    assert values(of_pages)["potholes", "backlog"] == 1


# drafts


TABLE = "id,opened,closed\n1,2011-07-01 09:00,2011-07-02 09:00\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    (tmp_path / "t.csv").write_text(TABLE)
    return tmp_path / "t.csv"


def test_a_draft_with_a_catalogue_entry_can_be_replayed_at_once(table: Path, services: Path, tmp_path: Path) -> None:
    draft = tmp_path / "mappings" / "t.toml"
    draft.parent.mkdir()
    made = run("mapping", "new", str(table), "--catalogue", str(services / "potholes.toml"), "--output", str(draft))
    assert made.exit_code == 0, made.output
    assert made.stderr.strip() == f"{draft}: written"
    assert 'catalogue = "../catalogue/potholes.toml"' in draft.read_text()
    replayed = run("replay", str(table), "--mapping", str(draft), *AS_OF, "--embedded", "--json")
    assert values(replayed)["potholes", "completions"] == 1


def test_a_draft_goes_to_standard_output_and_counts_its_questions_when_written(table: Path, tmp_path: Path) -> None:
    shown = run("mapping", "new", str(table), "--time-zone", "Europe/Lisbon")
    assert 'time_zone = "Europe/Lisbon"' in shown.stdout
    assert 'service = "TODO"' in shown.stdout
    written = run("mapping", "new", str(table), "--output", str(tmp_path / "t.toml"))
    assert written.stderr.strip() == f"{tmp_path / 't.toml'}: written; 3 TODO to answer"


def test_a_draft_is_never_written_over_a_file_unless_forced(table: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text("mine")
    said = refusal("mapping", "new", str(table), "--output", str(mine))
    assert said == f"{mine}: is there already; name another file, or add --force to write over it"
    assert mine.read_text() == "mine"
    assert run("mapping", "new", str(table), "--output", str(mine), "--force").exit_code == 0
    assert "kind" in mine.read_text()


def test_what_makes_no_sense_for_a_draft_is_refused(table: Path, tmp_path: Path) -> None:
    assert "--time-zone: 'Mars' is not valid" in refusal("mapping", "new", str(table), "--time-zone", "Mars")
    assert "cannot be written" in refusal("mapping", "new", str(table), "--output", str(tmp_path / "no" / "t.toml"))
    result = run("mapping", "new", str(table), "--catalogue", str(tmp_path / "absent.toml"))
    assert isinstance(result.exception, ConfigurationError)


# through Kafka


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
class TestOnABroker:
    def test_events_of_several_services_give_the_same_through_kafka_and_a_service_of_dead_letters_is_not_waited_for(
        self, services: Path, events: str, broker: Any
    ) -> None:
        (services / "parks.toml").write_text(
            SERVICE.replace('"potholes"', '"parks"').replace('unlisted = "accept"', "")
        )
        with Path(events).open("a") as file:
            file.write("\n" + event("p", "2011-07-01T12:00:00Z", service="parks", channel="Pigeon"))
            file.write("\n" + event("q", "2011-07-01T12:00:00Z", service="lakes"))
        text = Path(events).read_text().replace(event("c", "2011-07-01T11:00:00Z", service="parks") + "\n", "")
        Path(events).write_text(text)
        embedded = run("replay", events, *AS_OF, "--embedded", "--json")
        through = run(
            "replay", events, *AS_OF, "--json", "--brokers", broker.bootstrap, "--partitions", "2", "--workers", "1"
        )
        assert through.exit_code == 0, through.exception
        assert through.stdout == embedded.stdout
        assert through.stderr == embedded.stderr
        assert "2 dead-lettered (unknown_channel 1, unknown_service 1)" in through.stderr

    def test_a_file_of_events_is_published_without_a_mapping_as_it_tells_them(
        self, services: Path, events: str, broker: Any, topic_prefix: str
    ) -> None:
        admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
        try:
            admin.create_topics([NewTopic(f"{topic_prefix}service-events", 1, 1)], timeout_ms=10_000)
        finally:
            admin.close()
        options = ["--brokers", broker.bootstrap, "--topic-prefix", topic_prefix, "--json"]
        result = run("publish", events, *options)
        assert result.exit_code == 0, result.exception
        counts = json.loads(result.stdout)
        assert (counts["rows"], counts["published"], counts["acknowledged"], counts["ticks"]) == (8, 6, 6, 0)
        assert [(problem["line"], problem["code"]) for problem in counts["problems"]] == [
            (6, "invalid"), (7, "undecodable"),
        ]  # fmt: skip
        consumer = KafkaConsumer(
            f"{topic_prefix}service-events", bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest",
            consumer_timeout_ms=3_000,
        )  # fmt: skip
        try:
            times = [json.loads(record.value)["time"] for record in consumer]
        finally:
            consumer.close()
        readable = [line for number, line in enumerate(EVENTS.splitlines(), start=1) if number not in (6, 7)]
        assert times == [json.loads(line)["time"] for line in readable]
        assert times != sorted(times)  # what was told late is told late
