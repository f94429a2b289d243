"""Do the members of a funnel differ by more than chance in general? Then hardly one of them stands out for itself.

After Spiegelhalter (2005), section 4, and Spiegelhalter et al., "Statistical methods for healthcare regulation",
Journal of the Royal Statistical Society A 175 (2012): the mean square of the standardised shares, the largest and
smallest tenth drawn in ("winsorised"), so that the few that truly stand out do not widen their own limits. Drawing in
alone would make it smaller, which is divided out. What is beyond chance is taken for a spread of the true shares, equal
for large and small members (additive): limits that are all widened by one factor (multiplicative) let small ones do
anything.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from scipy.special import ndtri

from kept.signals.gaps import Cohort

DRAWN_IN: Final = 0.1
"""Share of the members drawn in at each end."""
LEAST_MEMBERS: Final = 10
"""With fewer, none is drawn in and one that stands out would be taken for dispersion: limits stay as they are."""


class Dispersion(NamedTuple):
    """`phi`: variance of the standardised shares, about 1 when chance alone is at work. `spread`: standard deviation of
    the true shares of the `members`, 0 where chance explains all. `centre`: the share of all together."""

    phi: float
    spread: float
    members: int
    centre: float

    @property
    def is_adjusted_for(self) -> bool:
        """Whether it is more than chance gives (two standard errors), and enough members tell so."""
        return self.members >= LEAST_MEMBERS and self.phi > 1 + 2 * math.sqrt(2 / self.members)

    def widening(self, n: int) -> float:
        """How much wider the limits of a member of `n` cases must be to allow for it; 1 without an adjustment."""
        if not self.is_adjusted_for:
            return 1.0
        return math.sqrt(1 + self.spread * self.spread * n / _variance(self.centre))


def dispersion(cohorts: Sequence[Cohort]) -> Dispersion:
    """Of members with 1 or more cases each, around the share of all together; no cases at all or a share of 0 or 1
    leave nothing to chance."""
    due = sum(one.due for one in cohorts)
    centre = sum(one.kept for one in cohorts) / due if due else 0.0
    if not 0 < centre < 1 or len(cohorts) < 2:
        return Dispersion(1.0, 0.0, len(cohorts), centre)
    phi = _mean_square(cohorts, centre, 0.0)
    return Dispersion(phi, _spread(cohorts, centre), len(cohorts), centre)


def _mean_square(cohorts: Sequence[Cohort], centre: float, spread: float) -> float:
    """Of the standardised shares, about 1 when `spread` is that of the true shares."""
    variances = [spread * spread + _variance(centre) / one.due for one in cohorts]
    distances = sorted((one.share - centre) / math.sqrt(v) for one, v in zip(cohorts, variances, strict=True))
    count = len(distances)
    ends = math.floor(DRAWN_IN * count)
    low, high = distances[ends], distances[-1 - ends]
    drawn_in = math.fsum(min(max(one, low), high) ** 2 for one in distances)
    return drawn_in / (count - 1) / _left_by_drawing_in(ends / count)


def _spread(cohorts: Sequence[Cohort], centre: float) -> float:
    """The spread at which the mean square is 1 (after R. C. Paule and J. Mandel, 1982); more spread makes it less."""
    low, high = 0.0, 1.0
    if _mean_square(cohorts, centre, low) <= 1:
        return 0.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if _mean_square(cohorts, centre, middle) > 1 else (low, middle)
    return high


def _left_by_drawing_in(tail: float) -> float:
    """The variance of a standard normal number that is drawn in to its quantiles `tail` and 1 - `tail`."""
    if tail <= 0:
        return 1.0
    edge = -float(ndtri(tail))
    density = math.exp(-edge * edge / 2) / math.sqrt(2 * math.pi)
    return 1 - 2 * tail - 2 * edge * density + 2 * tail * edge * edge


def _variance(share: float) -> float:
    return share * (1 - share)
