"""Drafts of mappings: what is sure works as it stands, what is doubtful is asked, what is personal stays out."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

import catalogue
from kept.catalogue import parse_service
from kept.errors import ConfigurationError, Stop
from kept.events import milliseconds, moment, type_of
from producers.mapping import TableMapping, read_mapping
from producers.mapping_draft import Known, draft_mapping
from producers.mapping_draft.times import Times, times_of
from producers.mapping_draft.words import is_personal, outcome_of, words_of
from producers.sources import read_events
from tests.producers.conftest import CASE_TABLE, SERVICE, Workbench
from tests.producers.xes import as_xes, log, trace
from tests.producers.xes import event as step

POTHOLES = Known("potholes", "potholes_service.toml", "Europe/Amsterdam")


def draft(workbench: Workbench, table: str | bytes, known: Known = POTHOLES, name: str = "t.csv") -> str:
    return draft_mapping(workbench.write(name, table), known)


def mapping_of(workbench: Workbench, text: str) -> TableMapping:
    mapping = read_mapping(workbench.mapping(text))
    assert isinstance(mapping, TableMapping)
    return mapping


def example(name: str) -> Known:
    service = parse_service((catalogue.EXAMPLES / f"{name}.toml").read_text(), name)
    return Known(service.id, f"{name}.toml", service.time_zone)


def test_a_plain_table_needs_no_answer_and_reads_as_it_is_meant(workbench: Workbench) -> None:
    table = (
        "Ticket number;Received;Deadline;Closed on;Channel;District;Type of request;Applicant name;Remarks\n"
        "A-1;01.07.2011 09:00;08.07.2011 09:00;25.07.2011 10:30;Web;North;Pothole;Ada Lovelace;Please hurry\n"
        "A-2;02.07.2011 09:00;09.07.2011 09:00;;Phone;South;Pothole;Bob Babbage;Thanks\n"
        "A-3;03.07.2011 09:00;10.07.2011 09:00;;Web;South;Kerb;Cy Babbage;\n"
    )
    text = draft(workbench, table)
    assert "TODO" not in text.split("\n", 1)[1]
    mapping = mapping_of(workbench, text)
    assert (mapping.kind, mapping.delimiter, mapping.time_format) == ("case_table", ";", "%d.%m.%Y %H:%M")
    assert mapping.columns.named() == {
        "case": "Ticket number", "opened": "Received", "due": "Deadline", "completed": "Closed on",
        "channel": "Channel", "area": "District", "category": "Type of request",
    }  # fmt: skip
    file = read_events(workbench.folder / "t.csv", mapping)
    assert [f"{event.time:%d %H:%M} {event.id}" for _, event in file.events] == [
        "01 07:00 A-1:opened", "02 07:00 A-2:opened", "03 07:00 A-3:opened", "25 08:30 A-1:completed",
    ]  # fmt: skip
    assert not file.problems


def test_what_is_personal_is_left_out_and_named_without_a_value(workbench: Workbench) -> None:
    table = "id,opened,closed,applicant,how to reach,number to ring,story,case name,lamp name\n" + "".join(
        f"{n},2011-07-01 09:00,2011-07-02 09:00,Ada{n},ada{n}@example.org,+31 20 123 45{n},"
        f"I was walking home in the dark last night and number {n} was out,Ada{n},L{n % 2}\n"
        for n in range(100, 120)
    )
    text = draft(workbench, table)
    assert re.findall(r"# Left out, looks personal \((.*?)\): (.*)", text) == [
        ("by its name", "applicant"),
        ("holds e-mail addresses", "how to reach"),
        ("holds telephone numbers", "number to ring"),
        ("holds free words", "story"),
    ]
    assert "Ada1" not in text and "example.org" not in text and "+31" not in text and "walking" not in text
    assert "# Not used: case name, lamp name" in text


def test_days_and_months_that_cannot_be_told_apart_are_asked_and_the_answer_decides(workbench: Workbench) -> None:
    table = "id,opened,closed\n1,01/07/2011 09:00,02/07/2011 09:00\n2,03/07/2011 09:00,\n"
    text = draft(workbench, table)
    question = r'time_format = "TODO"   # TODO: %d/%m/%Y %H:%M or %m/%d/%Y %H:%M; no value has a day above 12'
    assert question in text
    with pytest.raises(ConfigurationError, match="time_format: 'TODO' is not valid; valid: a strptime format"):
        mapping_of(workbench, text)
    for answer, month in (("%d/%m/%Y %H:%M", 7), ("%m/%d/%Y %H:%M", 1)):
        answered = text.replace('time_format = "TODO"', f'time_format = "{answer}"')
        file = read_events(workbench.folder / "t.csv", mapping_of(workbench, answered))
        assert moment(file.events[0][0]).month == month


def test_one_day_above_12_in_any_column_decides_for_all(workbench: Workbench) -> None:
    text = draft(workbench, "id,opened,closed\n1,01/07/2011,02/07/2011\n2,03/07/2011,25/07/2011\n")
    assert 'time_format = "%d/%m/%Y"' in text
    assert mapping_of(workbench, text).date_only == "start_of_day"


def test_a_promised_day_is_kept_until_it_is_over(workbench: Workbench) -> None:
    text = draft(workbench, "id,opened,due,closed\n1,2011-07-01 09:00,2011-07-08,2011-07-08 16:00\n")
    mapping = mapping_of(workbench, text)
    ((_, opened), (_, completed)) = read_events(workbench.folder / "t.csv", mapping).events
    assert completed.time < opened.data.due
    assert milliseconds(opened.data.due) == milliseconds(moment(1_310_162_400_000))  # the midnight after, in Amsterdam


def test_outcomes_are_mapped_where_they_are_sure_and_asked_where_not(workbench: Workbench) -> None:
    table = "id,opened,closed,result\n" + "".join(
        f"{n},2011-07-01 09:00,2011-07-02 09:00,{result}\n"
        for n, result in enumerate(["Granted", "denied", 'sent "back"', "", "withdrawn", "duplicate"])
    )
    text = draft(workbench, table)
    assert '"sent \\"back\\"" = "TODO"   # TODO: intended, not_intended, rejected, duplicate, withdrawn' in text
    with pytest.raises(ConfigurationError, match=r"values.outcome.map.sent \"back\": 'TODO' is not valid"):
        mapping_of(workbench, text)
    mapping = mapping_of(workbench, text.replace('= "TODO"', '= "not_intended"'))
    events = read_events(workbench.folder / "t.csv", mapping).events
    outcomes = {event.subject: event.data.outcome for _, event in events if type_of(event) == "case.completed"}
    assert outcomes == {
        "0": "intended", "1": "rejected", "2": "not_intended", "3": "intended", "4": "withdrawn", "5": "duplicate",
    }  # fmt: skip


def test_without_a_catalogue_entry_service_and_zone_are_asked(workbench: Workbench) -> None:
    text = draft(workbench, "id,opened,closed\n1,2011-07-01 09:00,2011-07-02 09:00\n", Known())
    for key in ("service", "catalogue", "time_zone"):
        assert f'{key} = "TODO"' in text
    with pytest.raises(ConfigurationError, match=r"service: .*seen 'TODO'"):
        mapping_of(workbench, text)
    with_offsets = draft(workbench, "id,opened,closed\n1,2011-07-01T09:00Z,2011-07-02T09:00+02:00\n", Known())
    assert 'time_zone = "UTC"   # every time says its own offset' in with_offsets


def test_channels_that_the_catalogue_entry_would_refuse_are_asked(workbench: Workbench) -> None:
    table = "id,opened,closed,channel\n1,2011-07-01 09:00,,Web\n2,2011-07-01 09:00,2011-07-02 09:00,Kiosk\n"
    text = draft(workbench, table, Known("potholes", "potholes_service.toml", "Europe/Amsterdam", ("Web", "Phone")))
    assert "# TODO: the catalogue entry knows Web, Phone; what is not one of them is refused." in text
    assert '[values.channel.map]\n"Kiosk" = "TODO"' in text
    assert "channel" not in draft(workbench, table).partition("[values")[2]


@pytest.mark.parametrize(
    ("table", "doubt"),
    [
        ("id,opened\n1,2011-07-01 09:00\n", "# Doubt: no column looks like the time of completion: no case would ever"),
        ("id,opened,closed\n1,2011-07-01 09:00,2011-07-01 10:00\n1,2011-07-01 09:00,\n2,2011-07-01 09:00,\n",
         'case = "id"   # Doubt: 1 rows repeat an id; one row must be one case'),
        ("lamp,opened,closed\na,2011-07-01 09:00,2011-07-01 10:00\nb,2011-07-01 09:00,\n",
         'case = "lamp"   # Doubt: chosen because every row has another value'),
        ("id,when,closed\n1,2011-07-01 09:00,2011-07-01 10:00\n2,2011-07-01 09:00,\n",
         'opened = "when"   # Doubt: chosen because every row has it'),
        ("id,opened,closed,due,target\n1,2011-07-01 09:00,2011-07-01 10:00,2011-07-01 09:00,2011-07-01 09:00\n",
         'due = "due"   # Doubt: these look like it too: target'),
        ("id,opened,closed,due\n1,2011-07-01 09:00,2011-07-01 10:00,13/07/2011\n",
         "# Doubt: due (due) has times in another format, and is left out."),
        ("id,opened,closed\n1,2011-07-01 09:00,2011-07-01 10:00\n2,2011-07-01 09:00\n",
         "# Doubt: 1 rows have more or fewer fields than the header; they cannot be read."),
        ("colour,opened\nred,2011-07-01 09:00\nred,2011-07-01 09:00\n", 'case = "TODO"   # TODO: no column looks'),
        ("id,area\n1,North\n", 'opened = "TODO"   # TODO: no column looks like it; name one'),
    ],
)  # fmt: skip
def test_each_doubt_is_said_where_it_is(workbench: Workbench, table: str, doubt: str) -> None:
    assert doubt in draft(workbench, table)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("id,opened,café\n1,2011-07-01 09:00,ü\n".encode("latin-1"), "it looks like cp1252"),
        ("id,opened,café\n1,2011-07-01 09:00,ü\n".encode("utf-16"), "it looks like utf-16"),
    ],
)
def test_a_file_that_is_not_utf_8_is_said_to_need_converting(workbench: Workbench, content: bytes, said: str) -> None:
    text = draft(workbench, content)
    assert f"# TODO: the file is not UTF-8 ({said})" in text
    assert 'case = "id"' in text


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_out_even_where_fields_hold_another(workbench: Workbench, delimiter: str) -> None:
    other = ";" if delimiter == "," else ","
    rows = [["id", "opened", "closed"], ["1", "2011-07-01 09:00", ""], [f'"a{other}b"', "2011-07-01 09:00", ""]]
    table = "\ufeff" + "".join(f"{delimiter.join(row)}\n" for row in rows)
    mapping = mapping_of(workbench, draft(workbench, table))
    assert mapping.delimiter == delimiter
    assert len(read_events(workbench.folder / "t.csv", mapping).events) == 2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no header"),
        (b"id,opened\n", "no rows under its header"),
        (b"id,id\n1,2\n", "every column needs a name of its own"),
    ],
)
def test_a_file_that_is_no_table_stops(workbench: Workbench, content: bytes, says: str) -> None:
    with pytest.raises(Stop, match=says):
        draft(workbench, content)


# the reference files


def test_the_draft_for_boston_is_the_mapping_that_comes_with_kept_once_the_outcomes_are_answered(
    workbench: Workbench, shared_data: Path
) -> None:
    path = shared_data / "boston_311_2011H2.csv.gz"
    text = draft_mapping(path, example("boston_311"))
    assert set(re.findall(r"# TODO: (.*)", text)) == {"intended, not_intended, rejected, duplicate, withdrawn"}
    workbench.write("boston_311.toml", (catalogue.EXAMPLES / "boston_311.toml").read_text())
    answered = text.replace('"TODO"', '"intended"').replace('source = "boston_311_2011_h2"', 'source = "boston_311"')
    mapping, built_in = mapping_of(workbench, answered), read_mapping("boston_311")
    assert isinstance(built_in, TableMapping)
    assert mapping.columns == built_in.columns
    until_ms = milliseconds(moment(1_312_000_000_000))
    drafted, known = read_events(path, mapping, until_ms=until_ms), read_events(path, built_in, until_ms=until_ms)
    assert (drafted.rows, drafted.problems) == (58_251, [])
    assert list(drafted.events) == list(known.events)


def test_the_draft_for_the_permits_needs_no_answer_and_gives_the_same_events(
    workbench: Workbench, shared_data: Path
) -> None:
    path = shared_data / "coselog_permit_receipt_events.csv.gz"
    text = draft_mapping(path, example("coselog_permits"))
    assert "TODO" not in text.split("\n", 1)[1]
    assert 'due = "case_enddate_planned"   # Doubt: these look like it too: case_deadline' in text
    workbench.write("coselog_permits.toml", (catalogue.EXAMPLES / "coselog_permits.toml").read_text())
    drafted = read_events(path, mapping_of(workbench, text))
    known = read_events(path, read_mapping("coselog_permits"))
    assert [(time, event.id, event.data) for time, event in drafted.events] == [
        (time, event.id, event.data) for time, event in known.events
    ]


def test_the_draft_for_the_permits_as_an_event_log_needs_no_answer_and_gives_the_same_events(
    workbench: Workbench, shared_data: Path
) -> None:
    path = workbench.folder / "permits.xes.gz"
    as_xes(shared_data / "coselog_permit_receipt_events.csv.gz", path)
    text = draft_mapping(path, example("coselog_permits"))
    assert "TODO" not in text.split("\n", 1)[1]
    assert "# Left out, looks personal (by its name): responsible" in text
    assert "# Lifecycle transitions seen: complete (8,577)" in text
    workbench.write("coselog_permits.toml", (catalogue.EXAMPLES / "coselog_permits.toml").read_text())
    drafted = read_events(path, read_mapping(workbench.mapping(text)))
    known = read_events(path, read_mapping("coselog_permits_xes"))
    assert [(time, event.subject, event.data) for time, event in drafted.events] == [
        (time, event.subject, event.data) for time, event in known.events
    ]


# event logs


def test_a_log_that_does_not_say_when_a_case_is_over_is_asked_with_the_last_steps(workbench: Workbench) -> None:
    events = (step("intake", "2011-07-01T09:00:00Z"), step("archive", "2011-07-02T09:00:00Z"))
    text = draft(workbench, log(trace("a", *events), trace("b", *events), trace("c", events[0])), name="log.xes")
    assert (
        "#   completed_by = [...]          (steps that end a case; last in most traces: 'archive' (2), 'intake' (1))"
        in text
    )
    with pytest.raises(ConfigurationError, match=r"trace\.completed: None is not valid"):
        read_mapping(workbench.mapping(text))
    mapping = read_mapping(workbench.mapping(text.replace("[trace]", 'completed_by = ["archive"]\n[trace]')))
    events_told = read_events(workbench.folder / "log.xes", mapping).events
    assert [type_of(event) for _, event in events_told].count("case.completed") == 2


def test_a_log_without_the_standard_names_is_asked_for_them(workbench: Workbench) -> None:
    odd = log(trace("a", step("x", "2011-07-01T09:00:00Z"))).replace("concept:name", "title").replace("time:", "my:")
    text = draft(workbench, odd, name="log.xes")
    assert 'case = "title"   # Doubt: chosen because every row has another value' in text
    assert 'step = "TODO"   # TODO: the events have no concept:name; name the attribute' in text
    assert 'step_time = "TODO"   # TODO: the events have no time:timestamp; name the attribute' in text


def test_a_log_without_traces_cannot_be_drafted_for(workbench: Workbench) -> None:
    with pytest.raises(Stop, match="no traces in this log"):
        draft(workbench, log(), name="log.xes")


def test_what_a_file_puts_into_a_comment_cannot_end_it(workbench: Workbench) -> None:
    text = draft(workbench, 'id,opened,closed,"x\ny = 1"\n1,2011-07-01 09:00,2011-07-02 09:00,y\n')
    assert "# Not used: x y = 1" in text
    assert mapping_of(workbench, text).kind == "case_table"


# the parts


def test_names_are_taken_apart_into_words() -> None:
    assert words_of("caseEndDate_planned 2") == ["case", "end", "date", "planned", "2"]


@pytest.mark.parametrize("name", ["name", "First Name", "userName", "e-mail", "Telephone nr", "resource", "zip code"])
def test_names_of_people_and_places_are_personal(name: str) -> None:
    assert is_personal(name)


@pytest.mark.parametrize("name", ["service name", "channel", "closed_dt", "neighborhood"])
def test_names_of_things_are_not(name: str) -> None:
    assert not is_personal(name)


def test_only_a_word_alone_is_a_sure_outcome() -> None:
    assert (outcome_of(" Resolved "), outcome_of("not resolved")) == ("intended", None)


@pytest.mark.parametrize(
    ("values", "times"),
    [
        (["2011-07-31", ""], Times((), False, True)),
        (["2011-07-31T08:00Z"], Times((), True, False)),
        (["31/07/2011 08:00"], Times(("%d/%m/%Y %H:%M",), False, False)),
        (["07/31/2011 8:00 PM"], Times(("%m/%d/%Y %I:%M %p",), False, False)),
        (["31-Jul-2011"], Times(("%d-%b-%Y",), False, True)),
        (["North", "2011-07-31"], None),
        (["17", "4"], None),
        (["", ""], None),
    ],
)
def test_times_are_known_by_their_form(values: list[str], times: Times | None) -> None:
    assert times_of(values) == times


@pytest.mark.parametrize("kind", ["a table", "a log"])
def test_a_promise_that_events_bring_needs_a_column_for_it(workbench: Workbench, kind: str) -> None:
    by_event = msgspec.structs.replace(POTHOLES, due_by_event=True)
    table = "id,opened,closed{due}\n1,2011-07-01 09:00,2011-07-08 16:00{value}\n"
    if kind == "a log":
        attributes = {"opened": "2011-07-01T09:00:00Z", "closed": "2011-07-08T16:00:00Z"}
        text = log(trace("1", step("a", "2011-07-01T09:00:00Z"), **attributes))
        drafted = draft(workbench, text, by_event, "log.xes")
        without = draft(workbench, text, name="log.xes")
    else:
        drafted = draft(workbench, table.format(due="", value=""), by_event)
        without = draft(workbench, table.format(due="", value=""))
        with_one = draft(workbench, table.format(due=",due", value=",2011-07-09 09:00"), by_event)
        assert 'due = "due"\n' in with_one
    assert 'due = "TODO"   # TODO: no column looks like it; name one\n' in drafted
    assert "the promise of the catalogue entry applies" not in drafted
    assert "due = " not in without


def test_a_mapping_without_due_does_not_fit_a_promise_that_events_bring(workbench: Workbench) -> None:
    promise = '[promise]\nwords = "By the day you were told"\ntarget_share = 0.9\ndue = "by_event"\n'
    entry = workbench.write("potholes_service.toml", SERVICE + promise)
    mapping = read_mapping(workbench.mapping(CASE_TABLE.replace('due = "due"\n', "")))
    with pytest.raises(ConfigurationError) as refused:
        mapping.service()
    assert str(refused.value) == (
        f"{entry}: promise.due: 'by_event' is not valid; valid: target_time in its place, or columns.due in the "
        "mapping: no event would bring a due"
    )
    assert read_mapping(workbench.mapping(CASE_TABLE)).service().promise is not None
