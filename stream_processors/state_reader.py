"""Reads the state of one source partition from its topic, in whatever format it was written.

The format is said by the last mark, near the end of the log, and is asked first: the newest is taken in while it is
read, an older one is gathered as a whole and raised.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from kept.state_formats import StateFormats
from kept.state_records import MARK, Record, StateHead, read_head
from stream_processors.log_reader import end_of, read_range

TAIL_RECORDS = 100
"""So far back the last mark is looked for first; a transaction ends with one."""


class StateReader:
    """The state of one source partition, as its log has it."""

    def __init__(self, client_settings: dict[str, Any], topic: str, partition: int) -> None:
        self._client_settings = client_settings
        self._topic = topic
        self._partition = partition

    async def end(self, *, open_too: bool = False) -> int:
        """The last stable offset; `open_too`: where everything ends, also a transaction that has not ended."""
        return await end_of(self._client_settings, self._topic, self._partition, open_too=open_too)

    async def head(self, end: int) -> StateHead | None:
        """What the last mark before `end` says of the whole; None when there is none. Raises `StateError`."""
        back = TAIL_RECORDS
        while end > 0:
            found: bytes | None = None
            start = max(0, end - back)
            async for records in self.records(start, end):
                found = next((value for key, value in reversed(records) if key == MARK), found)
            if found is not None:
                return read_head(found)
            if start == 0:
                return None
            back *= 10
        return None

    async def records(self, start: int, end: int) -> AsyncIterator[list[Record]]:
        """The records from `start` up to `end`, in log order."""
        async for records in read_range(self._client_settings, self._topic, self._partition, end, start=start):
            yield [(record.key, record.value) for record in records]

    async def live(self, start: int, end: int) -> dict[bytes, bytes]:
        """What the records from `start` up to `end` leave under each key."""
        held: dict[bytes, bytes] = {}
        async for records in self.records(start, end):
            for key, value in records:
                if value is None:
                    held.pop(key, None)
                else:
                    held[key] = value
        return held

    async def newest(self, formats: StateFormats) -> dict[bytes, bytes]:
        """The live records in the newest format; raises `StateError` when they are of a newer one than that."""
        end = await self.end()
        head = await self.head(end)
        if head is None:
            return await self.live(0, end)
        formats.written(0, head.format)
        return formats.raised(await self.live(head.begins, end), formats.newest)
