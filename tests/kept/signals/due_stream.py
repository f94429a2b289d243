"""Tallies of a service of which nothing is told but what fell due: a situation for tests, hour by hour.

Hours are counted from Monday 1 January 2024, 00:00 in Lisbon, where local time is UTC until the end of March.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kept import counters as c
from kept.catalogue import Service, parse_service
from kept.intake import Rules
from kept.signals.situation import Situation
from kept.tallies import Bucket, MergedTallies, Tally
from tests.kept.tally_messages import message

START = 1_704_067_200
HOUR = 3600
FIVE_MINUTES = 300


def service(target: float | None = 0.9, *, period: str = "28d", target_time: str | None = "2d") -> Service:
    """A service with a promise for that share of its cases, or with none; without a time each case brings its own."""
    time = 'due = "by_event"' if target_time is None else f'target_time = "{target_time}"'
    promise = (
        "" if target is None else f'[promise]\nwords = "Soon"\ntarget_share = {target}\nperiod = "{period}"\n{time}'
    )
    return parse_service(
        f"""
        id = "permits"
        name = "Permits"
        owner = "Town hall"
        time_zone = "Europe/Lisbon"
        expected_silence = "1d"
        [channels]
        unlisted = "accept"
        {promise}
        """,
        "permits.toml",
    )


def moment(hour: int) -> int:
    """The end (s) of the hour with this number, 0 being the moment at which everything begins."""
    return START + hour * HOUR


def tallies_of(rows: Mapping[int, Tally] | Iterable[tuple[int, Tally]], of: Service) -> MergedTallies:
    """Tallies of what is counted in the hours that end at the given numbers, in their last 5 minutes."""
    merged = MergedTallies({of.id: Rules(of).local_time})
    by_hour: dict[int, Tally] = {}
    for hour, tally in rows.items() if isinstance(rows, Mapping) else rows:
        known = by_hour.setdefault(hour, {})
        for counter, amount in tally.items():
            known[counter] = known.get(counter, 0) + amount
    for hour, tally in by_hour.items():
        merged.apply(*message((of.id, "", ""), Bucket(0, moment(hour)), tally))
    return merged


def due(cases: int, missed: int) -> Tally:
    """So many cases fall due, so many of them missed."""
    return {c.DUE: cases, c.DUE_KEPT: cases - missed}


def situation(rows: Mapping[int, Tally] | Iterable[tuple[int, Tally]], at: int, of: Service) -> Situation:
    """The service at the end of the hour with the number `at`."""
    return Situation(tallies_of(rows, of), Rules(of), moment(at))
