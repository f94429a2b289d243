"""The intake with a spool that says to have taken everything and drops each 40th event: what chaos must notice."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from command_line.main import main
from producers.spool import Message, Spool

DROPS_EACH = 40
_numbers = itertools.count(1)
_append = Spool.append


def forgetful(spool: Spool, messages: Sequence[Message]) -> None:
    _append(spool, [message for message in messages if next(_numbers) % DROPS_EACH])


if __name__ == "__main__":
    Spool.append = forgetful  # type: ignore[method-assign]
    main()
