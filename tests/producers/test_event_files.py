from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kept.errors import ConfigurationError, Stop
from kept.events import Event, milliseconds, moment, type_of
from producers.mapping import read_mapping
from producers.sources import EventFile, RowProblem, read_events
from tests.producers.conftest import CASE_TABLE, PROCESS_LOG, SERVICE, Workbench

HEADER = "id,opened,due,closed,channel,area\n"


def read(workbench: Workbench, table: str, mapping: str = CASE_TABLE, until_ms: int | None = None) -> EventFile:
    return read_events(workbench.write("t.csv", table), read_mapping(workbench.mapping(mapping)), until_ms=until_ms)


def ids(file: EventFile) -> list[str]:
    return [event.id for _, event in file.events]


def only(file: EventFile, kind: str) -> Event:
    (event,) = [event for _, event in file.events if type_of(event) == kind]
    return event


def test_a_row_becomes_an_opening_and_a_completion(workbench: Workbench) -> None:
    file = read(workbench, HEADER + "7,2011-07-01 12:00,2011-07-08 12:00,2011-07-05 09:30, Web ,North\n")
    assert ids(file) == ["7:opened", "7:completed"]
    opened, completed = only(file, "case.opened"), only(file, "case.completed")
    assert (opened.source, opened.subject) == ("potholes-test", "7")
    assert opened.time == datetime(2011, 7, 1, 10, tzinfo=UTC)
    assert opened.data.service == "potholes"
    assert (opened.data.channel, opened.data.area) == ("Web", "North")
    assert opened.data.due == datetime(2011, 7, 8, 10, tzinfo=UTC)
    assert completed.time == datetime(2011, 7, 5, 7, 30, tzinfo=UTC)
    assert completed.data.outcome == "intended"


def test_blank_cells_are_nothing_given(workbench: Workbench) -> None:
    file = read(workbench, HEADER + "7,2011-07-01 12:00,,,, \n")
    opened = only(file, "case.opened")
    assert ids(file) == ["7:opened"]
    assert (opened.data.due, opened.data.channel, opened.data.area) == (None, None, None)


def test_words_that_mean_nothing_given_can_be_listed(workbench: Workbench) -> None:
    mapping = CASE_TABLE.replace("kind =", 'empty_values = ["n/a", "NULL"]\nkind =')
    file = read(workbench, HEADER + "7,2011-07-01 12:00,NULL,n/a,NULL,North\n", mapping)
    assert ids(file) == ["7:opened"]


def test_values_are_translated_and_constants_fill_in(workbench: Workbench) -> None:
    mapping = CASE_TABLE.replace('area = "area"', 'outcome = "area"') + (
        '[values.outcome]\ndefault = "not_intended"\n[values.outcome.map]\nfixed = "intended"\n'
        '[constants]\narea = "North"\n'
    )
    rows = "1,2011-07-01 12:00,,2011-07-02 12:00,,fixed\n2,2011-07-01 12:00,,2011-07-02 12:00,,gone\n"
    file = read(workbench, HEADER + rows, mapping)
    outcomes = {event.subject: event.data.outcome for _, event in file.events if type_of(event) == "case.completed"}
    assert outcomes == {"1": "intended", "2": "not_intended"}
    assert {event.data.area for _, event in file.events} == {"North"}


def test_events_are_ordered_by_time_then_type_then_id(workbench: Workbench) -> None:
    file = read(
        workbench,
        HEADER
        + "b,2011-07-01 12:00,,2011-07-01 12:00,,\n"
        + "c,2011-07-01 11:00,,2011-07-01 12:00,,\n"
        + "a,2011-07-01 12:00,,,,\n",
    )
    assert ids(file) == ["c:opened", "a:opened", "b:opened", "b:completed", "c:completed"]


def test_what_happened_after_the_as_of_moment_is_hidden_and_that_moment_counts(workbench: Workbench) -> None:
    table = HEADER + "1,2011-07-01 12:00,,2011-07-02 12:00,,\n2,2011-07-02 12:01,,,,\n"
    as_of = milliseconds(datetime(2011, 7, 2, 10, tzinfo=UTC))
    assert ids(read(workbench, table, until_ms=as_of)) == ["1:opened", "1:completed"]
    assert ids(read(workbench, table, until_ms=as_of - 1)) == ["1:opened"]


def test_rows_that_cannot_be_read_are_reported_with_line_and_reason_and_without_case_ids(workbench: Workbench) -> None:
    file = read(
        workbench,
        HEADER
        + "secret-1,2011-07-01 12:00,,,,\n"
        + "secret-2,yesterday,,,,\n"
        + ",2011-07-01 12:00,,,,\n"
        + "secret-3,,,,,\n"
        + "secret-4,2011-07-01 12:00\n"
        + "secret-1,2011-07-02 12:00,,,,\n"
        + "secret-5,2011-07-01 12:00,,,,"
        + "x" * 200
        + "\n",
    )
    assert file.rows == 7
    assert ids(file) == ["secret-1:opened"]
    assert [problem.line for problem in file.problems] == [3, 4, 5, 6, 7, 8]
    reasons = [problem.reason for problem in file.problems]
    assert reasons[0].startswith("column 'opened' is not a time: seen in the form 'aaaaaaaaa'")
    assert reasons[1:] == [
        "column 'id' is empty: no case id",
        "column 'opened' is empty: no time",
        "2 fields, the header has 6",
        "the case id occurs before, on line 2; one row is one case",
        "column 'area' is longer than 128 characters",
    ]
    assert "secret" not in " ".join(reasons)


def test_an_outcome_that_is_none_is_a_problem_when_no_default_is_given(workbench: Workbench) -> None:
    mapping = CASE_TABLE.replace('area = "area"', 'outcome = "area"')
    rows = "1,2011-07-01 12:00,,2011-07-02 12:00,,rejected\n2,2011-07-01 12:00,,2011-07-02 12:00,,done\n"
    file = read(workbench, HEADER + rows, mapping)
    assert file.problems == [RowProblem(3, "column 'area' is no outcome; add it to values.outcome.map")]


def test_a_file_of_which_no_row_can_be_read_stops(workbench: Workbench) -> None:
    with pytest.raises(Stop, match="none of its 2 rows can be read; line 2: column 'opened' is not a time"):
        read(workbench, HEADER + "1,a,,,,\n2,b,,,,\n")


def test_a_file_with_a_header_alone_has_no_events(workbench: Workbench) -> None:
    assert read(workbench, HEADER) == EventFile([], [], 0)


def test_a_column_that_is_missing_is_named_with_those_present(workbench: Workbench) -> None:
    with pytest.raises(ConfigurationError, match=r"columns\.due of the mapping: no column 'due'; present: id, opened$"):
        read(workbench, "id,opened\n1,2011-07-01 12:00\n")


LOG_HEADER = "id,opened,closed,step,at,who\n"
LOG = (
    LOG_HEADER
    + "1,2011-07-01 08:00,2011-07-03 08:00,intake,2011-07-01 09:00,Ada\n"
    + "2,2011-07-01 08:00,,intake,2011-07-01 10:00,Bob\n"
    + "1,2011-07-01 08:00,2011-07-03 08:00,decision,2011-07-02 09:00,Ada\n"
)


def test_a_process_log_gives_each_case_once_and_every_step(workbench: Workbench) -> None:
    file = read(workbench, LOG, PROCESS_LOG)
    assert ids(file) == ["1:opened", "2:opened", "1:step:1", "2:step:1", "1:step:2", "1:completed"]
    assert [event.data.step for _, event in file.events if type_of(event) == "case.step"] == [
        "intake",
        "intake",
        "decision",
    ]


def test_who_did_the_work_is_left_out_unless_the_catalogue_asks(workbench: Workbench) -> None:
    assert all(getattr(event.data, "resource", None) is None for _, event in read(workbench, LOG, PROCESS_LOG).events)
    workbench.write("potholes_service.toml", SERVICE.replace("[channels]", "keep_resource = true\n[channels]"))
    names = {getattr(event.data, "resource", None) for _, event in read(workbench, LOG, PROCESS_LOG).events}
    assert names == {None, "Ada", "Bob"}


def test_a_case_whose_repeated_attributes_disagree_is_a_problem(workbench: Workbench) -> None:
    odd = "1,2011-07-01 08:05,2011-07-03 08:00,decision,2011-07-02 10:00,Ada\n"
    file = read(workbench, LOG + odd, PROCESS_LOG)
    assert file.problems == [RowProblem(5, "opened is not the same as on line 2 of this case")]


def test_a_step_with_a_start_lasts_from_its_start_to_its_time(workbench: Workbench) -> None:
    mapping = PROCESS_LOG + 'step_started = "began"\n'
    table = "id,opened,closed,step,at,who,began\n1,2011-07-01 08:00,,intake,2011-07-01 09:00,,2011-07-01 08:30\n"
    step = only(read(workbench, table, mapping), "case.step")
    assert step.data.ended == step.time
    assert step.data.started == datetime(2011, 7, 1, 6, 30, tzinfo=UTC)


def test_the_same_table_compressed_gives_the_same_events(workbench: Workbench) -> None:
    mapping = read_mapping(workbench.mapping(PROCESS_LOG))
    plain = read_events(workbench.write("t.csv", LOG), mapping)
    assert read_events(workbench.write("t.csv.gz", gzip.compress(LOG.encode())), mapping) == plain


def test_boston_as_known_on_new_year_gives_the_reference_counts(shared_data: Path) -> None:
    as_of = datetime(2012, 1, 1, 5, tzinfo=UTC)  # midnight in Boston
    file = read_events(
        shared_data / "boston_311_2011H2.csv.gz", read_mapping("boston_311"), until_ms=milliseconds(as_of)
    )
    opened = {event.subject: event for _, event in file.events if type_of(event) == "case.opened"}
    completed = {event.subject: event for _, event in file.events if type_of(event) == "case.completed"}
    assert (file.rows, file.problems) == (58_251, [])
    assert len(opened) - len(completed) == 9_879

    due = {case: event.data.due for case, event in opened.items() if event.data.due is not None}
    closed_only = [completed[case].time <= due[case] for case in completed if case in due]
    assert (sum(closed_only), len(closed_only)) == (33_436, 38_486)
    cohort = [case for case in due if due[case] <= as_of]
    kept = sum(case in completed and completed[case].time <= due[case] for case in cohort)
    assert (kept, len(cohort)) == (29_928, 39_685)

    channels = read_mapping("boston_311").service().channels
    residents = [event for event in opened.values() if channels.kind(event.data.channel) != "staff"]
    digital = sum(channels.kind(event.data.channel) == "digital" for event in residents)
    assert (digital, len(residents)) == (12_067, 40_206)


def test_boston_closing_codes_become_outcomes_and_every_closing_counts(shared_data: Path) -> None:
    file = read_events(shared_data / "boston_311_2011H2.csv.gz", read_mapping("boston_311"))
    outcomes = [event.data.outcome for _, event in file.events if type_of(event) == "case.completed"]
    assert len(outcomes) == 58_251 - 3_681
    counts = {outcome: outcomes.count(outcome) for outcome in set(outcomes)}
    assert counts["duplicate"] == 2_303
    # Some requests carry a code and are open all the same: two invalid and three referred ones among them.
    assert counts["rejected"] == 1_417 - 2
    assert counts["not_intended"] == 417 - 3 + 30
    assert set(counts) == {"intended", "duplicate", "rejected", "not_intended"}
    assert {event.data.area for _, event in file.events} >= {None, "Dorchester"}
    assert " " not in {event.data.area for _, event in file.events}


def test_coselog_gives_the_reference_counts(shared_data: Path) -> None:
    file = read_events(shared_data / "coselog_permit_receipt_events.csv.gz", read_mapping("coselog_permits"))
    kinds = [type_of(event) for _, event in file.events]
    counts = {kind: kinds.count(kind) for kind in set(kinds)}
    assert counts == {"case.opened": 1_434, "case.step": 8_577, "case.completed": 1_329}
    assert (file.rows, file.problems) == (8_577, [])

    due = {event.subject: event.data.due for _, event in file.events if type_of(event) == "case.opened"}
    completed = {event.subject: event.time for _, event in file.events if type_of(event) == "case.completed"}
    assert sum(at <= due[case] for case, at in completed.items()) == 940

    as_of = datetime(2012, 1, 23, 23, tzinfo=UTC)
    cohort = [case for case in due if due[case] <= as_of]
    kept = sum(case in completed and completed[case] <= due[case] for case in cohort)
    assert len(cohort) == 1_342
    assert kept / len(cohort) == pytest.approx(0.67958, abs=5e-6)
    internet = [
        event for _, event in file.events if type_of(event) == "case.opened" and event.data.channel == "Internet"
    ]
    assert len(internet) == 1_250


def test_event_times_are_whole_milliseconds(shared_data: Path) -> None:
    file = read_events(shared_data / "coselog_permit_receipt_events.csv.gz", read_mapping("coselog_permits"))
    assert all(moment(time_ms) == event.time for time_ms, event in file.events)
