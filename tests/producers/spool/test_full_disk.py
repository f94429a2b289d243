"""A disk that is full for real."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from kept.errors import Retry, SpoolFull
from producers.spool import Message, Spool
from tests.producers.spool.small_disk import small_disk
from tests.producers.spool.test_spool import drain, message


def test_nothing_accepted_is_lost_and_room_comes_back_by_delivering(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk, Spool(disk / "s", 1024**3) as spool:
        accepted: list[Message] = []
        with pytest.raises(Retry, match=r"No space left on device.*make room on its disk") as refused:
            while True:
                batch = [message(len(accepted) + index, 1000) for index in range(7)]
                spool.append(batch)
                accepted += batch
        assert not isinstance(refused.value, SpoolFull)
        assert len(accepted) > 500
        assert [m for _, m in drain(spool)] == accepted
        spool.delivered(len(accepted))
        spool.append([message(1)])
        assert [m for _, m in drain(spool)] == [message(1)]


def test_room_that_someone_else_makes_is_used(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk, Spool(disk / "s", 1024**3) as spool:
        ballast = disk / "ballast"
        with pytest.raises(OSError, match="No space") as full, ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        assert full.value.errno == errno.ENOSPC
        with pytest.raises(Retry, match="No space left on device"):
            spool.append([message(1, 9000)])
        ballast.unlink()
        spool.append([message(1, 9000)])
        assert drain(spool) == [(1, message(1, 9000))]
