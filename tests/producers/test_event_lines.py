"""Files of events: one a line, whole or not at all, the same bytes each time."""

from __future__ import annotations

import gzip
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from kept import events as e
from kept.errors import ConfigurationError, Stop
from producers.event_lines import write_events
from tests.producers.incident_city import Timed, city


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


DAY = city(1, services=["parking-permits"], rate=0.5)


def test_each_line_is_one_event_of_the_contract_in_the_order_given(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    assert write_events(path, DAY) == len(DAY) > 100
    assert [e.decode(line) for line in path.read_bytes().splitlines()] == [event for _, event in DAY]
    assert path.read_bytes().endswith(b"\n")


def test_a_compressed_file_has_the_same_lines_and_the_same_bytes_whatever_it_is_called(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.jsonl.gz", "b.jsonl.gz", "c.jsonl")]
    for path in paths:
        write_events(path, DAY)
    assert gzip.decompress(paths[0].read_bytes()) == paths[2].read_bytes()
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert paths[0].read_bytes()[4:8] == b"\0\0\0\0", "no time in the header"


@pytest.mark.parametrize("name", ["events.jsonl", "events.jsonl.gz"])
def test_when_writing_breaks_off_the_old_file_stays_and_nothing_else_is_left(tmp_path: Path, name: str) -> None:
    def broken() -> Iterator[Timed]:
        yield from DAY[:50]
        raise RuntimeError("pulled the plug")

    path = tmp_path / name
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError, match="pulled the plug"):
        write_events(path, broken())
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == [name]


def test_a_file_that_others_may_read_is_made_as_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_events(tmp_path / "events.jsonl", DAY[:1])
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "events.jsonl").stat().st_mode) == 0o640


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Stop, match=r"events\.jsonl: cannot be written: No space left on device"):
        write_events(tmp_path / "events.jsonl", DAY)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("events.csv", r"valid: a name that ends in \.jsonl or \.jsonl\.gz"),
        ("missing/events.jsonl", "no such folder"),
        ("folder.jsonl", "is a folder; name a file"),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_is_made(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(ConfigurationError, match=says):
        write_events(tmp_path / name, iter(DAY))
    assert names(tmp_path) == ["folder.jsonl"]
