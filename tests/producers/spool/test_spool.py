"""The spool keeps what it accepted, in order, through crashes, torn writes and stale cursors, and names damage."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kept.errors import ConfigurationError, Retry, SpoolFull, StateError, Stop
from producers.spool import Message, Spool
from producers.spool.frames import read_head

LIMIT = 1024 * 1024
PASSES_FOR_A_HEAD = b"KSP10000000000000000000C_@'F"
"""Can be typed, and its checksum is right."""


def message(number: int, size: int = 40) -> Message:
    return Message(b"case-%d" % number, (b"event-%d " % number).ljust(size, b"."))


def drain(spool: Spool) -> list[tuple[int, Message]]:
    """All that waits, oldest first."""
    reader = spool.reader()
    read: list[tuple[int, Message]] = []
    while batch := reader.read():
        read += batch
    reader.close()
    return read


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.segment"))


def crashed(folder: Path) -> Path:
    """The folder as a process that was killed leaves it: a copy, since the one at hand still holds its lock."""
    copy = Path(tempfile.mkdtemp(dir=folder.parent, prefix="crashed-"))
    shutil.copytree(folder, copy, dirs_exist_ok=True)
    return copy


def test_what_was_appended_is_read_in_order_and_again_after_opening_anew(tmp_path: Path) -> None:
    with Spool(tmp_path / "s", LIMIT) as spool:
        spool.append([message(1), message(2)])
        spool.append([message(3)])
        assert drain(spool) == [(1, message(1)), (2, message(2)), (3, message(3))]
        assert spool.waiting == 3
    with Spool(tmp_path / "s", LIMIT) as spool:
        spool.append([message(4)])
        assert drain(spool) == [(number, message(number)) for number in (1, 2, 3, 4)]


def test_what_is_delivered_is_not_read_again(tmp_path: Path) -> None:
    with Spool(tmp_path / "s", LIMIT) as spool:
        spool.append([message(number) for number in range(1, 11)])
        spool.delivered(4)
        assert [number for number, _ in drain(spool)] == [5, 6, 7, 8, 9, 10]
        assert spool.waiting == 6
    with Spool(tmp_path / "s", LIMIT) as spool:
        assert [number for number, _ in drain(spool)] == [5, 6, 7, 8, 9, 10]


def test_a_reader_goes_on_where_it_was_when_more_comes(tmp_path: Path) -> None:
    with Spool(tmp_path / "s", LIMIT) as spool:
        reader = spool.reader()
        assert reader.read() == []
        spool.append([message(1)])
        assert reader.read() == [(1, message(1))]
        assert reader.read() == []
        spool.append([message(2)])
        spool.delivered(1)
        assert reader.read() == [(2, message(2))]
        reader.close()


def test_delivered_segments_leave_the_disk(tmp_path: Path) -> None:
    with Spool(tmp_path / "s", 65_536) as spool:
        for number in range(1, 50):
            spool.append([message(number, 1000)])
        assert len(segments(spool.folder)) > 4
        assert spool.bytes_used > 49_000
        spool.delivered(40)
        assert spool.bytes_used < 20_000
        spool.delivered(49)
        assert spool.bytes_used == 0
        assert sum(path.stat().st_size for path in segments(spool.folder)) < 65_536 // 16


def test_at_rest_nothing_of_what_is_delivered_is_on_disk_and_numbers_go_on(tmp_path: Path) -> None:
    with Spool(tmp_path / "s", 65_536) as spool:
        reader = spool.reader()
        spool.append([message(1), message(2)])
        assert len(reader.read()) == 2
        spool.delivered(1)
        spool.rest()
        assert segments(spool.folder), "one of them still waits"
        spool.delivered(2)
        spool.rest()
        assert segments(spool.folder) == []
        spool.append([message(3)])
        assert reader.read() == [(3, message(3))]
        reader.close()


def test_a_spool_that_is_closed_leaves_nothing_of_what_is_delivered(tmp_path: Path) -> None:
    with Spool(tmp_path / "s", 65_536) as spool:
        spool.append([message(1)])
        spool.delivered(1)
        assert segments(spool.folder)
    assert segments(spool.folder) == []
    with Spool(tmp_path / "s", 65_536) as spool:
        assert spool.waiting == 0
        spool.append([message(2)])
        assert drain(spool) == [(2, message(2))]
    assert segments(spool.folder), "it was not delivered"


def test_a_full_spool_accepts_nothing_drops_nothing_and_says_what_to_do(tmp_path: Path) -> None:
    with Spool(tmp_path / "s", 65_536) as spool:
        with pytest.raises(SpoolFull, match=r"is full: \d+ events wait .* of 65536 bytes; start the broker"):
            for number in range(1, 1000):
                spool.append([message(number, 1000)])
        kept = spool.waiting
        assert [number for number, _ in drain(spool)] == list(range(1, kept + 1))
        assert sum(path.stat().st_size for path in segments(spool.folder)) <= 65_536
        spool.delivered(kept // 2)
        spool.append([message(kept + 1, 1000)])
        assert drain(spool)[-1] == (kept + 1, message(kept + 1, 1000))


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    program = "import sys; from pathlib import Path; from producers.spool import Spool; Spool(Path(sys.argv[1]), 65536)"
    with Spool(tmp_path / "s", LIMIT):
        with pytest.raises(ConfigurationError, match="is in use by another process; stop that one"):
            Spool(tmp_path / "s", LIMIT)
        command = [sys.executable, "-c", program, str(tmp_path / "s")]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert "is in use by another process" in ended.stderr
    Spool(tmp_path / "s", LIMIT).close()


def test_only_the_owner_can_read_what_waits(tmp_path: Path) -> None:
    with Spool(tmp_path / "s", LIMIT) as spool:
        spool.append([message(1)])
        for path in [spool.folder, *spool.folder.iterdir()]:
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"KEPT_SPOOL_FOLDER: .*file/s cannot be used"):
        Spool(tmp_path / "file" / "s", LIMIT)


def test_a_closed_spool_takes_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s", LIMIT)
    spool.append([message(1)])
    spool.close()
    with pytest.raises(Stop, match="is closed"):
        spool.append([message(2)])
    spool.delivered(1)  # harmless


operation = st.one_of(
    st.tuples(st.just("append"), st.lists(st.integers(0, 3000), min_size=1, max_size=5)),
    st.tuples(st.just("deliver"), st.floats(0, 1)),
    st.tuples(st.just("crash"), st.binary(max_size=60)),
    st.tuples(st.just("crash with an old cursor"), st.floats(0, 1)),
    st.tuples(st.just("close"), st.none()),
)


@settings(max_examples=100, deadline=None)
@example([("append", [0]), ("deliver", 1.0), ("close", None), ("crash with an old cursor", 0.0), ("append", [0])])
@given(st.lists(operation, max_size=20))
def test_whatever_happens_nothing_accepted_is_lost_or_out_of_order(operations: list[tuple[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as root:
        spool = Spool(Path(root) / "s", LIMIT // 8)
        accepted: list[Message] = []
        delivered = 0
        cursors = [(0, b"")]
        try:
            for what, how in operations:
                if what == "append":
                    batch = [message(len(accepted) + index, size) for index, size in enumerate(how)]
                    try:
                        spool.append(batch)
                        accepted += batch
                    except SpoolFull:
                        pass
                elif what == "deliver":
                    delivered += int(how * (len(accepted) - delivered))
                    spool.delivered(delivered)
                    cursors.append((delivered, (spool.folder / "cursor").read_bytes()))
                else:
                    folder = spool.folder if what == "close" else crashed(spool.folder)
                    spool.close()
                    if what == "crash" and segments(folder):
                        with segments(folder)[-1].open("ab") as torn:
                            torn.write(how)
                    if what == "crash with an old cursor":
                        del cursors[1 + int(how * (len(cursors) - 1)) :]
                        (folder / "cursor").write_bytes(cursors[-1][1])
                        if not segments(folder):  # nothing waits, and nothing says how far the numbers had come
                            delivered = cursors[-1][0]
                            del accepted[delivered:]
                    spool = Spool(folder, LIMIT // 8)
                waits = drain(spool)
                if waits:
                    first = waits[0][0]
                    assert first <= delivered + 1
                    assert waits == [(first + index, m) for index, m in enumerate(accepted[first - 1 :])]
                assert spool.waiting == len(waits) >= len(accepted) - delivered
        finally:
            spool.close()


def filled(folder: Path) -> list[int]:
    """A spool with six frames in one segment; the bytes at which they end."""
    ends = []
    with Spool(folder, LIMIT) as spool:
        for number in range(1, 12, 2):
            spool.append([message(number), message(number + 1)])
            ends.append(segments(folder)[0].stat().st_size)
    return ends


def test_a_tail_torn_at_any_byte_costs_only_what_was_not_accepted(tmp_path: Path) -> None:
    ends = filled(tmp_path / "s")
    (segment,) = segments(tmp_path / "s")
    whole = segment.read_bytes()
    for cut in range(len(whole)):
        segment.write_bytes(whole[:cut])
        (tmp_path / "s" / "cursor").unlink()
        with Spool(tmp_path / "s", LIMIT) as spool:
            frames = sum(end <= cut for end in ends)
            assert drain(spool) == [(number, message(number)) for number in range(1, 2 * frames + 1)]
            spool.append([message(99)])  # what comes after a torn tail is kept too
            assert drain(spool)[-1] == (2 * frames + 1, message(99))
        with Spool(tmp_path / "s", LIMIT) as spool:
            assert spool.waiting == 2 * frames + 1
        for path in segments(tmp_path / "s"):
            path.unlink()


@pytest.mark.parametrize(
    "crafted",
    [
        Message(b"case-1", b'{"id": "%s", "data": "..."}' % PASSES_FOR_A_HEAD),
        Message(PASSES_FOR_A_HEAD, b'{"id": "e-1"}'),
    ],
)
def test_a_text_that_passes_for_a_head_does_not_make_a_torn_write_look_like_lost_messages(
    tmp_path: Path, crafted: Message, caplog: pytest.LogCaptureFixture
) -> None:
    assert read_head(PASSES_FOR_A_HEAD) is not None
    with Spool(tmp_path / "s", LIMIT) as spool:
        spool.append([message(1)])
        spool.append([crafted, message(3)])
    (segment,) = segments(tmp_path / "s")
    segment.write_bytes(segment.read_bytes()[:-3])
    with Spool(tmp_path / "s", LIMIT) as spool:
        assert drain(spool) == [(1, message(1))]
    assert "the last write was torn" in caplog.text


def test_a_torn_tail_is_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    filled(tmp_path / "s")
    (segment,) = segments(tmp_path / "s")
    segment.write_bytes(segment.read_bytes()[:-3])
    Spool(tmp_path / "s", LIMIT).close()
    assert "the last write was torn" in caplog.text
    assert "after message 10" in caplog.text


def test_a_byte_that_changed_anywhere_before_the_last_frame_is_named(tmp_path: Path) -> None:
    ends = filled(tmp_path / "s")
    (segment,) = segments(tmp_path / "s")
    whole = segment.read_bytes()
    for at in range(ends[-2]):
        segment.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        with pytest.raises(StateError, match=rf"{segment.name}: byte \d+: damaged after message \d+"):
            Spool(tmp_path / "s", LIMIT)


def test_a_byte_that_changed_in_any_but_the_last_segment_is_named(tmp_path: Path) -> None:
    with Spool(tmp_path / "s", 65_536) as spool:
        for number in range(1, 20):
            spool.append([message(number, 1000)])
    first = segments(tmp_path / "s")[0]
    whole = first.read_bytes()
    for at in (0, 20, len(whole) // 2, len(whole) - 1):
        first.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(StateError, match=first.name):
            Spool(tmp_path / "s", 65_536)


def test_a_segment_that_is_missing_is_named(tmp_path: Path) -> None:
    with Spool(tmp_path / "s", 65_536) as spool:
        for number in range(1, 30):
            spool.append([message(number, 1000)])
    segments(tmp_path / "s")[1].unlink()
    with pytest.raises(
        StateError, match=r"ends with message \d+, but the next begins with \d+: a file of the spool is missing"
    ):
        Spool(tmp_path / "s", 65_536)


def test_damage_that_comes_while_it_runs_stops_the_reader_at_the_message(tmp_path: Path) -> None:
    with Spool(tmp_path / "s", LIMIT) as spool:
        spool.append([message(1)])
        spool.append([message(2)])
        (segment,) = segments(spool.folder)
        data = bytearray(segment.read_bytes())
        data[-1] ^= 1
        segment.write_bytes(data)
        reader = spool.reader()
        assert reader.read() == [(1, message(1))]
        with pytest.raises(StateError, match="message 2 is damaged"):
            reader.read()
        reader.close()


def test_a_cursor_that_cannot_be_read_costs_duplicates_and_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    filled(tmp_path / "s")
    with Spool(tmp_path / "s", LIMIT) as spool:
        spool.delivered(7)
    (tmp_path / "s" / "cursor").write_bytes(b"nonsense....")
    with Spool(tmp_path / "s", LIMIT) as spool:
        assert [number for number, _ in drain(spool)] == list(range(1, 13))
    assert "cursor: cannot be read" in caplog.text


def short_write(file: int, data: bytes) -> int:
    """Half is written, then the disk is full."""
    if len(data) < 40:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return os.pwrite(file, bytes(data)[: len(data) // 2], os.fstat(file).st_size)


def failing_sync(*_: object) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.mark.parametrize(
    ("call", "fault"), [("write", short_write), ("fdatasync", failing_sync)], ids=["a disk that is full", "a bad sync"]
)
@pytest.mark.parametrize("cut", [True, False], ids=["cut off", "left there"])
def test_a_write_that_failed_is_refused_and_what_was_accepted_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, fault: Callable[..., Any], cut: bool
) -> None:
    spool = Spool(tmp_path / "s", LIMIT)
    spool.append([message(1)])
    with monkeypatch.context() as patch:
        patch.setattr(f"producers.spool.spool.os.{call}", fault)
        if not cut:
            patch.setattr("producers.spool.spool.os.ftruncate", failing_sync)
        with pytest.raises(
            Retry, match=r"cannot be written .*make room on its disk; the 1 events that it holds are safe"
        ):
            spool.append([message(2, 200)])
    assert drain(spool) == [(1, message(1))]
    spool.append([message(3)])
    assert drain(spool) == [(1, message(1)), (2, message(3))]
    spool.close()
    with Spool(tmp_path / "s", LIMIT) as spool:
        assert drain(spool) == [(1, message(1)), (2, message(3))]
