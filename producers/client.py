"""A kafka-python producer as every publisher needs it: made, asked for its topic, and let go of."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError

from kept.errors import Stop
from kept.settings import Settings
from kept.topics import MAX_MESSAGE_BYTES
from producers.connection import connected, greet, kept_error

_FAREWELL_SECONDS = 1.0

_log = logging.getLogger(__name__)


def connect(
    settings: Settings,
    *,
    delivery_seconds: float,
    connect_seconds: float,
    client: Callable[..., Any] = KafkaProducer,
) -> Any:
    """A connected client: idempotent, acknowledged by all in-sync replicas, making no topics.

    Raises `Retry` when no broker answers and `Stop` when access is refused.
    """
    return connected(
        client,
        settings,
        connect_seconds,
        client_id="kept-publisher",
        acks="all",
        enable_idempotence=True,
        allow_auto_create_topics=False,
        linger_ms=10,
        batch_size=256 * 1024,
        max_request_size=MAX_MESSAGE_BYTES,
        max_block_ms=int(connect_seconds * 1000),
        request_timeout_ms=int(min(30.0, delivery_seconds / 2) * 1000),
        delivery_timeout_ms=int(delivery_seconds * 1000),
        reconnect_backoff_max_ms=1000,
    )


def partitions_of(client: Any, topic: str, settings: Settings, where: str) -> list[int]:
    """The partitions of `topic`; raises `Stop` when it is missing, and `Retry` when no broker answers any more.

    `where` begins the message. The client has one time-out for both: so the broker is asked whether it is there, and
    for the topic once more, since it may have come back that moment.
    """
    for _ in range(2):
        try:
            partitions = client.partitions_for(topic)
        except KafkaTimeoutError as error:
            refusal = greet(settings)
            if refusal is not None:
                raise refusal from error
        except KafkaError as error:
            raise kept_error(error, where) from error
        else:
            if partitions:
                return sorted(partitions)
            break
    raise no_such_topic(where)


def no_such_topic(where: str) -> Stop:
    """A topic that a client is not told of; `where` begins the message."""
    return Stop(
        f"{where}: there is no such topic; create it with `kept topics create`, or set KEPT_TOPIC_PREFIX. Or this user "
        "may not even see it; `kept topics rights` lists what is needed"
    )


def let_go(client: Any, where: str, seconds: float) -> None:
    """Close within about twice `seconds`, whether the broker is there or not. Raises nothing."""
    try:
        client.close(timeout=seconds)
    except KafkaError as error:
        # The client raises, and leaves its thread running, when records remain: ask a second time not to wait.
        _log.warning("%s: closed with events not acknowledged: %s", where, error)
        _abandon(client, where)


def _abandon(client: Any, where: str) -> None:
    sender = getattr(client, "_sender", None)
    if sender is not None:
        # `close(0)` alone raises again and the thread goes on sending, beside that of the next client.
        sender.force_close()
        sender.join(_FAREWELL_SECONDS)
    try:
        client.close(timeout=0)
    except KafkaError as error:
        _log.debug("%s: %s", where, error)
