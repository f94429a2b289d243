"""The brake: a broken feed stops the partition, a bad event does not; at the same event however the log is cut."""

from __future__ import annotations

from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kept import events as e
from kept.brake import RECENT, Brake
from kept.errors import Reject, Stop
from kept.intake import Rules
from kept.partition import PartitionState
from kept.settings import read_settings
from kept.state_records import BRAKE
from tests.kept.city import LIGHTS, event

MONDAY = "2024-06-03 09:00"
BAD = Reject("unknown_channel", "service street-lights has no such channel; valid: Web")
WINDOW = 100


def good(number: int) -> e.Event:
    return event("case.opened", MONDAY, f"case-{number}")


def log_of(text: str) -> list[e.Event | Reject]:
    """`g` is an event that is understood, `b` one that is refused."""
    return [BAD if letter == "b" else good(number) for number, letter in enumerate(text)]


def state_with(share: float = 0.5, events: int = WINDOW) -> PartitionState:
    return PartitionState(3, {LIGHTS.id: Rules(LIGHTS)}, brake=Brake(events, share))


class Run:
    """Applies a log in batches; what a batch changed is written unless the brake tripped, as a worker would."""

    def __init__(self, share: float = 0.5) -> None:
        self._share = share
        self.records: dict[bytes, bytes | None] = {}
        self.state = state_with(share)

    def restart(self, share: float | None = None) -> None:
        self._share = self._share if share is None else share
        self.state = state_with(self._share)
        self.state.restore(self.records.items())
        self.state.restored()

    def apply(self, log: list[e.Event | Reject], batch: int) -> str | None:
        """What the brake says, or None at the end of the log. Goes on after the last event written."""
        while self.state.offset + 1 < len(log):
            part = log[self.state.offset + 1 :][:batch]
            try:
                changes = self.state.apply(self.state.offset + len(part), part)
            except Stop as stop:
                return str(stop)
            self.records.update(changes.state)
        return None


def tripped_at(refused: list[bool], share: float) -> int | None:
    """The rule, said in another way: the first refused event with too many behind it, in both windows."""
    exact = Fraction(str(share))
    for at, bad in enumerate(refused):
        window, recent = refused[max(0, at - WINDOW + 1) : at + 1], refused[max(0, at - WINDOW // RECENT + 1) : at + 1]
        if bad and sum(window) > exact * WINDOW and sum(recent) > exact * (WINDOW // RECENT):
            return at
    return None


def test_a_few_bad_events_are_the_events_fault_even_when_they_are_all_there_is() -> None:
    assert Run().apply(log_of("bbb" + "gg"), batch=5) is None
    assert Run().apply(log_of("b" * 50), batch=7) is None


def test_a_feed_that_is_mostly_bad_trips_it_and_says_why() -> None:
    said = Run().apply(log_of("g" * 200 + "b" * 51), batch=40)
    assert said is not None
    assert said.startswith(
        "brake: 51 of the last 100 events of source partition 3 were refused, most of them unknown_channel (51), the "
        "last one at offset 250: service street-lights has no such channel; valid: Web. Nothing from offset 240 on was "
        "written."
    )
    assert said.endswith("KEPT_BRAKE_SHARE=1")
    assert "\n" not in said


def test_a_feed_that_is_bad_from_the_start_trips_it_before_the_window_is_full() -> None:
    said = Run().apply(log_of("b" * 100), batch=10_000)
    assert said is not None
    assert "51 of the first 51 events" in said


def test_half_bad_is_not_more_than_half() -> None:
    assert Run().apply(log_of("gb" * 400), batch=60) is None


def test_duplicates_and_what_is_beyond_retention_were_understood() -> None:
    state = state_with()
    state.apply(0, [good(0)])
    assert state.apply(500, [good(0)] * 500).dead_letters == []
    assert state.accounts.duplicate == 500


def test_an_event_that_was_redriven_says_nothing_of_the_feed() -> None:
    state = state_with()
    changes = state.apply(499, [BAD] * 500, redriven=range(500))
    assert len(changes.dead_letters) == 500


def test_a_share_of_one_is_off_and_remembers_nothing() -> None:
    run = Run(share=1.0)
    assert run.apply(log_of("b" * 1000), batch=100) is None
    assert BRAKE not in run.records
    run.restart(share=0.5)
    assert run.apply(log_of("b" * 1000 + "g" * 10 + "b" * 50), batch=100) is None


def test_a_worker_that_starts_again_trips_at_the_same_event_and_writes_nothing_more() -> None:
    log = log_of("g" * 30 + "b" * 400)
    run = Run()
    first = run.apply(log, batch=7)
    assert first is not None
    for _ in range(20):
        before = dict(run.records)
        run.restart()
        assert run.apply(log, batch=7) == first
        assert run.records == before


def test_a_brake_that_was_lifted_and_set_again_starts_with_a_clean_window() -> None:
    run = Run()
    bad = log_of("b" * 200)
    assert run.apply(bad, batch=30) is not None
    run.restart(share=1.0)
    assert run.apply(bad, batch=30) is None
    run.restart(share=0.5)
    assert run.apply([*bad, *log_of("g" * 5 + "b" * 40)], batch=30) is None


def test_after_the_cure_a_stray_bad_event_does_not_trip_it_again() -> None:
    run = Run()
    log = log_of("b" * 51)
    assert run.apply(log, batch=50) is not None  # 50 of them are written
    run.restart()
    cured = [*log[:50], *log_of("g" * 9 + "b" + "g" * 9 + "b")]
    assert run.apply(cured, batch=50) is None


def test_the_window_is_kept_only_while_it_holds_something() -> None:
    run = Run()
    run.apply(log_of("g" * 10 + "b"), batch=4)
    assert run.records[BRAKE] is not None
    run.apply(log_of("g" * 10 + "b" + "g" * 200), batch=50)
    assert run.records[BRAKE] is None
    written = state_with().apply(9, log_of("g" * 10)).state
    assert BRAKE not in dict(written)


def test_offsets_of_a_log_that_is_no_more_are_forgotten() -> None:
    brake = Brake(WINDOW, 0.5)
    brake.restore({"future": list(range(50))}, applied=-1)
    brake.check(0, 0, 1, [(0, BAD), (1, BAD)])
    assert brake.take_changed() == {"unknown_channel": [0, 1]}


@given(
    st.lists(st.sampled_from(["g", "b", "gggggggggg", "bbbbbbbbbbbb", "gb", "bbg"]), max_size=60),
    st.sampled_from([0.01, 0.29, 0.5, 0.9, 0.99]),
    st.integers(1, 200),
    st.integers(1, 40),
)
def test_it_trips_at_the_same_event_however_the_log_is_cut_into_batches_and_lives(
    parts: list[str], share: float, batch: int, lives: int
) -> None:
    text = "".join(parts)
    expected = tripped_at([letter == "b" for letter in text], share)
    verdicts: list[e.Event | Reject] = [BAD if letter == "b" else e.tick(0, 0) for letter in text]
    run = Run(share)
    said = None
    for life in range(lives):
        if life:
            run.restart()
        said = run.apply(verdicts[: run.state.offset + 1 + batch] if life < lives - 1 else verdicts, batch)
        if said is not None:
            break
    assert (None if said is None else f"at offset {expected}:" in said) == (None if expected is None else True)


@given(st.integers(0, 300), st.integers(1, 90))
def test_once_lifted_the_outcome_is_that_of_a_run_without_a_brake(bad: int, batch: int) -> None:
    log = log_of("g" * 60 + "b" * bad + "g" * 60)
    plain, braked = Run(share=1.0), Run()
    plain.apply(log, batch=1000)
    if braked.apply(log, batch) is not None:
        braked.restart(share=1.0)
        assert braked.apply(log, batch) is None
    assert braked.state.accounts == plain.state.accounts
    assert {key: value for key, value in braked.records.items() if value is not None and key != BRAKE} == plain.records


def test_the_settings_refuse_what_makes_no_sense() -> None:
    assert (read_settings({}).brake_share, read_settings({}).brake_events) == (0.5, 1000)
    for name, value in (("SHARE", "0"), ("SHARE", "1.1"), ("SHARE", "nan"), ("EVENTS", "99"), ("EVENTS", "1e9")):
        with pytest.raises(Stop, match=f"KEPT_BRAKE_{name}"):
            read_settings({f"KEPT_BRAKE_{name}": value})


def test_the_record_can_be_read_back() -> None:
    changes = state_with().apply(2, log_of("bgb"))
    assert msgspec.msgpack.decode(dict(changes.state)[BRAKE] or b"") == {"unknown_channel": [0, 2]}
