from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

from kept.errors import Stop
from kept.events import CaseCompleted, CaseOpened, CaseOpenedData, CompletedData, Event, moment
from producers.sources.time_order import TimeOrder, _Disk


def opened(number: int, time_ms: int) -> Event:
    data = CaseOpenedData(service="s", category="ü 1")
    return CaseOpened(specversion="1.0", id=f"{number}", source="t", time=moment(time_ms), subject="c", data=data)


def completed(number: int, time_ms: int) -> Event:
    data = CompletedData(service="s")
    return CaseCompleted(specversion="1.0", id=f"{number}", source="t", time=moment(time_ms), subject="c", data=data)


def order(events: list[tuple[int, Event]], in_memory: int, **options: object) -> list[tuple[int, Event]]:
    taken = TimeOrder(in_memory=in_memory, **options)  # type: ignore[arg-type]
    for time_ms, event in events:
        taken.add(time_ms, event)
    ordered = taken.events()
    assert list(ordered) == list(ordered), "going through twice gives the same"
    assert len(ordered) == len(list(ordered))
    return list(ordered)


@pytest.mark.parametrize("in_memory", [1, 7, 10_000])
def test_events_come_out_by_time_then_type_then_id_in_memory_as_on_disk(in_memory: int) -> None:
    events = [(t, kind(n, t)) for n, t in enumerate([5, 3, 3, 9, -4, 5] * 400) for kind in (completed, opened)]
    random.Random(1).shuffle(events)
    expected = sorted(events, key=lambda timed: (timed[0], isinstance(timed[1], CaseCompleted), timed[1].id))
    assert order(events, in_memory) == expected


@pytest.mark.parametrize("in_memory", [2, 100])
def test_as_told_leaves_all_in_the_order_they_came(in_memory: int) -> None:
    events = [(5, completed(2, 5)), (5, opened(1, 5)), (4, opened(9, 4)), (5, opened(0, 5))]
    assert order(events, in_memory, as_told=True) == events


def test_what_is_in_order_already_is_not_sorted(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = sqlite3.connect

    def connect(*arguments: object, **more: object) -> sqlite3.Connection:
        database = real(*arguments, **more)  # type: ignore[call-overload]
        database.set_trace_callback(asked.append)
        return database

    monkeypatch.setattr(sqlite3, "connect", connect)
    in_order = [(t, opened(t, t)) for t in range(3_000)]
    assert order(in_order, 10) == in_order
    assert order(in_order[::-1], 10, as_told=True) == in_order[::-1]
    assert not [statement for statement in asked if "ORDER BY time" in statement]
    assert order(in_order[::-1], 10) == in_order
    assert [statement for statement in asked if "ORDER BY time" in statement]


def test_events_after_the_moment_are_left_out() -> None:
    assert [time for time, _ in order([(t, opened(t, t)) for t in (3, 1, 2)], 1, until_ms=2)] == [1, 2]


def test_the_database_is_a_file_of_its_own_that_is_gone_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQLITE_TMPDIR", str(tmp_path))
    taken = TimeOrder(in_memory=10)
    for number in range(60_000):
        taken.add(-number, opened(number, -number))
    assert len(list(taken.events())) == 60_000
    del taken
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_stops_with_what_to_do() -> None:
    disk = _Disk()
    disk._database.execute("PRAGMA max_page_count = 3")
    held = [((n, 0, ""), opened(n, n)) for n in range(1_000)]
    with pytest.raises(Stop, match=r"cannot be put in order on disk: .*full; make room in .*TMPDIR"):
        disk.write(held)
