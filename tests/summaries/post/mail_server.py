"""A real SMTP server on loopback that keeps what it is handed, or refuses it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from local_stack.ports import LOOPBACK, free_port

NAME, PASSWORD = "kept", "correct horse"


@dataclass
class Box:
    """What arrived: (sender, recipients, content). `refuse` maps a recipient to the reply it gets."""

    port: int = field(default_factory=free_port)
    arrived: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)
    goodbye: str = "221 Bye"

    @property
    def server(self) -> str:
        """`host:port`."""
        return f"{LOOPBACK}:{self.port}"

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_QUIT(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        return self.goodbye

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.arrived.append((envelope.mail_from, list(envelope.rcpt_tos), bytes(envelope.original_content)))
        return "250 OK"


@contextmanager
def mail_server(*, tls: ssl.SSLContext | None = None, login: bool = False) -> Iterator[Box]:
    """A server that offers STARTTLS with `tls`, and takes nothing without a login with `login`."""
    box = Box()

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (NAME.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=False)

    controller = Controller(
        box,
        hostname=LOOPBACK,
        port=box.port,
        tls_context=tls,
        require_starttls=tls is not None,
        authenticator=authenticate if login else None,
        auth_required=login,
    )
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
