from __future__ import annotations

import gzip
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kept.errors import ConfigurationError, Stop
from kept.events import CaseStep, milliseconds
from kept.indicators.point import Point
from producers.mapping import read_mapping
from producers.sources import EventFile, RowProblem, read_events
from stream_processors.embedded import EmbeddedPipeline
from tests.producers.conftest import SERVICE, Workbench
from tests.producers.xes import HEAD, TAIL, as_xes, event, log, trace

MAPPING = """
kind = "xes"
service = "potholes"
catalogue = "potholes_service.toml"
source = "potholes-test"
time_zone = "Europe/Amsterdam"
"""
OVER_WITH_LAST = MAPPING + "over_with_last_event = true\n"
WITH_TIMES = MAPPING + '[trace]\nopened = "start"\ncompleted = "end"\ndue = "due"\nchannel = "channel"\n'


def read(workbench: Workbench, text: str | bytes, mapping: str = OVER_WITH_LAST, name: str = "log.xes") -> EventFile:
    return read_events(workbench.write(name, text), read_mapping(workbench.mapping(mapping)))


def told(file: EventFile) -> list[str]:
    return [f"{event.time:%H:%M} {event.id}" for _, event in file.events]


def steps(file: EventFile) -> list[tuple[str, str | None, str | None]]:
    """(step, started, ended) in time order."""
    found = [event for _, event in file.events if isinstance(event, CaseStep)]
    return [(one.data.step, clock(one.data.started), clock(one.data.ended)) for one in found]


def clock(moment: object) -> str | None:
    return f"{moment:%H:%M}" if moment is not None else None


def at(hour: int, minute: int = 0) -> str:
    return f"2011-07-01T{hour:02}:{minute:02}:00.000+00:00"


def test_a_trace_is_a_case_and_its_events_are_steps(workbench: Workbench) -> None:
    first = trace("a", event("intake", at(9)), event("decision", at(11)), start=at(8), end=at(12), due=at(13))
    file = read(workbench, log(first, trace("b", event("intake", at(10)), start=at(7))), WITH_TIMES)
    assert told(file) == ["07:00 b:opened", "08:00 a:opened", "09:00 a:step:1", "10:00 b:step:1", "11:00 a:step:2",
                          "12:00 a:completed"]  # fmt: skip
    assert (file.rows, file.problems, file.passed_over) == (3, [], {})


def test_without_an_attribute_a_case_begins_with_its_first_event(workbench: Workbench) -> None:
    file = read(workbench, log(trace("a", event("decision", at(11)), event("intake", at(9)))))
    assert told(file) == ["09:00 a:opened", "09:00 a:step:2", "11:00 a:step:1", "11:00 a:completed"]


def test_steps_that_end_a_case_complete_it_each_time(workbench: Workbench) -> None:
    mapping = MAPPING + 'completed_by = ["archive", "close"]\n'
    done = trace("a", event("intake", at(9)), event("close", at(10)), event("check", at(11)), event("close", at(12)))
    file = read(workbench, log(done, trace("b", event("intake", at(9)))), mapping)
    ends = [line for line in told(file) if "completed" in line]
    assert ends == ["10:00 a:completed", "12:00 a:completed:2"]


def test_a_start_and_its_completion_are_one_step_with_both_times(workbench: Workbench) -> None:
    def moved(step: str, hour: int, transition: str) -> str:
        return event(step, at(hour), lifecycle__transition=transition)

    file = read(
        workbench,
        log(
            trace(
                "a",
                moved("visit", 9, "start"), moved("visit", 10, "START"), moved("call", 10, "Start"),
                moved("visit", 11, "complete"), moved("visit", 13, "COMPLETE"),
                moved("write", 12, "complete"),
            )
        ),
    )  # fmt: skip
    # The oldest start is completed first; a start alone has begun, a completion alone is a moment.
    assert sorted(steps(file)) == [
        ("call", "10:00", None), ("visit", "09:00", "11:00"), ("visit", "10:00", "13:00"), ("write", None, None),
    ]  # fmt: skip


def test_an_instance_says_which_completion_belongs_to_which_start(workbench: Workbench) -> None:
    def moved(hour: int, transition: str, instance: str) -> str:
        return event("visit", at(hour), lifecycle__transition=transition, concept__instance=instance)

    whole = [moved(9, "start", "1"), moved(10, "start", "2"), moved(11, "complete", "2"), moved(12, "complete", "1")]
    again = [moved(13, "start", "1"), moved(14, "complete", "1")]
    file = read(workbench, log(trace("a", *whole, *again)))
    assert steps(file) == [("visit", "10:00", "11:00"), ("visit", "09:00", "12:00"), ("visit", "13:00", "14:00")]


def test_a_step_that_ended_before_it_started_is_a_problem(workbench: Workbench) -> None:
    ended = event("visit", at(9), lifecycle__transition="complete", concept__instance="1")
    begun = event("visit", at(10), lifecycle__transition="start", concept__instance="1")
    file = read(workbench, log(trace("a", begun, ended)))
    assert file.problems == [RowProblem(4, "the step ended before it started")]
    assert steps(file) == [("visit", None, None)]


def test_transitions_that_are_no_work_are_passed_over_by_name(workbench: Workbench) -> None:
    events = [event("visit", at(9), lifecycle__transition=word) for word in ("schedule", "SCHEDULE", "suspend", "mine")]
    file = read(workbench, log(trace("a", *events, event("visit", at(10)))))
    assert file.rows == 5
    assert file.passed_over == {
        "lifecycle transition schedule": 2,
        "lifecycle transition suspend": 1,
        "lifecycle transition of another model": 1,
    }
    assert told(file) == ["10:00 a:opened", "10:00 a:step:5", "10:00 a:completed"]


def test_namespaces_prefixes_and_nested_attributes_do_no_harm(workbench: Workbench) -> None:
    nested = '<string key="channel" value="Web"><string key="start" value="never"/></string><list key="x"><values>'
    nested += '<string key="due" value="never"/></values></list>'
    text = log(trace("a", event("intake", at(9)), start=at(8), end=at(12))).replace("<trace>", f"<trace>{nested}")
    head = '<extension name="Lifecycle"/><global scope="trace"><string key="start" value="x"/></global>'
    text = text.replace("<trace>", f'{head}<classifier name="c" keys="concept:name"/><trace>', 1)
    plain = read(workbench, text, WITH_TIMES)
    assert told(plain) == ["08:00 a:opened", "09:00 a:step:1", "12:00 a:completed"]
    assert plain.events[0][1].data.channel == "Web"
    prefixed = text.replace("<", "<x:").replace("<x:/", "</x:").replace("<x:?", "<?").replace("xmlns=", "xmlns:x=")
    foreign = prefixed.replace("<x:event>", '<y:string xmlns:y="urn:y" key="concept:name" value="z"/><x:event>')
    bare = text.replace(' xmlns="http://www.xes-standard.org/"', "")
    for other in (prefixed, foreign, bare, text.replace("UTF-8", "ISO-8859-1"), "\ufeff" + text):
        assert read(workbench, other, WITH_TIMES) == plain
    assert read(workbench, text.replace("UTF-8", "UTF-16").encode("utf-16"), WITH_TIMES) == plain
    assert read(workbench, gzip.compress(text.encode()), WITH_TIMES, "log.xes.gz") == plain


def test_events_that_cannot_be_read_are_named_by_line_and_the_rest_is_told(workbench: Workbench) -> None:
    text = log(
        trace(
            "secret",
            event("intake", at(9)),
            event("", at(10)),
            event("visit", "yesterday"),
            "<event/>\n",
            event("visit", at(10)).replace('value="visit"', ""),
            event("visit", at(10)).replace("</event>", '<string key="concept:name" value="call"/></event>'),
            event("visit", at(10)).replace("<string key", "<string kee", 1),
            event("x" * 200, at(10)),
            event("visit", "0000-01-01T00:00:00Z"),
            event("visit", "9999-12-31T00:00:00Z"),
            start=at(8),
        )
    )
    file = read(workbench, text, WITH_TIMES)
    assert told(file) == ["08:00 secret:opened", "09:00 secret:step:1"]
    reasons = {problem.line: problem.reason for problem in file.problems}
    assert file.rows == 10
    assert reasons == {
        5: "attribute 'concept:name' is empty: the event names no step",
        6: "attribute 'time:timestamp' is not a time: seen in the form 'aaaaaaaaa', valid: 2011-07-31 08:30:00, with "
        "or without an offset",
        7: "attribute 'concept:name' is empty: the event names no step",
        8: "attribute 'concept:name' has no value",
        9: "attribute 'concept:name' is given twice",
        10: "an attribute without a key",
        11: "attribute 'concept:name' is longer than 128 characters",
        12: "attribute 'time:timestamp' is not a time: seen in the form '9999-99-99a99:99:99a', valid: "
        "2011-07-31 08:30:00, with or without an offset",
        13: "attribute 'time:timestamp' is not a time of this service: the time lies outside 1900-9998; epoch times "
        "are in seconds",
    }


def test_traces_that_cannot_be_read_are_left_out_whole_and_their_events_counted(workbench: Workbench) -> None:
    two = (event("intake", at(9)), event("visit", at(10)))
    text = log(
        trace("a", *two, start=at(8)),
        trace("", *two, start=at(8)),
        trace("a", *two, start=at(8)),
        trace("b", *two),
        trace("c", *two, start=at(8), end="soon"),
        trace("d\u0085", start=at(8)).replace("d\u0085", "d&#9;x"),
        "<event/>",
    )
    file = read(workbench, text, WITH_TIMES)
    assert [name for name in told(file) if "opened" in name] == ["08:00 a:opened"]
    assert file.rows == 2 + 2 + 2 + 2 + 2 + 1 + 1
    assert file.unreadable == 2 + 2 + 2 + 2 + 1 + 1
    assert [(problem.line, problem.rows, problem.reason[:40]) for problem in file.problems] == [
        (7, 2, "attribute 'concept:name' is empty: no case id"[:40]),
        (11, 2, "the case id occurs before, on line 3; one"[:40]),
        (15, 2, "attribute 'start' is empty: no time"),
        (19, 2, "attribute 'end' is not a time: seen in the form"[:40]),
        (23, 1, "attribute 'concept:name' holds a control character"[:40]),
        (25, 1, "an event outside any trace: of no case"),
    ]
    assert "(2 rows are left out)" in str(file.problems[0])


def test_a_case_whose_first_event_cannot_be_read_is_left_out_rather_than_opened_late(workbench: Workbench) -> None:
    file = read(
        workbench, log(trace("a", event("intake", "soon"), event("visit", at(9))), trace("b", event("x", at(9))))
    )
    assert [name for name in told(file) if "a:" in name] == []
    assert file.problems[0].rows == 2
    assert file.problems[0].reason.startswith(
        "the opening is the first event and the completion is one of the events, and the one on line 4 cannot be read"
    )


def test_who_did_the_work_is_left_out_unless_the_catalogue_asks(workbench: Workbench) -> None:
    text = log(trace("a", event("visit", at(9), org__resource="Ada")))
    kept = {getattr(event.data, "resource", None) for _, event in read(workbench, text).events}
    assert kept == {None}
    workbench.write("potholes_service.toml", SERVICE.replace("[channels]", "keep_resource = true\n[channels]"))
    assert "Ada" in {getattr(event.data, "resource", None) for _, event in read(workbench, text).events}


BOMB = (
    '<!DOCTYPE log [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>'
)


@pytest.mark.parametrize("declaration", [BOMB, '<!DOCTYPE log SYSTEM "file:///etc/passwd">', "<!DOCTYPE log>"])
def test_a_document_type_is_refused_before_any_entity_can_grow_or_reach_out(
    workbench: Workbench, declaration: str
) -> None:
    text = log(trace("a", event("&c;", at(9)))).replace("<log", f"{declaration}<log", 1).replace("&amp;c", "&c")
    with pytest.raises(Stop, match=r"log\.xes: line 2: a document type .* is refused.* remove it"):
        read(workbench, text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "empty; an event log has a <log>"),
        (log(trace("a", event("x", at(9))))[:-30], r"line \d+: the XML is broken or cut short: .*; fetch or export it"),
        ("case;step\n1;2\n", "line 1: the XML is broken or cut short"),
        ("<html><body/></html>", "the document is a <html>, not the <log> of an event log"),
        (HEAD.replace("UTF-8", "KLINGON") + TAIL, "unknown encoding: KLINGON; use UTF-8"),
        (HEAD + "<trace>" + "<string key='a' value='b'>" * 100 + TAIL, "more than 64 tags in each other"),
        (HEAD + "<trace><string key='a' value='" + "x" * 3_000_000 + "'/>", "a tag or comment is longer than 1 MB"),
        (HEAD.encode() + b"\xff\xfe" + TAIL.encode(), "line 3: the XML is broken"),
        (log(trace("a", event("&undeclared;", at(9)))).replace("&amp;", "&"), "undefined entity"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_event_log_stops_with_what_to_do(workbench: Workbench, text: str | bytes, says: str) -> None:
    with pytest.raises(Stop, match=says) as stopped:
        read(workbench, text)
    assert "log.xes" in str(stopped.value)


def test_a_compressed_log_that_is_cut_short_stops(workbench: Workbench) -> None:
    whole = gzip.compress(log(*(trace(str(n), event("x", at(9))) for n in range(20_000))).encode())
    with pytest.raises(Stop, match=r"truncated or damaged after line \d+"):
        read(workbench, whole[: len(whole) // 2], name="log.xes.gz")


def test_a_trace_of_more_events_than_any_case_has_is_left_out_and_not_held(workbench: Workbench) -> None:
    endless = trace("a", *[event("x", at(9))] * 10_001)
    file = read(workbench, log(endless, trace("b", event("x", at(9)))))
    assert [name for name in told(file) if "opened" in name] == ["09:00 b:opened"]
    assert file.problems == [RowProblem(3, "a trace of more than 10000 events: is one trace one case?", 10_001)]


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        (MAPPING, "trace.completed: None is not valid; valid: one of: trace.completed .*completed_by .*over_with_last"),
        (OVER_WITH_LAST + 'completed_by = ["x"]\n', "trace.completed: None is not valid; valid: one of"),
        (OVER_WITH_LAST + '[constants]\nstep = "x"\n', "constants.step: 'x' .*event.step is set"),
        (OVER_WITH_LAST + '[trace]\ncolour = "x"\n', "trace: Object contains unknown field `colour`"),
        (OVER_WITH_LAST + '[columns]\ncase = "x"\n', "unknown field `columns`"),
    ],
)
def test_a_mapping_that_makes_no_sense_says_what_is_valid(workbench: Workbench, mapping: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        read(workbench, log(), mapping)


# the reference log


@pytest.fixture(scope="module")
def permits(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(table, event log) of the same permits."""
    table = shared_data / "coselog_permit_receipt_events.csv.gz"
    file = tmp_path_factory.mktemp("xes") / "permits.xes.gz"
    as_xes(table, file)
    return table, file


def indicators(file: EventFile, mapping: str, at_ms: int) -> list[Point]:
    service = read_mapping(mapping).service()
    pipeline = EmbeddedPipeline({service.id: service})
    pipeline.apply(event for _, event in file.events)
    pipeline.tick(at_ms)
    assert pipeline.accounts.applied == len(file.events)
    return pipeline.indicators(at_ms // 1000)


def test_an_event_log_gives_the_events_and_the_indicators_of_the_table_it_was_flattened_to(
    permits: tuple[Path, Path],
) -> None:
    at_ms = milliseconds(datetime(2012, 1, 23, 23, tzinfo=UTC))
    table = read_events(permits[0], read_mapping("coselog_permits"), until_ms=at_ms)
    events = read_events(permits[1], read_mapping("coselog_permits_xes"), until_ms=at_ms)
    assert (events.rows, events.problems, events.passed_over) == (8_577, [], {})
    assert events.events == table.events
    points = indicators(events, "coselog_permits_xes", at_ms)
    assert points == indicators(table, "coselog_permits", at_ms)
    kept = next(p for p in points if (p.indicator, p.window, p.slice) == ("promise_kept", "all", ()))
    assert (kept.n, round(kept.value or 0, 5)) == (1_342, 0.67958)


# size

MEGABYTE = 1 << 20
READ_AND_MEASURE = """
import re, sys
from pathlib import Path
from producers.mapping import read_mapping
from producers.sources import read_events

def peak():  # of this program alone: getrusage would tell that of the one that started it
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])

mapping = read_mapping("coselog_permits_xes")
mapping.service()
before = peak()
file = read_events(Path(sys.argv[1]), mapping)
last, count = 0, 0
for time_ms, event in file.events:
    assert time_ms >= last
    last, count = time_ms, count + 1
assert count == len(file.events) and not file.problems
print(count, peak() - before)
"""


def test_a_log_of_50_megabytes_is_read_in_time_order_within_bounded_memory(tmp_path: Path) -> None:
    path, cases = tmp_path / "large.xes", 0
    first = datetime(2020, 1, 1, tzinfo=UTC)
    padding = "x" * 400
    with path.open("w", encoding="utf-8") as out:
        out.write(HEAD)
        while out.tell() < 50 * MEGABYTE:
            began = first + timedelta(minutes=cases * 7919 % 500_000)  # far from the order of time
            times = [(began + timedelta(hours=hour)).isoformat() for hour in range(5)]
            out.write(trace(f"case-{cases}", *(event("x", time, note=padding) for time in times), startdate=times[0]))
            cases += 1
        out.write(TAIL)
    done = subprocess.run(
        [sys.executable, "-c", READ_AND_MEASURE, str(path)], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    count, kibibytes = map(int, done.stdout.split())
    assert count == cases * 6 > 90_000
    assert kibibytes * 1024 < 52 * MEGABYTE  # 61 with all events in memory, hundreds with the whole document
