"""How Kept's settings become aiokafka's and Faust's, and its errors become ours. The only place that knows both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import faust
from aiokafka import errors
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.conn import create_conn
from aiokafka.protocol.api import Request
from aiokafka.protocol.metadata import MetadataRequest

from kept.errors import KeptError, Retry, Stop
from kept.refused_connections import why_refused
from kept.settings import Settings
from kept.tls import tls_context

CONTACT_SECONDS = 5.0
"""A broker that takes longer to greet is as good as away."""
PERMANENT: tuple[tuple[type[errors.KafkaError], str], ...] = (
    (errors.SaslAuthenticationFailed, "it refuses this login; check KEPT_SASL_USERNAME and KEPT_SASL_PASSWORD_FILE"),
    (errors.UnsupportedSaslMechanismError, "it does not know this mechanism; check KEPT_SASL_MECHANISM"),
    (errors.IllegalSaslStateError, "it takes no login there; check the port and KEPT_SECURITY_PROTOCOL"),
)


def client_settings(settings: Settings) -> dict[str, Any]:
    """Connection options of every aiokafka client; raises `ConfigurationError` for a password in the clear."""
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


@asynccontextmanager
async def admin_client(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """A started admin client, closed at the end, also when it cannot be started."""
    admin = AIOKafkaAdminClient(**client_settings(settings))
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


def faust_credentials(settings: Settings) -> Any:
    """Faust's credentials object, or None for a plain connection."""
    if settings.security_protocol == "PLAINTEXT":
        return None
    context = tls_context(settings) if settings.uses_tls() else None
    if settings.security_protocol == "SSL":
        return faust.SSLCredentials(context)
    return faust.SASLCredentials(
        username=settings.sasl_username,
        password=settings.sasl_password,
        mechanism=settings.sasl_mechanism,
        ssl_context=context,
    )


async def greet(settings: Settings) -> None:
    """Connect to one bootstrap server and ask it something, as the clients do, but keep the reason when it fails.

    Raises as `asked` does.
    """
    await asked(settings, MetadataRequest([]))


async def asked(settings: Settings, request: Request[Any]) -> Any:
    """What the first bootstrap server that answers says to `request`.

    Raises `Stop` when trying again cannot help, `Retry` when no server answers within `CONTACT_SECONDS` each.
    """
    options = client_settings(settings)
    refused: list[KeptError] = []
    for server in options.pop("bootstrap_servers"):
        try:
            async with asyncio.timeout(CONTACT_SECONDS):
                return await _ask(server, options, request)
        except (OSError, TimeoutError, EOFError, errors.KafkaError) as error:
            refused.append(_refusal(server, error, settings))
    # A server that is away matters less than one that says no.
    raise next((error for error in refused if isinstance(error, Stop)), refused[0])


async def _ask(server: str, options: dict[str, Any], request: Request[Any]) -> Any:
    host, port = server.rsplit(":", 1)
    milliseconds = int(CONTACT_SECONDS * 1000)
    connection = await create_conn(host, int(port), client_id="kept", request_timeout_ms=milliseconds, **options)
    try:
        return await connection.send(request)
    finally:
        connection.close()
        await asyncio.sleep(0)  # the loop closes the socket


def _refusal(server: str, error: Exception, settings: Settings) -> KeptError:
    for kind, advice in PERMANENT:
        if isinstance(error, kind):
            return Stop(f"the Kafka broker {server} cannot be used: {advice} ({error})")
    refusal = why_refused(error, settings)
    if refusal is not None and refusal.permanent:
        return Stop(f"the Kafka broker {server} cannot be used: {refusal.words}")
    words = refusal.words if refusal is not None else f"{error}; start it, or set KEPT_BROKERS"
    return Retry(f"no Kafka broker answers at {server}: {words}")
