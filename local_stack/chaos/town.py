"""The events of a story: a third of a day in a small town, hour by hour, in which alerts are raised and end. Pure.

One service breaks a promise that allows no breach, one falls silent and comes back and falls silent again, one is calm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

import msgspec
from msgspec import Struct

from kept.catalogue import Catalogue, parse_service
from kept.durations import DAY_MS, HOUR_MS, MINUTE_MS
from kept.events import Event, decode, milliseconds
from local_stack.chaos.faults import STEPS, Story

LIGHTS, WASTE, PERMITS = "street-lights", "waste-pickup", "parking-permits"
CATALOGUE: Final = """
id = "{id}"
name = "{id} (invented)"
owner = "Public Works, simulated city"
time_zone = "Europe/Amsterdam"
expected_silence = "{silence}"
simulated = true
[channels]
digital = ["Website"]
assisted = ["Phone"]
[costs]
currency = "EUR"
per_contact = 4.50
"""
PROMISE: Final = """
[promise]
words = "A dark street is lit again within two hours"
target_share = 1.0
target_time = "2h"
"""
CASES_AN_HOUR: Final = 18
"""Of each service; about five events each."""
BURST: Final = 11
"""So many times as many cases begin in an hour that is to fill a spool."""
SLOW_HOURS: Final = range(1, 3)
"""Cases of these hours take longer than is promised."""
SILENT_HOURS: Final = frozenset({2, 3, 6, 7})
BAD: Final = 5
"""Messages that are no events of the contract, and come past the producers."""
OLD: Final = 3
"""Events of unknown cases from before the retention."""
OLD_CASE: Final = "old-"
DUPLICATED: Final = 0.15
LATE: Final = 0.05


class Told(Struct, frozen=True):
    """One event: its time (ms since 1970 UTC), its key, and what is sent."""

    time_ms: int
    subject: str
    value: bytes

    def event(self) -> Event:
        """Decoded."""
        return decode(self.value)

    def is_old(self) -> bool:
        """Whether it is from before the retention, of a case that nothing else is told of."""
        return self.subject.startswith(OLD_CASE)


class Step(Struct, frozen=True):
    """What is told in one hour of event time, in this order: by producers, and what comes past them."""

    until_ms: int
    told: Sequence[Told]
    past_producers: Sequence[bytes] = ()


def catalogue_texts() -> list[str]:
    """The services' entries, as TOML."""
    silent = {WASTE: "1h"}
    texts = {name: CATALOGUE.format(id=name, silence=silent.get(name, "12h")) for name in (LIGHTS, WASTE, PERMITS)}
    return [text + (PROMISE if name == LIGHTS else "") for name, text in texts.items()]


def town() -> Catalogue:
    """The services."""
    services = [parse_service(text, "town.toml") for text in catalogue_texts()]
    return {service.id: service for service in services}


def beginning(now: datetime) -> datetime:
    """When the day begins: a Monday morning one to two weeks before `now`. No store has forgotten it by then, and
    no clock that jumps makes an event lie ahead."""
    today = now.astimezone(UTC).replace(hour=6, minute=0, second=0, microsecond=0)
    return today - timedelta(days=7 + today.weekday())


def steps_of(story: Story, begins: datetime) -> list[Step]:
    """The hours of `story` from `begins` on, disordered as it says. Another beginning moves all times alike."""
    begins_ms = milliseconds(begins)
    dice = Random(f"events {story.seed}")  # noqa: S311 - a test's dice, not a secret
    hours: list[list[Told]] = [[] for _ in range(STEPS)]
    for told in sorted(_all(dice, story.bursts(), begins), key=lambda one: (one.time_ms, one.value)):
        hours[(told.time_ms - begins_ms) // HOUR_MS].append(told)
    hours[STEPS // 2] += [_old(number, begins) for number in range(OLD)]
    disorder = Random(f"disorder {story.seed}")  # noqa: S311 - a test's dice, not a secret
    if "late" in story.disorders:
        _hold_back(hours, disorder)
    if "duplicates" in story.disorders:
        _repeat(hours, disorder)
    if "shuffle" in story.disorders:
        for hour in hours:
            disorder.shuffle(hour)
    bad = [b'{"type": "nothing.known", "number": %d}' % number for number in range(BAD)]
    return [
        Step(begins_ms + (number + 1) * HOUR_MS, tuple(hour), bad if number == STEPS // 3 else ())
        for number, hour in enumerate(hours[: story.hours])
    ]


def _hold_back(hours: list[list[Told]], dice: Random) -> None:
    """Some events are told an hour or two after their own."""
    for number in range(STEPS - 2, -1, -1):
        held = [told for told in hours[number] if dice.random() < LATE]
        for told in held:
            hours[number].remove(told)
            hours[min(STEPS - 1, number + dice.choice((1, 2)))].append(told)


def _repeat(hours: list[list[Told]], dice: Random) -> None:
    """Some events are told again, in the same hour or in any later one."""
    again = [(dice.randrange(number, STEPS), told) for number, hour in enumerate(hours) for told in hour]
    for number, told in again:
        if dice.random() < DUPLICATED:
            hours[number].append(told)


def _all(dice: Random, bursts: frozenset[int], begins: datetime) -> Iterator[Told]:
    for hour in range(STEPS):
        for service in (LIGHTS, WASTE, PERMITS):
            burst = BURST if hour in bursts and service == PERMITS else 1
            for number in range(CASES_AN_HOUR * burst):
                for told in _case(dice, service, hour, number, begins):
                    at_hour = (told.time_ms - milliseconds(begins)) // HOUR_MS
                    if at_hour < STEPS and (service != WASTE or at_hour not in SILENT_HOURS):
                        yield told


def _case(dice: Random, service: str, hour: int, number: int, begins: datetime) -> Iterator[Told]:
    """Opened, worked on, completed, sometimes asked after, booked and rated."""
    case = f"{service}-{hour}-{number}"
    opened = begins + timedelta(hours=hour, milliseconds=dice.randrange(HOUR_MS))
    slow = service == LIGHTS and hour in SLOW_HOURS
    takes = timedelta(milliseconds=dice.randrange(*((130, 260) if slow else (10, 100))) * MINUTE_MS)
    channel = dice.choice(("Website", "Website", "Phone"))
    about = {"service": service, "channel": channel, "area": dice.choice(("Centre", "North", "Harbour"))}
    ended = opened + takes
    yield _told("case.opened", opened, case, about)
    yield _told("case.step", opened + takes / 2, case, {"service": service, "step": "visit", "started": _text(opened)})
    yield _told("case.completed", ended, case, {**about, "outcome": "intended"})
    if dice.random() < 0.4:
        reason = dice.choice(("chase_progress", "get_information"))
        contact = {"service": service, "channel": channel, "reason": reason, "case": case}
        yield _told("contact.received", opened + takes * dice.random(), case, contact)
    if dice.random() < 0.5:
        cost = {"service": service, "amount": dice.randrange(1, 9000) / 100, "currency": "EUR", "category": "staff"}
        yield _told("cost.booked", ended, case, {**cost, "case": case})
    if dice.random() < 0.5:
        yield _told("feedback.offered", ended, case, about)
        yield _told("feedback.given", ended, case, {**about, "rating": dice.randrange(1, 6)})


def _old(number: int, begins: datetime) -> Told:
    began = begins - timedelta(milliseconds=200 * DAY_MS)
    return _told("case.completed", began, f"{OLD_CASE}{number}", {"service": PERMITS, "outcome": "intended"})


def _told(kind: str, at: datetime, case: str, data: dict[str, Any]) -> Told:
    event = {
        "type": kind, "specversion": "1.0", "id": f"{case}:{kind}", "source": "town", "time": _text(at),
        "subject": case, "data": data,
    }  # fmt: skip
    return Told(milliseconds(at), case, msgspec.json.encode(event))


def _text(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")
