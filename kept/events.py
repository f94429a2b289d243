"""The event contract: CloudEvents 1.0 (JSON, structured mode), one struct per type, decoded a batch at a time.

What is promised: an unknown field is ignored, an unknown `type` or a malformed event is a `Reject`, never an exception
that loses its neighbours. Times become integer milliseconds since 1970-01-01 UTC, money becomes integer minor units.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from kept.errors import Reject
from kept.event_texts import may_hold_control_characters, said, with_control_character

Text = Annotated[str, Meta(min_length=1, max_length=512)]
Label = Annotated[str, Meta(min_length=1, max_length=128)]
Moment = Annotated[datetime, Meta(tz=True)] | int | float
"""RFC 3339 with an offset, or seconds since 1970-01-01 UTC."""

Outcome = Literal["intended", "not_intended", "rejected", "duplicate", "withdrawn"]
CostCategory = Literal[
    "staff", "technology", "premises", "supplier", "materials", "transport", "rework", "failure_demand", "other"
]
ContactReason = Literal["get_information", "chase_progress", "challenge_decision", "perform_transaction", "other"]
TransactionResult = Literal["completed", "not_eligible", "failed", "abandoned"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
EARLIEST_MS = -2_208_988_800_000  # 1900-01-01
LATEST_MS = 253_370_764_800_000  # 9999-01-01
TICK_TYPE = "kept.tick"


class EventData(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """What every event says about itself: the service, the channel and, where known, the area."""

    service: Label
    channel: Label | None = None
    area: Label | None = None


class CaseOpenedData(EventData, frozen=True, gc=False, kw_only=True):
    """Someone asked. `due` is the promise made to this person; without it the catalogue's promise applies."""

    due: Moment | None = None
    category: Label | None = None


class DueChangedData(EventData, frozen=True, gc=False, kw_only=True):
    """The promise moved, with the reason given."""

    due: Moment
    reason: Text | None = None


class StepData(EventData, frozen=True, gc=False, kw_only=True):
    """Work on a case; without `started` the step is a point at the event's time."""

    step: Label
    started: Moment | None = None
    ended: Moment | None = None
    resource: Text | None = None


class ClockData(EventData, frozen=True, gc=False, kw_only=True):
    """A pause, a resumption or a reopening, with the reason given."""

    reason: Text | None = None


class CompletedData(EventData, frozen=True, gc=False, kw_only=True):
    """The case ended, with its outcome."""

    outcome: Outcome = "intended"


class CostData(EventData, frozen=True, gc=False, kw_only=True):
    """Money booked; a negative amount corrects an earlier booking."""

    amount: Decimal
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")]
    category: CostCategory = "other"
    case: Text | None = None


class ContactData(EventData, frozen=True, gc=False, kw_only=True):
    """Someone got in touch; `case` names the case it is about and then equals the event's subject."""

    reason: ContactReason
    case: Text | None = None


class FeedbackOfferedData(EventData, frozen=True, gc=False, kw_only=True):
    """Someone was asked for feedback."""


class FeedbackGivenData(EventData, frozen=True, gc=False, kw_only=True):
    """Someone answered, from 1 (very dissatisfied) to 5 (very satisfied)."""

    rating: Annotated[int, Meta(ge=1, le=5)]


class TransactionStartedData(EventData, frozen=True, gc=False, kw_only=True):
    """Someone began a digital transaction."""


class TransactionFinishedData(EventData, frozen=True, gc=False, kw_only=True):
    """A digital transaction ended; "not eligible" is a completed answer, not a failure."""

    result: TransactionResult


class Expectation(Struct, frozen=True):
    """Which indicator an improvement should move, and which way."""

    indicator: Label
    direction: Literal["up", "down"]


class ServiceChangedData(EventData, frozen=True, gc=False, kw_only=True):
    """An improvement was made; its time is when it took effect, at most `duplicate_retention` (7 d) ago."""

    title: Text
    expected: Expectation | None = None


class TickData(Struct, frozen=True):
    """Nothing but the time: the log has reached this moment. Written by replays, never counted."""


class Event(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True, tag_field="type"):
    """The CloudEvents envelope. `subject` is the case, transaction or contact id; without it the event id serves."""

    specversion: Literal["1.0"]
    id: Text
    source: Text
    time: Moment
    subject: Text | None = None
    data: Any


class CaseOpened(Event, frozen=True, gc=False, kw_only=True, tag="case.opened"):
    """Someone asked."""

    data: CaseOpenedData


class CaseDueChanged(Event, frozen=True, gc=False, kw_only=True, tag="case.due_changed"):
    """The promise moved (never silently)."""

    data: DueChangedData


class CaseStep(Event, frozen=True, gc=False, kw_only=True, tag="case.step"):
    """Work on the case; repeated steps are rework."""

    data: StepData


class CasePaused(Event, frozen=True, gc=False, kw_only=True, tag="case.paused"):
    """The clock stops, explicitly."""

    data: ClockData


class CaseResumed(Event, frozen=True, gc=False, kw_only=True, tag="case.resumed"):
    """The clock runs again."""

    data: ClockData


class CaseCompleted(Event, frozen=True, gc=False, kw_only=True, tag="case.completed"):
    """Delivered, or ended otherwise: the outcome says."""

    data: CompletedData


class CaseReopened(Event, frozen=True, gc=False, kw_only=True, tag="case.reopened"):
    """It was not right the first time."""

    data: ClockData


class CostBooked(Event, frozen=True, gc=False, kw_only=True, tag="cost.booked"):
    """Money was spent."""

    data: CostData


class ContactReceived(Event, frozen=True, gc=False, kw_only=True, tag="contact.received"):
    """Demand; chasing and challenging are failure demand."""

    data: ContactData


class FeedbackOffered(Event, frozen=True, gc=False, kw_only=True, tag="feedback.offered"):
    """Feedback was asked for."""

    data: FeedbackOfferedData


class FeedbackGiven(Event, frozen=True, gc=False, kw_only=True, tag="feedback.given"):
    """Feedback was given."""

    data: FeedbackGivenData


class TransactionStarted(Event, frozen=True, gc=False, kw_only=True, tag="transaction.started"):
    """A digital transaction began."""

    data: TransactionStartedData


class TransactionFinished(Event, frozen=True, gc=False, kw_only=True, tag="transaction.finished"):
    """A digital transaction ended."""

    data: TransactionFinishedData


class ServiceChanged(Event, frozen=True, gc=False, kw_only=True, tag="service.changed"):
    """An improvement was made."""

    data: ServiceChangedData


class Tick(Event, frozen=True, gc=False, kw_only=True, tag="kept.tick"):
    """The log has reached this moment on this partition (internal)."""

    data: TickData = TickData()


PublicEvent = (
    CaseOpened
    | CaseDueChanged
    | CaseStep
    | CasePaused
    | CaseResumed
    | CaseCompleted
    | CaseReopened
    | CostBooked
    | ContactReceived
    | FeedbackOffered
    | FeedbackGiven
    | TransactionStarted
    | TransactionFinished
    | ServiceChanged
)
AnyEvent = PublicEvent | Tick
PUBLIC_EVENTS: tuple[type[Event], ...] = get_args(PublicEvent)

_CLOSED_SETS: dict[str, Sequence[str]] = {
    "type": [str(kind.__struct_config__.tag) for kind in PUBLIC_EVENTS],
    "specversion": ["1.0"],
    "data.outcome": get_args(Outcome),
    "data.category": get_args(CostCategory),
    "data.reason": get_args(ContactReason),
    "data.result": get_args(TransactionResult),
    "data.expected.direction": ["up", "down"],
}
"""The values that are valid, by the place of a field."""

_decode_one = msgspec.json.Decoder(AnyEvent).decode
_decode_many = msgspec.json.Decoder(list[AnyEvent | int]).decode
_SEPARATOR: Final = secrets.randbits(62)
"""Stands between the values of a batch. Nobody knows it who writes one: two that are broken cannot make a whole one."""
_BETWEEN: Final = b",%d," % _SEPARATOR
_encode = msgspec.json.Encoder(decimal_format="number").encode


def encode(event: Event) -> bytes:
    """The event as CloudEvents JSON (UTF-8)."""
    return _encode(event)


def decode(value: bytes) -> Event:
    """One event from its JSON; raises `Reject` with reason `undecodable`, `unknown_type` or `invalid`."""
    try:
        event: Event = _decode_one(value)
    except msgspec.ValidationError as error:
        unknown = str(error).startswith("Invalid value") and str(error).endswith("`$.type`")
        raise Reject("unknown_type" if unknown else "invalid", said(str(error), _CLOSED_SETS)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Reject("undecodable", f"not JSON: {error}") from error
    if may_hold_control_characters(value):
        field = with_control_character(event)
        if field is not None:
            raise Reject("invalid", f"Control characters, such as NUL or a line break, are not valid - at `{field}`")
    return event


def decode_batch(values: Sequence[bytes | None]) -> list[Event | Reject]:
    """A batch of events, in order; a bad one is its `Reject`, its neighbours are unharmed.

    The whole batch is decoded as one JSON array (about 1 us an event); only when that fails, or does not give one event
    a value, each value is decoded by itself.
    """
    if values and None not in values:
        whole = b"[" + _BETWEEN.join(values) + b"]"  # type: ignore[arg-type]
        try:
            found: list[Any] = _decode_many(whole)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            found = []
        events, between = found[::2], found[1::2]
        if len(events) == len(values) and between == [_SEPARATOR] * len(between) and int not in map(type, events):
            if not may_hold_control_characters(whole):
                return events
            return [
                event if with_control_character(event) is None else _decode_or_reject(value)
                for value, event in zip(values, events, strict=True)
            ]
    return [_decode_or_reject(value) for value in values]


def _decode_or_reject(value: bytes | None) -> Event | Reject:
    if value is None:
        return Reject("undecodable", "the message has no value (a tombstone is not an event)")
    try:
        return decode(value)
    except Reject as rejection:
        return rejection


def milliseconds(moment: datetime | int | float) -> int:
    """Milliseconds since 1970-01-01 UTC, rounded down.

    Raises `Reject("time_out_of_range")` outside the years 1900-9998, which no service means.
    """
    if isinstance(moment, datetime):
        value = (moment - EPOCH) // _MILLISECOND
    else:
        if not EARLIEST_MS / 1000 <= moment < LATEST_MS / 1000:  # NaN and infinity too
            raise Reject("time_out_of_range", "the time lies outside 1900-9998; epoch times are in seconds")
        value = int(moment * 1000 // 1)
    if not EARLIEST_MS <= value < LATEST_MS:
        raise Reject("time_out_of_range", "the time lies outside 1900-9998; epoch times are in seconds")
    return value


def moment(time_ms: int) -> datetime:
    """The UTC datetime of `time_ms`."""
    return EPOCH + time_ms * _MILLISECOND


def identity(event: Event) -> int:
    """A signed 64-bit hash of (source, id), which CloudEvents makes unique for each distinct event."""
    digest = hashlib.blake2b(f"{event.source}\0{event.id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def subject(event: Event) -> str:
    """What the event is about, and the key of its Kafka message."""
    return event.subject if event.subject is not None else event.id


def json_schema() -> dict[str, Any]:
    """The contract as a JSON Schema (2020-12), generated from the structs above."""
    schema = msgspec.json.schema(PublicEvent)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Kept events (CloudEvents 1.0, JSON structured mode)",
        **schema,
    }


def tick(at_ms: int, partition: int) -> Tick:
    """The tick that ends a replay: event time has reached `at_ms` on `partition`."""
    return Tick(specversion="1.0", id=f"tick-{partition}-{at_ms}", source="kept", time=moment(at_ms))


def type_of(event: Event) -> str:
    """The CloudEvents `type` of an event, such as `case.opened`."""
    tag = type(event).__struct_config__.tag
    assert isinstance(tag, str)
    return tag
