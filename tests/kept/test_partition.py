from __future__ import annotations

import msgspec
import pytest

from kept import events as e
from kept.errors import Reject, StateError
from kept.intake import Rules
from kept.partition import PartitionState
from kept.state_records import STATE_FORMAT, pack_mark
from tests.kept.city import LIGHTS, City, event, ms

MONDAY = "2024-06-03 09:00"


def opened(subject: str, time: str | int = MONDAY, **more: str) -> e.Event:
    return event("case.opened", time, subject, **more)


def completed(subject: str, time: str | int) -> e.Event:
    return event("case.completed", time, subject)


def rating(id: str, time: str | int) -> e.Event:
    return event("feedback.given", time, id=id, rating=5)


# accounts


def test_every_event_is_in_exactly_one_account() -> None:
    city = City()
    unknown = msgspec.structs.replace(opened("b"), data=e.CaseOpenedData(service="ferries"))
    city.apply([opened("a"), opened("a"), Reject("undecodable", "not JSON"), unknown, rating("r", "2024-06-03 10:00")])
    city.apply([opened("old", "2024-04-01 09:00"), rating("old", "2024-04-01 09:00")])
    accounts = city.accounts
    assert (accounts.received, accounts.applied, accounts.duplicate, accounts.beyond_retention) == (7, 2, 1, 2)
    assert accounts.dead_lettered == {"undecodable": 1, "unknown_service": 1}
    assert accounts.reconciles()


def test_a_dead_letter_names_its_place_in_the_batch_and_its_reason() -> None:
    (changes,) = City().apply_batch([opened("a"), opened("b", channel="Fax"), opened("c")])
    assert [(letter.position, letter.rejection.reason) for letter in changes.dead_letters] == [(1, "unknown_channel")]


def test_an_event_more_than_an_hour_behind_the_watermark_is_late_and_applied() -> None:
    city = City()
    city.apply([opened("a", "2024-06-03 12:00"), opened("b", "2024-06-03 11:00"), opened("c", "2024-06-03 10:59")])
    assert (city.accounts.applied, city.accounts.late) == (3, 1)


def test_a_live_event_more_than_five_minutes_ahead_of_the_clock_is_refused_and_a_replayed_one_is_not() -> None:
    clock_ms = ms(MONDAY)
    ahead = [opened("a", clock_ms + 300_000), opened("b", clock_ms + 300_001)]
    live, replay = City(live=True), City(live=False)
    live.apply(ahead, clock_ms=clock_ms)
    replay.apply(ahead, clock_ms=clock_ms)
    assert live.accounts.dead_lettered == {"future": 1}
    assert replay.accounts.dead_lettered == {}


def test_a_tick_moves_the_watermark_and_is_not_an_event() -> None:
    city = City()
    city.tick("2024-06-10 00:00")
    mark = city.states[0].mark()
    assert mark.watermark == mark.tick == ms("2024-06-10 00:00")
    assert city.accounts.received == 0


def test_a_mark_does_not_change_when_more_events_are_applied() -> None:
    city = City()
    city.apply([Reject("undecodable", "not JSON")])
    mark = city.states[0].mark()
    city.apply([Reject("undecodable", "not JSON")])
    assert mark.accounts.dead_lettered == {"undecodable": 1}
    assert mark.accounts.received == 1


# what must not bring a partition to a stand: anything but a dead letter would kill its worker again at every start


@pytest.mark.parametrize("at", ["1e306", "-1e306", "1e15", "9e11"])
def test_a_time_beyond_all_times_is_a_dead_letter(at: str) -> None:
    city = City()
    for kind in ("case.opened", "kept.tick"):
        about = '"specversion":"1.0","id":"x","source":"s","data":{"service":"street-lights"}'
        city.apply([e.decode(f'{{"type":"{kind}","time":{at},{about}}}'.encode())])
    assert city.accounts.dead_lettered == {"time_out_of_range": 2}
    assert city.accounts.received == 2


def test_a_tick_from_the_future_does_not_stop_a_live_partition() -> None:
    clock_ms = ms(MONDAY)
    city = City(live=True)
    city.apply([e.tick(ms("2090-01-01 00:00"), 0), opened("a")], clock_ms=clock_ms)
    assert city.accounts.dead_lettered == {"future": 1}
    assert (city.accounts.received, city.accounts.applied) == (2, 1)


def test_a_pause_cannot_push_a_promise_beyond_the_calendar() -> None:
    city = City()
    pause = [event("case.paused", "2024-06-03 10:00", "a"), event("case.resumed", "2026-06-03 10:00", "a")]
    city.apply([opened("a", due="9998-06-01 09:00"), *pause, opened("b", "9998-12-30 00:00")])
    assert city.accounts.applied == 4


def test_one_subject_for_everything_is_refused_beyond_a_thousand_events() -> None:
    city = City()
    start = ms(MONDAY)
    city.apply([event("contact.received", start + n, "unknown", reason="other", case="unknown") for n in range(1_010)])
    assert city.accounts.dead_lettered == {"too_many_facts": 10}
    city.apply([event("contact.received", start, "unknown", reason="other", case="unknown")])
    assert city.accounts.duplicate == 1


def test_the_largest_bookings_add_up() -> None:
    city = City()
    largest = [event("cost.booked", MONDAY, id=f"c{n}", amount=9_999_999_999.99, currency="EUR") for n in range(3_000)]
    city.apply(largest)
    city.tick("2024-12-01 00:00")
    assert city.accounts.applied == 3_000
    beyond = event("cost.booked", MONDAY, id="more", amount=10_000_000_000, currency="EUR")
    city.apply([msgspec.structs.replace(beyond, time=e.moment(ms("2024-12-01 00:00")))])
    assert city.accounts.dead_lettered == {"amount_precision": 1}


# retention
#
#  completed                + 35 d                         + 70 d, and the next UTC day
#  |------------------------|------------------------------|--->
#  what happens belongs     what happens no longer does;   gone: what comes now for it
#  to the case              late news of before still do   is beyond retention


def test_a_closed_case_leaves_the_register_after_twice_its_retention_and_an_open_one_never() -> None:
    city = City()
    city.apply([opened("closed"), completed("closed", "2024-06-04 09:00"), opened("open")])
    city.tick("2024-08-13 09:00")
    assert city.states[0].cases == 2
    city.tick("2024-08-15 00:00")
    assert city.states[0].cases == 1
    assert city.states[0].open_cases() == {"street-lights": 1}
    assert len(city.register) == 1


def test_a_reopened_case_stays_in_the_register() -> None:
    city = City()
    city.apply([opened("a"), completed("a", "2024-06-04 09:00"), event("case.reopened", "2024-06-20 09:00", "a")])
    city.tick("2024-12-01 00:00")
    assert city.states[0].cases == 1


def test_a_case_that_left_the_register_is_still_counted() -> None:
    city = City()
    city.apply([opened("a"), completed("a", "2024-06-04 09:00")])
    before = {p.indicator: p.value for p in city.points("2024-06-30 00:00", windows=["all"], slices=False)}
    after = {p.indicator: p.value for p in city.points("2024-09-30 00:00", windows=["all"], slices=False)}
    for name in ("arrivals", "completions", "backlog", "promise_kept", "delivery_time_p50"):
        assert after[name] == before[name]


def test_an_event_of_a_case_that_left_the_register_is_beyond_retention() -> None:
    city = City()
    city.apply([opened("a"), completed("a", "2024-06-04 09:00")])
    city.tick("2024-08-15 00:00")
    city.apply([opened("a"), completed("a", "2024-06-05 09:00")])
    assert city.accounts.beyond_retention == 2
    assert city.states[0].cases == 0


@pytest.mark.parametrize("batch", [1, 4])
def test_where_a_batch_ends_does_not_decide_what_is_beyond_retention(batch: int) -> None:
    #  o--c-----R                                 R arrives last, 88 d late
    #  3  4     5 June             1 September
    city = City()
    much_later = event("contact.received", "2024-09-01 09:00", reason="other")
    reopened = event("case.reopened", "2024-06-05 09:00", "a")
    city.apply([opened("a"), completed("a", "2024-06-04 09:00"), much_later, reopened], batch=batch)
    assert city.accounts.beyond_retention == 1
    assert city.accounts.applied == 3


@pytest.mark.parametrize("late", ["2024-06-30 09:00", "2024-07-07 08:59"])
def test_disorder_across_the_end_of_the_retention_changes_nothing(late: str) -> None:
    #  o--c-----------R                 R within the 35 d after c; x may come before it, a little or a week
    #  1  2 June                x
    reopened = event("case.reopened", late, "a")
    other = opened("b", "2024-07-08 09:00")
    case = [opened("a", "2024-06-01 09:00"), completed("a", "2024-06-02 09:00")]
    outcomes = []
    for log in ([*case, reopened, other], [*case, other, reopened]):
        city = City()
        city.apply(log, batch=1)
        outcomes.append({(p.indicator, p.window): p.value for p in city.points("2024-07-09 00:00")})
        assert city.accounts.applied == 4
    assert outcomes[0] == outcomes[1]
    assert outcomes[0]["backlog", "all"] == 2


@pytest.mark.parametrize("traffic", ["quiet", "busy"])
def test_other_traffic_of_a_partition_does_not_decide_whether_a_closed_case_can_be_reopened(traffic: str) -> None:
    #  o--c                                  R    in order, 48 d after the completion: the case is forgotten
    #  3  4 June                      x      22 July
    city = City()
    log = [opened("a"), completed("a", "2024-06-04 09:00")]
    if traffic == "busy":
        log.append(event("contact.received", "2024-07-20 09:00", reason="other"))
    city.apply([*log, event("case.reopened", "2024-07-22 09:00", "a")], batch=1)
    backlog = [p.value for p in city.points("2024-07-23 00:00", windows=["all"]) if p.indicator == "backlog"]
    assert backlog == [0]


@pytest.mark.parametrize("batch", [1, 10])
@pytest.mark.parametrize("restarts", [False, True])
def test_an_id_that_is_used_again_leaves_the_events_of_its_former_case_known(batch: int, restarts: bool) -> None:
    #  o--c     c.again                      x                    o, c, c.again once more: all known
    #  3  4 June                             22 July
    former = [opened("a"), completed("a", "2024-06-04 09:00")]
    contact = event("contact.received", "2024-07-22 09:00", "a", reason="other", case="a")
    city = City()
    city.apply([*former, contact], batch=batch)
    if restarts:
        city.restart()
    city.apply([*former, contact], batch=batch)
    assert (city.accounts.applied, city.accounts.duplicate, city.accounts.beyond_retention) == (3, 3, 0)
    points = {(p.indicator, p.window): p.value for p in city.points("2024-07-23 00:00", windows=["all"])}
    assert (points["arrivals", "all"], points["completions", "all"], points["backlog", "all"]) == (1, 1, 0)

    city.apply([event("case.reopened", "2024-06-20 09:00", "a")], batch=batch)  # late news of the former case
    points = {(p.indicator, p.window): p.value for p in city.points("2024-07-23 00:00", windows=["all"])}
    assert (points["arrivals", "all"], points["backlog", "all"]) == (1, 1)


def test_the_former_case_of_an_id_moves_with_it_and_leaves_the_register_in_its_time() -> None:
    city = City()
    city.apply([opened("a"), completed("a", "2024-06-04 09:00"), opened("a", "2024-07-22 09:00")], batch=1)
    assert [state.cases for state in city.states] == [2]
    city.grow(3)
    city.apply([opened("a"), completed("a", "2024-06-04 09:00")])
    assert city.accounts.duplicate == 2
    city.tick("2024-08-14 12:00")  # 70 days after the completion, and the day is over
    assert sum(state.cases for state in city.states) == 1


def test_a_new_case_older_than_the_retention_is_beyond_it_and_one_just_within_counts() -> None:
    city = City()
    city.tick(MONDAY)
    city.apply([opened("within", ms(MONDAY) - 35 * 86_400_000), opened("beyond", ms(MONDAY) - 35 * 86_400_000 - 1)])
    assert (city.accounts.applied, city.accounts.beyond_retention) == (1, 1)


# what is not a case is remembered by a hash


def test_a_rating_sent_twice_within_seven_days_counts_once() -> None:
    city = City()
    city.apply([rating("r", "2024-06-03 09:00")])
    city.tick("2024-06-10 09:00")
    city.apply([rating("r", "2024-06-03 09:00")])
    assert (city.accounts.applied, city.accounts.duplicate) == (1, 1)


def test_a_rating_sent_again_after_seven_days_is_beyond_retention_and_its_hash_is_forgotten() -> None:
    city = City()
    city.apply([rating("r", "2024-06-03 09:00")])
    assert [key for key in city.records[0] if key[:1] == b"s"]
    city.tick("2024-06-10 10:00")
    assert not [key for key in city.records[0] if key[:1] == b"s"]
    city.apply([rating("r", "2024-06-03 09:00")])
    assert (city.accounts.applied, city.accounts.duplicate, city.accounts.beyond_retention) == (1, 0, 1)


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_where_a_batch_ends_does_not_decide_whether_a_rating_is_a_duplicate(batch: int) -> None:
    city = City()
    again = [rating("r", "2024-06-03 09:00"), rating("later", "2024-06-20 09:00"), rating("r", "2024-06-03 09:00")]
    city.apply(again, batch=batch)
    assert (city.accounts.applied, city.accounts.duplicate, city.accounts.beyond_retention) == (2, 0, 1)


# restart


def test_a_restored_partition_stands_where_the_former_one_stood() -> None:
    city = City()
    city.apply([opened("a"), rating("r", "2024-06-03 10:00"), Reject("invalid", "a reason")])
    city.tick("2024-06-04 00:00")
    before = city.states[0].mark()
    city.restart()
    assert city.states[0].mark() == before
    assert city.states[0].cases == 1


def test_a_restored_partition_knows_what_it_has_counted() -> None:
    city = City()
    city.apply([opened("a"), rating("r", "2024-06-03 10:00")])
    city.restart()
    city.apply([opened("a"), rating("r", "2024-06-03 10:00")])
    assert (city.accounts.applied, city.accounts.duplicate) == (2, 2)


def test_a_restored_partition_lets_go_of_cases_and_hashes_as_the_former_one_would() -> None:
    city = City()
    city.apply([opened("a"), completed("a", "2024-06-04 09:00"), rating("r", "2024-06-03 10:00")])
    city.restart()
    city.tick("2024-09-01 00:00")
    assert city.states[0].cases == 0
    assert {key[:1] for key in city.records[0]} == {b"t", b"m"}


def test_a_partition_restored_from_nothing_is_a_new_one() -> None:
    state = PartitionState(0, {LIGHTS.id: Rules(LIGHTS)})
    state.restore([])
    state.restored()
    assert (state.offset, state.watermark, state.cases) == (-1, None, 0)


def test_state_of_a_newer_format_is_refused_with_what_to_do() -> None:
    city = City()
    city.apply([opened("a")])
    mark = msgspec.msgpack.encode((STATE_FORMAT + 1, city.states[0].mark()))
    state = PartitionState(0, city.rules)
    with pytest.raises(StateError, match=f"format {STATE_FORMAT + 1}, here only {STATE_FORMAT} can be restored"):
        state.restore([(b"m", mark)])


@pytest.mark.parametrize("value", [b"", b"\xc1", msgspec.msgpack.encode("a mark")])
def test_a_mark_that_cannot_be_read_is_refused(value: bytes) -> None:
    with pytest.raises(StateError, match="cannot be read"):
        PartitionState(0, {}).restore([(b"m", value)])


@pytest.mark.parametrize("kind", [b"c", b"t", b"s", b"v", b"b"], ids=["case", "tally", "seen", "seat", "brake"])
def test_a_damaged_record_is_refused_without_a_word_of_what_stands_in_it(kind: bytes) -> None:
    state = PartitionState(3, {LIGHTS.id: Rules(LIGHTS)})
    rest = b"lights\0a-person" if kind == b"c" else b"a-person"
    with pytest.raises(StateError, match=f"partition 3 holds a record of kind {kind!r} that cannot be read") as caught:
        state.restore([(b"m", pack_mark(PartitionState(3, {}).mark())), (kind + rest, b"\xc1a-person")])
        state.restored()
    assert "a-person" not in str(caught.value)


def test_a_record_of_unknown_kind_is_refused() -> None:
    with pytest.raises(StateError, match="partition 3 holds a record of unknown kind b'z'"):
        PartitionState(3, {}).restore([(b"zebra", b"")])


def test_state_of_a_service_that_left_the_catalogue_is_carried_along() -> None:
    city = City()
    city.apply([opened("a"), completed("a", "2024-06-04 09:00")])
    state = PartitionState(0, {})
    state.restore(city.records[0].items())
    state.restored()
    state.apply(9, [e.tick(ms("2024-09-01 00:00"), 0)])
    assert state.cases == 1


# what a batch writes


def test_a_batch_writes_only_what_it_changed() -> None:
    city = City()
    city.apply([opened("a"), opened("b")])
    (changes,) = city.apply_batch([completed("a", "2024-06-03 10:00")])
    assert [key for key, _ in changes.state if key[:1] == b"c"] == [b"cstreet-lights\0a"]
    (nothing,) = city.apply_batch([opened("a")])
    assert [key[:1] for key, _ in nothing.state] == [b"m"]
    assert nothing.tallies == []


def test_every_tally_goes_to_the_state_too_under_the_same_key() -> None:
    (changes,) = City().apply_batch([opened("a", channel="Web")])
    assert {(key, value) for _, key, value in changes.tallies} == {
        (key[1:], value) for key, value in changes.state if key[:1] == b"t"
    }
