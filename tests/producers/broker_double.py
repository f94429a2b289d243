"""A client that is told what to acknowledge and what to fail, for tests of delivery."""

from __future__ import annotations

import threading
from typing import Any

from kafka import errors


class Delivery:
    """What the client's send gives back."""

    def __init__(self) -> None:
        self.exception: Exception | None = None
        self._settled = threading.Event()

    @property
    def is_done(self) -> bool:
        return self._settled.is_set()

    def failed(self) -> bool:
        return self.exception is not None

    def settle(self, error: Exception | None = None) -> None:
        self.exception = error
        self._settled.set()

    def get(self, timeout: float) -> None:
        if not self._settled.wait(timeout):
            raise errors.KafkaTimeoutError("not yet")
        if self.exception is not None:
            raise self.exception


class BrokerDouble:
    """Makes clients. `log` is what it has taken, by connection; with `answers` each message is acknowledged at once."""

    def __init__(self) -> None:
        self.there = True
        self.topic_exists = True
        self.answers = True
        self.log: list[list[bytes]] = []
        self.under_way: list[Delivery] = []
        self.closed = 0

    def __call__(self, **_: Any) -> Client:
        if not self.there:
            raise errors.KafkaTimeoutError("Unable to bootstrap")
        self.log.append([])
        return Client(self)

    def values(self) -> list[bytes]:
        return [value for connection in self.log for value in connection]


class Client:
    def __init__(self, broker: BrokerDouble) -> None:
        self._broker = broker

    def partitions_for(self, topic: str) -> set[int] | None:
        return {0, 1} if self._broker.topic_exists else None

    def metrics(self) -> dict[str, dict[str, float]]:
        return {"producer-metrics": {"connection-count": float(self._broker.there)}}

    def send(self, topic: str, key: bytes, value: bytes) -> Delivery:
        self._broker.log[-1].append(value)
        delivery = Delivery()
        if self._broker.answers:
            delivery.settle()
        else:
            self._broker.under_way.append(delivery)
        return delivery

    def close(self, timeout: float) -> None:
        self._broker.closed += 1
