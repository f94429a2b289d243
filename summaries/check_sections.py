"""What the page of checks says of one service: what was looked at, with the counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from kept import target_margins as m
from kept.catalogue import Service
from kept.indicators.near_due import AFTER_DUE, FIFTH_BEFORE, LAST_FIFTH
from kept.signals import integrity
from kept.signals.integrity import ABOUT, WINDOWS_DAYS, About, Check
from kept.signals.raised import Raised
from summaries import wording
from summaries.check_words import TOO_FEW, WORDS, counts, name_of, result
from summaries.known import Known
from summaries.near_due_known import NearDueKnown, near_due_known
from summaries.pictures.closings_by_margin import in_words

FEW: Final = "a few cases, too few to show"
STANDS_ON: Final[Mapping[About, frozenset[tuple[str, str]]]] = {
    "moved": frozenset(("promises_moved_by_margin", place) for place in (LAST_FIFTH, FIFTH_BEFORE)),
    "paused": frozenset(("clocks_stopped_by_margin", place) for place in (LAST_FIFTH, FIFTH_BEFORE)),
    "reset": frozenset({("promises_moved_by_margin", AFTER_DUE)}),
}
"""The counts of cases that may be too few to be shown."""


class Section(Struct, frozen=True, kw_only=True):
    """One service on the page."""

    id: str
    name: str
    simulated: bool
    summary: str
    as_of: str
    stale: bool
    looked_at: bool
    """Whether there are counts of the window."""
    findings: tuple[str, ...]
    checks: tuple[tuple[str, ...], ...]
    bands: tuple[tuple[str, ...], ...]
    alt: str | None
    tails: str


def section_of(service: Service, known: Known, window: str, signals: Sequence[Raised]) -> Section:
    """The section of a service; `signals` are those of it that are open, `window` is the one that is drawn."""
    points, published = known.latest(service.id, None), known.published(service.id)
    by_window = {name: near_due_known(points, name, published) for name in WINDOWS_DAYS}
    counted = by_window[window]
    findings = tuple(
        f"Raised {wording.moment(one.raised_at, service.zone)}: {name_of(one).lower()} ({one.verdict.test}). "
        f"More with: kept alerts why {one.id}"
        for one in signals
    )
    rows = []
    for about in ABOUT:
        cells = []
        for name, of_window in by_window.items():
            check = None if of_window is None else integrity.CHECKS[about](of_window.near, WINDOWS_DAYS[name])
            cells.append(_cell(check, of_window))
        rows.append((WORDS[about].name, *cells))
    names = "; ".join(sorted(name_of(one).lower() for one in signals))
    told = [cell for _, *cells in rows for cell in cells]
    if names:
        summary = f"To check: {names}."
    elif counted is None:
        summary = "Not known: nothing with a promise was closed in this window, or it is not counted yet."
    elif all(cell.startswith((TOO_FEW, FEW)) for cell in told):
        summary = "Too few cases to tell."
    else:
        summary = "Nothing to check was found in any of the five ways of looking below."
    return Section(
        id=service.id,
        name=service.name,
        simulated=service.simulated,
        summary=summary,
        as_of="" if counted is None else f"Counts of {wording.moment(counted.end, service.zone)}",
        stale=counted is not None and counted.stale,
        looked_at=counted is not None,
        findings=findings,
        checks=tuple(rows),
        bands=() if counted is None else bands(counted),
        alt=None if counted is None or not counted.near.closed else in_words(counted.near),
        tails="" if counted is None else _tails(counted),
    )


def _cell(check: Check | None, counted: NearDueKnown | None) -> str:
    if check is None or counted is None:
        return "not known"
    if STANDS_ON.get(check.about, frozenset()) & counted.few or not counted.near.closed:
        return FEW
    return f"{result(check)}: {counts(check)}"


def bands(counted: NearDueKnown) -> tuple[tuple[str, ...], ...]:
    """Each band with its closings and their share."""
    near = counted.near
    return tuple(
        (band.words, FEW, FEW)
        if ("closings_by_margin", band.name) in counted.few
        else (band.words, wording.number(number), wording.share(number / near.closed) if near.closed else "not known")
        for band, number in zip(m.BANDS, near.closings, strict=True)
    )


def _tails(counted: NearDueKnown) -> str:
    first, last = (wording.number(counted.near.closings[number]) for number in (0, -1))
    edge = m.BANDS_A_SIDE * m.BAND_PERCENT
    return (
        f"Not drawn: {first} closings more than {edge} % of the promised time before the due, {last} more than "
        f"{edge} % after it. The dashed line is twice the fullest band beside the last one: fewer are no question."
    )
