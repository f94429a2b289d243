"""Chaos: seeds choose their stories alone, the page says what came of them, and what is broken is noticed."""

from __future__ import annotations

import signal
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from kept.errors import Stop
from kept.marks import Accounts
from local_stack.broker import Broker
from local_stack.chaos import checks, run, striking
from local_stack.chaos.expected import expect
from local_stack.chaos.faults import ALL, DISORDERS, EVERYTHING, STEPS, Abilities, Fault, Story, Target, calm, choose
from local_stack.chaos.log_accounts import LogAccounts
from local_stack.chaos.parts import Modules
from local_stack.chaos.process import Process
from local_stack.chaos.run import prepared_stage
from local_stack.chaos.seeds import rotating
from local_stack.chaos.striking import Striker
from local_stack.chaos.table import Run, line, page
from local_stack.chaos.telling import Result, tell
from local_stack.chaos.town import LIGHTS, OLD, WASTE, beginning, steps_of

BEGINS = beginning(datetime(2026, 3, 18, 12, tzinfo=UTC))
BARE = Abilities(influxdb=False, alerts=False)
SEEDS = range(1, 201)


def test_a_seed_tells_the_same_story_each_time_and_another_seed_another() -> None:
    assert [choose(seed) for seed in SEEDS] == [choose(seed) for seed in SEEDS]
    assert len({choose(seed) for seed in SEEDS}) == len(SEEDS)
    assert steps_of(choose(7), BEGINS) == steps_of(choose(7), BEGINS)


@pytest.mark.parametrize("abilities", [EVERYTHING, BARE], ids=["everything", "bare"])
def test_every_kind_of_fault_occurs_among_the_seeds(abilities: Abilities) -> None:
    met = Counter(kind for seed in SEEDS for kind in choose(seed, abilities).kinds())
    possible = {f"{kind} {target}" for kind, target in abilities.possible()}
    assert met.keys() == possible | set(DISORDERS)
    assert min(met.values()) >= 3


def test_without_servers_none_of_their_faults_is_chosen() -> None:
    absent = {f"{kind} {target}" for kind, target in ALL} - {f"{k} {t}" for k, t in BARE.possible()}
    assert absent
    assert not absent & {kind for seed in SEEDS for kind in choose(seed, BARE).kinds()}
    assert {choose(seed, BARE).history for seed in SEEDS} == {"SQLite"}


def test_something_is_told_before_and_after_each_fault() -> None:
    assert all(0 < fault.step < STEPS - 1 for seed in SEEDS for fault in choose(seed).faults)


def test_the_day_begins_one_to_two_weeks_ago_on_a_monday() -> None:
    assert f"{BEGINS:%A %d %H:%M}" == "Monday 09 06:00"


def test_disorder_changes_neither_what_is_told_nor_what_it_comes_to() -> None:
    story = Story(seed=11)
    clean, disturbed = steps_of(story, BEGINS), steps_of(replace(story, disorders=("duplicates", "shuffle")), BEGINS)
    assert [list(step.told) for step in clean] != [list(step.told) for step in disturbed]
    assert {one for step in clean for one in step.told} == {one for step in disturbed for one in step.told}
    assert expect(clean) == expect(disturbed)


def test_in_each_story_alerts_are_raised_and_end_and_stand() -> None:
    for seed in SEEDS[::20]:
        expected = expect(steps_of(choose(seed), BEGINS))
        ended = [one.verdict.key()[:2] for one in expected.signals if one.ended_at is not None]
        assert ended == [(WASTE, "source_silent")]
        assert expected.standing() == {(LIGHTS, "promise_breached", ""), (WASTE, "source_silent", "")}


def test_seeds_rotate_with_what_the_commit_is() -> None:
    assert rotating(5, "a") == rotating(5, "a")
    assert len({seed for commit in "abcdefgh" for seed in rotating(5, commit)}) == 40


def result(story: Story, recovery: float | None, problems: tuple[str, ...] = ()) -> Result:
    return Result(
        story=story, events=1234, problems=problems, recovery_seconds=recovery, seconds=9, exits=("worker-1 70",)
    )


def test_the_page_has_each_story_and_recovery_by_kind_of_fault() -> None:
    kill = Fault(kind="kill", target="worker", number=1, step=2, after=0.1, seconds=0.5)
    story = Story(seed=3, faults=(kill,), disorders=("late",))
    results = [result(calm(story), None), result(story, 2.0), result(replace(story, seed=4), 5.0, ("it is lost",))]
    told = Run(at=datetime(2026, 1, 2, tzinfo=UTC), abilities=BARE, results=results, seconds=60, cores=2)
    text = page(told)
    assert "| kill worker | 2 | 1 | 3.5 s | 5.0 s |" in text
    assert "| 3 | SQLite | 2 | kill worker 2 0.5 s (hour 3) | late | 1,234 | yes | 2.0 | worker-1 70 |" in text
    assert "* seed 4: it is lost" in text
    assert "Not on that machine" in text and "an InfluxDB server" in text
    assert "In 1 an invariant does not hold." in " ".join(text.split())
    assert max(map(len, text.split("## Recovery", maxsplit=1)[0].splitlines())) <= 125
    assert line(results[2]).startswith("NOT seed 4")


def test_no_folder_stays_where_there_is_no_broker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(self: Broker) -> None:
        raise Stop("it does not start")

    monkeypatch.setattr(run, "missing", lambda: None)
    monkeypatch.setattr(Broker, "start", refuse)
    with pytest.raises(Stop, match="does not start"), prepared_stage(BARE, folder=tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_worker_killed_for_longer_than_its_session_changes_nothing(broker: Broker, tmp_path: Path) -> None:
    kill = Fault(kind="kill", target="worker", number=0, step=1, after=0.05, seconds=4.0)
    jump = Fault(kind="clock", target="worker", number=1, step=2, after=0.0, seconds=0.2, jump=-3600)
    story = Story(seed=1, hours=4, faults=(kill, jump), disorders=("duplicates",))
    with prepared_stage(BARE, broker, folder=tmp_path) as stage:
        told = tell(story, stage)
    assert told.problems == ()
    assert told.recovery_seconds is not None
    assert told.events > sum(len(step.told) for step in steps_of(replace(story, disorders=()), stage.begins))


@pytest.mark.slow
def test_a_spool_that_drops_and_a_worker_that_does_not_commit_are_noticed(broker: Broker, tmp_path: Path) -> None:
    broken = Modules(
        producer=("tests.local_stack.broken_intake", "intake"), worker=("tests.local_stack.broken_worker", "worker")
    )
    with prepared_stage(BARE, broker, modules=broken, folder=tmp_path) as stage:
        # One worker: another that takes over a partition finds what was lost by itself, and ends for good.
        told = tell(Story(seed=2, hours=3, workers=1), stage)
        left = list(stage.folder.glob("*/worker-1.log"))
    said = "\n".join(told.problems)
    assert "were accepted and are not in the topic" in said
    assert "final indicators are" in said
    assert len(left) == 1  # the logs of a story that fails stay


class Stubborn(Process):
    """Does not end when it is told to."""

    def __init__(self) -> None:
        self.signals: list[int] = []
        self.exits = []
        self._lives = True

    @property
    def name(self) -> str:
        return "worker-2"

    def begin(self) -> None:
        self._lives = True

    def running(self) -> bool:
        return self._lives

    def kill(self) -> None:
        self._lives = False

    def tell_to_end(self) -> None:
        self.signals.append(signal.SIGTERM)


@pytest.mark.parametrize(("target", "told"), [("worker", 1), ("Prometheus", 0)])
def test_a_process_of_kept_that_must_be_killed_fails_its_story(
    monkeypatch: pytest.MonkeyPatch, target: Target, told: int
) -> None:
    monkeypatch.setattr(striking, "STOP_SECONDS", 0.0)
    fault = Fault(kind="restart", target=target, number=0, step=1, after=0.0, seconds=0.0)
    victim = Stubborn()
    striker = Striker([fault], {target: [victim]}, "", lambda: (1, 0.0), lambda: 0)
    for _ in range(5):
        striker.strike()
    assert striker.over()
    assert victim.signals == [signal.SIGTERM]
    assert victim.running()
    assert len(striker.failed) == told
    assert all(words.endswith("worker-2 was told to end, and had to be killed") for words in striker.failed)


def test_an_exit_code_that_tells_a_supervisor_nothing_fails_a_story() -> None:
    worker, producer = Stubborn(), Stubborn()
    worker.exits, producer.exits = [70, 2, 1, -11], [2, 70]
    assert list(checks.wrong_exits({"worker": [worker], "producer": [producer], "broker": [Stubborn()]})) == [
        "worker-2 ended by itself with 70; expected of a producer: [2]",
        "worker-2 ended by itself with 1; expected of a worker: [2, 70]",
        "worker-2 ended by itself with -11; expected of a worker: [2, 70]",
    ]


def test_a_message_from_beyond_the_retention_is_counted_as_that_each_time() -> None:
    steps = steps_of(Story(seed=7), BEGINS)
    expected = expect(steps)
    assert expected.beyond_retention == OLD
    told = [one for step in steps for one in step.told]
    again = next(one for one in told if one.is_old())
    bad = [value for step in steps for value in step.past_producers]
    log = LogAccounts(Counter([*(one.value for one in told), again.value, *bad]), len(bad))
    right = Accounts(
        received=len(told) + 1 + len(bad),
        applied=expected.applied,
        duplicate=len(told) - expected.applied - OLD,
        beyond_retention=OLD + 1,
        dead_lettered={"unknown_type": len(bad)},
    )
    assert list(checks.wrong_accounts(expected, steps, right, log, len(told))) == []
    wrong = replace(right, duplicate=right.duplicate + 1, beyond_retention=OLD)
    (words,) = checks.wrong_accounts(expected, steps, wrong, log, len(told))
    assert words.startswith("4 messages in the topic are of 3 events from beyond the retention, 3 were counted as such")
