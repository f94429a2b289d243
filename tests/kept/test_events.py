from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kept import events as e
from kept.errors import Reject

ROOT = Path(__file__).resolve().parents[2]


def text(**changes: Any) -> bytes:
    fields: dict[str, Any] = {
        "specversion": "1.0", "type": "case.opened", "source": "works", "id": "1", "subject": "a",
        "time": "2024-06-03T09:00:00+02:00", "data": {"service": "street-lights"},
    }  # fmt: skip
    fields |= changes
    return json.dumps({key: value for key, value in fields.items() if value is not ...}).encode()


# one event


def test_an_event_says_what_and_when_and_about_what() -> None:
    one = e.decode(text())
    assert isinstance(one, e.CaseOpened)
    assert (e.type_of(one), e.subject(one), e.milliseconds(one.time)) == ("case.opened", "a", 1_717_398_000_000)
    assert one.data.service == "street-lights"


def test_without_a_subject_the_id_serves() -> None:
    assert e.subject(e.decode(text(subject=...))) == "1"


def test_unknown_fields_are_ignored() -> None:
    known = e.decode(text())
    assert (
        e.decode(text(datacontenttype="application/json", data={"service": "street-lights", "mood": {"a": [1]}}))
        == known
    )


def test_money_keeps_its_digits_whether_it_is_a_number_or_a_text() -> None:
    for amount in (0.1, "0.1"):
        data = {"service": "street-lights", "amount": amount, "currency": "EUR"}
        one = e.decode(text(type="cost.booked", data=data))
        assert isinstance(one, e.CostBooked)
        assert one.data.amount == Decimal("0.1")


def test_a_lone_surrogate_is_refused_before_it_can_do_harm() -> None:
    (refusal,) = e.decode_batch([text().replace(b'"a"', b'"\\ud800"')])
    assert isinstance(refusal, Reject)


@pytest.mark.parametrize("kind", e.PUBLIC_EVENTS)
def test_an_event_survives_being_written_and_read(kind: type[e.Event]) -> None:
    data = {
        "service": "street-lights", "channel": "Web", "due": 1.5, "step": "x", "amount": "1.10", "currency": "EUR",
        "reason": "other", "rating": 3, "result": "failed", "title": "t",
    }  # fmt: skip
    one = e.decode(text(type=kind.__struct_config__.tag, data=data))
    assert type(one) is kind
    assert e.decode(e.encode(one)) == one


# times


@pytest.mark.parametrize(("moment", "milliseconds"), [
    (0, 0), (1.5, 1500), (-1, -1000), (0.0019, 1), (-0.0001, -1),
    (datetime(1970, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), 0),
    (datetime(1970, 1, 1, 0, 0, 0, 1999, UTC), 1), (datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC), -1),
])  # fmt: skip
def test_a_moment_is_whole_milliseconds_rounded_down(moment: datetime | float, milliseconds: int) -> None:
    assert e.milliseconds(moment) == milliseconds


@pytest.mark.parametrize("moment", [float("nan"), float("inf"), float("-inf"), 1e300, 10**30, e.LATEST_MS // 1000])
def test_what_is_no_time_is_refused(moment: float) -> None:
    with pytest.raises(Reject) as refusal:
        e.milliseconds(moment)
    assert refusal.value.reason == "time_out_of_range"


@given(st.integers(e.EARLIEST_MS, e.LATEST_MS - 1))
def test_a_moment_and_its_milliseconds_are_the_same(time_ms: int) -> None:
    assert e.milliseconds(e.moment(time_ms)) == time_ms


def test_epoch_seconds_and_rfc_3339_mean_the_same() -> None:
    assert e.milliseconds(e.decode(text(time=1_717_398_000)).time) == e.milliseconds(e.decode(text()).time)


# identity


def test_an_event_is_the_same_by_its_source_and_id_alone() -> None:
    one = e.decode(text())
    assert e.identity(one) == e.identity(e.decode(text(subject="b", time=5)))
    assert e.identity(one) != e.identity(e.decode(text(id="2")))
    assert e.identity(one) != e.identity(e.decode(text(source="elsewhere")))
    assert -(2**63) <= e.identity(one) < 2**63


def test_source_and_id_do_not_run_into_each_other() -> None:
    assert e.identity(e.decode(text(source="ab", id="c"))) != e.identity(e.decode(text(source="a", id="bc")))


# batches

BAD = [
    b"",
    b" ",
    b"null",
    b"{",
    b"}",
    b"]",
    b"[",
    b"1",
    text() + b"," + text(),
    text(type="x"),
    None,
    b'"',
    b"\xff",
    b"[]",
]


@given(st.lists(st.sampled_from([*BAD, text(), text(id="2"), text(id="3")]), max_size=8))
def test_a_batch_gives_what_each_value_by_itself_would_give(values: list[bytes | None]) -> None:
    decoded = e.decode_batch(values)
    assert len(decoded) == len(values)
    for value, got in zip(values, decoded, strict=True):
        (alone,) = e.decode_batch([value])
        if isinstance(alone, Reject):
            assert isinstance(got, Reject)
            assert (got.reason, str(got)) == (alone.reason, str(alone))
        else:
            assert got == alone


def test_an_empty_batch_is_empty() -> None:
    assert e.decode_batch([]) == []


# ticks


def test_a_tick_comes_back_from_the_log_and_is_no_public_event() -> None:
    tick = e.tick(1_717_398_000_000, 3)
    assert e.decode(e.encode(tick)) == tick
    assert e.Tick not in e.PUBLIC_EVENTS
    assert e.type_of(tick) == e.TICK_TYPE


# the schema


def test_the_public_types_are_those_of_the_union() -> None:
    assert get_args(e.PublicEvent) == e.PUBLIC_EVENTS
    assert get_args(e.AnyEvent) == (*e.PUBLIC_EVENTS, e.Tick)


def test_the_schema_in_the_documents_is_that_of_the_code() -> None:
    written = json.loads((ROOT / "docs" / "events.schema.json").read_text(encoding="utf-8"))
    assert "generate.py" in written.pop("$comment")
    assert written == json.loads(json.dumps(e.json_schema()))


def test_the_schema_names_every_public_type_and_no_other() -> None:
    mapping = e.json_schema()["discriminator"]["mapping"]
    assert sorted(mapping) == sorted(str(kind.__struct_config__.tag) for kind in e.PUBLIC_EVENTS)


def test_numbers_stay_numbers_when_an_event_is_written() -> None:
    data = e.CostData(service="x", amount=Decimal("12.50"), currency="EUR")
    one = e.CostBooked(specversion="1.0", id="1", source="s", time=0, data=data)
    assert b'"amount":12.50' in e.encode(one)
    assert msgspec.json.decode(e.encode(one))["data"]["amount"] == 12.5


@pytest.mark.parametrize("between", range(3))
def test_two_broken_messages_do_not_make_a_whole_one_over_what_lies_between(between: int) -> None:
    broken = text().replace(b'"data"', b'"more":[1,2],"data"')
    cut = broken.index(b",2]")
    whole = text()
    # As many events as messages, were they read as one text: some stand in one message, two halves make another.
    values = [b",".join([whole] * (between + 2)), broken[:cut], *[whole] * between, broken[cut + 1 :]]
    refused = [isinstance(one, Reject) for one in e.decode_batch(values)]
    assert refused == [True, True, *[False] * between, True]


def test_a_number_is_no_event_whatever_its_neighbours_are() -> None:
    reasons = [one.reason if isinstance(one, Reject) else "" for one in e.decode_batch([text(), b"7", text()])]
    assert reasons == ["", "invalid", ""]
