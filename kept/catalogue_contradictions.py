"""What the types alone cannot say of a service's entry: where its keys contradict each other, or what is possible."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from kept.calendars import check_region, parse_opening_hours
from kept.durations import HOUR_MS, MINUTE_MS, WEEK_MS, parse_duration
from kept.indicators.definitions import INDICATOR_NAMES
from kept.signals.known_definitions import CHECKABLE
from kept.time_zones import time_zones

if TYPE_CHECKING:
    from kept.catalogue import PublishedFigure, Service

LONGEST_PROMISE_WEEKS = 520
FIRST_DAY = datetime.date(1970, 1, 2)
LAST_DAY = datetime.date(2099, 12, 31)
"""Days for which a published figure may be checked."""
Contradiction = tuple[str, object, str]
"""Key, value seen, what is valid."""


def contradictions(service: Service) -> Iterator[Contradiction]:
    """Those of an entry, in the order of its keys; whoever goes on behind the first may find what follows from it."""
    if service.time_zone not in time_zones():
        yield "time_zone", service.time_zone, "an IANA name such as Europe/Amsterdam"
        return
    channels = service.channels.names()
    doubled = sorted({name for name in channels if channels.count(name) > 1})
    if doubled:
        yield "channels", doubled, "each channel in one list only"
    if not channels and service.channels.unlisted == "reject":
        yield "channels", [], 'at least one channel, or unlisted = "accept"'
    yield from _bad_durations(service)
    yield from _bad_promise(service)
    if service.calendar is not None:
        try:
            check_region(service.calendar.country, service.calendar.region)
        except ValueError as error:
            yield "calendar.country", f"{service.calendar.country} {service.calendar.region or ''}".strip(), str(error)
        if not service.calendar.opening_hours:
            yield "calendar.opening_hours", {}, 'at least one weekday, such as mon = "09:00-17:00"'
        for day, hours in service.calendar.opening_hours.items():
            try:
                parse_opening_hours(hours)
            except ValueError as error:
                yield f"calendar.opening_hours.{day}", hours, str(error)
    if service.costs is not None:
        for channel in service.costs.per_completion:
            if channel not in channels:
                yield f"costs.per_completion.{channel}", channel, f"a channel of this service: {', '.join(channels)}"
    yield from _bad_money(service)
    yield from _bad_indicators(service)
    yield from _bad_published(service)


def _bad_durations(service: Service) -> Iterator[Contradiction]:
    fields = ("expected_silence", "transaction_timeout", "case_retention", "duplicate_retention")
    for key in fields:
        try:
            parse_duration(getattr(service, key))
        except ValueError as error:
            yield key, getattr(service, key), str(error)
            return
    timeout = parse_duration(service.transaction_timeout)
    if timeout % (5 * MINUTE_MS) or timeout > 48 * HOUR_MS:
        # Beyond 48 hours buckets are no longer fine enough to tell who is past the time-out.
        yield "transaction_timeout", service.transaction_timeout, "a multiple of 5 minutes, at most 48 hours"


def _bad_promise(service: Service) -> Iterator[Contradiction]:
    promise = service.promise
    if promise is None:
        if service.peer_group is not None:
            yield "peer_group", service.peer_group, "left out, since there is no [promise] to compare"
        return
    if promise.target_time is None and promise.due is None:
        valid = 'a time such as 5d; or due = "by_event" in its place, when every event brings its own'
        yield "promise.target_time", None, valid
    if promise.target_time is not None and promise.due is not None:
        yield "promise.due", promise.due, "left out, since there is a target_time; an event's own due wins all the same"
    if promise.target_time is not None:
        try:
            parse_duration(promise.target_time)
        except ValueError as error:
            yield "promise.target_time", promise.target_time, str(error)
        if promise.counted_in == "working_time" and promise.target_time.endswith(("d", "w")):
            # A day of working time would be 24 open hours, which nobody who writes "10d" means.
            valid = "hours of working time, such as 40h for five days of 8 hours"
            yield "promise.target_time", promise.target_time, valid
        yield from _endless_promise(service, promise.target_time)
    if promise.counted_in == "working_time" and service.calendar is None:
        yield "promise.counted_in", promise.counted_in, "working_time needs a [calendar]; else elapsed_time"


def _endless_promise(service: Service, target_time: str) -> Iterator[Contradiction]:
    longest = LONGEST_PROMISE_WEEKS * WEEK_MS
    calendar, promise = service.calendar, service.promise
    if promise is not None and promise.counted_in == "working_time" and calendar is not None:
        try:
            hours = [parse_opening_hours(text) for text in calendar.opening_hours.values()]
        except ValueError:
            return  # told of by its own key
        longest = LONGEST_PROMISE_WEEKS * sum(closes - opens for opens, closes in hours) * MINUTE_MS
    if parse_duration(target_time) > longest:
        yield "promise.target_time", target_time, f"at most {longest // HOUR_MS}h (ten years)"


def _bad_money(service: Service) -> Iterator[Contradiction]:
    amounts: dict[str, Decimal | None] = {"annual_budget": service.annual_budget}
    if service.costs is not None:
        amounts["costs.per_contact"] = service.costs.per_contact
        amounts["costs.per_repeated_step"] = service.costs.per_repeated_step
        amounts |= {f"costs.per_completion.{name}": rate for name, rate in service.costs.per_completion.items()}
    for key, amount in amounts.items():
        if amount is not None and not (amount.is_finite() and amount >= 0):
            yield key, str(amount), "an amount of 0 or more"
    if service.costs is not None:
        for name, rate in service.costs.per_completion.items():
            try:
                service.costs.minor_units(rate)
            except ValueError as error:
                yield f"costs.per_completion.{name}", str(rate), str(error)


def _bad_indicators(service: Service) -> Iterator[Contradiction]:
    valid = f"one of {', '.join(sorted(INDICATOR_NAMES))}"
    for indicator in service.improvement:
        if indicator not in INDICATOR_NAMES:
            yield f"improvement.{indicator}", indicator, valid
    for index, benchmark in enumerate(service.benchmarks):
        if benchmark.indicator not in INDICATOR_NAMES:
            yield f"benchmarks[{index}].indicator", benchmark.indicator, valid
        if not math.isfinite(benchmark.value):
            yield f"benchmarks[{index}].value", benchmark.value, "a finite number"
        if not benchmark.comparable and benchmark.why_not is None:
            yield f"benchmarks[{index}].why_not", None, "a sentence, since comparable = false"


def _bad_published(service: Service) -> Iterator[Contradiction]:
    last: dict[str, PublishedFigure] = {}
    numbered = enumerate(service.published)
    for index, figure in sorted(numbered, key=lambda pair: (pair[1].first_day, pair[0])):
        key = f"published[{index}]"
        checkable = CHECKABLE.get(figure.indicator)
        if checkable is None:
            yield f"{key}.indicator", figure.indicator, f"one that counts can tell: {', '.join(sorted(CHECKABLE))}"
            return
        if not checkable.is_plausible(figure.value):
            valid = "a finite number of 0 or more" if math.isinf(checkable.most) else f"from 0 to {checkable.most:g}"
            yield f"{key}.value", figure.value, f"{valid}, the range of {figure.indicator}"
        if not FIRST_DAY <= figure.first_day <= figure.last_day <= LAST_DAY:
            seen = f"{figure.first_day} to {figure.last_day}"
            yield f"{key}.last_day", seen, f"first_day or later, both from {FIRST_DAY} to {LAST_DAY}"
        before = last.get(figure.indicator)
        if before is not None and figure.first_day <= before.last_day:
            valid = f"a day after {before.last_day}: periods of {figure.indicator} do not overlap"
            yield f"{key}.first_day", str(figure.first_day), valid
        last[figure.indicator] = figure
