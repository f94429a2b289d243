"""Services compared as if each had the mix of channels that it has: indirect standardisation.

Each service is held against what it would keep if its cases of each channel were kept as those of all compared services
together are. The tallies know channels and areas each for itself, never their cross: a service can be adjusted for its
mix of channels, the areas of a service can not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from kept.comparison.funnel import INNER, OUTER, Limits, Place, limits, place_of
from kept.signals.gaps import Cohort

REST: Final = ""
"""Cases of no channel that may be shown: the whole less its shown channels."""


class Standardised(NamedTuple):
    """A service against its own expectation. `ratio` is kept / expected; `adjusted` is the ratio times the share of all
    together, at most 1. Limits are for the share, around `expected_share`. `shared` is the part of its cases in
    channels that another service has too: only they tell anything."""

    name: str
    cohort: Cohort
    expected_share: float
    ratio: float | None
    adjusted: float
    inner: Limits
    outer: Limits
    place: Place
    shared: float


def by_mix(services: Mapping[str, Mapping[str, Cohort]]) -> tuple[Standardised, ...]:
    """Each service, in the order of its key; `services` are key -> channel -> its cases. One without cases is left out.

    Limits are binomial at the mean of a service's expected shares: at the true sum of several binomials they are a
    little too wide, never too narrow (W. Hoeffding, Annals of Mathematical Statistics 27, 1956).
    """
    channels = {channel for mix in services.values() for channel in mix}
    pooled = {channel: _sum(mix[channel] for mix in services.values() if channel in mix) for channel in channels}
    everybody = _sum(pooled.values())
    found = []
    for name in sorted(services):
        mix = {channel: one for channel, one in services[name].items() if one.due}
        own = _sum(mix.values())
        if not own.due:
            continue
        expected = sum(one.due * pooled[channel].share for channel, one in sorted(mix.items()))
        share = min(1.0, max(0.0, expected / own.due))
        inner, outer = limits(own.due, share, INNER), limits(own.due, share, OUTER)
        ratio = own.kept / expected if expected else None
        shared = sum(one.due for channel, one in mix.items() if pooled[channel].due > one.due)
        found.append(
            Standardised(
                name=name,
                cohort=own,
                expected_share=share,
                ratio=ratio,
                adjusted=min(1.0, everybody.share * (1.0 if ratio is None else ratio)),
                inner=inner,
                outer=outer,
                place=place_of(own.share, inner, outer),
                shared=shared / own.due,
            )
        )
    return tuple(found)


def mix_of(channels: Mapping[str, Cohort], whole: Cohort | None) -> dict[str, Cohort]:
    """The channels that may be shown and, as `REST`, what of the whole service is in none of them.

    `whole` is None where it is not of the channels' window: then nothing can be said of the rest.
    """
    if whole is None:
        return dict(channels)
    rest = whole - _sum(channels.values())
    return dict(channels) | ({REST: rest} if rest.due > 0 else {})


def _sum(cohorts: Iterable[Cohort]) -> Cohort:
    found = list(cohorts)
    return Cohort(sum(one.due for one in found), sum(one.kept for one in found))
