"""From an event to what the register needs: a fact of a case, or counts of its own. Asks the catalogue, once.

Everything that the catalogue decides about a case (its due, its channel's kind, a time-out) is decided here and frozen
into the fact. Raises `Reject` with a reason from the closed set; its text never quotes a case id.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from kept import counters as c
from kept import events as e
from kept import facts as f
from kept.buckets import LocalTime
from kept.cases import ELAPSED_TIME, Clock, SliceOf
from kept.catalogue import Catalogue, Service
from kept.durations import DAY_MS, MINUTE_MS, parse_duration
from kept.errors import Reject
from kept.registered_changes import RegisteredChange, change_id, shown_title

FUTURE_TOLERANCE_MS = 5 * MINUTE_MS
"""How far ahead of the clock a live event may be."""
WORKING_TIME_HORIZON_MS = 3660 * DAY_MS
WORKING_TIME_FIRST_MS = 0
WORKING_TIME_LAST_MS = e.milliseconds(datetime(2100, 1, 1, tzinfo=UTC))


@functools.cache
def _local_time(zone: str) -> LocalTime:
    """One for all services of a zone: what it remembers serves them all."""
    return LocalTime(ZoneInfo(zone))


class Counts(NamedTuple):
    """An event that is not about a case: counts at its own time in its own slices. `change`: the one it registers."""

    slices: tuple[SliceOf, ...]
    amounts: tuple[tuple[int, int], ...]
    change: RegisteredChange | None = None


class Rules:
    """What intake asks of one service, prepared once."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.local_time = _local_time(service.time_zone)
        promise = service.promise
        working = promise is not None and promise.counted_in == "working_time"
        self.calendar = service.working_calendar()
        self.clock: Clock = (self.calendar if working else None) or ELAPSED_TIME
        self.target_ms = (
            parse_duration(promise.target_time) if promise is not None and promise.target_time is not None else None
        )
        self.kinds = {name: service.channels.kind(name) for name in service.channels.names()}
        self.channel_excess = _channel_excess(service)
        self.accepts_unlisted = service.channels.unlisted == "accept"
        self.transaction_timeout = parse_duration(service.transaction_timeout)
        self.case_retention = parse_duration(service.case_retention)
        self.duplicate_retention = parse_duration(service.duplicate_retention)
        self.legal_repeats = frozenset(service.legal_repeats)

    def due(self, time_ms: int, due: int | None) -> int | None:
        """The promise of a case opened at `time_ms`: its own, else the catalogue's, else none."""
        if due is None:
            due = None if self.target_ms is None else self.clock.add(time_ms, self.target_ms)
        elif self.clock is not ELAPSED_TIME and due - time_ms > WORKING_TIME_HORIZON_MS:
            raise Reject("time_out_of_range", "a promise in working time lies at most ten years ahead")
        return None if due is None else min(due, e.LATEST_MS - 1)

    def check_time(self, time_ms: int) -> None:
        """Raises `Reject` for an event so far from today that its service's public holidays are not known."""
        if self.clock is not ELAPSED_TIME and not WORKING_TIME_FIRST_MS <= time_ms < WORKING_TIME_LAST_MS:
            raise Reject("time_out_of_range", "a service that counts in working time takes times of 1970 to 2099")


def _channel_excess(service: Service) -> dict[str, int]:
    """What each assisted channel costs more than the cheapest digital one, in minor units; dearer ones only."""
    costs, channels = service.costs, service.channels
    digital = costs.digital_rate(channels) if costs is not None else None
    if costs is None or digital is None:
        return {}
    rates = {name: rate for name, rate in costs.per_completion.items() if name in channels.assisted and rate > digital}
    return {name: costs.minor_units(rate - digital) for name, rate in rates.items()}


def rules_by_service(catalogue: Catalogue) -> dict[str, Rules]:
    """Rules of every service."""
    return {service_id: Rules(service) for service_id, service in catalogue.items()}


def read(
    event: e.Event, rules_of: Mapping[str, Rules], latest: int | None
) -> tuple[Rules, int, int, f.AnyFact | Counts]:
    """The rules of its service, the time (ms) and identity of `event`, which is no tick, and what it says by the rules.

    Raises `Reject` with the reason why it cannot be counted, such as that it is later than `latest` (ms).
    """
    rules = rules_of.get(event.data.service)
    if rules is None:
        raise Reject("unknown_service", "no catalogue entry has this service id; see `kept catalogue check`")
    time_ms = check_time(event, latest)
    _check_channel(event.data, rules)
    identity = e.identity(event)
    return rules, time_ms, identity, to_fact(event, time_ms, identity, rules)


def check_time(event: e.Event, latest: int | None) -> int:
    """The event's time (ms); raises `Reject` when it is later than `latest`."""
    time_ms = e.milliseconds(event.time)
    if latest is not None and time_ms > latest:
        raise Reject("future", "more than 5 minutes ahead of the clock")
    return time_ms


def _check_channel(data: e.EventData, rules: Rules) -> None:
    """Refuse a channel that the catalogue does not know, unless it accepts unlisted ones."""
    if data.channel is not None and data.channel not in rules.kinds and not rules.accepts_unlisted:
        valid = ", ".join(rules.kinds)
        raise Reject("unknown_channel", f"service {rules.service.id} has no such channel; valid: {valid}")


def to_fact(event: e.Event, time_ms: int, identity: int, rules: Rules) -> f.AnyFact | Counts:
    """The fact (or the counts) that `event` stands for."""
    rules.check_time(time_ms)
    if event.subject is None and type(event) in _ABOUT_SOMETHING:
        raise Reject("invalid", f"{e.type_of(event)} needs the subject of what it is about")
    return _READERS[type(event)](event, time_ms, identity, rules)


def _opened(event: e.CaseOpened, time_ms: int, identity: int, rules: Rules) -> f.Opened:
    data = event.data
    due = rules.due(time_ms, None if data.due is None else e.milliseconds(data.due))
    kind = None if data.channel is None else c.COMPLETED_BY_KIND[rules.kinds.get(data.channel) or "assisted"]
    excess = 0 if data.channel is None else rules.channel_excess.get(data.channel, 0)
    return f.Opened(time_ms, identity, data.channel, data.area, data.category, kind, due, excess)


def _due_changed(event: e.CaseDueChanged, time_ms: int, identity: int, rules: Rules) -> f.DueChanged:
    due = rules.due(time_ms, e.milliseconds(event.data.due))
    assert due is not None
    return f.DueChanged(time_ms, identity, due)


def _step(event: e.CaseStep, time_ms: int, identity: int, rules: Rules) -> f.Step:
    data = event.data
    started = time_ms if data.started is None else e.milliseconds(data.started)
    ended = None if data.ended is None else e.milliseconds(data.ended)
    if ended is not None and ended < started:
        raise Reject("invalid", "a step ended before it started")
    resource = data.resource if rules.service.keep_resource else None
    return f.Step(time_ms, identity, data.step, started, ended, data.step in rules.legal_repeats, resource)


def _contact(event: e.ContactReceived, time_ms: int, identity: int, rules: Rules) -> f.Contact | Counts:
    data = event.data
    reason = c.CONTACT_INDEX[data.reason]
    if data.case is None:
        failure = ((c.FAILURE_DEMAND, 1),) if reason in c.FAILURE_REASONS else ()
        return Counts(_slices(data), ((c.CONTACTS + reason, 1), *failure))
    if data.case != event.subject:
        raise Reject("case_mismatch", "a contact about a case has the case id both as subject and as data.case")
    return f.Contact(time_ms, identity, reason)


def _cost(event: e.CostBooked, time_ms: int, identity: int, rules: Rules) -> Counts:
    data, costs = event.data, rules.service.costs
    if costs is None or data.currency != costs.currency:
        valid = "no [costs] in the catalogue" if costs is None else costs.currency
        raise Reject("currency_mismatch", f"service {rules.service.id} books in {valid}, seen {data.currency}")
    try:
        amount = costs.minor_units(data.amount)
    except ValueError as error:
        raise Reject("amount_precision", str(error)) from error
    return Counts(_slices(data), ((c.COST_BOOKINGS, 1), (c.COST + c.COST_INDEX[data.category], amount)))


def _changed(event: e.ServiceChanged, time_ms: int, identity: int, rules: Rules) -> Counts:
    """A change, and what it is expected to move; a name that is no indicator is the same as none."""
    expected = event.data.expected
    number = None if expected is None else c.INDICATOR_NUMBERS.get(expected.indicator)
    amounts: tuple[tuple[int, int], ...] = ((c.CHANGED, 1),)
    known = None if number is None else expected
    if known is not None and number is not None:
        amounts += (((c.CHANGED_UP if known.direction == "up" else c.CHANGED_DOWN) + number, 1),)
    change = RegisteredChange(
        service=rules.service.id,
        at=time_ms // 1000,
        id=change_id(identity),
        title=shown_title(event.data.title),
        indicator=None if known is None else known.indicator,
        direction=None if known is None else known.direction,
    )
    return Counts((), amounts, change)


def _rating(event: e.FeedbackGiven, time_ms: int, identity: int, rules: Rules) -> Counts:
    return Counts(_slices(event.data), ((c.RATINGS + event.data.rating, 1),))


def _slices(data: e.EventData) -> tuple[SliceOf, ...]:
    pairs = (("area", data.area), ("channel", data.channel))
    return tuple((dimension, value) for dimension, value in pairs if value is not None)


_ABOUT_SOMETHING = frozenset(
    {
        e.CaseDueChanged, e.CaseStep, e.CasePaused, e.CaseResumed, e.CaseCompleted, e.CaseReopened,
        e.TransactionFinished,
    }
)  # fmt: skip
"""Types that say nothing without the opening or start they belong to."""

_READERS: dict[type[e.Event], Callable[..., f.AnyFact | Counts]] = {
    e.CaseOpened: _opened,
    e.CaseDueChanged: _due_changed,
    e.CaseStep: _step,
    e.CasePaused: lambda event, time_ms, identity, rules: f.Paused(time_ms, identity),
    e.CaseResumed: lambda event, time_ms, identity, rules: f.Resumed(time_ms, identity),
    e.CaseCompleted: lambda event, time_ms, identity, rules: f.Completed(
        time_ms, identity, c.OUTCOME_INDEX[event.data.outcome]
    ),
    e.CaseReopened: lambda event, time_ms, identity, rules: f.Reopened(time_ms, identity),
    e.CostBooked: _cost,
    e.ContactReceived: _contact,
    e.FeedbackOffered: lambda event, time_ms, identity, rules: Counts(_slices(event.data), ((c.FEEDBACK_OFFERED, 1),)),
    e.FeedbackGiven: _rating,
    e.TransactionStarted: lambda event, time_ms, identity, rules: f.TransactionBegun(
        time_ms, identity, event.data.channel, event.data.area, rules.transaction_timeout
    ),
    e.TransactionFinished: lambda event, time_ms, identity, rules: f.TransactionEnded(
        time_ms, identity, c.RESULT_INDEX[event.data.result]
    ),
    e.ServiceChanged: _changed,
}
