"""Tells a story's events hour by hour: the next hour begins when all indicators of the one before are published.

So each service is judged exactly at each hour's end, with exactly what was told by then, and signals can be compared
to the hour with those of a calm run.
"""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from history.open import open_history
from history.store import HistoryStore
from kept.durations import SECOND_MS
from kept.errors import Retry, Stop
from kept.topics import topics
from local_stack.chaos.parts import Parts
from local_stack.chaos.sender import Sender, Stopped
from local_stack.chaos.town import Step, Told, town
from producers.publisher import Publisher

LOOK_SECONDS = 0.03
PUBLISH_SECONDS = 8.0
"""So long the broker may take to acknowledge a tick, before it is sent anew."""


class Feed:
    """A thread that tells `steps`, each of them (counted from 0) when `may_tell` says so."""

    def __init__(self, parts: Parts, steps: Sequence[Step], may_tell: Callable[[int], bool]) -> None:
        """Nothing is told before `start`."""
        self._parts = parts
        self._steps = steps
        self._may_tell = may_tell
        self._stop = threading.Event()
        self._senders = [Sender(port, self._stop) for port in parts.intake_ports]
        self._publisher: Publisher | None = None
        self._store: HistoryStore | None = None
        self._now = (-1, time.monotonic())
        self._failed: BaseException | None = None
        self.published_at: list[float] = []
        """When the indicators of each hour were published (time.monotonic())."""
        self._thread = threading.Thread(target=self._run, name="story-feed", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def running(self) -> bool:
        """Whether something is still told."""
        return self._thread.is_alive()

    def step(self) -> tuple[int, float]:
        """(which hour is being told, since when)."""
        return self._now

    def refused(self) -> int:
        """Requests that were refused because a spool was full."""
        return sum(sender.refused_full for sender in self._senders)

    def stop(self) -> None:
        """End, whether all is told or not; returns when the thread is gone."""
        self._stop.set()
        self._thread.join()

    def check(self) -> None:
        """Raise what ended it early, if anything did."""
        if self._failed is not None:
            raise self._failed

    def _run(self) -> None:
        try:
            for number, step in enumerate(self._steps):
                self._now = (number, time.monotonic())
                self._wait_until(partial(self._may_tell, number))
                self._tell(step)
                self.published_at.append(time.monotonic())
        except Stopped:
            pass
        except Exception as error:  # told by `check`, in the thread that can act on it
            self._failed = error
        finally:
            self._let_go()

    def _tell(self, step: Step) -> None:
        shares: list[list[Told]] = [[] for _ in self._senders]
        for told in step.told:
            shares[zlib.crc32(told.subject.encode()) % len(shares)].append(told)
        with ThreadPoolExecutor(len(self._senders)) as pool:
            list(pool.map(Sender.send, self._senders, shares))
            list(pool.map(Sender.until_delivered, self._senders))
        for value in step.past_producers:
            self._publish(partial(Publisher.send, key=b"", value=value))
        self._publish(partial(Publisher.tick_all_partitions, at_ms=step.until_ms))
        self._wait_until(lambda: self._published() >= step.until_ms // SECOND_MS)

    def _publish(self, work: Callable[[Publisher], None]) -> None:
        """Do `work` with a publisher until the broker has acknowledged it; a second time makes a duplicate."""
        settings = self._parts.settings
        while True:
            try:
                if self._publisher is None:
                    topic = topics(settings.topic_prefix, settings.partitions).events.name
                    self._publisher = Publisher(topic, settings, delivery_seconds=PUBLISH_SECONDS, connect_seconds=4)
                work(self._publisher)
                self._publisher.finish()
                return
            except (Retry, Stop):  # while it starts, a broker may not know its topics yet
                if self._publisher is not None:
                    self._publisher.close(0)
                    self._publisher = None
                self._wait()

    def _published(self) -> int:
        """The moment (s) up to which all services are published; 0 before the first, and while nobody can tell."""
        try:
            if self._store is None:
                self._store = open_history(self._parts.settings, read_only=True)
            published = self._store.published()
        except Retry:
            return 0
        return min((published.get(service, 0) for service in town()), default=0)

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._wait()

    def _wait(self) -> None:
        if self._stop.wait(LOOK_SECONDS):
            raise Stopped

    def _let_go(self) -> None:
        if self._publisher is not None:
            self._publisher.close(0)
        if self._store is not None:
            self._store.close()
