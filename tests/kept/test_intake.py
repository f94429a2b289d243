from __future__ import annotations

from typing import Any, get_args

import msgspec
import pytest

from kept import counters as c
from kept import events as e
from kept import facts as f
from kept.catalogue import Calendar, Promise
from kept.durations import DAY_MS, HOUR_MS
from kept.errors import REJECT_REASONS, Reject, RejectReason
from kept.intake import Counts, Rules, to_fact
from kept.partition import MAX_FACTS, PartitionState
from kept.registered_changes import RegisteredChange
from tests.kept.city import LIGHTS, PLAIN, event, ms, seconds

MONDAY = "2024-06-03 09:00"
RULES = Rules(LIGHTS)
WORKING = Rules(
    msgspec.structs.replace(
        LIGHTS,
        promise=Promise(words="In 16 working hours", target_share=0.9, target_time="16h", counted_in="working_time"),
        calendar=Calendar(country="NL"),
    )
)


def fact_of(one: e.Event, rules: Rules = RULES) -> f.AnyFact | Counts:
    return to_fact(one, e.milliseconds(one.time), 7, rules)


def raw(**changes: Any) -> bytes:
    fields: dict[str, Any] = {
        "specversion": "1.0", "type": "case.opened", "source": "works", "id": "1", "subject": "SECRET-1",
        "time": "2024-06-03T09:00:00+02:00", "data": {"service": "street-lights"},
    }  # fmt: skip
    return msgspec.json.encode(fields | changes)


def of(type: str, **data: Any) -> bytes:
    return raw(type=type, data={"service": "street-lights", **data})


def without_subject(value: bytes) -> bytes:
    return msgspec.json.encode({key: said for key, said in msgspec.json.decode(value).items() if key != "subject"})


REFUSED: dict[str, list[bytes | None]] = {
    "undecodable": [b"", b"\xff\xfe", b"not JSON", b"{", None],
    "unknown_type": [raw(type="case.vanished"), raw(type="")],
    "invalid": [
        # The first thing that is wrong gives the reason, even if what follows is no JSON.
        b"null,", b'{"id": "\xff"}', b"[" * 5000,
        b"{}", b"[]", b"1", b"null", raw(specversion="0.3"), raw(id=""), raw(source=""), raw(time="yesterday"),
        raw(time="2024-06-03T09:00:00"), raw(subject=""), raw(subject="x" * 513), raw(data={}),
        raw(data={"service": ""}), raw(data=None), raw(type=5), of("case.due_changed"), of("case.opened", due="soon"),
        of("case.completed", outcome="done"), of("feedback.given", rating=0), of("feedback.given", rating=6),
        of("feedback.given", rating=4.5), of("cost.booked", amount="much", currency="EUR"),
        of("cost.booked", amount=1, currency="eur"), of("contact.received", reason="bored"),
        of("transaction.finished", result="maybe"), of("case.opened", channel=""), of("case.step"),
        of("case.step", step="review", started=200, ended=100),
        of("service.changed", title="x", expected={"indicator": "backlog", "direction": "sideways"}),
        without_subject(of("case.completed")), without_subject(of("transaction.finished", result="completed")),
    ],
    "unknown_service": [raw(data={"service": "ferries"})],
    "unknown_channel": [of("case.opened", channel="Fax"), of("feedback.offered", channel="Fax")],
    "case_mismatch": [
        of("contact.received", reason="other", case="another"),
        without_subject(of("contact.received", reason="other", case="SECRET-1")),
    ],
    "currency_mismatch": [of("cost.booked", amount=1, currency="USD")],
    "amount_precision": [
        of("cost.booked", amount=amount, currency="EUR")
        for amount in (1.005, 1e300, "NaN", "sNaN", "Infinity", "1E+999999", "1E-999999")
    ],
    "time_out_of_range": [
        raw(time=1717398000000), raw(time="1899-12-31T23:59:59Z"), raw(time=-1e300), raw(time=10**30),
        raw(time="9999-12-31T23:59:59-23:59"), of("case.opened", due=1e300),
        of("case.due_changed", due="0001-01-01T00:00:00Z"), of("case.step", step="x", started=10**17),
    ],
    "future": [raw(time="2024-06-03T10:00:00+02:00")],
}  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "value"), [(reason, value) for reason, values in REFUSED.items() for value in values]
)
def test_an_event_that_cannot_be_counted_is_refused_with_its_reason(reason: RejectReason, value: bytes | None) -> None:
    state = PartitionState(0, {LIGHTS.id: RULES})
    neighbours = [raw(id="before", subject="n1"), raw(id="after", subject="n2")]
    decoded = e.decode_batch([neighbours[0], value, neighbours[1]])
    changes = state.apply(2, decoded, clock_ms=ms(MONDAY))
    assert [(letter.position, letter.rejection.reason) for letter in changes.dead_letters] == [(1, reason)]
    assert state.accounts.applied == 2
    assert state.accounts.reconciles()


@pytest.mark.parametrize("value", [value for values in REFUSED.values() for value in values])
def test_the_sentence_of_a_refusal_carries_no_case_id(value: bytes | None) -> None:
    changes = PartitionState(0, {LIGHTS.id: RULES}).apply(0, e.decode_batch([value]), clock_ms=ms(MONDAY))
    (letter,) = changes.dead_letters
    assert str(letter.rejection)
    assert "SECRET" not in str(letter.rejection)


def test_every_reason_of_the_closed_set_is_given_to_some_event() -> None:
    seen: set[str] = set()
    for values in REFUSED.values():
        changes = PartitionState(0, {LIGHTS.id: RULES}).apply(0, e.decode_batch(values), clock_ms=ms(MONDAY))
        seen.update(letter.rejection.reason for letter in changes.dead_letters)
    one_subject = [event("case.paused", ms(MONDAY) + number, "a") for number in range(MAX_FACTS + 1)]
    changes = PartitionState(0, {LIGHTS.id: RULES}).apply(MAX_FACTS, one_subject)
    seen.update(letter.rejection.reason for letter in changes.dead_letters)
    assert seen == set(REJECT_REASONS) == set(get_args(RejectReason))


@pytest.mark.parametrize(
    "value",
    [of("case.completed", outcome="see 'SECRET' case"), of("contact.received", reason="SECRET"), raw(type="SECRET")],
)
def test_a_value_that_is_no_word_of_the_contract_is_not_repeated(value: bytes) -> None:
    rejection = e.decode_batch([value])[0]
    assert isinstance(rejection, Reject)
    assert "SECRET" not in str(rejection)
    assert "$." in str(rejection)  # but where it stands is


# channels


@pytest.mark.parametrize(
    ("channel", "kind"), [("Web", "digital"), ("Phone", "assisted"), ("Patrol", "staff"), (None, None)]
)
def test_the_kind_of_a_channel_is_frozen_into_the_opening(channel: str | None, kind: str | None) -> None:
    data = {} if channel is None else {"channel": channel}
    opened = fact_of(event("case.opened", MONDAY, "a", **data))
    assert isinstance(opened, f.Opened)
    assert (opened.channel, opened.channel_kind) == (channel, None if kind is None else c.COMPLETED_BY_KIND[kind])


def test_an_unlisted_channel_counts_as_assisted_where_it_is_accepted() -> None:
    opened = fact_of(event("case.opened", MONDAY, "a", channel="Pigeon"), Rules(PLAIN))
    assert isinstance(opened, f.Opened)
    assert opened.channel_kind == c.COMPLETED_BY_KIND["assisted"]


# the promise


def test_the_promise_of_the_event_wins_over_that_of_the_catalogue() -> None:
    own = fact_of(event("case.opened", MONDAY, "a", due="2024-06-04 09:00"))
    theirs = fact_of(event("case.opened", MONDAY, "a"))
    none = fact_of(event("case.opened", MONDAY, "a"), Rules(PLAIN))
    assert isinstance(own, f.Opened)
    assert isinstance(theirs, f.Opened)
    assert isinstance(none, f.Opened)
    assert (own.due, theirs.due, none.due) == (ms("2024-06-04 09:00"), ms(MONDAY) + 5 * DAY_MS, None)


def test_a_promise_in_working_time_runs_in_opening_hours() -> None:
    #  Fri 13-17 (4 h)   Mon 09-17 (8 h)   Tue 09-13 (4 h)
    opened = fact_of(event("case.opened", "2024-06-07 13:00", "a"), WORKING)
    assert isinstance(opened, f.Opened)
    assert opened.due == ms("2024-06-11 13:00")


def test_a_promise_in_working_time_decades_ahead_is_refused() -> None:
    with pytest.raises(Reject, match="at most ten years ahead"):
        fact_of(event("case.opened", MONDAY, "a", due="2044-06-03 09:00"), WORKING)


def test_a_promise_in_elapsed_time_may_lie_decades_ahead() -> None:
    opened = fact_of(event("case.opened", MONDAY, "a", due="2064-06-03 09:00"))
    assert isinstance(opened, f.Opened)
    assert opened.due == ms("2064-06-03 09:00")


# what is kept and what is dropped


def test_who_did_the_work_is_dropped_unless_the_catalogue_asks_for_it() -> None:
    one = event("case.step", MONDAY, "a", step="review", resource="J. Jansen")
    asked = Rules(msgspec.structs.replace(LIGHTS, keep_resource=True))
    dropped, kept = fact_of(one), fact_of(one, asked)
    assert isinstance(dropped, f.Step)
    assert isinstance(kept, f.Step)
    assert (dropped.resource, kept.resource) == (None, "J. Jansen")


def test_a_step_without_times_is_a_point_at_the_time_of_the_event() -> None:
    point = fact_of(event("case.step", MONDAY, "a", step="visit"))
    assert isinstance(point, f.Step)
    assert (point.started, point.ended, point.legal_repeat) == (ms(MONDAY), None, True)


def test_a_contact_about_a_case_is_a_fact_of_it_and_another_is_a_count() -> None:
    about = fact_of(event("contact.received", MONDAY, "a", case="a", reason="other"))
    loose = fact_of(event("contact.received", MONDAY, reason="chase_progress", area="North"))
    assert isinstance(about, f.Contact)
    assert loose == Counts(
        (("area", "North"),), ((c.CONTACTS + c.CONTACT_INDEX["chase_progress"], 1), (c.FAILURE_DEMAND, 1))
    )


def test_money_becomes_whole_minor_units_and_may_be_negative() -> None:
    booked = fact_of(event("cost.booked", MONDAY, amount=-12.5, currency="EUR", category="supplier", channel="Web"))
    expected = ((c.COST_BOOKINGS, 1), (c.COST + c.COST_INDEX["supplier"], -1250))
    assert booked == Counts((("channel", "Web"),), expected)


def test_the_time_out_of_a_transaction_is_frozen_into_its_beginning() -> None:
    begun = fact_of(event("transaction.started", MONDAY, "t", channel="Web"))
    assert isinstance(begun, f.TransactionBegun)
    assert begun.timeout == HOUR_MS // 2


def test_a_change_of_the_service_counts_itself_and_what_it_is_expected_to_move() -> None:
    plain = fact_of(event("service.changed", MONDAY, title="a new form"))
    change = RegisteredChange(service="street-lights", at=seconds(MONDAY), id=f"{7:016x}", title="a new form")
    assert plain == Counts((), ((c.CHANGED, 1),), change)
    for indicator, counted in (("backlog", ((c.CHANGED, 1), (c.CHANGED_UP + 5, 1))), ("joy", ((c.CHANGED, 1),))):
        told = event("service.changed", MONDAY, title="x", expected={"indicator": indicator, "direction": "up"})
        known = (indicator, "up") if indicator == "backlog" else (None, None)
        counts = fact_of(told)
        assert isinstance(counts, Counts) and counts.change is not None
        assert (counts.slices, counts.amounts) == ((), counted)
        assert (counts.change.indicator, counts.change.direction) == known


def test_every_public_event_is_understood() -> None:
    examples: dict[str, dict[str, Any]] = {
        "case.due_changed": {"due": MONDAY}, "case.step": {"step": "review"}, "contact.received": {"reason": "other"},
        "cost.booked": {"amount": 1, "currency": "EUR"}, "feedback.given": {"rating": 1},
        "transaction.finished": {"result": "failed"}, "service.changed": {"title": "x"},
    }  # fmt: skip
    for kind in e.PUBLIC_EVENTS:
        name = str(kind.__struct_config__.tag)
        assert fact_of(event(name, MONDAY, "a", **examples.get(name, {}))) is not None
