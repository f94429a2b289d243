"""A verdict in one plain sentence, for a page and for the weekly summary."""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Mapping
from typing import Final

from kept.durations import in_words
from kept.effects.comparison import Comparison, Why
from kept.effects.judge import Effect, Judgement, Outcome
from kept.effects.scale import Scale
from kept.effects.stretch import LEAST_AFTER, LEAST_BEFORE
from kept.signals.figure_words import figure_words
from kept.signals.spc import Direction

OUTCOME_WORDS: Final[Mapping[Outcome, str]] = {
    "worked": "Worked",
    "did_not": "Did not work",
    "too_early": "Too early to tell",
    "cannot_tell": "Cannot tell",
}
FIGURES: Final[Mapping[str, str]] = {
    "promise_kept": "the share of promises kept",
    "delivery_time_closed_p50": "the median delivery time",
    "backlog": "the backlog",
    "satisfaction_score": "the satisfaction score",
    "satisfied_share": "the share of satisfied people",
    "digital_take_up": "digital take-up",
    "completion_rate": "the share of forms completed",
    "failure_demand": "the share of failure demand",
    "first_time_right": "the share right the first time",
    "rework_share": "the share of rework",
    "cost_per_transaction": "the cost of a transaction",
    "cost_per_outcome": "the cost of an outcome",
}
"""The charted indicators (`kept.signals.weekly.CHARTABLE`), as they stand in a sentence."""
COMPARISON_WORDS: Final[Mapping[Why, str]] = {
    "steadier": "Measured on the difference to the mean of the same figure of {names}, which moved with it before.",
    "no_other": "No comparison: no other service has this figure.",
    "own_changes": "No comparison: every other service that has this figure was changed itself in these weeks.",
    "too_few_weeks": "No comparison: no other service has this figure in enough of these weeks.",
    "moves_apart": "No comparison: in the weeks before, the same figure of {names} did not move with this one, so that "
    "the difference would be no steadier.",
}
MINUS: Final = "\N{MINUS SIGN}"


def sentence(judgement: Judgement, zone: zoneinfo.ZoneInfo) -> str:
    """The verdict and why: `Worked: the median delivery time fell by ...`; `zone` is the service's."""
    return f"{OUTCOME_WORDS[judgement.outcome]}: {why(judgement, zone)}"


def why(judgement: Judgement, zone: zoneinfo.ZoneInfo) -> str:
    """What the verdict rests on; `zone` is the service's, for the date on which more will be known."""
    found, asked = judgement.effect, judgement.question
    if asked is None:
        return f"{_nothing_asked(judgement)}."
    if found is None:
        return f"{_too_few(judgement, zone)}."
    moved = f"{FIGURES[asked.indicator]} {_moved(found)}, in {_volume(found)}"
    match judgement.reason:
        case "moved_the_wrong_way":
            return f"{moved}; it was to go {asked.way}."
        case "nothing_worthwhile":
            return f"{moved}; {least_words(found, asked.way)}, and that can be ruled out."
        case "too_uncertain":
            return f"{moved}; that may be chance, and {least_words(found, asked.way)}, which is not ruled out."
        case "as_large_without":
            return f"{moved}; but {placebo_words(found)}."
        case "maybe_a_trend":
            return f"{moved}; but it may have been going that way before."
        case "others_moved_too":
            return f"{moved}; but the same figure of other services moved much the same way at the same time."
        case _:
            return f"{moved}."


def effect_words(found: Effect) -> str:
    """The effect alone with its interval: `−38 % (95 % interval −50 to −21 %)`."""
    size, low, high = (_signed(number, found.scale) for number in found.size)
    unit = _unit(found.scale)
    return f"{size}{unit} (95 % interval {low} to {high}{unit})"


def least_words(found: Effect, way: Direction) -> str:
    """The least change that would be worth while."""
    least = found.worthwhile if way == "up" else -found.worthwhile
    return f"{_signed(found.scale.size(least), found.scale)}{_unit(found.scale)} would be worth while"


def comparison_words(beside: Comparison, names: Mapping[str, str]) -> str:
    """What the effect was compared with, and why; `names` by service."""
    said = [names.get(service, service) for service in beside.services]
    listed = said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}" if said else ""
    return COMPARISON_WORDS[beside.why].format(names=listed)


def placebo_words(found: Effect) -> str:
    """How the effect compares with dates at which nothing was changed."""
    dates = len(found.placebo.effects)
    of = "the one earlier date" if dates == 1 else f"{dates} earlier dates"
    return f"at {found.placebo.as_large or 'none'} of {of} without a change it moved as much"


def _nothing_asked(judgement: Judgement) -> str:
    if judgement.reason == "no_expectation":
        return "it was registered without saying what it should move"
    return f"no weekly figure is charted that would show {str(judgement.change.indicator).replace('_', ' ')}"


def _too_few(judgement: Judgement, zone: zoneinfo.ZoneInfo) -> str:
    if judgement.reason == "few_weeks_before":
        return f"only {_weeks(judgement.weeks_before)} before it can be counted, and it takes {LEAST_BEFORE}"
    known = f"only {_weeks(judgement.weeks_after)} after it can be counted, and it takes {LEAST_AFTER}"
    if judgement.reason == "changed_again":
        return f"{known}: the same thing was changed again"
    if judgement.known_from is None:
        return known
    day = datetime.datetime.fromtimestamp(judgement.known_from, zone)
    return f"{known}; there will be enough on {day.day} {day:%B %Y} at the earliest"


def _moved(found: Effect) -> str:
    _, low, high = found.size
    levels = f"from about {level_words(found, found.level)} to {level_words(found, found.became)}"
    if low <= 0 <= high:
        return f"changed by {effect_words(found)}"
    verb, unit = ("rose" if low > 0 else "fell"), _unit(found.scale)
    size, near, far = (_plain(abs(number), found.scale) for number in (found.size[0], *sorted((low, high), key=abs)))
    return f"{verb} by {size}{unit} (95 % interval {near} to {far}{unit}), {levels}"


def level_words(found: Effect, value: float) -> str:
    """A value of the figure with its unit."""
    unit = found.scale.unit
    if unit == "seconds":
        return in_words(round(value * 1000))
    return f"{value * 100:.1f} %" if unit == "share" else figure_words(value, unit)


def _volume(found: Effect) -> str:
    before, after = (f" (n {count:,})" if count else "" for count in found.cases)
    weeks_after = len(found.weeks) - found.before
    return f"{_weeks(weeks_after)} after it{after} against {found.before} before{before}"


def _weeks(number: int) -> str:
    return "1 whole week" if number == 1 else f"{number} whole weeks"


def _plain(size: float, scale: Scale) -> str:
    shown = size * 100 if scale.relative or scale.unit == "share" else size
    return f"{shown:.1f}" if abs(shown) < 10 else f"{shown:,.0f}"


def _signed(size: float, scale: Scale) -> str:
    digits = _plain(abs(size), scale)
    return digits if not digits.strip("0.") else f"{'+' if size > 0 else MINUS}{digits}"


def _unit(scale: Scale) -> str:
    if scale.relative:
        return " %"
    return {"share": " points of 100", "points": " points"}.get(scale.unit, f" {scale.unit}")
