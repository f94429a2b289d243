"""Do the members of a funnel differ by more than chance in general? Then hardly one of them stands out for itself.

After Spiegelhalter (2005), section 4: the mean square of the standardised shares, the largest and smallest tenth drawn
in ("winsorised"), so that the few that truly stand out do not widen their own limits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from kept.signals.gaps import Cohort

DRAWN_IN: Final = 0.1
"""Share of the members drawn in at each end."""
LEAST_MEMBERS: Final = 10
"""With fewer, none is drawn in and one that stands out would be taken for dispersion: limits stay as they are."""


class Dispersion(NamedTuple):
    """`phi`: variance beside that of the binomial, 1 when chance alone is at work; of `members`. Only chance gives
    about 1, within two standard errors of sqrt(2 / members)."""

    phi: float
    members: int

    @property
    def is_adjusted_for(self) -> bool:
        """Whether it is more than chance gives, and enough members tell so."""
        return self.members >= LEAST_MEMBERS and self.phi > 1 + 2 * math.sqrt(2 / self.members)

    @property
    def widening(self) -> float:
        """How much wider limits must be to allow for it."""
        return math.sqrt(self.phi) if self.is_adjusted_for else 1.0


def dispersion(cohorts: Sequence[Cohort], centre: float) -> Dispersion:
    """Of members with 1 or more cases each around a centre; 1 where the centre leaves no chance (0 or 1)."""
    if not cohorts or not 0 < centre < 1:
        return Dispersion(1.0, len(cohorts))
    spread = centre * (1 - centre)
    distances = sorted((one.share - centre) / math.sqrt(spread / one.due) for one in cohorts)
    ends = math.floor(DRAWN_IN * len(distances))
    low, high = distances[ends], distances[-1 - ends]
    drawn_in = [min(max(one, low), high) for one in distances]
    return Dispersion(math.fsum(one * one for one in drawn_in) / len(drawn_in), len(drawn_in))
