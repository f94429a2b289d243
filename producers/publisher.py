"""Events -> the events topic, each acknowledged by all in-sync replicas, with a bound on what is under way.

Delivery is what the broker acknowledged, counted by callbacks; that a flush or a close returned means nothing. An event
that failed was perhaps written: publish the same again, its id makes the second one a duplicate that changes nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self

from kafka import KafkaProducer
from kafka.errors import KafkaError

from kept import events
from kept.case_hashing import CaseHashing
from kept.errors import Retry
from kept.settings import Settings
from producers.client import connect, let_go, partitions_of
from producers.connection import kept_error
from producers.pace import Pace

IN_FLIGHT = 20_000
"""Events sent and not yet acknowledged, at most; a few hundred bytes each."""
DELIVERY_SECONDS = 60.0
CONNECT_SECONDS = 10.0
CLOSE_SECONDS = 5.0
LOOK_SECONDS = 0.5
"""So often a publisher that waits for the broker looks whether it is to stop."""


class Publisher:
    """Publishes to one topic, in order, from one thread. A context manager.

    `published` = `acknowledged` + `failed` + what is under way. After a failure the next call raises, since what
    follows a gap must not be sent as if nothing were missing.
    """

    def __init__(
        self,
        topic: str,
        settings: Settings,
        *,
        hashing: CaseHashing | None = None,
        in_flight: int = IN_FLIGHT,
        delivery_seconds: float = DELIVERY_SECONDS,
        connect_seconds: float = CONNECT_SECONDS,
        client: Callable[..., Any] = KafkaProducer,
    ) -> None:
        """Connect; raises `Retry` when no broker answers and `Stop` when the topic is missing or access is refused.

        `hashing` says whose case ids `publish` hashes; None hashes none.
        """
        self.topic = topic
        self.published = 0
        self.acknowledged = 0
        self.failed = 0
        self._where = f"topic {topic} on {settings.brokers}"
        self._hashing = hashing
        self._in_flight = in_flight
        self._delivery_seconds = delivery_seconds
        self._first_error: Exception | None = None
        self._changed = threading.Condition()
        self._stop: threading.Event | None = None
        self._client = connect(
            settings, delivery_seconds=delivery_seconds, connect_seconds=connect_seconds, client=client
        )
        try:
            self.partitions = partitions_of(self._client, topic, settings, self._where)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        """The publisher itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close without waiting for more than `CLOSE_SECONDS`; call `finish` first to know that all is delivered."""
        self.close()

    def publish(self, event: events.Event) -> None:
        """Send one event, keyed by its subject; waits while too many are under way.

        Raises `Retry` or `Stop` when an earlier event failed or this one cannot be sent.
        """
        if self._hashing is not None:
            event = self._hashing.hashed(event)
        self._send(events.subject(event).encode(), events.encode(event), partition=None)

    def send(
        self,
        key: bytes | None,
        value: bytes | None,
        headers: Iterable[tuple[str, bytes | None]] = (),
        partition: int | None = None,
    ) -> None:
        """Send a message as it is, to `partition` (None: that of its key). Fails like `publish`.

        A header without a value is sent with an empty one: the client knows no other.
        """
        self._send(key, value, partition, [(name, said or b"") for name, said in headers])

    def publish_all(
        self, timed_events: Iterable[tuple[int, events.Event]], pace: Pace, stop: threading.Event | None = None
    ) -> None:
        """Publish (event time in ms, event) pairs, each when `pace` says so.

        Once `stop` is set no other is sent, and nothing is waited for: raises `KeyboardInterrupt`.
        """
        self._stop = stop or self._stop
        for time_ms, event in timed_events:
            pace.wait_for(time_ms)
            self._look_for_stop()
            self.publish(event)

    def tick_all_partitions(self, at_ms: int) -> None:
        """Write on every partition that event time has reached `at_ms` (milliseconds since 1970-01-01 UTC)."""
        for partition in self.partitions:
            tick = events.tick(at_ms, partition)
            self._send(events.subject(tick).encode(), events.encode(tick), partition=partition)

    def finish(self) -> None:
        """Wait until the broker acknowledged everything; raises `Retry` or `Stop` when it did not."""
        deadline = time.monotonic() + self._patience()
        while not self.settle(LOOK_SECONDS):
            self._look_for_stop()
            if time.monotonic() > deadline:
                raise Retry(
                    f"{self._where}: {self._under_way()} of {self.published} events are not acknowledged after "
                    f"{self._patience():.0f} s, {self.acknowledged} are; publish the same again"
                )
        self._raise_failure()

    def settle(self, seconds: float) -> bool:
        """Wait up to `seconds` for what is under way, whatever becomes of it; whether nothing is left."""
        with self._changed:
            return self._changed.wait_for(lambda: self._under_way() == 0, seconds)

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Let go of the connection within about twice `seconds`, whether the broker is there or not. Raises nothing."""
        let_go(self._client, self._where, seconds)

    def _send(
        self,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        headers: list[tuple[str, bytes]] | None = None,
    ) -> None:
        if self._first_error is not None:
            self._raise_failure()
        if self._under_way() >= self._in_flight:
            self._wait_for_room()
        try:
            delivery = self._client.send(self.topic, key=key, value=value, partition=partition, headers=headers)
        except KafkaError as error:
            raise kept_error(error, self._where) from error
        self.published += 1
        delivery.add_callback(self._on_acknowledged)
        delivery.add_errback(self._on_failed)

    def _wait_for_room(self) -> None:
        deadline = time.monotonic() + self._patience()
        while not self._room_within(LOOK_SECONDS):
            self._look_for_stop()
            if time.monotonic() > deadline:
                raise Retry(f"{self._where}: the broker acknowledged nothing for {self._patience():.0f} s")
        self._raise_failure()

    def _room_within(self, seconds: float) -> bool:
        with self._changed:
            # Until half is free: waking for each acknowledgement would switch threads once an event.
            return self._changed.wait_for(
                lambda: self._under_way() <= self._in_flight // 2 or self._first_error is not None, seconds
            )

    def _look_for_stop(self) -> None:
        if self._stop is not None and self._stop.is_set():
            raise KeyboardInterrupt

    def _under_way(self) -> int:
        return self.published - self.acknowledged - self.failed

    def _patience(self) -> float:
        return self._delivery_seconds + CONNECT_SECONDS

    def _on_acknowledged(self, _: object) -> None:
        with self._changed:
            self.acknowledged += 1
            if self._under_way() in (0, self._in_flight // 2):
                self._changed.notify_all()

    def _on_failed(self, error: Exception) -> None:
        with self._changed:
            self.failed += 1
            self._first_error = self._first_error or error
            self._changed.notify_all()

    def _raise_failure(self) -> None:
        if self._first_error is not None:
            where = (
                f"{self._where}: {self.failed} of {self.published} events failed, {self.acknowledged} are acknowledged"
            )
            raise kept_error(self._first_error, where) from self._first_error
