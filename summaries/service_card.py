"""What the live page says about one service, made of its latest points. Pure: points and catalogue in, words out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from kept.catalogue import Service
from kept.durations import in_words, parse_duration
from kept.indicators.point import STALE, Point
from kept.signals.raised import Raised
from summaries import wording
from summaries.signal_lines import SignalLine, counted, signal_lines
from summaries.waiting_time import PEOPLE, people_waited
from summaries.wording import NBSP

Verdict = Literal["below", "close", "kept", "unknown"]
VERDICT_WORDS: dict[Verdict, str] = {
    "below": "Promise not kept",
    "close": "Too close to call",
    "kept": "Promise kept",
    "unknown": "Not known",
}
VERDICT_ORDER: tuple[Verdict, ...] = ("below", "close", "kept", "unknown")
"""Worst first: what may be chance never stands before what is not."""
PROMISE_WINDOW = "28d"
FRESHEST_FIRST = ("1h", "24h", "7d", "28d", "90d", "week", "365d", "all")
BEHIND_SECONDS = 15 * 60
"""Less than this behind the clock is ordinary: values are published every 5 minutes."""


class Fact(Struct, frozen=True):
    """One line: what, its value in words, and a remark that belongs beside it."""

    name: str
    value: str
    remark: str = ""
    known: bool = True


class Bar(Struct, frozen=True):
    """Positions on a line from 0 to 100 % (None: nothing to draw): kept, closed-only, target, interval."""

    kept: float | None
    closed: float | None
    target: float | None
    low: float | None
    high: float | None


class Card(Struct, frozen=True, kw_only=True):
    """One service on the live page."""

    id: str
    name: str
    owner: str
    promise: str
    simulated: bool
    verdict: Verdict
    verdict_words: str
    headline: str
    known: bool
    target: str
    distance: str
    range_words: str
    basis: str
    gap: str
    bar: Bar
    waiting: tuple[Fact, ...]
    waited: str
    waited_known: bool
    facts: tuple[Fact, ...]
    signals: tuple[SignalLine, ...]
    signal_counts: str
    newest: int | None
    as_of: str
    behind: str
    stale: str
    order: tuple[int, float, str]


class LatestPoints:
    """The newest points of one service, by indicator and window."""

    def __init__(self, points: Iterable[Point]) -> None:
        """Keep the points of the whole service; slices are not shown on the card."""
        self._points = {(point.indicator, point.window): point for point in points if not point.slice}

    @property
    def newest(self) -> int | None:
        """Latest window end (epoch seconds), or None without a point."""
        return max((point.window_end for point in self._points.values()), default=None)

    @property
    def began(self) -> int | None:
        """Local midnight (epoch seconds) before the first event that was counted, as the newest point says it."""
        found = [point for point in self._points.values() if point.window == "all"]
        newest = max(found, key=lambda point: point.window_end, default=None)
        return None if newest is None else newest.window_start

    @property
    def stale_at(self) -> int | None:
        """Window end (epoch seconds) of the newest shares, when they are marked stale; else None."""
        shares = [point for point in self._points.values() if point.unit == "share" and point.value is not None]
        newest = max(shares, key=lambda point: (point.window_end, point.reason == STALE), default=None)
        return newest.window_end if newest is not None and newest.reason == STALE else None

    def of(self, indicator: str, window: str) -> Point | None:
        """The point of an indicator in a window."""
        return self._points.get((indicator, window))

    def stock(self, indicator: str) -> Point | None:
        """The freshest value of a stock, the same under every window: short windows are published more often."""
        found = [point for window in FRESHEST_FIRST if (point := self.of(indicator, window)) is not None]
        return max(found, key=lambda point: point.window_end, default=None)


def make_card(service: Service, points: Sequence[Point], now: int, signals: Iterable[Raised] = ()) -> Card:
    """The card of `service` from its latest `points` and open `signals`, at `now` (epoch seconds).

    `now` is the wall clock, or the moment as of which the page is shown.
    """
    latest = LatestPoints(points)
    kept, closed = latest.of("promise_kept", PROMISE_WINDOW), latest.of("promise_kept_closed", PROMISE_WINDOW)
    target = service.promise.target_share if service.promise is not None else None
    verdict = judge(kept, target)
    as_of = latest.newest
    most, nine_in_ten, half = (latest.of(indicator, PROMISE_WINDOW) for indicator, _ in PEOPLE)
    lines = signal_lines(signals, service.zone, as_of)
    return Card(
        id=service.id,
        name=service.name,
        owner=service.owner,
        promise=service.promise.words if service.promise is not None else "No promise was made to the public.",
        simulated=service.simulated,
        verdict=verdict,
        verdict_words=VERDICT_WORDS[verdict] if service.promise is not None else "No promise to judge",
        headline=wording.shown(kept),
        known=kept is not None and kept.value is not None,
        target="no target" if target is None else f"target {wording.target_share(target)}",
        distance=_distance(kept, target),
        range_words="" if verdict != "close" else "the range includes the target",
        basis=_basis(kept),
        gap=_gap(kept, closed),
        bar=_bar(kept, closed, target),
        waiting=(
            _stock(latest, "backlog", "Open now"),
            _stock(latest, "overdue", "Overdue"),
            _stock(latest, "at_risk", "At risk"),
        ),
        waited=people_waited(most, nine_in_ten, half),
        waited_known=any(point is not None and point.value is not None for point in (most, nine_in_ten, half)),
        facts=(
            _fact("Cost per intended outcome", latest.of("cost_per_outcome", PROMISE_WINDOW), "outcomes"),
            _fact("Satisfaction score", latest.of("satisfaction_score", PROMISE_WINDOW), "answers"),
        ),
        signals=lines,
        signal_counts=counted(lines),
        newest=as_of,
        as_of="No event counted yet" if as_of is None else f"Data as of {wording.moment(as_of, service.zone)}",
        behind="" if as_of is None else _behind(as_of, now, service),
        stale=_stale(latest, service),
        order=_order(kept, target, verdict, service.name),
    )


def judge(kept: Point | None, target: float | None) -> Verdict:
    """Whether the promise was kept: the whole interval must lie on one side of the target."""
    if kept is None or kept.value is None or target is None:
        return "unknown"
    if target >= 1:  # each breach counts: no range makes up for one
        return "kept" if kept.value >= 1 else "below"
    low = kept.value if kept.low is None else kept.low
    high = kept.value if kept.high is None else kept.high
    if kept.value < target:
        return "below" if high < target else "close"
    return "kept" if low >= target else "close"


def _order(kept: Point | None, target: float | None, verdict: Verdict, name: str) -> tuple[int, float, str]:
    """Worst promise first; what is not known comes last, and says so."""
    if kept is None or kept.value is None or target is None:
        return (VERDICT_ORDER.index(verdict), 0.0, name)
    return (VERDICT_ORDER.index(verdict), kept.value - target, name)


def _distance(kept: Point | None, target: float | None) -> str:
    if kept is None or kept.value is None or target is None:
        return ""
    difference = kept.value - target
    if difference == 0:
        return "exactly met"
    return f"{wording.points_apart(difference)} {'above' if difference > 0 else 'below'}"


def _basis(kept: Point | None) -> str:
    if kept is None or kept.value is None or kept.n is None:
        return ""
    cases = f"Of {wording.quantity(kept.n, 'cases')} due in the {wording.WINDOWS[PROMISE_WINDOW]}."
    spread = wording.interval(kept)
    return cases if spread is None else f"{cases} 95{NBSP}% range {spread}."


def _gap(kept: Point | None, closed: Point | None) -> str:
    """Closed-only beside the honest figure, and what lies between them, in words."""
    if closed is None or closed.value is None:
        return f"Counting closed cases only: {wording.shown(closed)}."
    looks = f"Counting closed cases only: {wording.shown(closed)}"
    if kept is None or kept.value is None:
        return f"{looks}, which leaves out what is late and still open."
    difference = closed.value - kept.value
    if abs(difference) < 0.0005:
        return f"{looks}, the same."
    if difference > 0:
        return f"{looks}, {wording.points_apart(difference)} higher: it leaves out what is late and still open."
    return f"{looks}, {wording.points_apart(difference)} lower: much of what was closed in this time was late already."


def _bar(kept: Point | None, closed: Point | None, target: float | None) -> Bar:
    def percent(value: float | None) -> float | None:
        return None if value is None else round(value * 100, 2)

    return Bar(
        kept=percent(kept.value if kept else None),
        closed=percent(closed.value if closed else None),
        target=percent(target),
        low=percent(kept.low if kept else None),
        high=percent(kept.high if kept else None),
    )


def _stock(latest: LatestPoints, indicator: str, name: str) -> Fact:
    point = latest.stock(indicator)
    known = point is not None and point.value is not None
    value = wording.number(point.value) if point is not None and point.value is not None else wording.shown(point)
    return Fact(name, value, known=known)


def _fact(name: str, point: Point | None, counted: str) -> Fact:
    known = point is not None and point.value is not None
    remark = f"{wording.number(point.n)} {counted}" if known and point is not None and point.n is not None else ""
    return Fact(name, wording.shown(point), remark, known)


def _stale(latest: LatestPoints, service: Service) -> str:
    """Since when at least nothing was heard of the service, when its newest shares are marked stale."""
    at = latest.stale_at
    if at is None:
        return ""
    silence = parse_duration(service.expected_silence)
    since = wording.moment(at - silence // 1000, service.zone)
    return f"nothing heard since {since} or earlier. An event is expected at least every {in_words(silence)}"


def _behind(as_of: int, now: int, service: Service) -> str:
    """How far the data are behind the clock, when that is worth saying."""
    behind = now - as_of
    if behind > max(BEHIND_SECONDS, parse_duration(service.expected_silence) // 1000):
        return (
            f"{wording.duration(behind)} behind the clock: stale. An event is expected at least every "
            f"{in_words(parse_duration(service.expected_silence))}; either the source is silent or Kept is catching up"
        )
    if behind > BEHIND_SECONDS:
        return f"{wording.duration(behind)} behind the clock"
    return ""
