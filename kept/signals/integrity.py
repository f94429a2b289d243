"""Five checks of how a target was met, as tests of counts near the due. Pure; they say "check", and nothing of why.

Honest offices finish much just before a deadline, so no check asks whether the last stretch is busy: each asks whether
it is busy out of all proportion to the stretches beside it, by an exact test with that margin already in its null.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Final, Literal, NamedTuple, get_args

from scipy.special import bdtrc

from kept import target_margins as m
from kept.indicators.near_due import NearDue
from kept.signals.gaps import Cohort, fisher

About = Literal["bunching", "reopened", "moved", "paused", "reset"]
ABOUT: Final[tuple[About, ...]] = get_args(About)
ALPHA: Final = 0.01
"""Probability of a false finding of one check in four weeks, of a service that is just as odd as the margins still
allow; shared by windows and looks. Where all is well it is far smaller."""
LOOKS: Final = 50
"""As for gaps between areas: the windows move on every hour (docs/adr/0016)."""
WINDOWS_DAYS: Final = {"28d": 28, "90d": 90}
LEVEL: Final = ALPHA / (len(WINDOWS_DAYS) * LOOKS)

BUNCHING_RATIO: Final = 2.0
"""Just inside the promise there may be twice as many closings as in the fullest band beside."""
LEAST_CLOSINGS: Final = 100
LEAST_EXCESS: Final = 20
LEAST_EXCESS_SHARE: Final = 0.02
"""What is more than in the fullest band beside is at least so many closings, and this share of all."""
LEAST_REOPENED: Final = 10
REOPENED_RATIO: Final = 2.0
REOPENED_GAP: Final = 0.05
"""Reopened soon at least twice as often as beside, and by five points more often."""
MOVING_RATIO: Final = 3.0
"""In the last fifth there may be three times as many moves (or pauses) as in the fifth before: that a case needs longer
shows late, also to an honest office. As many cases reach the last fifth as the one before, or fewer."""
LEAST_MOVED: Final = 20
RESET_SHARE: Final = 0.10
"""Of the cases that became overdue, so many may be given a new date afterwards."""
LEAST_RESET: Final = 20


class Check(NamedTuple):
    """One check in one window: `seen` of `of`, against `beside` of `beside_of`."""

    about: About
    days: int
    seen: int
    of: int
    beside: int
    beside_of: int
    most: float
    """The largest share that the margin allows."""
    chance: float
    """P(as many or more, if the share were just what the margin allows); of `reopened`, if it were that beside."""
    is_large: bool
    """Whether there are enough cases, and enough more than beside, to matter."""
    least: int
    """With fewer than so many in `of` nothing is ever found."""

    @property
    def is_found(self) -> bool:
        """Whether it is both too much for chance and large enough to matter."""
        return self.is_large and self.chance < LEVEL

    @property
    def share(self) -> float:
        """What was seen, as a share; 0 when there is nothing."""
        return self.seen / self.of if self.of else 0.0

    @property
    def share_beside(self) -> float:
        """What it is held against, as a share; 0 when there is nothing."""
        return self.beside / self.beside_of if self.beside_of else 0.0


def checks(near: NearDue, days: int) -> Iterator[Check]:
    """Every check of one window of so many days, in the order of `ABOUT`."""
    return (CHECKS[about](near, days) for about in ABOUT)


def bunching(near: NearDue, days: int) -> Check:
    """Closings in the last band before the due against the fullest band beside: the four before, the one after.

    Of two Poisson counts together, one is binomial (J. Przyborowski and H. Wilenski, Biometrika 31, 1940). All five
    bands must be passed, so the largest chance counts, and choosing the fullest needs no correction (R. Berger,
    Technometrics 24, 1982). The four before reach a fifth of the promised time back: a promise of five days has a band
    with the same hours of the day in it, one of four weeks one with the same weekday, so that opening hours are no
    finding.
    """
    beside = max(near.closings[number] for number in (*m.BESIDE, m.JUST_AFTER))
    excess = near.just_before - beside
    return Check(
        about="bunching",
        days=days,
        seen=near.just_before,
        of=near.closed,
        beside=beside,
        beside_of=near.closed,
        most=min(1.0, BUNCHING_RATIO * beside / near.closed) if near.closed else 0.0,
        chance=_more_than(near.just_before, beside, BUNCHING_RATIO),
        is_large=near.closed >= LEAST_CLOSINGS and excess >= max(LEAST_EXCESS, LEAST_EXCESS_SHARE * near.closed),
        least=LEAST_CLOSINGS,
    )


def reopened(near: NearDue, days: int) -> Check:
    """Of the closings in the last band, those reopened soon, against the four bands before: Fisher's exact test."""
    seen = Cohort(near.just_before, near.just_before - near.reopened_just_before)
    beside = Cohort(near.beside, near.beside - near.reopened_beside)
    share = near.reopened_just_before / near.just_before if near.just_before else 0.0
    share_beside = near.reopened_beside / near.beside if near.beside else 0.0
    most = max(REOPENED_RATIO * share_beside, share_beside + REOPENED_GAP)
    return Check(
        about="reopened",
        days=days,
        seen=near.reopened_just_before,
        of=near.just_before,
        beside=near.reopened_beside,
        beside_of=near.beside,
        most=min(1.0, most),
        chance=fisher(seen, beside),
        is_large=near.reopened_just_before >= LEAST_REOPENED and near.beside > 0 and share >= most,
        least=LEAST_REOPENED,
    )


def moved(near: NearDue, days: int) -> Check:
    """Promises moved to later in the last fifth of the promised time against the fifth before."""
    return _shifted("moved", days, near.moved_last_fifth, near.moved_fifth_before)


def paused(near: NearDue, days: int) -> Check:
    """Clocks stopped in the last fifth of the promised time against the fifth before."""
    return _shifted("paused", days, near.paused_last_fifth, near.paused_fifth_before)


def reset(near: NearDue, days: int) -> Check:
    """Promises moved to later when they were missed already, of the cases that became overdue: exact binomial."""
    # More moves than cases that became overdue are moves of an older backlog: of what share, cannot be told.
    seen, of = near.moved_after_due, max(near.overdue, near.moved_after_due)
    is_share = seen <= near.overdue
    return Check(
        about="reset",
        days=days,
        seen=seen,
        of=of,
        beside=max(0, of - seen),
        beside_of=of,
        most=RESET_SHARE,
        chance=_tail(seen, of, RESET_SHARE) if is_share else 1.0,
        is_large=is_share and seen >= LEAST_RESET,
        least=LEAST_RESET,
    )


CHECKS: Final[dict[About, Callable[[NearDue, int], Check]]] = {
    "bunching": bunching,
    "reopened": reopened,
    "moved": moved,
    "paused": paused,
    "reset": reset,
}


def _shifted(about: About, days: int, last: int, before: int) -> Check:
    return Check(
        about=about,
        days=days,
        seen=last,
        of=last + before,
        beside=before,
        beside_of=last + before,
        most=MOVING_RATIO / (1 + MOVING_RATIO),
        chance=_more_than(last, before, MOVING_RATIO),
        is_large=last - before >= LEAST_MOVED,
        least=_fewest(MOVING_RATIO),
    )


def _more_than(seen: int, beside: int, ratio: float) -> float:
    """P(as many or more of both together, if `seen` were expected to be `ratio` times `beside`)."""
    return _tail(seen, seen + beside, ratio / (1 + ratio))


def _fewest(ratio: float) -> int:
    """How many it takes, all of them seen and none beside, to be more than chance."""
    return math.ceil(math.log(LEVEL) / math.log(ratio / (1 + ratio)))


def _tail(seen: int, of: int, share: float) -> float:
    return float(bdtrc(seen - 1, of, share)) if seen else 1.0
