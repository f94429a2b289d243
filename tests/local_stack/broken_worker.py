"""A worker that acknowledges each second batch without having committed it: what chaos must notice."""

from __future__ import annotations

import itertools
from typing import Any

from command_line.main import main
from kept.events import TICK_TYPE
from kept.partition import Changes
from stream_processors.partition_log import PartitionLog

LOSES_EACH = 2
_numbers = itertools.count(1)
_write = PartitionLog.write


async def careless(log: PartitionLog, changes: Changes, sources: list[Any]) -> None:
    # A batch with a tick is written, so that the story comes to its end.
    if any(TICK_TYPE.encode() in source.value for source in sources) or next(_numbers) % LOSES_EACH:
        await _write(log, changes, sources)


if __name__ == "__main__":
    PartitionLog.write = careless  # type: ignore[method-assign]
    main()
