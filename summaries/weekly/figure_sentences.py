"""One sentence for a week of a control chart: what, how many, how far from usual, and how sure that is.

Only a week that completes a rule of its chart is said to have changed. Chance completes one in about 1 of 25 weeks of
a chart, so that alone is "probably a change". A change is real when a ticket says so, of which chance gives one in many
years, or when the whole 95 % interval of the week lies beyond the limits of a full baseline.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from kept.buckets import WEEK_SECONDS
from kept.signals.chart_weeks import ChartWeek
from kept.signals.spc import RUN, Meaning
from summaries import wording
from summaries.weekly.names import plain
from summaries.wording import NBSP

SUBJECTS: Final = {
    "promise_kept": ("{name} kept {value} of promises due this week", "n"),
    "delivery_time_closed_p50": ("Half of what {name} closed this week was closed within {value}", "n"),
    "backlog": ("{name} had {value} open at the end of the week", ""),
    "satisfaction_score": ("Users gave {name} a score of {value} this week", "answers"),
    "satisfied_share": ("{value} of those who answered about {name} this week were satisfied", "answers"),
    "digital_take_up": ("{value} of what {name} completed this week came through digital channels", "n"),
    "completion_rate": ("{value} of what users began online with {name} this week was completed", "n"),
    "failure_demand": ("{value} of contacts with {name} this week were chasing, complaints or repeats", "n"),
    "first_time_right": ("{value} of what {name} completed this week was right the first time", "n"),
    "rework_share": ("{value} of the work steps of {name} this week were repeats", "n"),
    "cost_per_transaction": ("{name} spent {value} per completed case this week", "n"),
    "cost_per_outcome": ("{name} spent {value} per intended outcome this week", "n"),
}
"""How a sentence begins, and what its n counts; by charted indicator."""
FOR: Final[dict[Meaning, str]] = {"concern": ", for the worse", "improvement": ", for the better", "neutral": ""}
SURE: Final = "a real change"
PROBABLE: Final = "probably a change"
TRIAL: Final = "perhaps a change"
_SHOWN: Final = re.compile(r"([^\d\N{MINUS SIGN}]*)([\d,]+(?:\.\d+)?)(.*)")
"""A shown quantity: what is before its number, the number, and the unit after it."""


def sentence(name: str, week: ChartWeek, before: Sequence[ChartWeek], zone: ZoneInfo, *, ticket: bool = False) -> str:
    """The sentence of a week with a value; `before` are all weeks of its chart up to and with it.

    `ticket`: one was raised because the week is so far from usual (`special_cause`, `unexplained_improvement`).
    """
    begun = f"{subject(name, week)}{volume(week)}"
    if week.mark is None or week.mean is None:
        return f"{begun}{_usual(week)}."
    return f"{begun}{_change(week, before, zone)}: {certainty(week, ticket=ticket)}{FOR[week.mark.meaning]}."


def certainty(week: ChartWeek, *, ticket: bool) -> str:
    """How sure it is that a marked week is a change."""
    if ticket or (not week.trial and _is_wholly_outside(week)):
        return SURE
    return TRIAL if week.trial else PROBABLE


def subject(name: str, week: ChartWeek) -> str:
    """What was seen, without a judgement."""
    assert week.value is not None
    value = wording.quantity(week.value, week.unit)
    begun, _ = SUBJECTS.get(week.indicator, (f"{{name}}: {wording.label(week.indicator)} was {{value}}", "n"))
    shown = plain(name)
    # Names are put in last: one with braces is no pattern.
    text = begun.replace("{value}", value).replace("{name}", shown)
    return text[0].upper() + text[1:] if begun.startswith("{value}") else text


def volume(week: ChartWeek) -> str:
    """What the value rests on: ` (n 412; 95 % interval 66.5 to 75.2 %)`."""
    _, counted = SUBJECTS.get(week.indicator, ("", "n"))
    parts = []
    if counted and week.n is not None:
        parts.append(f"n{NBSP}{wording.number(week.n)}" if counted == "n" else f"{wording.number(week.n)} {counted}")
    if week.low is not None and week.high is not None:
        parts.append(f"95{NBSP}% interval {span(week.low, week.high, week.unit)}")
    return f" ({'; '.join(parts)})" if parts else ""


def span(low: float, high: float, unit: str) -> str:
    """From one value to another, with the unit once where it is short."""
    if unit == "share":
        return f"{wording.number(low * 100, 1)}{NBSP}to{NBSP}{wording.number(high * 100, 1)}{NBSP}%"
    if unit == "points":
        return f"{wording.number(low, 1)}{NBSP}to{NBSP}{wording.number(high, 1)}"
    if unit == "cases":
        return f"{wording.number(low)}{NBSP}to{NBSP}{wording.number(high)}"
    return _joined(wording.quantity(low, unit), wording.quantity(high, unit))


def _joined(low: str, high: str) -> str:
    """From low to high; a unit after both, or a currency before both, is said once."""
    (low_begin, _, low_end), (high_begin, _, high_end) = low.partition(NBSP), high.partition(NBSP)
    if low_end == high_end:
        low = low_begin
    elif low_begin == high_begin:
        high = high_end
    return f"{low}{NBSP}to{NBSP}{high}"


def usual_range(week: ChartWeek) -> str:
    """The limits of the chart in words; what cannot be below nothing does not look so."""
    assert week.lower is not None and week.upper is not None
    if week.lower <= 0 and week.unit not in ("share", "points"):
        return f"up to {wording.quantity(week.upper, week.unit)}"
    return span(week.lower, week.upper, week.unit)


def apart(one: float, other: float, unit: str) -> str:
    """How far two values are apart, without a sign: the difference of what is shown of them, so that it comes out."""
    first, second = (_SHOWN.fullmatch(wording.quantity(value, unit)) for value in (one, other))
    difference = one - other
    if first is not None and second is not None and (first[1], first[3]) == (second[1], second[3]):
        gap = abs(Decimal(first[2].replace(",", "")) - Decimal(second[2].replace(",", "")))
        if gap and unit not in ("share", "points", "cases"):
            decimals = max(0, -int(gap.as_tuple().exponent))
            return f"{first[1]}{wording.number(float(gap), decimals)}{first[3]}"
        if gap:
            difference = float(gap) / (100 if unit == "share" else 1)
    if unit == "share":
        return wording.points_apart(difference)
    if unit == "points":
        return f"{wording.number(abs(difference), 1)}{NBSP}points"
    return wording.quantity(abs(difference), unit)


def basis(week: ChartWeek, before: Sequence[ChartWeek], zone: ZoneInfo) -> str:
    """Since when the range holds, and whether it rests on too few weeks: `since May`."""
    own = [one for one in before if one.segment == week.segment and one.value is not None and not one.mixed]
    since = f" since {month(own[0].week_start, week.week_end, zone)}" if own else ""
    return f"{since} (trial limits from {week.baseline} weeks only)" if week.trial else since


def month(moment: int, now: int, zone: ZoneInfo) -> str:
    """The month of a moment (s), with its year when that is another than that of `now` (s)."""
    then = datetime.datetime.fromtimestamp(moment, zone)
    same_year = then.year == datetime.datetime.fromtimestamp(now - 1, zone).year
    return f"{then:%B}" if same_year else f"{then:%B %Y}"


def _usual(week: ChartWeek) -> str:
    if week.mean is None:
        return ", and there is no usual range yet to hold it against"
    return f", within its usual range {usual_range(week)}"


def _change(week: ChartWeek, before: Sequence[ChartWeek], zone: ZoneInfo) -> str:
    mark = week.mark
    assert mark is not None and week.mean is not None and week.value is not None
    side = "below" if mark.direction == "down" else "above"
    mean = wording.quantity(week.mean, week.unit)
    away = apart(week.value, week.mean, week.unit)
    held = f"the range {usual_range(week)} seen{basis(week, before, zone)}"
    if mark.rule == 1:
        return f", {side} {held} and {away} {side} its mean {mean}"
    if mark.rule == 2:
        return f", the {RUN}th {_known(week)}week in a row {side} the mean {mean} of {held}, {away} {side} it"
    if mark.rule == 3:
        course = "falling" if mark.direction == "down" else "rising"
        return f", {course} for {RUN} {_known(week)}weeks in a row, now {away} {_side(week)} the mean {mean} of {held}"
    return f", for 2 of the last 3 weeks close to the {'lower' if side == 'below' else 'upper'} end of {held}"


def _known(week: ChartWeek) -> str:
    """That weeks without a value lie between those of a run."""
    assert week.mark is not None
    return "known " if week.week_end - week.mark.since > (RUN + 0.5) * WEEK_SECONDS else ""


def _is_wholly_outside(week: ChartWeek) -> bool:
    if week.low is None or week.high is None or week.lower is None or week.upper is None:
        return False
    return week.high < week.lower or week.low > week.upper


def _side(week: ChartWeek) -> str:
    assert week.mean is not None and week.value is not None
    return "below" if week.value < week.mean else "above"
