"""Malformed files, one a row: what is wrong, and what is said of it.

A file is stopped at, or rows of it are problems with their line, or what looks odd is accepted; never a traceback, and
nothing is left out in silence. Every message says where it is, and none quotes what is personal.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from kept.errors import Stop
from producers.mapping import read_mapping
from producers.sources import EventFile, read_contract_events, read_events
from tests.producers.conftest import CASE_TABLE, PROCESS_LOG, Workbench
from tests.producers.xes import event as step
from tests.producers.xes import log, trace

SECRET = "Ada-Lovelace"
HEADER = "id,opened,due,closed,channel,area\n"
GOOD = "good,2011-07-01 12:00,,,Web,North\n"
LOG_MAPPING = PROCESS_LOG + 'step_started = "began"\nstep_id = "number"\n'
LOG_HEADER = "id,opened,closed,step,at,who,began,number\n"
LOG_GOOD = "good,2011-07-01 08:00,,intake,2011-07-01 09:00,,,1\n"
HEAD_OF_MAPPING = (
    'service = "potholes"\ncatalogue = "potholes_service.toml"\nsource = "s"\ntime_zone = "Europe/Amsterdam"\n'
)
XES_MAPPING = f'kind = "xes"\nover_with_last_event = true\n{HEAD_OF_MAPPING}'
OPEN311_MAPPING = f'kind = "open311"\n{HEAD_OF_MAPPING}'
REQUEST = {"service_request_id": 1, "status": "open", "requested_datetime": "2011-07-01T12:00:00Z"}
CONTRACT = json.dumps(
    {
        "specversion": "1.0", "type": "case.opened", "source": "works", "id": "1", "subject": "a",
        "time": "2011-07-01T12:00:00Z", "data": {"service": "potholes"},
    }
)  # fmt: skip
COST = CONTRACT.replace("case.opened", "cost.booked").replace(
    '"potholes"', '"potholes", "amount": "NaN", "currency": "EUR"'
)


def table(*rows: str) -> bytes:
    return (HEADER + GOOD + "".join(f"{row}\n" for row in rows)).encode()


def row(**cells: str) -> str:
    whole = {"id": SECRET, "opened": "2011-07-02 12:00", "due": "", "closed": "", "channel": "Web", "area": "North"}
    return ",".join((whole | cells).values())


def process(*rows: str) -> bytes:
    return (LOG_HEADER + LOG_GOOD + "".join(f"{row}\n" for row in rows)).encode()


TOLD = trace("told", step("x", "2011-07-01T12:00Z"))


def xes(*traces: str) -> bytes:
    return log(*traces).encode()


def read(workbench: Workbench, name: str, content: bytes, mapping: str | None) -> EventFile:
    path = workbench.write(name, content)
    if mapping is None:
        return read_contract_events(path)
    return read_events(path, read_mapping(workbench.mapping(mapping)))


STOPPED: list[tuple[str, str, bytes, str | None, str]] = [
    ("empty table", "t.csv", b"", CASE_TABLE, "t.csv: line 1: no header; the first line names the columns"),
    ("blank first line", "t.csv", b"\n" + table(), CASE_TABLE, "line 1: no header"),
    ("no header", "t.csv", GOOD.encode(), CASE_TABLE, "line 1 is no header for this mapping: none of id, opened"),
    ("a column is missing", "t.csv", b"id,opened\n1,2\n", CASE_TABLE,
     "columns.due of the mapping: no column 'due'; pre"),
    ("a column in capitals", "t.csv", table().replace(b"id", b"ID", 1), CASE_TABLE,
     "no column 'id'; present: ID, opened"),
    ("one name twice", "t.csv", table().replace(b"due", b"area", 1), CASE_TABLE, "columns 3 and 6 have the same name"),
    ("semicolons", "t.csv", table().replace(b",", b";"), CASE_TABLE, 'set delimiter = ";" in the mapping'),
    ("tabs", "t.csv", table().replace(b",", b"\t"), CASE_TABLE, r'set delimiter = "\t" in the mapping'),
    ("Latin-1", "t.csv", table(row(area="N\u00fcrnberg")).replace("\u00fc".encode(), b"\xfc"), CASE_TABLE,
     "line 3: not UTF-8: invalid start byte (byte 0xfc); convert it to UTF-8"),
    ("UTF-16", "t.csv", table().decode().encode("utf-16"), CASE_TABLE, "line 1: not UTF-8: .*as in UTF-16"),
    ("UTF-16 without a mark", "t.csv", table().decode().encode("utf-16-le"), CASE_TABLE,
     "NUL characters, as in UTF-16"),
    ("a workbook", "t.csv", b"PK\x03\x04\xff", CASE_TABLE, "as in a workbook or zip file: export it as CSV"),
    ("a workbook by its name", "t.xlsx", b"PK", CASE_TABLE, "not a table Kept can read; valid: .csv, .csv.gz"),
    ("compressed, but not by its name", "t.csv", gzip.compress(table()), CASE_TABLE, "its name should end in .gz"),
    ("not compressed, but by its name", "t.csv.gz", table(), CASE_TABLE, "truncated or damaged after line 0"),
    ("gzip cut short", "t.csv.gz", gzip.compress(table())[:-9], CASE_TABLE, "truncated or damaged after line"),
    ("gzip with a changed byte", "t.csv.gz", gzip.compress(table())[:-6] + b"\0\0" + gzip.compress(table())[-4:],
     CASE_TABLE, "truncated or damaged .*CRC check failed"),
    ("a quotation mark that is never closed", "t.csv", table('1,"2011-07-01 12:00,,,Web,North', GOOD * 9), CASE_TABLE,
     "line 3: a quotation mark is opened there and not closed .*close or double it"),
    ("a line without end", "t.csv", table("x" * 2_000_000), CASE_TABLE, "line 3 is longer than 1048576 characters"),
    ("no row can be read", "t.csv", (HEADER + row(opened="soon")).encode(), CASE_TABLE,
     "none of its 1 rows can be read"),
    ("a table for a mapping of event logs", "t.csv", table(), XES_MAPPING, "of kind 'xes' is for .xes, .xes.gz"),
    ("an event log for a mapping of tables", "t.xes", log().encode(), CASE_TABLE, "of kind 'case_table' is for .csv"),
    ("an empty event log", "t.xes", b"", XES_MAPPING, "empty; an event log has a <log>"),
    ("an event log cut short", "t.xes", log(trace("a", step("x", "2011-07-01T12:00:00Z")))[:-20].encode(), XES_MAPPING,
     "line 4: the XML is broken or cut short"),
    ("an XML bomb", "t.xes", b'<!DOCTYPE l [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><log>&b;</log>', XES_MAPPING,
     "line 1: a document type .*is refused.*remove it"),
    ("an entity that reaches out", "t.xes", b'<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]><log>&a;</log>',
     XES_MAPPING, "a document type .*is refused"),
    ("XML that is no event log", "t.xes", b"<pnml/>", XES_MAPPING, "a <pnml>, not the <log> of an event log"),
    ("event logs one after the other", "t.xes", (log() + log()).encode(), XES_MAPPING, "the XML is broken"),
    ("an error of the interface", "t.json", b'[{"code": 403, "description": "Ada-Lovelace"}]', OPEN311_MAPPING,
     "an error of the interface .code '403'. instead of requests"),
    ("an object instead of a list", "t.json", b'{"requests": []}', OPEN311_MAPPING,
     "valid: a list of service requests"),
    ("XML requests", "t.json", b"<service_requests/>", OPEN311_MAPPING, "not JSON, or cut short"),
    ("a page cut short", "t.json", json.dumps([REQUEST])[:-2].encode(), OPEN311_MAPPING, "not JSON, or cut short"),
    ("one event, not in a list", "t.json", CONTRACT.encode(), None, "valid: a list of events.* is a .jsonl file"),
    ("an array cut short", "t.json", f"[{CONTRACT},".encode(), None, "not JSON, or cut short"),
    ("an array with a comma too many", "t.json", f"[{CONTRACT},]".encode(), None,
     "not JSON, or cut short.*trailing comma"),
    ("compressed lines cut short", "t.jsonl.gz", gzip.compress((CONTRACT + "\n").encode() * 2)[:-9], None,
     "truncated or damaged after line"),
    ("lines that are all wrong", "t.jsonl", b"a\nb\n", None, "none of its 2 rows can be read; line 1: undecodable"),
    ("an array in a file of lines", "t.jsonl", f"[\n{CONTRACT},\n{CONTRACT},\n]\n".encode(), None,
     "none of its 4 rows"),
]  # fmt: skip

PROBLEMS: list[tuple[str, str, bytes, str | None, int, str]] = [
    ("a row too short", "t.csv", table("1,2011-07-01 12:00"), CASE_TABLE, 3, "2 fields, the header has 6"),
    ("a row too long", "t.csv", table(row() + ",more"), CASE_TABLE, 3, "7 fields, the header has 6"),
    ("a footer", "t.csv", table("Total: 1"), CASE_TABLE, 3, "1 fields, the header has 6"),
    ("a bad quotation", "t.csv", table('1,"a"b,,,,'), CASE_TABLE, 3, "not readable as CSV"),
    ("a huge field", "t.csv", table(row(area="x" * 200_000)), CASE_TABLE, 3, "field larger than field limit"),
    ("a long area", "t.csv", table(row(area=SECRET * 20)), CASE_TABLE, 3,
     "column 'area' is longer than 128 characters"),
    ("a long id", "t.csv", table(row(id="x" * 481)), CASE_TABLE, 3, "column 'id' is longer than 480 characters"),
    ("no id", "t.csv", table(row(id="  ")), CASE_TABLE, 3, "column 'id' is empty: no case id"),
    ("an id with NUL", "t.csv", table(row(id=f"{SECRET}\0")), CASE_TABLE, 3, "column 'id' holds a control character"),
    ("an id with a line break", "t.csv", table(row(id=f'"{SECRET}\n1"')), CASE_TABLE, 4, "holds a control character"),
    ("a time with NUL", "t.csv", table(row(opened="2011-07-01 12:00\0")), CASE_TABLE, 3, "holds a control character"),
    ("an area with an escape", "t.csv", table(row(area="\x1b[31m")), CASE_TABLE, 3, "'area' holds a control character"),
    ("one id twice", "t.csv", table(row(), row()), CASE_TABLE, 4, "the case id occurs before, on line 3"),
    ("no time", "t.csv", table(row(opened="")), CASE_TABLE, 3, "column 'opened' is empty: no time"),
    ("a word for a time", "t.csv", table(row(opened=SECRET)), CASE_TABLE, 3, "seen in the form 'aaa-aaaaaaaa'"),
    ("day first", "t.csv", table(row(due="31/07/2011 08:00")), CASE_TABLE, 3,
     "seen in the form '99/99/9999 99:99', valid"),
    ("a day alone", "t.csv", table(row(due="2011-07-31")), CASE_TABLE, 3, "column 'due' is not a time"),
    ("31 June", "t.csv", table(row(closed="2011-06-31 08:00")), CASE_TABLE, 3, "column 'closed' is not a time"),
    ("a day of a spreadsheet", "t.csv", table(row(opened="40725.5")), CASE_TABLE, 3, "seen in the form '99999.9'"),
    ("the year 0", "t.csv", table(row(opened="0000-07-01 12:00")), CASE_TABLE, 3, "is not a time"),
    ("the year 1899", "t.csv", table(row(opened="1899-07-01 12:00")), CASE_TABLE, 3, "the time lies outside 1900-9998"),
    ("the year 9999", "t.csv", table(row(due="9999-12-31 12:00")), CASE_TABLE, 3, "the time lies outside 1900-9998"),
    ("an offset of 25 hours", "t.csv", table(row(due="2011-07-01T12:00+25:00")), CASE_TABLE, 3, "is not a time"),
    ("a step without a name", "t.csv", process("1,2011-07-01 08:00,,,2011-07-01 09:00,,,2"), LOG_MAPPING, 3, "no step"),
    ("a step that ended before it started", "t.csv",
     process("1,2011-07-01 08:00,,x,2011-07-01 09:00,,2011-07-01 09:01,2"), LOG_MAPPING, 3, "ended before it started"),
    ("one step id twice", "t.csv", process(LOG_GOOD.strip()), LOG_MAPPING, 3, "the step id occurs before, on line 2"),
    ("a case that was opened twice", "t.csv", process("good,2011-07-01 08:01,,x,2011-07-01 09:00,,,2"), LOG_MAPPING, 3,
     "opened is not the same as on line 2 of this case"),
    ("an event without a time", "t.xes", xes(trace("a", "<event/>"), TOLD),
     XES_MAPPING, 3, "cannot be read: attribute 'concept:name' is empty"),
    ("a trace without a name", "t.xes", xes("<trace/>", TOLD), XES_MAPPING, 3, "no case id"),
    ("a request without an id", "t.json", json.dumps([REQUEST, {**REQUEST, "service_request_id": None}]).encode(),
     OPEN311_MAPPING, 2, "field 'service_request_id' is empty: no case id"),
    ("a request of another status", "t.json", json.dumps([REQUEST, {**REQUEST, "status": "lost"}]).encode(),
     OPEN311_MAPPING, 2, "field 'status' is 'lost'; valid: closed, open"),
    ("a request that is none", "t.json", json.dumps([REQUEST, [SECRET]]).encode(), OPEN311_MAPPING, 2, "got `array`"),
    ("a line with a trailing comma", "t.jsonl", f"{CONTRACT}\n{CONTRACT},\n".encode(), None, 2, "trailing characters"),
    ("a line cut short", "t.jsonl", f"{CONTRACT}\n{CONTRACT[:-9]}".encode(), None, 2, "truncated"),
    ("a line of Latin-1", "t.jsonl", f"{CONTRACT}\n".encode() + CONTRACT.encode().replace(b'"a"', b'"\xfc"'),
     None, 2, "utf-8"),
    ("a pretty-printed event", "t.jsonl", f"{CONTRACT}\n{{\n".encode(), None, 2, "truncated"),
    ("an amount that is no number", "t.jsonl", f"{CONTRACT}\n{COST}\n".encode(), None, 2, "the amount is no number"),
    ("a tick", "t.jsonl", f"{CONTRACT}\n{CONTRACT.replace('case.opened', 'kept.tick')}\n".encode(), None, 2,
     "kept.tick is written by Kept itself at the end of a replay; leave it out"),
    ("an event from the year 9999", "t.jsonl", f"{CONTRACT}\n{CONTRACT.replace('2011', '9999')}\n".encode(), None, 2,
     "the time lies outside 1900-9998"),
]  # fmt: skip

ACCEPTED: list[tuple[str, str, bytes, str | None, int]] = [
    ("a byte order mark", "t.csv", b"\xef\xbb\xbf" + table(), CASE_TABLE, 1),
    ("only a header", "t.csv", HEADER.encode(), CASE_TABLE, 0),
    ("a header without a line feed", "t.csv", HEADER.strip().encode(), CASE_TABLE, 0),
    ("blank lines", "t.csv", table("", "", row()), CASE_TABLE, 2),
    ("lines that end as on Windows", "t.csv", table().replace(b"\n", b"\r\n"), CASE_TABLE, 1),
    ("lines that end as on an old Macintosh", "t.csv", table().replace(b"\n", b"\r"), CASE_TABLE, 1),
    ("blanks around names and values", "t.csv", table().replace(b",", b" , "), CASE_TABLE, 1),
    ("columns without a name", "t.csv", table().replace(b"\n", b",,\n"), CASE_TABLE, 1),
    ("a quoted line break in an area", "t.csv", table(row(area='"North\n East"')), CASE_TABLE, 2),
    ("doubled quotation marks", "t.csv", table(row(area='"the ""old"" town"')), CASE_TABLE, 2),
    ("a completion before the opening", "t.csv", table(row(closed="2011-06-01 12:00")), CASE_TABLE, 3),
    ("the year 1900", "t.csv", table(row(opened="1900-01-02 12:00")), CASE_TABLE, 2),
    ("a time that the clocks skip", "t.csv", table(row(opened="2011-03-27 02:30")), CASE_TABLE, 2),
    ("several gzip members", "t.csv.gz", gzip.compress(table()) + gzip.compress(row().encode()), CASE_TABLE, 2),
    ("an event log without traces", "t.xes", log().encode(), XES_MAPPING, 0),
    ("a page without requests", "t.json", b"[]", OPEN311_MAPPING, 0),
    ("an empty file of lines", "t.jsonl", b"", None, 0),
    ("an array without events", "t.json", b"[]", None, 0),
    ("a last line without a line feed", "t.jsonl", CONTRACT.encode(), None, 1),
    ("a record separator of blanks", "t.jsonl", f"  {CONTRACT}  \r\n\r\n".encode(), None, 1),
]


@pytest.mark.parametrize(("name", "content", "mapping", "says"), [r[1:] for r in STOPPED], ids=[r[0] for r in STOPPED])
def test_a_file_that_makes_no_sense_is_stopped_at_with_what_to_do(
    workbench: Workbench, name: str, content: bytes, mapping: str | None, says: str
) -> None:
    pattern = says if ".*" in says else says.replace("(", r"\(").replace(")", r"\)").replace("\\t", "\\\\t")
    with pytest.raises(Stop, match=pattern) as stopped:
        read(workbench, name, content, mapping)
    assert name in str(stopped.value)
    assert SECRET not in str(stopped.value)


@pytest.mark.parametrize(
    ("name", "content", "mapping", "line", "says"), [r[1:] for r in PROBLEMS], ids=[r[0] for r in PROBLEMS]
)
def test_a_row_that_makes_no_sense_is_a_problem_with_its_line_and_the_others_are_told(
    workbench: Workbench, name: str, content: bytes, mapping: str | None, line: int, says: str
) -> None:
    file = read(workbench, name, content, mapping)
    assert [problem.line for problem in file.problems] == [line]
    assert says in file.problems[0].reason
    assert SECRET not in str(file.problems[0])
    assert len(file.events) >= 1
    assert file.unreadable < file.rows


@pytest.mark.parametrize(
    ("name", "content", "mapping", "count"), [r[1:] for r in ACCEPTED], ids=[r[0] for r in ACCEPTED]
)
def test_what_looks_odd_and_is_not_wrong_is_read(
    workbench: Workbench, name: str, content: bytes, mapping: str | None, count: int
) -> None:
    file = read(workbench, name, content, mapping)
    assert (len(file.events), file.problems) == (count, [])


def test_a_line_break_within_a_label_becomes_a_blank(workbench: Workbench) -> None:
    file = read(workbench, "t.csv", table(row(area='"North \r\n\t East"')), CASE_TABLE)
    assert {event.data.area for _, event in file.events} == {"North", "North East"}


@pytest.mark.parametrize("damage", [lambda raw: raw[:-1], lambda raw: raw[: len(raw) // 2], lambda raw: raw[1:]])
@pytest.mark.parametrize(
    ("name", "mapping", "content"),
    [
        ("t.csv.gz", CASE_TABLE, table()),
        ("t.xes.gz", XES_MAPPING, log(trace("a", step("x", "2011-07-01T12:00:00Z"))).encode()),
        ("t.json.gz", OPEN311_MAPPING, json.dumps([REQUEST]).encode()),
        ("t.jsonl.gz", None, CONTRACT.encode()),
    ],
)
def test_a_damaged_compressed_file_of_any_kind_stops(
    workbench: Workbench, name: str, mapping: str | None, content: bytes, damage: Callable[[Any], Any]
) -> None:
    with pytest.raises(Stop, match=r"truncated or damaged .* fetch it again"):
        read(workbench, name, damage(gzip.compress(content)), mapping)


@pytest.mark.parametrize(
    ("name", "mapping"),
    [("t.csv", CASE_TABLE), ("t.xes", XES_MAPPING), ("t.json", OPEN311_MAPPING), ("t.jsonl", None)],
)
def test_a_file_that_is_not_there_stops(workbench: Workbench, name: str, mapping: str | None) -> None:
    path = workbench.folder / "absent" / name
    with pytest.raises(Stop, match="cannot be opened: No such file"):
        if mapping is None:
            read_contract_events(path)
        else:
            read_events(path, read_mapping(workbench.mapping(mapping)))


def test_every_row_has_a_name_of_its_own() -> None:
    names = [row[0] for rows in (STOPPED, PROBLEMS, ACCEPTED) for row in rows]
    assert len(set(names)) == len(names) > 90
