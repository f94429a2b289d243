"""Comparisons as tables and sentences: what is certain, what is chance, what is hidden and why. Never a rank."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from kept.catalogue import Service
from kept.comparison.dispersion import LEAST_MEMBERS
from kept.comparison.funnel import Funnel, Limits, Place, Unit
from kept.comparison.members import Members
from kept.comparison.mix import Standardised
from kept.comparison.worst import GapToRest, Surety
from summaries import wording
from summaries.compared import short_name
from summaries.wording import NBSP

FUNNEL_HEAD: Final = ("Name", "Cases due", "Kept", "Share kept", "95 % limits", "99.8 % limits", "In words")
MIX_HEAD: Final = (
    "Service",
    "Cases due",
    "Share kept",
    "Expected with its channels",
    "Kept for each 100 expected",
    "Share adjusted",
    "95 % limits",
    "99.8 % limits",
    "In words",
)
GAP_HEAD: Final = (
    "Name",
    "Cases due",
    "Share kept",
    "Share kept in the rest",
    "Points less",
    "95 % interval",
    "In words",
)
PLACE_WORDS: Final[dict[Place, str]] = {
    "within": "as chance allows",
    "below_95": "lower, and chance may explain it",
    "below_998": "lower than chance explains",
    "above_95": "higher, and chance may explain it",
    "above_998": "higher than chance explains",
}
ADJUSTED_WORDS: Final[dict[Place, str]] = {
    "within": "among the usual differences",
    "below_95": "lower, and the usual differences may explain it",
    "below_998": "lower than the usual differences explain",
    "above_95": "higher, and the usual differences may explain it",
    "above_998": "higher than the usual differences explain",
}
"""Where limits allow for units that differ by more than chance in general."""
SURETY_WORDS: Final[dict[Surety, str]] = {
    "chance": "as chance allows",
    "perhaps": "chance may explain it",
    "certain": "more than chance explains",
}
MOST_NAMES: Final = 10
"""Names in one sentence at most."""


def data_moments(ends: Iterable[tuple[int | None, Service]]) -> str:
    """As of when the data of several services are: one moment where they share it, else the oldest and the newest."""
    found = sorted((at, service.id, service) for at, service in ends if at is not None)
    if not found:
        return "nothing is published yet"
    (first, _, one), (last, _, other) = found[0], found[-1]
    oldest, newest = wording.moment(first, one.zone), wording.moment(last, other.zone)
    return newest if first == last else f"{newest}; the oldest of them {oldest}"


def funnel_rows(funnel: Funnel | None) -> list[list[str]]:
    """The table beside a funnel, by name."""
    if funnel is None:
        return []
    words = ADJUSTED_WORDS if funnel.is_adjusted else PLACE_WORDS
    return [
        [
            short_name(unit.name),
            wording.number(unit.cohort.due),
            wording.number(unit.cohort.kept),
            wording.share(unit.cohort.share),
            _limits(unit.inner),
            _limits(unit.outer),
            words[unit.place].capitalize(),
        ]
        for unit in funnel.units
    ]


def funnel_cells(funnel: Funnel | None) -> tuple[Sequence[str], list[list[object]]]:
    """The same as data: head and rows. Limits are shares; the place is that on the page."""
    head = ("name", "due", "kept", "share", "lower_95", "upper_95", "lower_998", "upper_998", "place")
    if funnel is None:
        return head, []

    def row(unit: Unit) -> list[object]:
        edges = [*unit.inner, *unit.outer]
        shares = [round(one, 6) for one in (unit.cohort.share, *edges)]
        return [unit.name, unit.cohort.due, unit.cohort.kept, *shares, unit.place]

    return head, [row(unit) for unit in funnel.units]


def funnel_alt(funnel: Funnel | None, what: str) -> str:
    """What the picture says, for those who do not see it."""
    if funnel is None:
        return ""
    words = ADJUSTED_WORDS if funnel.is_adjusted else PLACE_WORDS
    beyond = [unit for unit in funnel.units if unit.place != "within"]
    said = "; ".join(
        f"{short_name(unit.name, 30)} {wording.share(unit.cohort.share)}, {words[unit.place]}"
        for unit in beyond[:MOST_NAMES]
    )
    more = f"; and {len(beyond) - MOST_NAMES} more" if len(beyond) > MOST_NAMES else ""
    rest = "All lie within the limits." if not beyond else f"Beyond the limits: {said}{more}."
    return (
        f"Funnel plot. {what}: {len(funnel.units)}, by share kept and cases due, around "
        f"{wording.share(funnel.centre)}. {rest} The table below has every number."
    )


def spread_words(funnel: Funnel | None) -> str:
    """What the limits rest on, and how many lie beyond them by chance."""
    if funnel is None:
        return ""
    count = len(funnel.units)
    if funnel.is_adjusted:
        spread = wording.number(100 * funnel.dispersion.spread, 1)
        return (
            f"These {count} differ by more than chance in general: their true shares spread by about {spread} points "
            f"(standard deviation). The limits allow for that; what lies beyond them stands out even so."
        )
    chance = (
        f"With {count} compared, chance alone puts {wording.number(funnel.chance_beyond, 1)} beyond the 95 % limits."
    )
    if count < LEAST_MEMBERS:
        return f"{chance} With fewer than {LEAST_MEMBERS} the limits are those of chance alone."
    if funnel.dispersion.is_adjusted_for:
        return f"{chance} They differ from each other by more than that; around the target no limit allows for it."
    return f"{chance} They do not differ from each other by more than chance in general."


def hidden_words(members: Members, below: int) -> list[str]:
    """Who has no number here, and why."""
    said = []
    if members.few:
        said.append(f"Not shown, fewer than {below} people: {_names(members.few)}.")
    if members.guards:
        said.append(
            f"Not shown so that the others cannot be found by subtraction: {_names(members.guards)}, "
            f"the smallest of the rest."
        )
    if members.without:
        said.append(f"Without a figure, as nothing fell due or it is not known: {_names(members.without)}.")
    return said


def mix_rows(mixed: Iterable[Standardised]) -> list[list[str]]:
    """The table of services adjusted for their mix of channels, by name."""
    return [
        [
            short_name(one.name),
            wording.number(one.cohort.due),
            wording.share(one.cohort.share),
            wording.share(one.expected_share),
            "not defined" if one.ratio is None else wording.number(100 * one.ratio, 1),
            wording.share(one.adjusted),
            _limits(one.inner),
            _limits(one.outer),
            _mix_words(one),
        ]
        for one in mixed
    ]


def mix_cells(mixed: Iterable[Standardised]) -> tuple[Sequence[str], list[list[object]]]:
    """The same as data."""
    head = (
        "service", "due", "kept", "share", "expected_share", "ratio", "adjusted_share",
        "lower_95", "upper_95", "lower_998", "upper_998", "place", "share_in_shared_channels",
    )  # fmt: skip
    return head, [
        [
            one.name, one.cohort.due, one.cohort.kept, round(one.cohort.share, 6), round(one.expected_share, 6),
            "" if one.ratio is None else round(one.ratio, 6), round(one.adjusted, 6),
            *(round(edge, 6) for edge in (*one.inner, *one.outer)), one.place, round(one.shared, 6),
        ]
        for one in mixed
    ]  # fmt: skip


def gap_rows(gaps: Iterable[GapToRest]) -> list[list[str]]:
    """The table of gaps to the rest, by name."""
    return [
        [
            short_name(one.name),
            wording.number(one.cohort.due),
            wording.share(one.cohort.share),
            wording.share(one.rest.share),
            _points(one.gap),
            _interval(one),
            _gap_words(one),
        ]
        for one in gaps
    ]


def gap_cells(gaps: Iterable[GapToRest]) -> tuple[Sequence[str], list[list[object]]]:
    """The same as data; gaps are shares, chance that of the whole dimension."""
    head = (
        "name",
        "due",
        "kept",
        "share",
        "rest_due",
        "rest_kept",
        "rest_share",
        "gap",
        "low",
        "high",
        "chance",
        "surety",
    )
    return head, [
        [
            one.name, one.cohort.due, one.cohort.kept, round(one.cohort.share, 6), one.rest.due, one.rest.kept,
            round(one.rest.share, 6), round(one.gap, 6), round(one.low, 6), round(one.high, 6),
            float(f"{one.chance:.3g}"), one.surety,
        ]
        for one in gaps
    ]  # fmt: skip


def worst_in_words(worst: GapToRest) -> str:
    """The worst member beside a total, without its name: shares, numbers of cases, interval and what to make of it."""
    return (
        f"{wording.share(worst.cohort.share)} of {wording.number(worst.cohort.due)} kept, "
        f"{wording.share(worst.rest.share)} of the other {wording.number(worst.rest.due)}: "
        f"{_points(worst.gap)} points lower (95 % interval {_interval(worst)}), {SURETY_WORDS[worst.surety]}"
    )


def _gap_words(one: GapToRest) -> str:
    if one.surety != "certain":
        return SURETY_WORDS[one.surety].capitalize()
    return f"{'Lower' if one.gap > 0 else 'Higher'} than chance explains"


def _interval(one: GapToRest) -> str:
    return f"{_points(one.low)}{NBSP}to{NBSP}{_points(one.high)}"


def _points(share: float) -> str:
    return wording.number(100 * share, 1)


def _mix_words(one: Standardised) -> str:
    words = PLACE_WORDS[one.place].capitalize()
    return words if one.shared > 0 else f"{words}; no other service has its channels, so this tells nothing"


def _limits(limits: Limits) -> str:
    return f"{wording.number(100 * limits.lower, 1)}{NBSP}to{NBSP}{wording.number(100 * limits.upper, 1)}{NBSP}%"


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(short_name(name, 40) for name in names[:MOST_NAMES]) + more
