"""20,000 damaged events of a fixed seed; and the campaign itself would notice a broken promise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from kept import events as e
from kept.errors import REJECT_REASONS, Reject
from kept.partition import PartitionState
from tests.fuzz.campaign import Broken, fuzz
from tests.fuzz.growth import SHAPES
from tests.fuzz.mutations import MUTATIONS, Mutation

PAGE = Path(__file__).parents[2] / "docs" / "fuzzing.md"
VALUE = e.encode(
    e.CaseOpened(
        specversion="1.0", id="1", source="s", time=1_717_372_800, subject="c", data=e.CaseOpenedData(service="lights")
    )
)


def test_twenty_thousand_damaged_events_break_no_promise() -> None:
    outcome = fuzz(20_000, seed=1)
    assert outcome.damaged >= 20_000
    assert set(outcome.read) | {name for name, _ in outcome.letters} == {one.__name__ for one in MUTATIONS}
    assert outcome.read.total() + outcome.letters.total() == outcome.damaged
    assert outcome.letters.total() > outcome.damaged / 2
    assert outcome.read.total() > outcome.damaged / 20
    assert {reason for _, reason in outcome.letters} >= {"undecodable", "invalid", "unknown_type", "future"}


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
def test_a_damage_does_damage_and_is_repeated_by_its_seed(mutation: Mutation) -> None:
    made = [mutation(VALUE, Random(seed)) for seed in range(30)]
    assert made == [mutation(VALUE, Random(seed)) for seed in range(30)]
    assert sum(one != VALUE for one in made) > 10
    assert len(set(made)) > 3


def test_an_exception_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def raising(values: Sequence[bytes]) -> list[Any]:
        raise RecursionError("too deep")

    monkeypatch.setattr(e, "decode_batch", raising)
    with pytest.raises(Broken, match="seed 1, city 0, batch 0: RecursionError"):
        fuzz(100, seed=1)


def test_a_good_event_that_is_lost_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(e, "decode_batch", lambda values: [Reject("undecodable", "all of it") for _ in values])
    with pytest.raises(Broken, match="a good event was put aside"):
        fuzz(100, seed=1)


def test_a_dead_letter_that_leaves_a_trace_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    apply = PartitionState.apply

    def sloppy(self: PartitionState, last_offset: int, events: Sequence[Any], *more: Any, **named: Any) -> Any:
        changes = apply(self, last_offset, events, *more, **named)
        return changes._replace(tallies=changes.tallies[1:]) if changes.dead_letters else changes

    monkeypatch.setattr(PartitionState, "apply", sloppy)
    with pytest.raises(Broken, match="tallies differ"):
        fuzz(100, seed=1)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_an_event_made_to_be_slow_is_of_its_size_and_answered(shape: Any) -> None:
    value = shape.make(200_000)
    assert 150_000 < len(value) < 450_000
    (event,) = e.decode_batch([value])
    assert not isinstance(event, Reject) or event.reason in REJECT_REASONS


def test_the_page_is_of_a_million_and_of_every_damage() -> None:
    text = PAGE.read_text(encoding="utf-8")
    said = text.split(" events of simulated cities")[0].rsplit("\n", 1)[-1]
    assert int(said.replace(",", "")) >= 1_000_000
    for mutation in MUTATIONS:
        assert f"| {mutation.__name__.replace('_', ' ')} |" in text
    for shape in SHAPES:
        assert f"| {shape.name} |" in text
