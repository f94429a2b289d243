"""Spool -> topic: oldest first, in order, with a new connection after each failure, until it is told to stop.

A message leaves the spool when the broker has acknowledged it and all before it. The client itself gives up on nothing:
it would let a later message pass an earlier one. After a failure the connection is dropped and everything from the
oldest message that is not acknowledged on is sent again; ids make the second ones duplicates that change nothing.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError

from kept.errors import KeptError, Retry, StateError, Stop
from kept.settings import Settings
from producers.client import connect, let_go, partitions_of
from producers.connection import kept_error
from producers.spool import Spool

IN_FLIGHT = 20_000
IN_FLIGHT_BYTES = 32 * 1024 * 1024
"""Sent and not yet acknowledged, at most: the client keeps it in memory while the broker is away."""
NEVER_SECONDS = 2_000_000.0
"""The client's time-out for a message, about what it takes at most: 23 days."""
CONNECT_SECONDS = 5.0
FIRST_CONNECT_SECONDS = 2.0
"""Shorter: nobody can hand events over before it is known that the broker is away."""
ATTEMPT_SECONDS = 2.0
STALL_SECONDS = 120.0
"""With nothing acknowledged for so long, a new connection is made: addresses may have changed."""
LONGEST_PAUSE = 5.0
SWEEP_SECONDS = 30.0
"""The client leaves the socket of a refused connection, one a second, to the garbage collector, which may not come by
for hours in a process that has nothing else to do."""
_POLL_SECONDS = 0.2
REST_SECONDS = 1.0
"""When nothing came for so long, what is delivered leaves the disk, however little it is: there are case ids in it."""

_log = logging.getLogger(__name__)


class Delivery:
    """A thread that delivers `spool` to `topic`. What it says of itself may be read from any thread."""

    def __init__(
        self, spool: Spool, topic: str, settings: Settings, *, client: Callable[..., Any] = KafkaProducer
    ) -> None:
        """Nothing is sent before `start`."""
        self.acknowledged = 0
        """Messages the broker has acknowledged since the start of this process."""
        self.problem: str | None = None
        """Why nothing is being delivered; None while all is well."""
        self.halted = False
        """The spool is damaged: nothing more is delivered before a person has acted."""
        self._spool = spool
        self._topic = topic
        self._settings = settings
        self._where = f"topic {topic} on {settings.brokers}"
        self._make_client = client
        self._client: Any = None
        self._stopping = threading.Event()
        self._sweep_at = 0.0
        self._thread = threading.Thread(target=self._run, name="kept-delivery", daemon=True)

    def start(self) -> None:
        """Connect now and begin; a broker that is away is waited for.

        Raises `Stop` when the broker answers and the topic is missing or access is refused.
        """
        try:
            self._connect(FIRST_CONNECT_SECONDS)
        except Retry as error:
            self.problem = str(error)
        self._thread.start()

    def connected(self) -> bool:
        """Whether there is a connection to a broker at this moment, by the client's own account."""
        client = self._client
        return client is not None and client.metrics().get("producer-metrics", {}).get("connection-count", 0) > 0

    def stop(self, seconds: float) -> None:
        """End within about `seconds`; what is not acknowledged stays in the spool.

        An attempt to connect is not waited for that long: it has sent nothing, and nothing is sent after it.
        """
        self._stopping.set()
        self._thread.join(seconds if self._client is not None else min(seconds, ATTEMPT_SECONDS))

    def _run(self) -> None:
        pause = _POLL_SECONDS
        while not self._stopping.is_set():
            acknowledged = self.acknowledged
            try:
                if self._client is None:
                    self._connect()
                self._deliver()
            except StateError as error:
                self.halted, self.problem = True, str(error)
                _log.error("%s", error)
                break
            except KeptError as error:
                self._tell(str(error))
            except Exception:
                _log.exception("%s: delivery failed; it is tried again", self._where)
                self.problem = "delivery failed in a way that is not foreseen; see the log"
            finally:
                self._disconnect()
                self._sweep()
            pause = _POLL_SECONDS if self.acknowledged > acknowledged else min(2 * pause, LONGEST_PAUSE)
            self._stopping.wait(pause)

    def _sweep(self) -> None:
        if time.monotonic() > self._sweep_at:
            gc.collect()
            self._sweep_at = time.monotonic() + SWEEP_SECONDS

    def _connect(self, seconds: float = CONNECT_SECONDS) -> None:
        client = connect(
            self._settings, delivery_seconds=NEVER_SECONDS, connect_seconds=seconds, client=self._make_client
        )
        try:
            partitions_of(client, self._topic, self._settings, self._where)
        except BaseException:
            let_go(client, self._where, 0)
            raise
        self._client = client

    def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            let_go(client, self._where, 0)

    def _deliver(self) -> None:
        """Deliver over this connection until it fails or is told to stop."""
        reader = self._spool.reader()
        window = _Window()
        rests_at = 0.0
        try:
            while not self._stopping.is_set():
                self._sweep()
                while window.has_room() and (batch := reader.read()):
                    rests_at = time.monotonic() + REST_SECONDS
                    for number, (key, value) in batch:
                        window.sent(number, len(value), self._send(key, value))
                    self._settle(window)
                self._settle(window)
                if window.is_empty():
                    self._all_is_well()
                    if time.monotonic() > rests_at:
                        self._spool.rest()
                    self._spool.wait(reader.position, _POLL_SECONDS)
                else:
                    window.wait(_POLL_SECONDS)
        finally:
            reader.close()

    def _send(self, key: bytes, value: bytes) -> Any:
        try:
            return self._client.send(self._topic, key=key, value=value)
        except KafkaError as error:
            raise self._failure(error) from error

    def _settle(self, window: _Window) -> None:
        """Take out of the spool what is acknowledged; raises what the first message that failed means."""
        try:
            count, last = window.take_acknowledged()
        except KafkaError as error:
            raise self._failure(error) from error
        if count:
            self.acknowledged += count
            self._spool.delivered(last)
            self._all_is_well()
        elif window.seconds_without_progress() > STALL_SECONDS:
            raise Retry(f"{self._where}: the broker acknowledged nothing for {STALL_SECONDS:.0f} s; it is asked anew")

    def _all_is_well(self) -> None:
        if self.problem is not None:
            _log.warning("%s: events are delivered again; %d wait", self._where, self._spool.waiting)
            self.problem = None

    def _failure(self, error: KafkaError) -> KeptError:
        meant = kept_error(error, self._where)
        return meant if isinstance(meant, Stop) else Retry(f"{self._where}: {error}; it is sent again")

    def _tell(self, problem: str) -> None:
        if problem != self.problem:
            _log.warning("%s; %d events wait in %s", problem, self._spool.waiting, self._spool.folder)
        self.problem = problem


class _Window:
    """What was sent and not yet acknowledged, oldest first: (number, bytes, the client's future)."""

    def __init__(self) -> None:
        self._sent: deque[tuple[int, int, Any]] = deque()
        self._bytes = 0
        self._moved = time.monotonic()

    def has_room(self) -> bool:
        return len(self._sent) < IN_FLIGHT and self._bytes < IN_FLIGHT_BYTES

    def is_empty(self) -> bool:
        return not self._sent

    def sent(self, number: int, size: int, future: Any) -> None:
        if not self._sent:
            self._moved = time.monotonic()
        self._sent.append((number, size, future))
        self._bytes += size

    def take_acknowledged(self) -> tuple[int, int]:
        """(how many, number of the last) from the oldest on; raises the error of the oldest when it failed."""
        count = last = 0
        while self._sent and self._sent[0][2].is_done:
            number, size, future = self._sent[0]
            if future.failed():
                if count:
                    break  # first take out what came before
                raise future.exception
            self._sent.popleft()
            self._bytes -= size
            count, last = count + 1, number
            self._moved = time.monotonic()
        return count, last

    def seconds_without_progress(self) -> float:
        return time.monotonic() - self._moved if self._sent else 0.0

    def wait(self, seconds: float) -> None:
        """Until the oldest is settled, at most `seconds`."""
        with contextlib.suppress(KafkaError):  # not yet, or failed: `take_acknowledged` tells which
            self._sent[0][2].get(seconds)
