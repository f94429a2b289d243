"""Events -> the disk spool -> the events topic: what is accepted is delivered, whatever is killed or away.

Accepted means synced to disk. Every event takes this way, also while the broker answers: so the order is that of the
spool, and the way that counts after a fault is the one that is always used (docs/adr/0009-disk-spool.md).
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self

from kafka import KafkaProducer

from kept import events
from kept.case_hashing import CaseHashing
from kept.errors import Retry, SpoolFull, Stop
from kept.settings import Settings
from kept.topics import MAX_MESSAGE_BYTES
from producers.delivery import Delivery
from producers.pace import Pace
from producers.spool import Message, Spool

QUEUE_BYTES = 16 * 1024 * 1024
"""Handed over and not yet on disk, at most."""
GROUP_BYTES = 8 * 1024 * 1024
"""Synced together, at most, unless one submission alone is larger; an eighth of a small spool."""
LARGEST_EVENT_BYTES = MAX_MESSAGE_BYTES - 64 * 1024
RETRY_SECONDS = 0.5
CLOSE_SECONDS = 5.0
LOOK_SECONDS = 0.5
"""So often a publisher that waits for the disk looks whether it is to stop."""

_log = logging.getLogger(__name__)


class _Submission(NamedTuple):
    messages: Sequence[Message]
    size: int
    accepted: Future[None]


class DurablePublisher:
    """Publishes to one topic through the spool in `KEPT_SPOOL_FOLDER`. Thread-safe; a context manager.

    `when_full` says what becomes of events that the spool cannot take: `refuse` tells the caller, `wait` keeps them
    and everything behind them, until there is room.
    """

    def __init__(
        self,
        topic: str,
        settings: Settings,
        *,
        hashing: CaseHashing | None = None,
        when_full: Literal["refuse", "wait"] = "refuse",
        client: Callable[..., Any] = KafkaProducer,
        stop: threading.Event | None = None,
    ) -> None:
        """Open the spool and begin to deliver; a broker that is away is waited for. Once `stop` is set, `publish` waits
        no longer for the disk. `hashing` says whose case ids `publish` hashes before they are on disk; None: nobody's.

        Raises `ConfigurationError` when another process has the spool, `StateError` when it is damaged, and `Stop`
        when the broker answers and the topic is missing or access is refused.
        """
        self.topic = topic
        self.accepted = 0
        """Events on disk since the start of this process."""
        self.failed = 0
        """Events handed to `publish` that were not accepted: there was no room for them when this was closed."""
        self._hashing = hashing
        self._when_full = when_full
        self._group_bytes = min(GROUP_BYTES, settings.spool_bytes // 8)
        self._queue: deque[_Submission] = deque()
        self._queued_bytes = 0
        self._closing = False
        self._stop = stop
        self._changed = threading.Condition()
        self.spool = Spool(Path(settings.spool_folder) / topic, settings.spool_bytes)
        self.delivery = Delivery(self.spool, topic, settings, client=client)
        try:
            self.delivery.start()
        except BaseException:
            self.spool.close()
            raise
        self._writer = threading.Thread(target=self._write_all, name="kept-spool", daemon=True)
        self._writer.start()

    def __enter__(self) -> Self:
        """The publisher itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close; what is accepted and not delivered is delivered after the next start."""
        self.close()

    def submit(self, messages: Sequence[Message]) -> Future[None]:
        """Hand over messages; the future is done when all of them are accepted, or none of them is.

        It raises `SpoolFull` or `Retry` when they were not accepted. Raises `SpoolFull` at once when too much is handed
        over and not yet on disk, and `Stop` when a message is larger than the topic takes or this is closed.
        """
        size = sum(len(key) + len(value) for key, value in messages)
        for key, value in messages:
            if len(key) + len(value) > LARGEST_EVENT_BYTES:
                raise Stop(f"an event of {len(value)} bytes; the topic takes at most {LARGEST_EVENT_BYTES}")
        with self._changed:
            if self._closing:
                raise Stop("the publisher is closed; hand the events over after the next start")
            if self._queue and self._queued_bytes + size > QUEUE_BYTES:
                raise SpoolFull("more is handed over than the disk takes; hand it over again in a moment")
            submission = _Submission(messages, size, Future())
            submission.accepted.set_running_or_notify_cancel()  # a caller that goes away takes nothing back
            self._queue.append(submission)
            self._queued_bytes += size
            self._changed.notify_all()
        return submission.accepted

    def publish(self, event: events.Event) -> None:
        """Hand over one event; waits while too many are not yet on disk. It is accepted when `finish` has returned
        True; what is not counts as `failed` once this is closed.

        Raises `KeyboardInterrupt` when it would wait although it is to stop: the event is not accepted.
        """
        if self._hashing is not None:
            event = self._hashing.hashed(event)
        message = Message(events.subject(event).encode(), events.encode(event))
        with self._changed:
            while not self._changed.wait_for(lambda: self._queued_bytes < QUEUE_BYTES // 2, LOOK_SECONDS):
                if self._stop is not None and self._stop.is_set():
                    raise KeyboardInterrupt
        self.submit([message]).add_done_callback(self._count_failed)

    def _count_failed(self, accepted: Future[None]) -> None:
        if accepted.exception() is not None:
            with self._changed:
                self.failed += 1

    def publish_all(self, timed_events: Iterable[tuple[int, events.Event]], pace: Pace) -> None:
        """Publish (event time in ms, event) pairs, each when `pace` says so."""
        for time_ms, event in timed_events:
            pace.wait_for(time_ms)
            self.publish(event)

    def finish(self, seconds: float) -> bool:
        """Wait until all is on disk, then until the broker has acknowledged it, each for at most `seconds`.

        True when it has. Raises `Retry` when not even the disk took all of it.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: not self._queue, seconds):
                raise Retry(f"{len(self._queue)} events are not on disk after {seconds:g} s; see KEPT_SPOOL_BYTES")
        return self.spool.wait_until_empty(seconds)

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Write what is handed over to the disk, stop delivering, let go of the spool; within about twice `seconds`."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._writer.join(seconds)
        self.delivery.stop(seconds)
        self.spool.close()

    def _write_all(self) -> None:
        while group := self._next_group():
            try:
                self._write(group)
            except Exception as error:
                _log.exception("events could not be written to the spool")
                for submission in group:
                    if not submission.accepted.done():
                        submission.accepted.set_exception(error)
            with self._changed:
                for submission in group:
                    self._queue.popleft()
                    self._queued_bytes -= submission.size
                self._changed.notify_all()

    def _next_group(self) -> list[_Submission]:
        """What is synced together: as much as waits, up to `GROUP_BYTES`. Empty when this closes and nothing waits."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._queue) or self._closing)
            group: list[_Submission] = []
            size = 0
            for submission in self._queue:
                size += submission.size
                if group and size > self._group_bytes:
                    break
                group.append(submission)
            return group

    def _write(self, group: list[_Submission]) -> None:
        try:
            self._append([message for submission in group for message in submission.messages])
        except Retry as error:
            if len(group) == 1:
                group[0].accepted.set_exception(error)
                return
            for submission in group:  # a smaller one may still fit
                self._write([submission])
            return
        for submission in group:
            submission.accepted.set_result(None)

    def _append(self, messages: Sequence[Message]) -> None:
        told = False
        while True:
            try:
                self.spool.append(messages)
            except Retry as error:
                if self._when_full == "refuse" or self._closing:
                    raise
                if not told:
                    _log.warning("%s; waiting", error)
                    told = True
                time.sleep(RETRY_SECONDS)
            else:
                self.accepted += len(messages)
                return
