"""The brake: when most events of a source partition are refused, the feed is broken, or the catalogue, not the events.

Looks at the log alone: which of the last events were refused. Where batches end and when a worker was started again
does not matter, so that a worker that trips it trips it at the same event at every start, until a person has acted.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping

from kept.errors import Reject, Stop

RECENT = 10
"""A tenth of the window must be as bad as the whole: after the cure a last stray event does not trip it again."""


class Brake:
    """The refused events among the last `events` of one source partition; more than `share` of these are too many.

    A share of 1 is never exceeded: then the brake is off, and remembers nothing.
    """

    def __init__(self, events: int = 1000, share: float = 1.0) -> None:
        self._events, self._share = events, share
        self._recent = max(1, events // RECENT)
        self._most = math.floor(share * events + 1e-9)
        self._most_recent = math.floor(share * self._recent + 1e-9)
        self._offsets: list[int] = []
        self._reasons: list[str] = []
        self._changed = False

    def check(self, partition: int, first: int, last: int, refusals: Iterable[tuple[int, Reject]]) -> None:
        """Take in the refused events (offset, why) of the batch from offset `first` to `last`, in order.

        Raises `Stop` at the first event at which too many were refused: the batch must not be written.
        """
        if self._share < 1:
            for offset, rejection in refusals:
                self._offsets.append(offset)
                self._reasons.append(rejection.reason)
                self._changed = True
                if self._too_many(offset):
                    raise Stop(self._in_words(partition, first, offset, rejection))
        self._forget(bisect_right(self._offsets, last - self._events))

    def restore(self, held: Mapping[str, Iterable[int]], applied: int) -> None:
        """Take back what `take_changed` gave; offsets after the `applied` one are of a log that is no more."""
        known = sorted((offset, reason) for reason, offsets in held.items() for offset in offsets)
        kept = [(offset, reason) for offset, reason in known if offset <= applied and self._share < 1]
        self._offsets = [offset for offset, _ in kept]
        self._reasons = [reason for _, reason in kept]
        self._changed = len(kept) < len(known)

    def take_changed(self) -> dict[str, list[int]] | None:
        """Offsets of the refused events by reason, to be kept over a restart; None when nothing changed since."""
        if not self._changed:
            return None
        self._changed = False
        held: dict[str, list[int]] = {}
        for offset, reason in zip(self._offsets, self._reasons, strict=True):
            held.setdefault(reason, []).append(offset)
        return held

    def _too_many(self, offset: int) -> bool:
        offsets = self._offsets
        refused = len(offsets) - bisect_right(offsets, offset - self._events)
        lately = len(offsets) - bisect_right(offsets, offset - self._recent)
        return refused > self._most and lately > self._most_recent

    def _forget(self, count: int) -> None:
        if count:
            del self._offsets[:count], self._reasons[:count]
            self._changed = True

    def _in_words(self, partition: int, first: int, offset: int, rejection: Reject) -> str:
        reasons = self._reasons[bisect_right(self._offsets, offset - self._events) :]
        (reason, count), *_ = Counter(reasons).most_common()
        window = min(self._events, offset + 1)
        which = "last" if window == self._events else "first"
        return (
            f"brake: {len(reasons):,} of the {which} {window:,} events of source partition {partition} were refused, "
            f"most of them {reason} ({count:,}), the last one at offset {offset}: {rejection}. Nothing from offset "
            f"{first} on was written. Mend the feed or the catalogue and start again; to let such events go to the "
            "dead letters: KEPT_BRAKE_SHARE=1"
        )
