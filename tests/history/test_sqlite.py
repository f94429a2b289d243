"""What only a file can do: be locked, cut off by kill -9, too new, someone else's, read while it is written."""

from __future__ import annotations

import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from history import sqlite_tables
from history.sqlite import RETRY_CODES, SQLiteHistory
from kept.errors import KeptError, Retry, Stop
from kept.indicators.point import Amendment
from kept.signals.chart_amendments import ChartAmendment
from tests.history.charts import change, week
from tests.history.decisions import decided, delivery
from tests.history.points import NOON, point
from tests.history.signals import HOUR, raised, response

BATCH = 500
WRITER = f"""
import sys
from history.sqlite import SQLiteHistory
from tests.history.charts import change, week
from tests.history.points import NOON, point

store = SQLiteHistory(sys.argv[1])
print("ready", flush=True)
for batch in range(10_000):
    store.write([point(window=f"w{{series}}", value=batch, window_end=NOON + batch * 300) for series in range({BATCH})])
    print(batch, flush=True)
"""


def start_writer(path: Path) -> subprocess.Popen[str]:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    return writer


def end(writer: subprocess.Popen[str]) -> int:
    """kill -9; the number of batches whose write had returned."""
    writer.send_signal(signal.SIGKILL)
    said, _ = writer.communicate()
    return len(said.split())


def batches(points: list[float | int | None]) -> dict[float | int | None, int]:
    return {batch: points.count(batch) for batch in set(points)}


def test_a_reader_in_another_process_sees_whole_batches_while_a_writer_writes(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    writer = start_writer(path)
    try:
        reader = SQLiteHistory(path, read_only=True)
        seen: set[int] = set()
        deadline = time.monotonic() + 30
        while len(seen) < 5 and time.monotonic() < deadline:
            found = batches([each.value for each in reader.read("street-repairs")])
            assert set(found.values()) <= {BATCH}
            seen.add(len(found))
        assert len(seen) >= 5
        reader.close()
    finally:
        end(writer)


def test_kill_9_in_the_middle_leaves_whole_batches_and_all_that_were_acknowledged(tmp_path: Path) -> None:
    for attempt in range(5):
        path = tmp_path / f"history-{attempt}.sqlite"
        writer = start_writer(path)
        time.sleep(0.13 + attempt * 0.031)
        acknowledged = end(writer)
        found = batches([each.value for each in SQLiteHistory(path).read("street-repairs")])
        assert set(found.values()) <= {BATCH}
        assert acknowledged <= len(found) <= acknowledged + 1


def test_a_locked_file_is_tried_again_later(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    store = SQLiteHistory(path, busy_seconds=0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Retry, match="locked"):
        store.write([point()])
    assert SQLiteHistory(path, read_only=True).read("street-repairs") == []
    other.execute("ROLLBACK")
    other.close()
    store.write([point()])
    assert store.read("street-repairs") == [point()]


def test_a_file_that_needs_nothing_is_opened_while_another_writes(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    SQLiteHistory(path).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    SQLiteHistory(path, busy_seconds=0.05).close()
    other.close()


def test_series_numbers_of_a_failed_batch_are_forgotten(tmp_path: Path) -> None:
    store = SQLiteHistory(tmp_path / "history.sqlite")
    with pytest.raises(Stop, match="cannot be stored"):
        store.write([point(window="new"), point(n=2**80)])
    store.write([point(window="other")])
    store.write([point(window="new")])
    assert {each.window for each in store.read("street-repairs")} == {"new", "other"}


def test_a_newer_format_is_refused_with_both_versions(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    SQLiteHistory(path).close()
    newer = sqlite3.connect(path)
    newer.execute("PRAGMA user_version = 7")
    newer.close()
    for read_only in (False, True):
        with pytest.raises(Stop, match=re.escape("its format is 7, this version of Kept knows formats up to 5")):
            SQLiteHistory(path, read_only=read_only)


FORMAT_1 = """
CREATE TABLE series (
    id INTEGER PRIMARY KEY, service TEXT NOT NULL, slice TEXT NOT NULL, indicator TEXT NOT NULL, window TEXT NOT NULL,
    UNIQUE (service, slice, indicator, window));
CREATE TABLE meaning (
    id INTEGER PRIMARY KEY, unit TEXT NOT NULL, definition TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,
    UNIQUE (unit, definition, state, reason));
CREATE TABLE point (
    series INTEGER NOT NULL REFERENCES series, window_end INTEGER NOT NULL, window_start INTEGER NOT NULL,
    meaning INTEGER NOT NULL REFERENCES meaning, value, numerator, denominator, n INTEGER, low, high,
    PRIMARY KEY (series, window_end)) WITHOUT ROWID;
CREATE TABLE published (service TEXT PRIMARY KEY, window_end INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO series VALUES (1, 'street-repairs', '[]', 'promise_kept', '28d');
INSERT INTO meaning VALUES (1, 'share', 'promise_kept@1', 'value', '');
INSERT INTO point VALUES (1, 1325419200, 1323000000, 1, 0.75, 75, 100, 100, 0.656, 0.825);
INSERT INTO published VALUES ('street-repairs', 1325419200);
PRAGMA user_version = 1;
PRAGMA application_id = 1262833748;
PRAGMA journal_mode = WAL;
"""
"""What the first release of the store made."""


def file_of_format_1(path: Path) -> Path:
    old = sqlite3.connect(path, isolation_level=None)
    old.executescript(FORMAT_1)
    old.close()
    return path


def user_version(path: Path) -> int:
    connection = sqlite3.connect(path)
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.close()
    return version


def test_a_file_of_format_1_is_brought_up_to_date_and_keeps_what_it_holds(tmp_path: Path) -> None:
    path = file_of_format_1(tmp_path / "history.sqlite")
    store = SQLiteHistory(path)
    assert user_version(path) == 5
    assert store.read("street-repairs") == [point()]
    assert store.published() == {"street-repairs": NOON}
    change = Amendment(NOON + 600, point(), point(value=0.5))
    store.amend([change])
    store.close()
    again = SQLiteHistory(path)
    assert again.amendments("street-repairs") == [change]
    assert again.read("street-repairs") == [point(value=0.5)]


def test_a_reader_of_format_1_changes_nothing_and_sees_amendments_as_soon_as_there_are_any(tmp_path: Path) -> None:
    path = file_of_format_1(tmp_path / "history.sqlite")
    reader = SQLiteHistory(path, read_only=True)
    assert reader.read("street-repairs") == [point()]
    assert reader.amendments("street-repairs") == []
    assert user_version(path) == 1
    SQLiteHistory(path).amend([Amendment(NOON + 600, point(), point(value=0.5))])
    assert len(reader.amendments("street-repairs")) == 1
    reader.close()


def file_of_format_2(path: Path) -> Path:
    """As the release made it that brought amendments: the first two steps, with a point and its amendment."""
    file_of_format_1(path)
    old = sqlite3.connect(path, isolation_level=None)
    old.executescript(f"{sqlite_tables.STEPS[1]}; PRAGMA user_version = 2;")
    for is_new, value in ((0, "value"), (1, "0.5")):
        old.execute(
            f"INSERT INTO amendment SELECT series, window_end, window_end + 600, {is_new}, window_start, meaning, "
            f"{value}, numerator, denominator, n, low, high FROM point"
        )
    old.close()
    return path


def test_a_file_of_format_2_is_brought_up_to_date_and_keeps_what_it_holds(tmp_path: Path) -> None:
    path = file_of_format_2(tmp_path / "history.sqlite")
    store = SQLiteHistory(path)
    assert user_version(path) == 5
    assert store.read("street-repairs") == [point()]
    assert store.amendments("street-repairs") == [Amendment(NOON + 600, point(), point(value=0.5))]
    assert store.signals() == store.open_signals() == store.responses() == []
    store.record([raised()])
    store.respond(response())
    store.close()
    again = SQLiteHistory(path, read_only=True)
    assert again.signals() == again.open_signals() == [raised()]
    assert again.responses() == [response()]
    again.close()


def file_of_format_3(path: Path) -> Path:
    """As the release made it that brought signals: the first three steps, with a signal."""
    file_of_format_2(path)
    old = sqlite3.connect(path, isolation_level=None)
    old.executescript(f"{sqlite_tables.STEPS[2]}; PRAGMA user_version = 3;")
    old.execute("INSERT INTO signal VALUES (?, ?, ?, ?, ?, ?, ?, ?)", sqlite_tables.row_of_signal(raised())[:-1])
    old.close()
    return path


def test_a_file_of_format_3_is_brought_up_to_date_and_keeps_what_it_holds(tmp_path: Path) -> None:
    path = file_of_format_3(tmp_path / "history.sqlite")
    store = SQLiteHistory(path)
    assert user_version(path) == 5
    assert store.read("street-repairs") == [point()]
    assert store.signals() == store.open_signals() == [raised()]
    assert store.charts("street-repairs") == store.changes() == []
    store.write_charts([week()])
    store.write_changes([change()])
    store.close()
    again = SQLiteHistory(path, read_only=True)
    assert (again.charts("street-repairs"), again.changes()) == ([week()], [change()])
    again.close()


def file_of_format_4(path: Path) -> Path:
    """As the release made it that brought charts and changes: the first four steps, with one of each."""
    file_of_format_3(path)
    old = sqlite3.connect(path, isolation_level=None)
    old.executescript(f"{sqlite_tables.STEPS[3]}; PRAGMA user_version = 4;")
    old.execute(sqlite_tables.CHART, sqlite_tables.row_of(week()))
    old.execute(sqlite_tables.CHANGE, sqlite_tables.row_of(change()))
    old.close()
    return path


def test_a_file_of_format_4_is_brought_up_to_date_and_keeps_what_it_holds(tmp_path: Path) -> None:
    path = file_of_format_4(tmp_path / "history.sqlite")
    store = SQLiteHistory(path)
    assert user_version(path) == 5
    assert (store.charts("street-repairs"), store.changes()) == ([week()], [change()])
    assert store.signals() == [raised()]
    assert store.decision_entries() == store.deliveries() == store.chart_amendments("street-repairs") == []
    amended = ChartAmendment(NOON + 60, week(), week(value=0.5))
    store.decide(decided())
    store.deliver(delivery())
    store.amend_charts([amended])
    store.record([msgspec.structs.replace(raised(), course=(NOON + HOUR, NOON + 2 * HOUR))])
    store.close()
    again = SQLiteHistory(path, read_only=True)
    assert (again.decision_entries(), again.deliveries()) == ([decided()], [delivery()])
    assert (again.charts("street-repairs"), again.chart_amendments("street-repairs")) == ([amended.new], [amended])
    assert [one.course for one in again.signals()] == [(NOON + HOUR, NOON + 2 * HOUR)]
    again.close()


def test_a_reader_of_format_4_sees_no_decisions_until_there_are_any_and_makes_none(tmp_path: Path) -> None:
    path = file_of_format_4(tmp_path / "history.sqlite")
    reader = SQLiteHistory(path, read_only=True)
    assert reader.decision_entries() == reader.deliveries() == reader.chart_amendments("street-repairs") == []
    assert reader.signals() == reader.open_signals() == [raised()]
    for write in (lambda: reader.decide(decided()), lambda: reader.deliver(delivery())):
        with pytest.raises(Stop, match="reading only"):
            write()
    assert user_version(path) == 4
    writer = SQLiteHistory(path)
    writer.decide(decided())
    writer.deliver(delivery())
    assert (reader.decision_entries(), reader.deliveries()) == ([decided()], [delivery()])
    reader.close()


@pytest.mark.parametrize("older", [file_of_format_1, file_of_format_2, file_of_format_3])
def test_a_reader_of_an_older_file_sees_no_charts_and_changes_until_there_are_any(
    tmp_path: Path, older: Callable[[Path], Path]
) -> None:
    path = older(tmp_path / "history.sqlite")
    reader = SQLiteHistory(path, read_only=True)
    assert reader.charts("street-repairs") == reader.changes() == []
    for write in (lambda: reader.write_charts([week()]), lambda: reader.write_changes([change()])):
        with pytest.raises(Stop, match="reading only"):
            write()
    assert user_version(path) < 5
    writer = SQLiteHistory(path)
    writer.write_charts([week()])
    writer.write_changes([change()])
    assert (reader.charts("street-repairs"), reader.changes()) == ([week()], [change()])
    reader.close()


def test_weeks_of_charts_are_written_together_or_not_at_all(tmp_path: Path) -> None:
    store = SQLiteHistory(tmp_path / "history.sqlite")
    with pytest.raises(Stop, match="cannot be stored"):
        store.write_charts([week(), week(week_end=2**80)])
    with pytest.raises(Stop, match="cannot be stored"):
        store.amend_charts(
            [ChartAmendment(NOON, None, week()), ChartAmendment(2**80, week(value=1.0), week())],
        )
    with pytest.raises(Stop, match="cannot be stored"):
        store.write_changes([change(), change(at=2**80)])
    assert store.chart_amendments("street-repairs") == []
    assert store.charts("street-repairs") == store.changes() == []


@pytest.mark.parametrize("older", [file_of_format_1, file_of_format_2])
def test_a_reader_of_an_older_file_sees_no_signals_until_there_are_any(
    tmp_path: Path, older: Callable[[Path], Path]
) -> None:
    path = older(tmp_path / "history.sqlite")
    reader = SQLiteHistory(path, read_only=True)
    assert reader.signals() == reader.open_signals("street-repairs") == reader.responses() == []
    assert len(reader.amendments("street-repairs")) == (older is file_of_format_2)
    with pytest.raises(Stop, match="reading only"):
        reader.respond(response())
    assert user_version(path) < 5
    SQLiteHistory(path).record([raised()])
    assert reader.signals() == [raised()]
    reader.close()


def test_open_signals_are_found_by_an_index_of_them_alone(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    SQLiteHistory(path).close()
    connection = sqlite3.connect(path)
    for service in (None, "street-repairs"):
        plan = connection.execute(f"EXPLAIN QUERY PLAN {sqlite_tables.OPEN_SIGNALS}", (service,)).fetchall()
        steps = [step for *_, step in plan if not step.startswith("USE TEMP B-TREE")]
        assert steps[0].endswith("USING INDEX signal_open")
        assert not any(step == "SCAN s" or step.startswith("SCAN later") for step in steps)
    connection.close()


def test_signals_are_recorded_together_or_not_at_all(tmp_path: Path) -> None:
    store = SQLiteHistory(tmp_path / "history.sqlite")
    with pytest.raises(Stop, match="cannot be stored"):
        store.record([raised(), raised(raised_at=2**80)])
    assert store.signals() == []


def test_an_upgrade_that_is_cut_off_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file_of_format_1(tmp_path / "history.sqlite")
    broken = (sqlite_tables.STEPS[0], "CREATE TABLE amendment (series INTEGER); CREATE TABLE point (twice INTEGER);")
    with monkeypatch.context() as patched:
        patched.setattr(sqlite_tables, "STEPS", broken)
        with pytest.raises(Stop, match="already exists"):
            SQLiteHistory(path)
    assert user_version(path) == 1
    store = SQLiteHistory(path)
    assert store.amendments("street-repairs") == []
    assert store.read("street-repairs") == [point()]


def test_amendments_are_stored_together_or_not_at_all(tmp_path: Path) -> None:
    store = SQLiteHistory(tmp_path / "history.sqlite")
    store.write([point()])
    with pytest.raises(Stop, match="cannot be stored"):
        store.amend([Amendment(NOON, point(), point(value=0.5)), Amendment(2**80, point(), point(value=0.6))])
    assert store.amendments("street-repairs") == []
    assert store.read("street-repairs") == [point()]


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "photos.sqlite"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE photo (id INTEGER)")
    other.commit()
    other.close()
    before = path.read_bytes()
    with pytest.raises(Stop, match="another program"):
        SQLiteHistory(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Sir or Madam, " * 100)
    with pytest.raises(Stop, match="not a database"):
        SQLiteHistory(path)
    assert path.read_text().startswith("Dear")


def test_a_reader_that_comes_before_the_first_writer_waits_and_makes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    with pytest.raises(Retry, match="not there yet"):
        SQLiteHistory(path, read_only=True)
    assert not path.exists()
    path.touch()
    with pytest.raises(Retry, match="still empty"):
        SQLiteHistory(path, read_only=True)


def test_a_missing_folder_needs_a_person(tmp_path: Path) -> None:
    with pytest.raises(Stop, match="no folder"):
        SQLiteHistory(tmp_path / "missing" / "history.sqlite")


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    SQLiteHistory(path).close()
    with pytest.raises(Stop, match="reading only"):
        SQLiteHistory(path, read_only=True).write([point()])


def test_two_processes_open_a_new_file_at_once(tmp_path: Path) -> None:
    program = "import sys\nfrom history.sqlite import SQLiteHistory\nSQLiteHistory(sys.argv[1]).publish(['x'], 1)\n"
    for attempt in range(3):
        path = str(tmp_path / f"history-{attempt}.sqlite")
        both = [subprocess.Popen([sys.executable, "-c", program, path]) for _ in range(4)]
        assert [each.wait(60) for each in both] == [0, 0, 0, 0]


def test_memory_keeps_nothing_for_later() -> None:
    store = SQLiteHistory(":memory:")
    store.write([point()])
    assert store.read("street-repairs") == [point()]
    assert SQLiteHistory(":memory:").services() == []


def test_a_million_points_stay_small(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    store = SQLiteHistory(path)
    points = [
        point(window=f"w{series}", value=0.5 + step / 1e6, window_end=NOON + step * 300)
        for step in range(200)
        for series in range(100)
    ]
    store.write(points)
    store.close()
    assert path.stat().st_size / len(points) < 90  # bytes a point: 90 MB a million


CODES = {
    "SQLITE_BUSY": Retry, "SQLITE_BUSY_SNAPSHOT": Retry, "SQLITE_LOCKED": Retry, "SQLITE_PROTOCOL": Retry,
    "SQLITE_SCHEMA": Retry, "SQLITE_INTERRUPT": Retry, "SQLITE_NOMEM": Retry, "SQLITE_FULL": Retry,
    "SQLITE_IOERR": Stop, "SQLITE_READONLY": Stop, "SQLITE_CANTOPEN": Stop, "SQLITE_CORRUPT": Stop,
    "SQLITE_NOTADB": Stop, "SQLITE_PERM": Stop, "SQLITE_AUTH": Stop, "SQLITE_CONSTRAINT": Stop, "SQLITE_ERROR": Stop,
    "SQLITE_TOOBIG": Stop, "SQLITE_MISMATCH": Stop, "SQLITE_MISUSE": Stop,
}  # fmt: skip


@pytest.mark.parametrize(("name", "kind"), CODES.items())
def test_each_error_of_sqlite_has_its_verb(name: str, kind: type[KeptError]) -> None:
    store = SQLiteHistory(":memory:")
    error = sqlite3.OperationalError("said so")
    error.sqlite_errorcode = getattr(sqlite3, name)
    with pytest.raises(kind, match="said so"), store._mapped():
        raise error


def test_no_retry_code_is_left_out_of_the_table() -> None:
    listed = {getattr(sqlite3, name) & 0xFF for name, kind in CODES.items() if kind is Retry}
    assert listed == RETRY_CODES
