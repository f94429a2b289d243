"""What may go wrong (or better) in the simulated city: one struct a kind, with what it does and what it truly moves.

Sizes are factors: with the incident a thing is `size` times what it would have been without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, get_args

from msgspec import Meta

from kept.durations import parse_duration
from kept.events import Expectation
from producers.simulator.bookings import Booking
from producers.simulator.incident import Announcement, Direction, Effect, Incident, Reach
from producers.simulator.profiles import AREAS, Profile

Increase = Annotated[float, Meta(gt=1, le=50)]
Decrease = Annotated[float, Meta(gt=0, lt=1)]
Improvable = Literal["delivery_time_p50", "cost_per_transaction", "failure_demand"]
"""What an improvement can truly bring down in the simulated city."""
_IMPROVABLE: Mapping[Improvable, Reach] = {
    "delivery_time_p50": "cases begun",
    "cost_per_transaction": "costs booked",
    "failure_demand": "chasing contacts",
}


class SlowDown(Incident, frozen=True, kw_only=True, tag="slow_down"):
    """Cases take `size` times as long."""

    size: Increase

    def pace(self, begun_ms: int, area: str) -> float:
        """See `Incident.pace`."""
        return self.size if self.covers(begun_ms) else 1.0

    def effects(self, profile: Profile) -> Sequence[Effect]:
        """See `Incident.effects`."""
        return (
            *_delivery_times("up", self.size),
            Effect(indicator="promise_kept", direction="down"),
            Effect(indicator="backlog", direction="up"),
        )


class CostJump(Incident, frozen=True, kw_only=True, tag="cost_jump"):
    """Everything that is booked costs `size` times as much."""

    size: Increase

    def cost(self, at_ms: int) -> float:
        """See `Incident.cost`."""
        return self.size if self.covers(at_ms) else 1.0

    def effects(self, profile: Profile) -> Sequence[Effect]:
        """See `Incident.effects`."""
        return _costs("up", self.size)

    def reaches(self) -> Reach:
        """See `Incident.reaches`."""
        return "costs booked"


class SilentSource(Incident, frozen=True, kw_only=True, tag="silent_source"):
    """The service's system tells nothing; at the end it tells what was held back, or that is lost."""

    afterwards: Literal["catches_up", "lost"]

    def told_ms(self, at_ms: int) -> int | None:
        """See `Incident.told_ms`."""
        if not self.covers(at_ms):
            return at_ms
        return self.end_ms if self.afterwards == "catches_up" else None

    def effects(self, profile: Profile) -> Sequence[Effect]:
        """See `Incident.effects`; these are the figures while it is silent."""
        return (
            Effect(indicator="arrivals", direction="down", ratio=0.0),
            Effect(indicator="completions", direction="down", ratio=0.0),
        )

    def contradictions(self) -> Sequence[tuple[str, object, str]]:
        """See `Incident.contradictions`."""
        if self.end_ms is None and self.afterwards == "catches_up":
            return (("end", None, 'the moment at which it catches up; without an end, afterwards = "lost"'),)
        return ()

    def reaches(self) -> Reach:
        """See `Incident.reaches`."""
        return "events"


class ChaserSurge(Incident, frozen=True, kw_only=True, tag="chaser_surge"):
    """`size` times as many contacts ask where it stays, though nothing takes longer."""

    size: Increase

    def chasers(self, at_ms: int) -> float:
        """See `Incident.chasers`."""
        return self.size if self.covers(at_ms) else 1.0

    def effects(self, profile: Profile) -> Sequence[Effect]:
        """See `Incident.effects`."""
        return _failure_demand("up")

    def reaches(self) -> Reach:
        """See `Incident.reaches`."""
        return "chasing contacts"


class DefinitionChange(Incident, frozen=True, kw_only=True, tag="definition_change"):
    """The service books something otherwise: a published figure moves, and the service itself has not changed.

    `size`: of `completion_at_an_earlier_stage` the share of the delivery after which it is now booked; of `due_later`
    the factor on the promised time; of `refusals_as_intended` the share of the refusals.
    """

    books: Booking
    size: Annotated[float, Meta(gt=0, le=50)]
    announced: bool

    def booking(self, begun_ms: int) -> tuple[Booking, float] | None:
        """See `Incident.booking`."""
        return (self.books, self.size) if self.covers(begun_ms) else None

    def announcement(self) -> Announcement | None:
        """See `Incident.announcement`: no expectation, since nothing is to improve."""
        title = f"Simulated change of definition: {self.books.replace('_', ' ')}"
        return Announcement(title, None) if self.announced else None

    def effects(self, profile: Profile) -> Sequence[Effect]:
        """See `Incident.effects`."""
        kept_more = Effect(indicator="promise_kept", direction="up")
        if self.books == "completion_at_an_earlier_stage":
            return (*_delivery_times("down", self.size), kept_more)
        if self.books == "due_later":
            return (kept_more,)
        refused = profile.rejected + profile.not_intended
        ratio = (1 - refused) / (1 - refused + self.size * refused)
        return (
            Effect(indicator="cost_per_outcome", direction="down", ratio=ratio),
            Effect(indicator="first_time_right", direction="up"),
        )

    def contradictions(self) -> Sequence[tuple[str, object, str]]:
        """See `Incident.contradictions`."""
        if self.books == "due_later":
            valid = "more than 1: the factor on the promised time" if self.size <= 1 else ""
        elif self.books == "refusals_as_intended":
            valid = "at most 1: the share of the refusals" if self.size > 1 else ""
        else:
            valid = "less than 1: the share of the delivery after which it is booked" if self.size >= 1 else ""
        return (("size", self.size, valid),) if valid else ()


class ImprovementThatWorks(Incident, frozen=True, kw_only=True, tag="improvement_that_works"):
    """An announced change after which `indicator` truly is `size` times what it was, from `effect_after` on."""

    indicator: Improvable
    size: Decrease
    effect_after: str | None = None
    """Time between the announcement and the effect, such as `2d`; without it at once."""

    @property
    def effect_from_ms(self) -> int:
        """See `Incident.effect_from_ms`."""
        return self.start_ms + (0 if self.effect_after is None else parse_duration(self.effect_after))

    def pace(self, begun_ms: int, area: str) -> float:
        """See `Incident.pace`."""
        return self._factor("delivery_time_p50", begun_ms)

    def cost(self, at_ms: int) -> float:
        """See `Incident.cost`."""
        return self._factor("cost_per_transaction", at_ms)

    def chasers(self, at_ms: int) -> float:
        """See `Incident.chasers`."""
        return self._factor("failure_demand", at_ms)

    def announcement(self) -> Announcement:
        """See `Incident.announcement`."""
        return _improvement(self.indicator, "down")

    def effects(self, profile: Profile) -> Sequence[Effect]:
        """See `Incident.effects`."""
        if self.indicator == "delivery_time_p50":
            return _delivery_times("down", self.size)
        return _costs("down", self.size) if self.indicator == "cost_per_transaction" else _failure_demand("down")

    def contradictions(self) -> Sequence[tuple[str, object, str]]:
        """See `Incident.contradictions`."""
        return () if self.effect_after is None else _bad_duration("effect_after", self.effect_after)

    def reaches(self) -> Reach:
        """See `Incident.reaches`."""
        return _IMPROVABLE[self.indicator]

    def _factor(self, indicator: Improvable, at_ms: int) -> float:
        works = indicator == self.indicator and self.covers(at_ms) and at_ms >= self.effect_from_ms
        return self.size if works else 1.0


class ImprovementWithoutEffect(Incident, frozen=True, kw_only=True, tag="improvement_without_effect"):
    """An announced change after which nothing at all is different."""

    indicator: str
    direction: Direction

    def announcement(self) -> Announcement:
        """See `Incident.announcement`."""
        return _improvement(self.indicator, self.direction)

    def reaches(self) -> Reach:
        """See `Incident.reaches`."""
        return "nothing"


class AreaGap(Incident, frozen=True, kw_only=True, tag="area_gap"):
    """Cases of `area` take longer and longer, up to `size` times; the others get faster by as much as keeps the mean.

    Weighted by the areas' demand, the mean of the logarithms of the delivery times stays what it was.
    """

    area: str
    size: Increase
    grows_over: str
    """Time until the gap is full, such as `14d`; it grows evenly."""

    def pace(self, begun_ms: int, area: str) -> float:
        """See `Incident.pace`."""
        if not self.covers(begun_ms):
            return 1.0
        grown = min(1.0, (begun_ms - self.start_ms) / parse_duration(self.grows_over))
        factor = 1 + (self.size - 1) * grown
        weight = AREAS[self.area] / sum(AREAS.values())
        return factor if area == self.area else float(factor ** (-weight / (1 - weight)))

    def effects(self, profile: Profile) -> Sequence[Effect]:
        """See `Incident.effects`; the ratio holds for cases begun when the gap is full."""
        return _delivery_times("up", self.size, area=self.area)

    def contradictions(self) -> Sequence[tuple[str, object, str]]:
        """See `Incident.contradictions`."""
        if self.area not in AREAS:
            return (("area", self.area, ", ".join(AREAS)),)
        return _bad_duration("grows_over", self.grows_over)


AnyIncident = (
    SlowDown
    | CostJump
    | SilentSource
    | ChaserSurge
    | DefinitionChange
    | ImprovementThatWorks
    | ImprovementWithoutEffect
    | AreaGap
)
KINDS: tuple[type[Incident], ...] = get_args(AnyIncident)


def _delivery_times(direction: Direction, ratio: float, **slice: str) -> tuple[Effect, ...]:
    names = ("delivery_time_closed_p50", "delivery_time_p50")
    return tuple(Effect(indicator=name, direction=direction, ratio=ratio, slice=slice) for name in names)


def _costs(direction: Direction, ratio: float) -> tuple[Effect, ...]:
    names = ("cost_per_transaction", "cost_per_outcome")
    return tuple(Effect(indicator=name, direction=direction, ratio=ratio) for name in names)


def _failure_demand(direction: Direction) -> tuple[Effect, ...]:
    names = ("failure_demand", "cost_of_waste_failure_demand_modelled")
    return tuple(Effect(indicator=name, direction=direction) for name in names)


def _improvement(indicator: str, direction: Direction) -> Announcement:
    title = f"Simulated improvement: {indicator.replace('_', ' ')} should go {direction}"
    return Announcement(title, Expectation(indicator=indicator, direction=direction))


def _bad_duration(key: str, text: str) -> Sequence[tuple[str, object, str]]:
    try:
        parse_duration(text)
    except ValueError as error:
        return ((key, text, str(error)),)
    return ()
