"""One simulated service: what begins there in a given hour.

Each hour has its own dice, so that no hour depends on another and a run can be repeated from anywhere.
"""

from __future__ import annotations

import datetime
import zlib
from collections.abc import Iterable, Iterator
from functools import partial
from random import Random

from kept.catalogue import Service
from kept.durations import HOUR_MS, WEEK_MS, parse_duration
from kept.events import moment
from producers.simulator import profiles
from producers.simulator.disturbance import Disturbance
from producers.simulator.incident import Incident
from producers.simulator.journey import Journey, Timed
from producers.simulator.timeline import Add
from producers.simulator.traffic import enquiry, fixed_costs, lost_transaction, trial_begins_or_ends
from producers.simulator.voice import Voice

_TRIAL_WEEKS = 4
_OPENING_HOUR = 9
_FIXED_COST_HOUR = 12


class Office:
    """Gives, hour by hour, everything that begins at one service."""

    def __init__(
        self, service: Service, seed: int, rate: float, incidents: Iterable[Incident] = (), *, trials: bool = True
    ) -> None:
        """`rate` multiplies the volumes; `seed` decides everything else. `incidents` are those of this service.

        Without `trials` the service tries nothing out: it works the usual way all the time.
        """
        self.service = service
        self.profile = profiles.PROFILES.get(service.id, profiles.DEFAULT)
        self._seed = seed
        self._rate = rate
        self._tries = trials
        self._zone = service.zone
        self._voice = Voice(service)
        promise = service.promise
        target = None if promise is None else promise.target_time
        self._target_ms = WEEK_MS if target is None else parse_duration(target)
        calendar = service.working_calendar()
        in_working_time = calendar is not None and promise is not None and promise.counted_in == "working_time"
        self._add: Add = calendar.add if calendar is not None and in_working_time else _elapsed
        self._disturbance = Disturbance(incidents, seed, self._voice, self._promised)
        self._channels = _channel_shares(service)

    def begins_in(self, hour: int) -> Iterator[list[Timed]]:
        """Everything that begins in the hour number `hour` since 1970-01-01 UTC; each list is whole."""
        for began in self._usual(hour):
            yield self._disturbance.rewritten(began)
        yield from self._disturbance.announcements(hour)

    def told_ms(self, at_ms: int) -> int | None:
        """When an event of `at_ms` is told: then, unless an incident holds it back; None when it never is."""
        return self._disturbance.told_ms(at_ms)

    def trial_changes(self, hour: int) -> Iterator[list[Timed]]:
        """The registered change of the hour number `hour` that belongs to the normal city, if it has one."""
        local = moment(hour * HOUR_MS).astimezone(self._zone)
        first_hour = local.weekday() == 0 and local.hour == _OPENING_HOUR
        if self._tries and first_hour and self._week(local.date()) % _TRIAL_WEEKS == 0:
            yield trial_begins_or_ends(self._voice, self.profile.trial, self._on_trial(local.date()), hour * HOUR_MS)

    def half_delivered_ms(self, begun_ms: int, pace: float) -> int:
        """When about half of the cases that begin at `begun_ms` are delivered, at `pace` times the usual time."""
        target_ms = max(self.profile.own_due_ms.values(), default=self._target_ms)
        return self._add(begun_ms, round(target_ms * self.profile.median_of_target * pace))

    def _usual(self, hour: int) -> Iterator[list[Timed]]:
        """What begins in the hour; of what happens there, incidents decide no more than how long it takes."""
        random = Random(f"{self._seed}/{self.service.id}/{hour}")  # noqa: S311 - dice, not a secret
        start_ms = hour * HOUR_MS
        local = moment(start_ms).astimezone(self._zone)
        number = 0
        for channel, kind, share in self._channels:
            demand = share * _rhythm(kind, local) * self._rate
            for at_ms in _moments(random, start_ms, self.profile.cases_per_day * demand):
                number += 1
                yield self._journey(random, f"{self.service.id}-{hour}-{number}", channel, kind, at_ms)
            if kind == "digital":
                for at_ms in _moments(random, start_ms, self.profile.lost_transactions_per_day * demand):
                    number += 1
                    yield lost_transaction(self._voice, random, f"{self.service.id}-{hour}-{number}", channel, at_ms)
        enquiries = self.profile.enquiries_per_day * _rhythm("assisted", local) * self._rate
        for at_ms in _moments(random, start_ms, enquiries):
            number += 1
            yield enquiry(self._voice, random, f"{self.service.id}-{hour}-{number}", at_ms)
        if local.hour == _FIXED_COST_HOUR:
            yield fixed_costs(self._voice, self.profile.fixed_cost_per_day * self._rate, local.date(), start_ms)
        yield from self.trial_changes(hour)

    def _journey(self, random: Random, case_id: str, channel: str | None, kind: str, at_ms: int) -> list[Timed]:
        category = random.choice(self.profile.categories)
        own_target_ms = self.profile.own_due_ms.get(category)
        if own_target_ms is None and self._needs_own_due():
            own_target_ms = self._target_ms
        journey = Journey(
            voice=self._voice,
            profile=self.profile,
            random=random,
            case_id=case_id,
            channel=channel,
            kind=kind,
            category=category,
            add=self._add,
            target_ms=own_target_ms or self._target_ms,
            brings_due=own_target_ms is not None,
            pace=self.profile.trial_factor if self._on_trial(moment(at_ms).astimezone(self._zone).date()) else 1.0,
            stretch=partial(self._disturbance.pace, at_ms),
            seed=self._seed,
        )
        return journey.events(at_ms)

    def _promised(self, opened_ms: int) -> int:
        """The due of a case that brings none of its own."""
        return self._add(opened_ms, self._target_ms)

    def _needs_own_due(self) -> bool:
        return self.service.promise is not None and self.service.promise.target_time is None

    def _on_trial(self, day: datetime.date) -> bool:
        return self._tries and bool(self._week(day) // _TRIAL_WEEKS % 2)

    def _week(self, day: datetime.date) -> int:
        """Weeks since long ago, Monday first, shifted by service so that not all trials begin at once."""
        return (day.toordinal() - 1) // 7 + zlib.crc32(self.service.id.encode()) % (2 * _TRIAL_WEEKS)


def _elapsed(start_ms: int, duration_ms: int) -> int:
    return start_ms + duration_ms


def _channel_shares(service: Service) -> list[tuple[str | None, str, float]]:
    """(channel, kind, share of the demand), the first channel of a kind the largest."""
    weighted: list[tuple[str | None, str, float]] = []
    for kind, names in (
        ("digital", service.channels.digital),
        ("assisted", service.channels.assisted),
        ("staff", service.channels.staff),
    ):
        ranks = sum(range(1, len(names) + 1))
        for place, name in enumerate(names):
            weighted.append((name, kind, profiles.CHANNEL_WEIGHTS[kind] * (len(names) - place) / ranks))
    total = sum(weight for _, _, weight in weighted)
    return [(name, kind, weight / total) for name, kind, weight in weighted] or [(None, "assisted", 1.0)]


def _rhythm(kind: str, local: datetime.datetime) -> float:
    """The share of a day's demand that falls in this local hour."""
    if kind == "digital":
        hours, weekdays = profiles.DIGITAL_HOURS, profiles.DIGITAL_WEEKDAYS
    else:
        hours, weekdays = profiles.OFFICE_HOURS, profiles.OFFICE_WEEKDAYS
    return weekdays[local.weekday()] * hours[local.hour] / sum(hours)


def _moments(random: Random, start_ms: int, expected: float) -> Iterator[int]:
    """A Poisson process over one hour with `expected` moments."""
    if expected <= 0:
        return
    at = random.expovariate(expected)
    while at < 1:
        yield start_ms + int(at * HOUR_MS)
        at += random.expovariate(expected)
