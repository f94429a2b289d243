"""A service of which nothing is known but its weeks: tallies put together by hand, as the merged topic would hold them.

Weeks are numbered from 0, the week of Monday 6 January 2025, in Amsterdam.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from kept import counters as c
from kept.buckets import DAY, HOUR
from kept.catalogue import Service, parse_service
from kept.intake import Rules
from kept.signals.situation import Situation
from kept.signals.verdict import Verdict
from kept.tallies import Bucket, MergedTallies, Tally, merged
from tests.kept.tally_messages import message

ZONE = ZoneInfo("Europe/Amsterdam")
MONDAY = datetime(2025, 1, 6, tzinfo=ZONE)

SERVICE = parse_service(
    """
    id = "lights"
    name = "Street lights"
    owner = "Public works"
    time_zone = "Europe/Amsterdam"
    expected_silence = "24h"
    transaction_timeout = "30m"
    [channels]
    digital = ["Web"]
    assisted = ["Desk"]
    [costs]
    currency = "EUR"
    [improvement]
    promise_kept = "up"
    delivery_time_p50 = "down"
    failure_demand = "down"
    backlog = "down"
    completion_rate = "up"
    cost_per_transaction = "down"
    """,
    "lights.toml",
)


def at(week: int, day: int = 0, hour: int = 0) -> int:
    """Seconds since 1970 UTC of a local hour; day 0 is Monday, hour 0 of week n is the end of week n - 1."""
    moment = MONDAY.replace(tzinfo=None) + timedelta(weeks=week, days=day, hours=hour)
    return int(moment.replace(tzinfo=ZONE).timestamp())


class Tallied:
    """The merged tallies of one service."""

    def __init__(self, service: Service = SERVICE) -> None:
        self.rules = Rules(service)
        self.tallies = MergedTallies({service.id: self.rules.local_time})
        self._held: dict[Bucket, Tally] = {}

    def day(self, week: int, day: int, tally: Tally) -> None:
        """Count on a whole local day."""
        self._put(Bucket(DAY, at(week, day + 1)), tally)

    def hour(self, week: int, day: int, hour: int, tally: Tally) -> None:
        """Count in the local hour that begins at `hour`."""
        self._put(Bucket(HOUR, at(week, day, hour + 1)), tally)

    def week(self, number: int, tally: Tally, *, days: range = range(7)) -> None:
        """Count it on the Monday (or the first of `days`); the other days show that the source is there."""
        for day in days:
            self.day(number, day, merged({c.OPENED: 1}, tally if day == days.start else {}))

    def situation(self, week: int, day: int = 0, hour: int = 0) -> Situation:
        """As of a local hour."""
        return Situation(self.tallies, self.rules, at(week, day, hour))

    def _put(self, bucket: Bucket, tally: Tally) -> None:
        held = self._held[bucket] = merged(self._held.get(bucket, {}), tally)
        self.tallies.apply(*message((self.rules.service.id, "", ""), bucket, held))


def with_improvement(**improvement: str) -> Service:
    """The service, charted otherwise."""
    return msgspec.structs.replace(SERVICE, improvement=improvement)


def promise(kept: int, due: int) -> Tally:
    """So many kept of so many due."""
    return {c.DUE: due, c.DUE_KEPT: kept}


def money(euros: float, completed: int = 100) -> Tally:
    """So many euros a completion."""
    return {c.COST_BOOKINGS: 1, c.COST: round(euros * 100 * completed), c.COMPLETED: completed}


def contacts(failure: int, others: int) -> Tally:
    """Contacts, some of which need not have been."""
    return {c.CONTACTS: failure + others, c.CONTACTS_WITH_CASE: failure, c.FAILURE_DEMAND: failure}


def changed(indicator: str | None = None, direction: str = "down") -> Tally:
    """A registered change, with what it is expected to move."""
    if indicator is None:
        return {c.CHANGED: 1}
    start = c.CHANGED_UP if direction == "up" else c.CHANGED_DOWN
    return {c.CHANGED: 1, start + c.INDICATOR_NUMBERS[indicator]: 1}


def active(verdicts: list[Verdict]) -> dict[tuple[str, str], Verdict]:
    """Active verdicts by (signal, about)."""
    return {(one.signal, one.about): one for one in verdicts if one.active}
