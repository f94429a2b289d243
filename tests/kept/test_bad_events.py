"""Malformed events, one a row: what it is, its bytes, the reason of its dead letter and what the message says.

Each is applied between two good events by a live partition: it becomes a dead letter, its neighbours are counted, the
accounts reconcile, and no message quotes what is personal.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from kept import events as e
from kept.durations import MINUTE_MS
from kept.errors import RejectReason
from kept.intake import Rules
from kept.partition import PartitionState
from tests.kept.city import LIGHTS, ms

CLOCK_MS = ms("2024-06-03 12:00")
TIME = "2024-06-03T09:00:00+02:00"
SERVICE = {"service": "street-lights"}
MARK = "\u2603-personal"
"""Stands wherever a row may put what nobody else should read."""


def event(kind: str = "case.opened", data: Any = SERVICE, **fields: Any) -> bytes:
    """An event as JSON; `...` leaves a field out."""
    whole = {
        "specversion": "1.0", "type": kind, "source": "works", "id": f"id-{MARK}", "subject": f"case-{MARK}",
        "time": TIME, "data": data,
    }  # fmt: skip
    return json.dumps({name: said for name, said in (whole | fields).items() if said is not ...}).encode()


def of(kind: str, **data: Any) -> bytes:
    return event(kind, {"service": "street-lights", **data})


def cost(amount: Any, currency: Any = "EUR") -> bytes:
    return of("cost.booked", amount=amount, currency=currency)


Row = tuple[str, bytes | None, RejectReason, str]

NO_JSON: list[Row] = [
    ("no value", None, "undecodable", "no value (a tombstone is not an event)"),
    ("an empty message", b"", "undecodable", "truncated"),
    ("blanks", b" \n\t", "undecodable", "truncated"),
    ("cut short", event()[:-9], "undecodable", "truncated"),
    ("text after the event", event() + b"x", "undecodable", "trailing characters"),
    ("two events in one message", event() + b"\n" + event(), "undecodable", "trailing characters"),
    ("a comma too many", event()[:-1] + b",}", "undecodable", "trailing comma"),
    ("single quotation marks", event().replace(b'"', b"'"), "undecodable", "malformed"),
    ("a byte order mark", b"\xef\xbb\xbf" + event(), "undecodable", "malformed"),
    ("UTF-16", event().decode().encode("utf-16"), "undecodable", "malformed"),
    ("Latin-1 in a subject", event(subject="X").replace(b"X", b"\xfc"), "undecodable", "utf-8"),
    ("half a UTF-8 character", event(subject="X").replace(b"X", b"\xe2\x98"), "undecodable", "utf-8"),
    ("NUL bytes", b"\x00\x00\x00", "undecodable", "malformed"),
    ("a raw line break in a text", event(source="X").replace(b"X", b"a\nb"), "undecodable", "malformed"),
    ("a lone surrogate", event(subject="X").replace(b"X", b"\\ud800"), "undecodable", "surrogate"),
    ("NaN, which JSON does not have", event(time=float("nan")), "undecodable", "malformed"),
    ("Infinity, which JSON does not have", cost(float("inf")), "undecodable", "malformed"),
    ("100,000 brackets", event(mood=0).replace(b'"mood": 0', b'"mood": ' + b"[" * 100_000 + b"]" * 100_000),
     "undecodable", "recursion"),
    ("Avro", b"\x00\x00\x00\x00\x07\x0estreet", "undecodable", "malformed"),
]  # fmt: skip
NO_EVENT: list[Row] = [
    ("null", b"null", "invalid", "Expected `object`, got `null`"),
    ("an array of events", b"[" + event() + b"]", "invalid", "Expected `object`, got `array`"),
    ("a number", b"17", "invalid", "Expected `object`, got `int`"),
    ("a text", b'"case.opened"', "invalid", "Expected `object`, got `str`"),
    ("an empty object", b"{}", "invalid", "missing required field `type`"),
    ("an unknown type", event("case.exploded"), "unknown_type", "valid: case.opened, case.due_changed"),
    ("a type in capitals", event("CASE.OPENED"), "unknown_type", "valid: case.opened"),
    ("an empty type", event(""), "unknown_type", "valid: case.opened"),
    ("a type that quotes", event(f"{MARK}' - at `$.type`"), "unknown_type", "Invalid value at `$.type`; valid:"),
    ("a number for a type", event(type=7), "invalid", "Expected `str` - at `$.type`"),
    ("two different types", event()[:-1] + b',"type":"case.completed"}', "unknown_type", "Invalid value at `$.type`"),
    ("specversion 0.3", event(specversion="0.3"), "invalid", "at `$.specversion`; valid: 1.0"),
    ("a number for specversion", event(specversion=1.0), "invalid", "at `$.specversion`"),
    ("no specversion", event(specversion=...), "invalid", "missing required field `specversion`"),
    ("no id", event(id=...), "invalid", "missing required field `id`"),
    ("a number for an id", event(id=17), "invalid", "Expected `str`, got `int` - at `$.id`"),
    ("an empty id", event(id=""), "invalid", "length >= 1 - at `$.id`"),
    ("no source", event(source=...), "invalid", "missing required field `source`"),
    ("an empty source", event(source=""), "invalid", "at `$.source`"),
    ("an empty subject", event(subject=""), "invalid", "length >= 1 - at `$.subject`"),
    ("a number for a subject", event(subject=17), "invalid", "got `int` - at `$.subject`"),
    ("a huge subject", event(subject="x" * 100_000), "invalid", "length <= 512 - at `$.subject`"),
    ("a subject with NUL", event(subject=f"{MARK}\0"), "invalid", "Control characters, such as NUL"),
    ("an id with NUL", event(id=f"{MARK}\0"), "invalid", "not valid - at `$.id`"),
    ("a source with a line break", event(source="a\nb"), "invalid", "not valid - at `$.source`"),
    ("an area with DEL", of("case.opened", area="a\x7fb"), "invalid", "not valid - at `$.data.area`"),
    ("a step with a tab", of("case.step", step="a\tb"), "invalid", "not valid - at `$.data.step`"),
    ("no data", event(data=...), "invalid", "missing required field `data`"),
    ("null data", event(data=None), "invalid", "Expected `object`, got `null` - at `$.data`"),
    ("a list for data", event(data=[]), "invalid", "Expected `object`, got `array` - at `$.data`"),
    ("data as text (binary mode)", event(data='{"service": "street-lights"}'), "invalid", "got `str` - at `$.data`"),
    ("data_base64 instead of data", event(data=..., data_base64="e30="), "invalid", "missing required field `data`"),
]  # fmt: skip
BAD_TIMES: list[Row] = [
    ("no time", event(time=...), "invalid", "missing required field `time`"),
    ("a word for a time", event(time=MARK), "invalid", "Invalid RFC3339 encoded datetime - at `$.time`"),
    ("no offset", event(time="2024-06-03T09:00:00"), "invalid", "`datetime` with a timezone component - at `$.time`"),
    ("an offset of 25 hours", event(time="2024-06-03T09:00:00+25:00"), "invalid", "Invalid RFC3339"),
    ("a day without a time", event(time="2024-06-03"), "invalid", "Invalid RFC3339"),
    ("31 June", event(time="2024-06-31T09:00:00Z"), "invalid", "Invalid RFC3339"),
    ("day first", event(time="03/06/2024 09:00"), "invalid", "Invalid RFC3339"),
    ("a leap second", event(time="2016-12-31T23:59:60Z"), "invalid", "Invalid RFC3339"),
    ("seconds as text", event(time="1717398000"), "invalid", "Invalid RFC3339"),
    ("true for a time", event(time=True), "invalid", "got `bool` - at `$.time`"),
    ("the year 0", event(time="0000-06-03T09:00:00Z"), "invalid", "Invalid RFC3339"),
    ("the year 1899", event(time="1899-12-31T23:59:59Z"), "time_out_of_range", "outside 1900-9998"),
    ("the year 9999", event(time="9999-01-01T00:00:00Z"), "time_out_of_range", "outside 1900-9998"),
    ("the year 9998", event(time="9998-01-01T00:00:00Z"), "future", "5 minutes ahead"),
    ("milliseconds since 1970", event(time=1_717_398_000_000), "time_out_of_range", "times are in seconds"),
    ("endless seconds", event(time=1).replace(b'"time": 1', b'"time": ' + b"9" * 5_000), "invalid", "out of range"),
    ("a due in the year 9999", of("case.opened", due="9999-06-03T09:00:00Z"), "time_out_of_range", "outside 1900-9998"),
    ("a due that is no time", of("case.opened", due="soon"), "invalid", "at `$.data.due`"),
    ("six minutes ahead", event(time=(CLOCK_MS + 6 * MINUTE_MS) // 1000), "future", "5 minutes ahead of the clock"),
    ("a step that ended before it started", of("case.step", step="x", started=TIME, ended="2024-06-03T08:59:59+02:00"),
     "invalid", "a step ended before it started"),
    ("a step that ended before its own time", of("case.step", step="x", ended="2024-06-03T06:00:00Z"),
     "invalid", "a step ended before it started"),
]  # fmt: skip
BAD_VALUES: list[Row] = [
    ("an unknown service", event(data={"service": "moon-lights"}), "unknown_service", "`kept catalogue check`"),
    ("no service", event(data={}), "invalid", "missing required field `service` - at `$.data`"),
    ("a list for a service", event(data={"service": ["street-lights"]}), "invalid", "at `$.data.service`"),
    ("an unknown channel", of("case.opened", channel="Pigeon"), "unknown_channel", "valid: Web, App, Phone, Desk"),
    ("an empty channel", of("case.opened", channel=""), "invalid", "at `$.data.channel`"),
    ("a huge area", of("case.opened", area=MARK * 100), "invalid", "length <= 128 - at `$.data.area`"),
    ("an unknown outcome", of("case.completed", outcome="done"), "invalid", "valid: intended, not_intended, rejected"),
    ("a completion without a subject", event("case.completed", subject=...), "invalid", "needs the subject of what it"),
    ("a due_changed without a due", of("case.due_changed"), "invalid", "missing required field `due`"),
    ("a step without a name", of("case.step"), "invalid", "missing required field `step`"),
    ("rating 0", of("feedback.given", rating=0), "invalid", "Expected `int` >= 1 - at `$.data.rating`"),
    ("rating 6", of("feedback.given", rating=6), "invalid", "Expected `int` <= 5 - at `$.data.rating`"),
    ("rating 2.5", of("feedback.given", rating=2.5), "invalid", "Expected `int`, got `float` - at `$.data.rating`"),
    ("rating 4.0", of("feedback.given", rating=4.0), "invalid", "Expected `int`, got `float` - at `$.data.rating`"),
    ("a rating as text", of("feedback.given", rating="4"), "invalid", "Expected `int`, got `str` - at `$.data.rating`"),
    ("no rating", of("feedback.given"), "invalid", "missing required field `rating`"),
    ("a currency in small letters", cost(1, "eur"), "invalid", "at `$.data.currency`"),
    ("another currency", cost(1, "USD"), "currency_mismatch", "books in EUR, seen USD"),
    ("an amount in words", cost("much"), "invalid", "at `$.data.amount`"),
    ("the text NaN for an amount", cost("NaN"), "amount_precision", "at most 2 decimals and 12 digits"),
    ("the text Infinity for an amount", cost("-Infinity"), "amount_precision", "at most 2 decimals"),
    ("a third of a cent", cost("0.333"), "amount_precision", "at most 2 decimals"),
    ("more money than there is", cost("1e400"), "amount_precision", "12 digits"),
    ("a thousands comma", cost("1,000"), "invalid", "at `$.data.amount`"),
    ("an unknown reason", of("contact.received", reason="bored"), "invalid", "valid: get_information, chase_progress"),
    ("a contact about another case", of("contact.received", reason="other", case="b"), "case_mismatch", "both as"),
    ("an unknown result", of("transaction.finished", result="ok"), "invalid", "valid: completed, not_eligible, failed"),
    ("an unknown direction", of("service.changed", title="x", expected={"indicator": "backlog", "direction": "left"}),
     "invalid", "valid: up, down"),
    ("a tick from far ahead", event("kept.tick", {}, time="2124-06-03T09:00:00Z"), "future", "5 minutes ahead"),
]  # fmt: skip
REFUSED = [*NO_JSON, *NO_EVENT, *BAD_TIMES, *BAD_VALUES]

ACCEPTED: list[tuple[str, bytes]] = [
    ("an unknown field", event(mood="good", traceparent="00-1")),
    ("an unknown field of broken UTF-8, of which nothing is made", event(mood="X").replace(b"X", b"\xff")),
    ("100 brackets in an unknown field", event(mood=0).replace(b'"mood": 0', b'"mood": ' + b"[" * 100 + b"]" * 100)),
    ("a key given twice: the last one counts", event()[:-1] + b',"subject":"b"}'),
    ("the same type given twice", event()[:-1] + b',"type":"case.opened"}'),
    ("no subject: the id serves", event(subject=...)),
    ("an explicit null for what is optional", of("case.opened", channel=None, due=None)),
    ("the year 1900", event(time="1900-01-01T00:00:00Z")),
    ("seconds with a fraction", event(time=1_717_398_000.25)),
    ("a small t and z, as RFC 3339 allows", event(time="2024-06-03t07:00:00z")),
    ("a negative amount corrects", cost("-1.50")),
    ("a rating without a subject", event("feedback.given", {"service": "street-lights", "rating": 3}, subject=...)),
    ("a backslash in a subject", event(subject="a\\b")),
    ("free words with line breaks", of("case.paused", reason="a\nb")),
    ("a step that took no time", of("case.step", step="x", started=TIME, ended=TIME)),
    ("four minutes ahead", event(time=(CLOCK_MS + 4 * MINUTE_MS) // 1000)),
    ("a promise decades ahead", of("case.opened", due="2060-06-03T09:00:00Z")),
    ("pretty-printed JSON", json.dumps(json.loads(event()), indent=2).encode()),
]


def good(name: str) -> bytes:
    return event(id=name, subject=name)


def applied(value: bytes | None) -> tuple[PartitionState, list[tuple[int, str, str]]]:
    """The partition after the value between two good events, and its dead letters."""
    state = PartitionState(0, {LIGHTS.id: Rules(LIGHTS)})
    changes = state.apply(2, e.decode_batch([good("before"), value, good("after")]), CLOCK_MS)
    return state, [(letter.position, letter.rejection.reason, str(letter.rejection)) for letter in changes.dead_letters]


@pytest.mark.parametrize(("value", "reason", "says"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_malformed_event_is_a_dead_letter_and_its_neighbours_are_counted(
    value: bytes | None, reason: RejectReason, says: str
) -> None:
    state, letters = applied(value)
    assert [(position, seen) for position, seen, _ in letters] == [(1, reason)]
    assert says in letters[0][2]
    assert MARK not in letters[0][2] and "\0" not in letters[0][2]
    assert (state.accounts.received, state.accounts.applied, state.cases) == (3, 2, 2)
    assert state.accounts.dead_lettered == {reason: 1}
    assert state.accounts.reconciles()


@pytest.mark.parametrize("value", [row[1] for row in ACCEPTED], ids=[row[0] for row in ACCEPTED])
def test_what_looks_odd_and_is_not_wrong_is_counted(value: bytes) -> None:
    state, letters = applied(value)
    assert letters == []
    beyond = state.accounts.beyond_retention
    assert (state.accounts.applied + beyond, state.accounts.reconciles()) == (3, True)


def test_a_key_given_twice_means_what_is_given_last() -> None:
    (one,) = e.decode_batch([event()[:-1] + b',"subject":"b"}'])
    assert isinstance(one, e.Event) and one.subject == "b"


def test_events_that_would_be_one_by_a_nul_are_refused_rather_than_confused() -> None:
    first, second = event(source="a\0b", id="c"), event(source="a", id="b\0c")
    assert [getattr(one, "reason", None) for one in e.decode_batch([first, second])] == ["invalid", "invalid"]


def test_every_row_has_a_name_of_its_own() -> None:
    names = [row[0] for row in REFUSED] + [row[0] for row in ACCEPTED]
    assert len(set(names)) == len(names)
