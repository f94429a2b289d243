"""The life of the intake: bind, accept, and on SIGTERM refuse, drain and end. SIGHUP reads the tokens anew."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Callable

from kept.catalogue import Catalogue
from kept.errors import ConfigurationError, KeptError, Retry
from kept.intake import rules_by_service
from kept.settings import Settings
from kept.tokens import Tokens
from kept.topics import topics
from producers.durable_publisher import DurablePublisher
from producers.intake.app import Intake
from producers.intake.protocol import IntakeServer, server_of

DRAIN_SECONDS = 5.0
"""What waits is delivered for so long when the intake stops; the rest is after the next start."""

log = logging.getLogger("kept.intake")


def run_intake(settings: Settings, catalogue: Catalogue, read_tokens: Callable[[], Tokens]) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises `ConfigurationError` without tokens, with a port that is taken, a spool that another process has, or a spool
    too small for the largest body; `StateError` when the spool is damaged; `Stop` when the topic is missing.
    """
    tokens = read_tokens()
    if settings.spool_bytes < 8 * settings.intake_body_bytes:
        raise ConfigurationError(
            f"KEPT_SPOOL_BYTES: seen {settings.spool_bytes}; valid: at least {8 * settings.intake_body_bytes}, "
            "which is 8 times KEPT_INTAKE_BODY_BYTES"
        )
    topic = topics(settings.topic_prefix, settings.partitions).events.name
    with (
        _listen(settings.intake_host, settings.intake_port) as listener,
        DurablePublisher(topic, settings) as publisher,
    ):
        intake = Intake(settings, rules_by_service(catalogue), publisher, tokens)
        asyncio.run(_serve(intake, publisher, listener, read_tokens))
        waiting = publisher.spool.waiting
    if waiting:
        log.warning("stopped; %d events wait in %s and are sent after the next start", waiting, settings.spool_folder)


async def _serve(
    intake: Intake, publisher: DurablePublisher, listener: socket.socket, read_tokens: Callable[[], Tokens]
) -> None:
    server = server_of(intake.application())
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


async def _drain(intake: Intake, publisher: DurablePublisher, server: IntakeServer) -> None:
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


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()  # at once: whoever reads the address in the log may use it
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"KEPT_INTAKE_PORT: {host}:{port} cannot be used ({error.strerror}); set a free port, or 0 for any"
        ) from error
    return listener
