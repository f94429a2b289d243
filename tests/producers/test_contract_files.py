from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from kept.errors import Stop
from kept.topics import MAX_MESSAGE_BYTES
from producers.sources import EventFile, RowProblem, contract_files, read_contract_events


def event(id: str, time: int | str, **changes: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0", "type": "case.opened", "source": "works", "id": id, "subject": id, "time": time,
        "data": {"service": "street-lights"}, **changes,
    }  # fmt: skip


def lines(*events: dict[str, Any] | str) -> bytes:
    return "".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in events).encode()


def read(folder: Path, content: bytes, name: str = "events.jsonl", until_ms: int | None = None) -> EventFile:
    (folder / name).write_bytes(content)
    return read_contract_events(folder / name, until_ms=until_ms)


def ids(file: EventFile) -> list[str]:
    return [one.id for _, one in file.events]


def test_events_come_as_they_are_told_so_that_late_ones_stay_late(tmp_path: Path) -> None:
    file = read(tmp_path, lines(event("b", 5), event("z", 3), event("a", 5), event("c", "1970-01-01T01:00:04+01:00")))
    assert ids(file) == ["b", "z", "a", "c"]
    assert [time_ms for time_ms, _ in file.events] == [5_000, 3_000, 5_000, 4_000]
    assert (file.rows, file.problems) == (4, [])


@pytest.mark.parametrize("name", ["e.jsonl", "e.jsonl.gz", "e.ndjson", "E.JSONL", "e.json", "e.json.gz"])
def test_lines_and_arrays_plain_or_compressed_tell_the_same(tmp_path: Path, name: str) -> None:
    events = [event("1", 1), event("2", 2)]
    content = json.dumps(events).encode() if ".json" in name and "jsonl" not in name else lines(*events)
    content = gzip.compress(content) if name.endswith(".gz") else content
    assert ids(read(tmp_path, content, name)) == ["1", "2"]


def test_a_byte_order_mark_blank_lines_and_crlf_are_taken(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + lines(event("1", 1), "", "  ", event("2", 2)).replace(b"\n", b"\r\n")
    file = read(tmp_path, content)
    assert (ids(file), file.rows, file.problems) == (["1", "2"], 2, [])


def test_a_line_that_is_no_event_is_a_problem_with_its_number_and_the_reason_of_a_dead_letter(tmp_path: Path) -> None:
    content = lines(
        event("1", 1),
        "{",
        event("2", 2, type="case.exploded"),
        event("3", "soon"),
        event("4", "9999-06-01T00:00:00Z"),
        event("5", 5, type="kept.tick", data={}),
    )
    file = read(tmp_path, content)
    assert ids(file) == ["1"]
    assert [(problem.line, problem.code) for problem in file.problems] == [
        (2, "undecodable"), (3, "unknown_type"), (4, "invalid"), (5, "time_out_of_range"), (6, "unknown_type"),
    ]  # fmt: skip
    assert "written by Kept itself" in file.problems[-1].reason
    assert str(file.problems[1]).startswith(
        "line 3: unknown_type: Invalid value at `$.type`; valid: case.opened, case."
    )


def test_a_line_of_broken_utf_8_leaves_its_neighbours_unharmed(tmp_path: Path) -> None:
    content = lines(event("1", 1)) + lines(event("bad", 1)).replace(b"bad", b"\xff") + lines(event("2", 2))
    file = read(tmp_path, content)
    assert ids(file) == ["1", "2"]
    assert [(problem.line, problem.code) for problem in file.problems] == [(2, "undecodable")]


def test_a_line_longer_than_a_message_may_be_is_a_problem_and_is_not_held(tmp_path: Path) -> None:
    content = lines(event("1", 1)) + b"x" * (3 * MAX_MESSAGE_BYTES) + b"\n" + lines(event("2", 2))
    file = read(tmp_path, content)
    assert ids(file) == ["1", "2"]
    assert file.problems == [
        RowProblem(2, f"longer than {MAX_MESSAGE_BYTES} bytes, which no message may be", code="undecodable")
    ]


def test_a_member_of_an_array_is_named_by_its_number(tmp_path: Path) -> None:
    file = read(tmp_path, json.dumps([event("1", 1), 7]).encode(), "events.json")
    assert ids(file) == ["1"]
    assert str(file.problems[0]) == "event 2: invalid: Expected `object`, got `int`"


def test_what_happens_after_the_moment_is_left_out(tmp_path: Path) -> None:
    assert ids(read(tmp_path, lines(event("1", 1), event("2", 2)), until_ms=1_000)) == ["1"]


def test_an_array_too_large_for_memory_is_refused_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("producers.sources.files.LARGEST_DOCUMENT", 1 << 20)
    bomb = gzip.compress(b"[" + b" " * (2 << 20) + b"]")
    with pytest.raises(Stop, match=r"larger than 1 MB unpacked.*one event a line \(\.jsonl\)"):
        read(tmp_path, bomb, "events.json.gz")


def test_an_empty_file_tells_nothing_and_one_without_any_event_stops(tmp_path: Path) -> None:
    assert read(tmp_path, b"") == EventFile([], [], 0)
    with pytest.raises(Stop, match="none of its 2 rows can be read; line 1: undecodable"):
        read(tmp_path, b"a\nb\n")


def test_the_suffixes_are_those_of_the_documents() -> None:
    assert contract_files.SUFFIXES == (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz", ".json", ".json.gz")
