"""What every incident of the simulated city has in common: when, where, and what it may change.

Every method has a neutral answer; a kind (see `incidents`) overrides the one or two things that it changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct, field

from kept.events import Expectation
from producers.simulator.bookings import Booking
from producers.simulator.profiles import Profile

Direction = Literal["up", "down"]
Reach = Literal["cases begun", "costs booked", "chasing contacts", "events", "nothing"]
"""What an incident changes: of these, those of times from its start until its end."""


class Effect(Struct, frozen=True, kw_only=True):
    """An indicator that the incident moves, in the whole service or one slice.

    `ratio` is the figure with the incident divided by the one without, over what the incident reaches; None where that
    depends on the service.
    """

    indicator: str
    direction: Direction
    ratio: float | None = None
    slice: dict[str, str] = {}


class Announcement(Struct, frozen=True):
    """A `service.changed` event: its title and, for an improvement, what it is expected to move."""

    title: str
    expected: Expectation | None


class Incident(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """From `start_ms` until (not including) `end_ms`, in ms since 1970-01-01 UTC; without an end, for good."""

    service: str
    start_ms: int = field(name="start")
    end_ms: int | None = field(name="end", default=None)

    @property
    def kind(self) -> str:
        """The kind's name in scripts, such as `slow_down`."""
        return str(self.__struct_config__.tag)

    @property
    def effect_from_ms(self) -> int:
        """The moment from which it changes anything."""
        return self.start_ms

    def covers(self, at_ms: int) -> bool:
        """Whether it lasts at `at_ms`."""
        return self.start_ms <= at_ms and (self.end_ms is None or at_ms < self.end_ms)

    def pace(self, begun_ms: int, area: str) -> float:
        """The delivery time of a case that begins at `begun_ms` in `area` is so many times what it would be."""
        return 1.0

    def cost(self, at_ms: int) -> float:
        """Money booked at `at_ms` is so many times what it would be."""
        return 1.0

    def chasers(self, at_ms: int) -> float:
        """Contacts that chase progress at `at_ms` are so many times as many."""
        return 1.0

    def booking(self, begun_ms: int) -> tuple[Booking, float] | None:
        """What is booked otherwise of a case that begins at `begun_ms`, and its size (see `DefinitionChange`)."""
        return None

    def told_ms(self, at_ms: int) -> int | None:
        """When an event of `at_ms` leaves the service's system; None when it never does."""
        return at_ms

    def announcement(self) -> Announcement | None:
        """What the service says of it when it starts; mostly nothing."""
        return None

    def effects(self, profile: Profile) -> Sequence[Effect]:
        """What it truly moves at a service with this profile."""
        return ()

    def reaches(self) -> Reach:
        """What it changes."""
        return "cases begun"

    def contradictions(self) -> Sequence[tuple[str, object, str]]:
        """(key, value seen, what is valid) for what the types alone cannot say."""
        return ()
