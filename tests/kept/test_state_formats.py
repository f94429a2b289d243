"""State of every format there ever was is read for ever; older ones are raised, newer ones are refused.

`golden/state_format_N.jsonl` is what the release that wrote format N left in its topic: it is never made anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from kept.brake import Brake
from kept.counters import COMPLETED_BY_KIND
from kept.errors import ConfigurationError, StateError
from kept.facts import Completed, Contact, Opened, raised
from kept.intake import Rules
from kept.marks import Accounts, Mark
from kept.partition import Changes, PartitionState
from kept.state_formats import FORMATS, StateFormats
from kept.state_records import MARK, STATE_FORMAT, mark_of, pack_mark, read_head
from tests.kept.city import LIGHTS, event

GOLDEN = Path(__file__).with_name("golden")
EVERY_FORMAT = range(1, STATE_FORMAT + 1)


def held_of(number: int) -> dict[bytes, bytes]:
    lines = (GOLDEN / f"state_format_{number}.jsonl").read_text(encoding="utf-8").splitlines()
    return {bytes.fromhex(key): bytes.fromhex(value) for key, value in map(msgspec.json.decode, lines)}


def restored(number: int) -> PartitionState:
    state = PartitionState(0, {LIGHTS.id: Rules(LIGHTS)}, live=False, brake=Brake(100, 0.9))
    state.restore(FORMATS.raised(held_of(number), FORMATS.newest).items())
    state.restored()
    return state


@pytest.mark.parametrize("number", EVERY_FORMAT)
def test_what_a_release_left_behind_is_what_this_one_goes_on_with(number: int) -> None:
    state = restored(number)
    expected: dict[str, Any] = msgspec.json.decode((GOLDEN / f"state_format_{number}.expected.json").read_bytes())
    tallies = {
        f"{series[1]}={series[2]} {size} {end}": {str(counter): amount for counter, amount in tally.items()}
        for series, size, end, tally in state.tallies.items()
        if tally
    }
    assert tallies == expected["tallies"]
    assert msgspec.to_builtins(state.accounts) == expected["accounts"]
    for what in ("offset", "watermark", "cases"):
        assert getattr(state, what) == expected[what], what
    assert state.open_cases() == expected["open_cases"]


@pytest.mark.parametrize("number", EVERY_FORMAT)
def test_events_known_to_the_older_release_are_duplicates_and_its_cases_go_on(number: int) -> None:
    state = restored(number)
    known = [
        event("case.opened", "2024-06-03 09:20", "c", channel="Patrol"),
        event("feedback.given", "2024-06-03 10:00", id="r1", rating=5),
    ]
    before = state.accounts.duplicate
    state.apply(state.offset + 2, known)
    assert state.accounts.duplicate == before + 2
    state.apply(state.offset + 1, [event("case.completed", "2024-06-09 09:00", "c")])
    assert state.open_cases() == {LIGHTS.id: 2}


def test_the_golden_files_have_every_kind_of_record() -> None:
    assert {key[:1] for key in held_of(1)} == {b"b", b"c", b"m", b"r", b"s", b"t"}


def test_a_release_can_raise_every_format_there_ever_was() -> None:
    assert sorted(FORMATS.migrations) == list(range(1, FORMATS.newest))
    assert FORMATS.by_default in {FORMATS.newest, *FORMATS.lowerings}


MARKED = Mark(0, 7, None, Accounts())
THREE = StateFormats(
    newest=3,
    by_default=2,
    migrations={
        1: lambda held: {key + b"2": value for key, value in held.items()},
        2: lambda held: {key + b"3": value for key, value in held.items()},
    },
    lowerings={2: lambda changes: [(key[:-1], value) for key, value in changes.state[:-1]]},
)
"""A release with two formats behind it, of which it still writes one."""


def test_an_old_state_passes_every_format_on_its_way_to_the_newest_and_keeps_its_mark() -> None:
    raised = THREE.raised({b"c": b"case", MARK: pack_mark(MARKED, 1)}, 3)
    head = read_head(raised.pop(MARK))
    assert raised == {b"c23": b"case"}
    assert (head.format, mark_of(head)) == (3, MARKED)


def test_a_format_to_which_nothing_leads_is_refused() -> None:
    gap = StateFormats(newest=3, by_default=3, migrations={2: dict}, lowerings={})
    with pytest.raises(StateError, match="nothing leads from state format 1 to 2"):
        gap.raised({MARK: pack_mark(MARKED, 1)}, 3)


@pytest.mark.parametrize(
    ("told", "found", "written"),
    [(0, None, 2), (3, None, 3), (0, 1, 2), (2, 1, 2), (3, 1, 3), (3, 2, 3), (2, 3, 3), (0, 3, 3)],
)
def test_a_partition_is_never_written_in_an_older_format_than_it_has(
    told: int, found: int | None, written: int
) -> None:
    assert THREE.written(told, found) == written


def test_a_newer_format_stops_the_program_and_says_what_to_do() -> None:
    with pytest.raises(StateError, match=r"has format 4, this release reads formats up to 3.*docs/upgrading\.md"):
        THREE.written(0, 4)


@pytest.mark.parametrize("told", [1, 4])
def test_a_format_that_cannot_be_written_is_refused_with_those_that_can(told: int) -> None:
    with pytest.raises(ConfigurationError, match=f"KEPT_STATE_FORMAT: seen {told}; valid: 2, 3, or 0 for 2"):
        THREE.written(told)


def test_a_batch_is_written_in_the_chosen_format_with_the_mark_behind_it() -> None:
    changes = Changes([(b"c3", b"case"), (MARK, pack_mark(MARKED, 3))], [], MARKED, [])
    assert THREE.records(changes, 3, 0) is changes.state
    lowered = THREE.records(changes, 2, 90)
    assert lowered[:-1] == [(b"c", b"case")]
    head = read_head(lowered[-1][1] or b"")
    assert (lowered[-1][0], head.format, head.begins, mark_of(head)) == (MARK, 2, 90, MARKED)


def test_an_idle_partition_s_mark_writes_no_state() -> None:
    assert THREE.records(Changes([], [], MARKED, []), 2, 90) == []


def test_the_kind_of_a_channel_that_was_a_word_is_a_number_wherever_the_opening_is() -> None:
    opened = Opened(5, 1, "Web", None, None, "digital", None)
    told = Opened(5, 1, "Web", None, None, COMPLETED_BY_KIND["digital"], None)
    again = Opened(9, 3, "Desk", None, None, "assisted", None)
    closed = Completed(7, 2, 0)
    assert raised((opened, closed)) == (told, closed)
    contact = Contact(3, 4, 0)
    found = raised((contact, opened, closed, again))
    assert found[:3] == (contact, told, closed)
    assert raised(found) is found
