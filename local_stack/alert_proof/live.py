"""One proof through the real chain: events in, messages out, and what the history says was raised and when."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain as joined
from itertools import takewhile

from msgspec import Struct

from kept.durations import HOUR_MS, SECOND_MS
from kept.errors import Stop
from kept.events import Event
from kept.signals.raised import Raised, SignalKey
from kept.topics import topics
from local_stack.alert_proof.chain import Chain, key_of, muted_now, running_chain
from local_stack.alert_proof.judging import Heard
from local_stack.alert_proof.run import Proof
from local_stack.inbox import Message
from local_stack.replay import history_of
from producers.pace import Pace
from producers.publisher import Publisher

LOOK_SECONDS = 0.5
FOLLOW_SECONDS, STILL_SECONDS = 0.05, 30.0
"""So often the feed asks how far it may go. When nothing moves for so long, it goes on: the end says what is wrong."""
LEAD_SECONDS, END_SECONDS = 300.0, 120.0
"""So long may take what is published at once, and what is under way when the quarter is over."""
LAST_MESSAGES_SECONDS = 8.0
"""After the last judgement: a scrape, an evaluation, the hold of the rules and the waits of the groups."""
Say = Callable[[str], None]


class Observed(Struct, frozen=True, kw_only=True):
    """What came of a run."""

    raised: Sequence[Raised]
    messages: Sequence[Message]
    muted: Sequence[tuple[float, SignalKey]]
    judged: Sequence[int]
    """Event times (s) up to which all services were published, as they were seen to move."""
    seconds: float

    def heard(self) -> dict[str, Heard]:
        """What reached people of each raised signal, by its id."""
        by_key: dict[SignalKey, list[Raised]] = {}
        for one in sorted(self.raised, key=lambda raised: raised.raised_at):
            by_key.setdefault(one.verdict.key(), []).append(one)
        return {
            one.id: self._heard(key, one, later)
            for key, ones in by_key.items()
            for one, later in zip(ones, [*(after.told_at for after in ones[1:]), None], strict=True)
        }

    def _heard(self, key: SignalKey, raised: Raised, later: float | None) -> Heard:
        until = float("inf") if later is None else later
        told = [
            (message.at, alert.status)
            for message in self.messages
            for alert in message.alerts
            if raised.told_at <= message.at < until and key_of(alert.labels) == key
        ]
        at = next((when for when, status in told if status == "firing"), None)
        over_at = next((when for when, status in told if status == "resolved"), None)
        muted = any(raised.told_at <= when < until for when, held in self.muted if held == key)
        return Heard(at=at, over_at=over_at, muted=muted)


def run_live(proof: Proof, say: Say, *, brokers: str | None = None, topic_prefix: str = "proof-") -> Observed:
    """Play `proof` through the real chain. Raises `Stop` when a part dies or nothing moves any more."""
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    started = time.monotonic()
    with running_chain(proof.city(), proof.partitions, brokers, topic_prefix) as chain:
        feed = _Feed(chain, proof)
        say(f"{proof.lead_days} days at once.")
        feed.publish_lead()
        _wait_until(chain, proof, proof.judged_from_ms - 6 * HOUR_MS, LEAD_SECONDS)
        say(f"{proof.days} days: {_minutes(proof):.0f} minutes or more.")
        watcher = _Watcher(chain)
        feed.start()
        while feed.running():
            watcher.look()
        feed.check()
        _wait_until(chain, proof, proof.until_ms, END_SECONDS, watcher.look)
        last = time.monotonic() + LAST_MESSAGES_SECONDS
        while time.monotonic() < last:
            watcher.look()
        with history_of(chain.settings) as store:
            raised = [] if store is None else store.signals()
        return Observed(
            raised=[one for one in raised if one.ended_at is None or one.ended_at >= proof.judged_from_ms // SECOND_MS],
            messages=chain.inbox.messages(),
            muted=watcher.muted,
            judged=watcher.judged,
            seconds=time.monotonic() - started,
        )


def _minutes(proof: Proof) -> float:
    return proof.days * 24 * proof.seconds_per_hour / 60


class _Following(Pace):
    """Event time runs at the pace of the proof, and never far ahead of what is judged."""

    def __init__(self, chain: Chain, proof: Proof) -> None:
        super().__init__(HOUR_MS / SECOND_MS / proof.seconds_per_hour)
        self._chain = chain
        self._services = len(proof.city())
        self._ahead_ms = round(proof.hours_ahead * HOUR_MS)
        self._judged_ms = proof.judged_from_ms

    def wait_for(self, time_ms: int) -> None:
        super().wait_for(time_ms)
        deadline = time.monotonic() + STILL_SECONDS
        while time_ms - self._judged_ms > self._ahead_ms and time.monotonic() < deadline:
            reached = _published(self._chain, self._services)
            self._judged_ms = max(self._judged_ms, (reached or 0) * SECOND_MS)
            time.sleep(FOLLOW_SECONDS)


class _Feed:
    """The city's events on their way to the topic; the judged part in a thread of its own."""

    def __init__(self, chain: Chain, proof: Proof) -> None:
        self._chain = chain
        self._proof = proof
        self._events = proof.events()
        self._next: list[tuple[int, Event]] = []
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._publish_rest, daemon=True)

    def publish_lead(self) -> None:
        """All events before the judged part; returns when they are acknowledged."""

        def before(timed: tuple[int, Event]) -> bool:
            if timed[0] < self._proof.judged_from_ms:
                return True
            self._next.append(timed)
            return False

        self._publish(takewhile(before, self._events), Pace(None))

    def start(self) -> None:
        """Begin with the judged part."""
        self._thread.start()

    def running(self) -> bool:
        """Whether events are still told."""
        return self._thread.is_alive()

    def check(self) -> None:
        """Raise what stopped it, if anything did."""
        if self._failed is not None:
            raise Stop(f"the simulated city stopped: {self._failed}") from self._failed

    def _publish_rest(self) -> None:
        try:
            pace = _Following(self._chain, self._proof)
            self._publish(joined(self._next, self._events), pace, tick_at_ms=self._proof.until_ms)
        except Exception as error:  # told by `check`, in the thread that can act on it
            self._failed = error

    def _publish(self, events: Iterator[tuple[int, Event]], pace: Pace, *, tick_at_ms: int | None = None) -> None:
        settings = self._chain.settings
        with Publisher(topics(settings.topic_prefix, settings.partitions).events.name, settings) as publisher:
            publisher.publish_all(events, pace)
            if tick_at_ms is not None:
                publisher.tick_all_partitions(tick_at_ms)
            publisher.finish()


class _Watcher:
    """Notes, twice a second, what only shows while it lasts."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self.muted: list[tuple[float, SignalKey]] = []
        self.judged: list[int] = []

    def look(self) -> None:
        """Look once, and wait a little."""
        self._chain.watch()
        now = time.time()
        self.muted += [(now, key) for key in muted_now(self._chain.alertmanager_port)]
        reached = _published(self._chain)
        if reached is not None and (not self.judged or reached > self.judged[-1]):
            self.judged.append(reached)
        time.sleep(LOOK_SECONDS)


def _published(chain: Chain, services: int = 1) -> int | None:
    with history_of(chain.settings) as store:
        published = {} if store is None else store.published()
    return min(published.values()) if len(published) >= services else None


def _wait_until(chain: Chain, proof: Proof, at_ms: int, seconds: float, look: Callable[[], None] | None = None) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        reached = _published(chain, len(proof.city()))
        if reached is not None and reached * SECOND_MS >= at_ms:
            return
        if look is None:
            chain.watch()
            time.sleep(LOOK_SECONDS)
        else:
            look()
    tails = "\n".join(f"-- {worker.name}\n{worker.log_tail(5)}" for worker in chain.group.workers)
    raise Stop(f"figures were not published up to {at_ms} ms within {seconds:.0f} s; the workers' logs end:\n{tails}")
