"""Is a promise met in a way that should be checked? Closings, moves and pauses near the due: `kept.signals.integrity`.

A finding is a question to the service, never an accusation: each has honest explanations, which
docs/target-integrity.md names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from kept import target_margins as m
from kept.indicators.near_due import near_due
from kept.signals import integrity
from kept.signals.integrity import ABOUT, LEVEL, WINDOWS_DAYS, About, Check
from kept.signals.situation import Situation
from kept.signals.verdict import SMALLEST_CHANCE, Verdict

SIGNAL: Final = "target_integrity"
BAND: Final = f"{m.BAND_PERCENT} %"
TESTS: Final[Mapping[About, str]] = {
    "bunching": f"exact binomial against {integrity.BUNCHING_RATIO:g} times the fullest band beside",
    "reopened": "Fisher's exact test against the four bands before, one-sided",
    "moved": f"exact binomial against {integrity.MOVING_RATIO:g} times the fifth before",
    "paused": f"exact binomial against {integrity.MOVING_RATIO:g} times the fifth before",
    "reset": f"exact binomial against {integrity.RESET_SHARE:.0%} of the cases that became overdue",
}


def judge(situation: Situation) -> Iterator[Verdict]:
    """`target_integrity` for each of `ABOUT`, of a service in which a case with a promise was ever closed or due."""
    whole = situation.whole
    counts = {name: near_due(whole.view(name)) for name in WINDOWS_DAYS}
    if not any(near.closed or near.overdue for near in counts.values()):
        return
    starts = {days: whole.view(name).binned_start for name, days in WINDOWS_DAYS.items()}
    by_about: dict[About, list[Check]] = {about: [] for about in ABOUT}
    for name, days in WINDOWS_DAYS.items():
        for check in integrity.checks(counts[name], days):
            by_about[check.about].append(check)
    for found in by_about.values():
        check = next((one for one in found if one.is_found), found[0])
        yield _verdict(check, starts[check.days], situation)


def sentence(check: Check) -> str:
    """One sentence with the counts, for people; `To check` is said where it is shown."""
    return _WORDS[check.about](check)


def _bunching(check: Check) -> str:
    return (
        f"Of {check.of:,} closings with a promise in {check.days} days {check.seen:,} came in the last {BAND} of the "
        f"promised time, against {check.beside:,} in the fullest band of {BAND} beside it"
    )


def _reopened(check: Check) -> str:
    return (
        f"Of {check.of:,} closings in the last {BAND} of the promised time, over {check.days} days, {check.seen:,} "
        f"({check.share:.1%}) were reopened within {m.REOPENED_SOON_DAYS} days, of {check.beside_of:,} a little "
        f"earlier {check.beside:,} ({check.share_beside:.1%})"
    )


def _moved(check: Check) -> str:
    return (
        f"In {check.days} days {check.seen:,} promises were moved to later in the last fifth of their time, "
        f"against {check.beside:,} in the fifth before"
    )


def _paused(check: Check) -> str:
    return (
        f"In {check.days} days the clock of {check.seen:,} cases was stopped in the last fifth of their time, "
        f"against {check.beside:,} in the fifth before"
    )


def _reset(check: Check) -> str:
    if check.seen == check.of and not check.is_found:
        return (
            f"In {check.days} days {check.seen:,} cases were given a later date after their promise was missed; no "
            "more than that became overdue, so that of which share they are cannot be told"
        )
    return (
        f"In {check.days} days {check.of:,} cases became overdue, and {check.seen:,} were given a later date after "
        "their promise was missed"
    )


_WORDS: Final = {"bunching": _bunching, "reopened": _reopened, "moved": _moved, "paused": _paused, "reset": _reset}


def _verdict(check: Check, start: int, situation: Situation) -> Verdict:
    chance = f"less than {SMALLEST_CHANCE:g}" if check.chance < SMALLEST_CHANCE else f"{check.chance:.2g}"
    return Verdict(
        service=situation.service.id,
        signal=SIGNAL,
        about=check.about,
        at=situation.at,
        active=check.is_found,
        since=start if check.is_found else None,
        value=check.share,
        expected=check.most,
        cases=check.of,
        chance=check.chance,
        words=sentence(check),
        test=(
            f"{TESTS[check.about]}, {check.days} d, alpha {LEVEL:.2g} "
            f"({integrity.ALPHA} over windows and {integrity.LOOKS} looks), chance {chance}"
        ),
        evidence={
            "window_days": check.days,
            "window_start": start,
            "seen": check.seen,
            "of": check.of,
            "beside": check.beside,
            "beside_of": check.beside_of,
            "alpha": LEVEL,
        },
    )
