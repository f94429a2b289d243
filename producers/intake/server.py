"""The life of the intake: bind, accept, and on SIGTERM refuse, drain and end. SIGHUP reads the tokens anew."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Callable

from kept.case_hashing import CaseHashing
from kept.catalogue import Catalogue
from kept.errors import ConfigurationError, KeptError, Retry
from kept.intake import rules_by_service
from kept.settings import Settings
from kept.tokens import Tokens
from kept.topics import topics
from producers.durable_publisher import DurablePublisher
from producers.intake.app import Intake
from web_server.clients import networks_of
from web_server.connections import ConnectionLimits, LimitedConfig, LimitedServer, listen

DRAIN_SECONDS = 3.0
"""What waits is delivered for so long when the intake stops; the rest is after the next start."""

log = logging.getLogger("kept.intake")


def run_intake(settings: Settings, catalogue: Catalogue, read_tokens: Callable[[], Tokens]) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises `ConfigurationError` without tokens, without the key that the catalogue needs, with a port that is taken, a
    spool that another process has, or a spool too small for the largest body; `StateError` when the spool is damaged;
    `Stop` when the topic is missing.
    """
    tokens = read_tokens()
    hashing = CaseHashing(catalogue, settings.case_key)
    if settings.spool_bytes < 8 * settings.intake_body_bytes:
        raise ConfigurationError(
            f"KEPT_SPOOL_BYTES: seen {settings.spool_bytes}; valid: at least {8 * settings.intake_body_bytes}, "
            "which is 8 times KEPT_INTAKE_BODY_BYTES"
        )
    topic = topics(settings.topic_prefix, settings.partitions).events.name
    with (
        listen("KEPT_INTAKE_PORT", settings.intake_host, settings.intake_port) as listener,
        DurablePublisher(topic, settings) as publisher,
    ):
        intake = Intake(settings, rules_by_service(catalogue), publisher, tokens, hashing)
        server = server_of(intake, settings)
        asyncio.run(_serve(intake, publisher, listener, read_tokens, server))
        waiting = publisher.spool.waiting
    if waiting:
        log.warning("stopped; %d events wait in %s and are sent after the next start", waiting, settings.spool_folder)


def server_of(intake: Intake, settings: Settings) -> LimitedServer:
    """The server of the intake's application, with its limits."""
    proxies = networks_of("KEPT_TRUSTED_PROXIES", settings.trusted_proxies)
    return LimitedServer(LimitedConfig(intake.application(), ConnectionLimits(proxies=proxies)))


async def _serve(
    intake: Intake,
    publisher: DurablePublisher,
    listener: socket.socket,
    read_tokens: Callable[[], Tokens],
    server: LimitedServer,
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, _renew, intake, read_tokens)
    host, port = listener.getsockname()[:2]
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    log.warning("the intake takes events at http://%s:%s/events", f"[{host}]" if ":" in host else host, port)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not serving.done():
        await _drain(intake, publisher, server)
    await serving


async def _drain(intake: Intake, publisher: DurablePublisher, server: LimitedServer) -> None:
    intake.stopping = True  # those who come now are told to come again
    try:
        if publisher.delivery.connected():
            await asyncio.to_thread(publisher.finish, DRAIN_SECONDS)
    except Retry as error:
        log.error("%s", error)
    finally:
        server.should_exit = True


def _renew(intake: Intake, read_tokens: Callable[[], Tokens]) -> None:
    try:
        intake.tokens = read_tokens()
    except KeptError as error:
        log.error("the tokens stay as they were: %s", error)
    else:
        log.warning("%d tokens are accepted", len(intake.tokens))
