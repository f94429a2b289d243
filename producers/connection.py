"""How Kept's settings become kafka-python options, and its errors become ours. The only place that knows both."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from typing import Any

from kafka import errors
from kafka.net.compat import KafkaNetClient
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector

from kept.errors import KeptError, Retry, Stop
from kept.refused_connections import why_refused
from kept.settings import Settings
from kept.tls import tls_context

CONTACT_SECONDS = 5.0
"""A broker that takes longer to greet is as good as away."""
PERMANENT: tuple[tuple[type[errors.KafkaError], str], ...] = (
    (
        errors.SaslAuthenticationFailedError,
        "the broker refuses this login; check KEPT_SASL_USERNAME and KEPT_SASL_PASSWORD_FILE",
    ),
    (errors.UnsupportedSaslMechanismError, "the broker does not know this mechanism; check KEPT_SASL_MECHANISM"),
    (
        errors.IllegalSaslStateError,
        "the broker takes no login there; check the port and KEPT_SECURITY_PROTOCOL",
    ),
    (
        errors.AuthorizationError,
        "this user lacks a right; `kept topics rights` lists those that are needed, with the commands that grant them",
    ),
    (errors.MessageSizeTooLargeError, "an event is larger than the topic takes; raise max.message.bytes of the topic"),
    (errors.InvalidTopicError, "not a valid topic name; check KEPT_TOPIC_PREFIX"),
    (errors.UnsupportedVersionError, "the broker is too old; Kafka 2.5 or newer is needed"),
    (errors.KafkaConfigurationError, "the connection settings make no sense"),
)
"""Client errors that trying again does not cure, the narrower first, with what to do. All others are worth a retry."""
HIDDEN_REFUSAL = re.compile(r"\[Error \d+\] \w+AuthorizationFailedError")
"""Asked for the id of a producer, the client knows of a refusal and raises an error of no kind with its name in it."""


def client_options(settings: Settings) -> dict[str, Any]:
    """Connection options for any kafka-python client; raises `ConfigurationError` for a password in the clear."""
    settings.refuse_password_in_clear()
    options: dict[str, Any] = {
        "bootstrap_servers": settings.broker_list(),
        "security_protocol": settings.security_protocol,
    }
    if settings.uses_tls():
        options["ssl_context"] = tls_context(settings)
    if settings.uses_sasl():
        options |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.sasl_username,
            "sasl_plain_password": settings.sasl_password,
        }
    return options


PUBLISH_AGAIN = "nothing is lost, publish the same again when the broker answers"


def connected(client: Callable[..., Any], settings: Settings, seconds: float, **options: Any) -> Any:
    """A kafka-python client made with `options`, connected within about `seconds`.

    Raises `Stop` when the broker refuses, `Retry` when none answers, each with the reason: the client itself tries a
    wrong certificate or password until the time is over, and then speaks of a time-out.
    """
    if settings.security_protocol != "PLAINTEXT":
        refusal = greet(settings)
        if isinstance(refusal, Stop):
            raise refusal
    networks: list[KafkaNetClient] = []

    def network(**network_options: Any) -> KafkaNetClient:
        networks.append(KafkaNetClient(**network_options))
        return networks[-1]

    milliseconds = int(seconds * 1000)
    try:
        return client(**client_options(settings), kafka_client=network, bootstrap_timeout_ms=milliseconds, **options)
    except errors.KafkaTimeoutError as error:
        _close(networks)
        # No name for what is raised: it would hold on to this frame, and so to the client that did not connect.
        raise greet(settings) or Retry(
            f"no Kafka broker answers at {settings.brokers}; start it, or set KEPT_BROKERS"
        ) from error
    except errors.KafkaError as error:
        _close(networks)
        raise kept_error(error, f"brokers {settings.brokers}") from error


def greet(settings: Settings) -> KeptError | None:
    """Connect to one bootstrap server and ask it something: None when it answers, else why none did.

    A `Stop` when trying again cannot help. Takes `CONTACT_SECONDS` for each server at most.
    """
    refused: list[KeptError] = []
    for server in settings.broker_list():
        try:
            _ask(server, settings)
            return None
        except (OSError, errors.KafkaError) as error:
            refused.append(_refusal(server, error, settings))
    # A server that is away matters less than one that says no.
    return next((error for error in refused if isinstance(error, Stop)), refused[0])


def kept_error(error: Exception, where: str, advice: str = PUBLISH_AGAIN) -> KeptError:
    """The `Stop` or `Retry` that a kafka-python error means; `where` begins the message, `advice` ends a `Retry`."""
    for kind, cure in PERMANENT:
        if isinstance(error, kind) or (kind is errors.AuthorizationError and HIDDEN_REFUSAL.search(str(error))):
            return Stop(f"{where}: {cure} ({error})")
    return Retry(f"{where}: {error}; {advice}")


def _close(networks: list[KafkaNetClient]) -> None:
    """A client that could not be made leaves its sockets open."""
    for each in networks:
        each.close()


def _ask(server: str, settings: Settings) -> None:
    host, port = server.rsplit(":", 1)
    # The client gives the system's errors other names, and never closes a socket that did not connect.
    socket.create_connection((host, int(port)), timeout=CONTACT_SECONDS).close()
    network = NetworkSelector()
    milliseconds = CONTACT_SECONDS * 1000
    options = {**client_options(settings), "bootstrap_servers": [server], "request_timeout_ms": milliseconds}
    manager = KafkaConnectionManager(network, **options)

    async def first_contact() -> None:
        node = manager.cluster.bootstrap_brokers()[0].node_id
        await manager.get_connection(
            node, timeout_ms=milliseconds, pop_on_close=False, refresh_metadata_on_err=False
        )  # fmt: skip
        await manager.cluster.refresh_metadata(node)

    try:
        network.run(first_contact)
    finally:
        manager.close()
        network.close()


def _refusal(server: str, error: Exception, settings: Settings) -> KeptError:
    if isinstance(error, tuple(kind for kind, _ in PERMANENT)):
        return kept_error(error, f"the Kafka broker {server} cannot be used")
    refusal = why_refused(error, settings)
    if refusal is not None and refusal.permanent:
        return Stop(f"the Kafka broker {server} cannot be used: {refusal.words}")
    words = refusal.words if refusal is not None else f"{error}; start it, or set KEPT_BROKERS"
    return Retry(f"no Kafka broker answers at {server}: {words}")
