"""What a late event changes of values already published: the points of past moments, computed again as known now.

Only what can be computed exactly is amended. Buckets become coarser with age: a window whose edge now lies inside one
stays as it was published. So does what is told by the time of opening, which later endings change as well, what is told
of the places around the due, and what rests on nothing either way: that something is provided at all may have become
known since. Whether the service was silent then is known apart from that, so that a late event takes the mark `stale`
off values that stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from kept.indicators.definitions import BY_NAME
from kept.indicators.evaluate import currency_of, measure
from kept.indicators.freshness import is_stale
from kept.indicators.measured import as_point
from kept.indicators.near_due import MARGIN
from kept.indicators.point import STALE, WHOLE, Amendment, Point, Slice
from kept.indicators.windows import SeriesReader
from kept.intake import Rules
from kept.tallies import MergedTallies, Series


def amendments(stored: Sequence[Point], tallies: MergedTallies, rules: Rules, known_at: int) -> Iterator[Amendment]:
    """Amendments of `stored`, points of one service with one `window_end`, that the tallies contradict by now.

    `known_at` is the moment (s) at which that became known. Values of another version of their definition stay.
    """
    if not stored:
        return
    published = {(point.slice, point.window, point.indicator): point for point in stored}
    at = stored[0].window_end
    currency, stale = currency_of(rules), is_stale(tallies, rules, at)
    by_series: dict[Slice, set[str]] = {}
    for slice_of, window, _ in published:
        if slice_of and slice_of[0][0] == MARGIN:
            continue
        if tallies.hides(_series(rules.service.id, slice_of)):
            continue  # what was published of it was whole then
        by_series.setdefault(slice_of, set()).add(window)
    for slice_of, windows in sorted(by_series.items()):
        reader = SeriesReader(tallies, _series(rules.service.id, slice_of), rules.local_time, at)
        for window in sorted(windows):
            view = reader.view(window)
            exact = reader.is_exact(view)
            for measured in measure(view, reader, rules):
                old = published.get((slice_of, window, measured.name))
                definition = BY_NAME[measured.name]
                is_settled = exact.binned if measured.binned else exact.counted
                if old is None or old.definition != definition.label:
                    continue
                was_stale = old.reason == STALE
                if is_settled and definition.amended:
                    new = as_point(measured, view, currency, stale=was_stale if stale is None else stale)
                elif stale is not None and stale != was_stale and old.unit == "share" and old.value is not None:
                    new = msgspec.structs.replace(old, reason=STALE if stale else None)
                else:
                    continue
                if new != old and (new.n or old.n):
                    yield Amendment(known_at, old, new)


def _series(service: str, slice_of: Slice) -> Series:
    if slice_of == WHOLE:
        return (service, "", "")
    ((dimension, value),) = slice_of
    return (service, dimension, value)
