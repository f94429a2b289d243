"""Tells one story on the real parts and says what came of it."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from kept.errors import KeptError
from local_stack.broker import Broker
from local_stack.chaos import checks
from local_stack.chaos.alerts_now import are_ready, standing_alerts, told
from local_stack.chaos.expected import Expected, expect
from local_stack.chaos.faults import Abilities, Story
from local_stack.chaos.feed import Feed
from local_stack.chaos.influxd import InfluxServer
from local_stack.chaos.log_accounts import read_log
from local_stack.chaos.parts import Modules, Parts, running_parts
from local_stack.chaos.striking import Striker
from local_stack.chaos.town import Step, steps_of
from local_stack.replay import accounts_of, history_of

TICK_SECONDS = 0.02
STORY_SECONDS = 120.0
"""A story that takes longer has come to a stand."""
ALERT_SECONDS = 15.0
"""Alerts follow their signals within so long: a scrape, an evaluation, the hold and the waits of the groups."""


class Result(Struct, frozen=True, kw_only=True):
    """What came of a story. `problems` is empty when all invariants hold."""

    story: Story
    events: int
    """Messages in the topic, ticks left out."""
    problems: tuple[str, ...]
    recovery_seconds: float | None
    """From the end of the last fault until everything told by then was published; None without a fault."""
    seconds: float
    exits: tuple[str, ...] = ()
    """Processes that ended by themselves, with their exit codes."""


class Stage(Struct, frozen=True, kw_only=True):
    """What the stories of a run share."""

    broker: Broker
    influx: InfluxServer | None
    abilities: Abilities
    begins: datetime
    folder: Path
    """Where the stories' folders are made; that of a failed one stays."""
    modules: Modules = Modules()


def tell(story: Story, stage: Stage) -> Result:
    """Play `story`, check what came of it, and remove its folder when all is well. Raises `Stop` for the machine's
    own troubles, such as a broker that does not start."""
    started = time.monotonic()
    steps = steps_of(story, stage.begins)
    folder = Path(tempfile.mkdtemp(prefix=f"story-{story.seed}-", dir=stage.folder))
    with running_parts(
        story, folder, stage.broker, stage.influx, alerts=stage.abilities.alerts, modules=stage.modules
    ) as parts:
        result = _Telling(story, steps, parts, started).result()
    if not result.problems:
        shutil.rmtree(folder, ignore_errors=True)
    return result


class _Telling:
    def __init__(self, story: Story, steps: list[Step], parts: Parts, started: float) -> None:
        self._story = story
        self._steps = steps
        self._parts = parts
        self._started = started
        self._striker: Striker
        self._feed = Feed(parts, steps, self._may_tell)
        self._striker = Striker(
            story.faults, parts.processes, parts.settings.history_path, self._feed.step, self._feed.refused
        )
        self._ready_at: float | None = None

    def result(self) -> Result:
        expected = expect(self._steps)
        self._feed.start()
        problems: list[str] = []
        try:
            problems += self._play()
        finally:
            self._striker.heal()
            self._feed.stop()
        events = 0
        if not problems:
            for_alerts = list(self._alerts(expected))
            accounts, log = accounts_of(self._parts.settings), read_log(self._parts.settings)
            events = sum(log.events.values())
            accepted = sum(len(step.told) for step in self._steps)
            problems += checks.wrong_accounts(expected, self._steps, accounts, log, accepted)
            with history_of(self._parts.settings) as store:
                assert store is not None
                problems += checks.wrong_indicators(expected, store)
                problems += checks.wrong_signals(expected, store.signals())
            problems += for_alerts
        problems += [*checks.wrong_exits(self._parts.processes), *self._striker.failed]
        return Result(
            story=self._story,
            events=events,
            problems=tuple(problems),
            recovery_seconds=self._recovery(),
            seconds=time.monotonic() - self._started,
            exits=tuple(f"{one.name} {code}" for one in self._parts.all() for code in one.exits),
        )

    def _may_tell(self, step: int) -> bool:
        """The last hour follows all faults; one that is to fill a spool follows the freeze of the broker."""
        if step == len(self._steps) - 1:
            return self._striker.over()
        return all(self._striker.has_begun(one) for one in self._story.faults if (one.kind, one.step) == ("fill", step))

    def _play(self) -> Iterator[str]:
        """Until all is told and published; yields what went wrong."""
        if not self._until(lambda: not self._feed.running(), STORY_SECONDS):
            step, since = self._feed.step()
            waits = time.monotonic() - since
            yield (
                f"hour {step + 1} of {len(self._steps)} was not published within {waits:.0f} s"
                f"{'' if self._striker.over() else ', and not all faults are over'}; the logs end:\n{self._tails()}"
            )
            return
        try:
            self._feed.check()
        except (KeptError, AssertionError, OSError, sqlite3.Error) as error:
            yield f"the feed stopped: {error}"

    def _alerts(self, expected: Expected) -> Iterator[str]:
        alerting = self._parts.alerting
        if alerting is None:
            return
        standing = expected.standing()
        self._until(lambda: standing_alerts(alerting) == standing, ALERT_SECONDS)
        found = standing_alerts(alerting)
        if found is None:
            yield "Alertmanager does not answer at the end"
            return
        yield from checks.wrong_alerts(expected, found, told(alerting.inbox.messages()))

    def _until(self, condition: Callable[[], bool], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            self._parts.supervise()
            self._striker.strike()
            self._note_ready()
            time.sleep(TICK_SECONDS)
        return True

    def _note_ready(self) -> None:
        """When Prometheus and Alertmanager are ready after the last fault."""
        ended, alerting = self._striker.ended_at, self._parts.alerting
        watched = any(fault.target in ("Prometheus", "Alertmanager") for fault in self._story.faults)
        if not watched or ended is None or alerting is None or not self._striker.over():
            return
        if self._ready_at is None and are_ready(alerting):
            self._ready_at = time.monotonic()

    def _recovery(self) -> float | None:
        ended = self._striker.ended_at
        if ended is None or not self._story.faults:
            return None
        published = next((at for at in self._feed.published_at if at >= ended), None)
        if published is None:
            return None
        return max(published, self._ready_at or published) - ended

    def _tails(self) -> str:
        return "\n".join(f"-- {process.name}\n{process.log_tail()}" for process in self._parts.all())
