"""Who may see what: a login for everything but the public page, by token or by a proxy that has asked for one.

Failed logins are not limited in number: a token has 16 characters or more, and a proxy before the board can.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from kept.errors import ConfigurationError
from kept.settings import Settings
from kept.tokens import Tokens

PUBLIC: Final = ("/promises", "/static", "/healthz")
"""What everybody may see: these paths, and what is below them."""
LOOPBACK: Final = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
MOST_NAME_CHARACTERS: Final = 100
NAMELESS: Final = "holder of a token"
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Access(Struct, frozen=True):
    """How people log in: by one of `tokens`, or by a proxy of `proxies` that names them in `user_header`.

    Neither: nobody needs to. That is for loopback, or for who has said so.
    """

    tokens: Tokens | None = None
    user_header: str = ""
    proxies: tuple[_Network, ...] = ()

    @property
    def needs_login(self) -> bool:
        """Whether there is any way to log in, and so a need to."""
        return self.tokens is not None or bool(self.user_header)


def access_of(settings: Settings) -> Access:
    """Who may see the board; raises `ConfigurationError` when it would be open to a network and nobody has said so."""
    tokens = None if settings.board_token is None else Tokens(settings.board_token, "KEPT_BOARD_TOKEN_FILE")
    proxies = tuple(_network(text.strip()) for text in settings.board_proxies.split(",") if text.strip())
    if proxies and not settings.board_user_header:
        raise ConfigurationError(
            "KEPT_BOARD_PROXIES is set without KEPT_BOARD_USER_HEADER; name the header in which the proxy says who has "
            "logged in, such as X-Forwarded-User"
        )
    access = Access(tokens, settings.board_user_header, (proxies or LOOPBACK) if settings.board_user_header else ())
    if settings.board_access == "open" and access.needs_login:
        raise ConfigurationError(
            "KEPT_BOARD_ACCESS is open, but a login is set as well; leave out KEPT_BOARD_ACCESS, or both "
            "KEPT_BOARD_TOKEN_FILE and KEPT_BOARD_USER_HEADER"
        )
    if not (access.needs_login or settings.board_access == "open" or is_loopback(settings.board_host)):
        raise ConfigurationError(
            f"KEPT_BOARD_HOST: {settings.board_host!r} is reached from other machines, and no login is set; set "
            "KEPT_BOARD_TOKEN_FILE (a token from `openssl rand -hex 32`), or KEPT_BOARD_USER_HEADER and "
            "KEPT_BOARD_PROXIES behind a proxy that asks for a login, or KEPT_BOARD_ACCESS=open if everybody may see "
            "everything"
        )
    return access


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens on `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_public(path: str) -> bool:
    """Whether everybody may see `path`."""
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in PUBLIC)


class Login:
    """Lets through who has logged in, and says in the scope who that is: `kept_user`."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        """Before `app`, behind whatever checks the Host."""
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers 401 or 403 itself."""
        if scope["type"] != "http" or not self._access.needs_login:
            await self._app(scope, receive, send)
            return
        user = user_of(self._access, scope)
        if user is not None:
            scope["kept_user"] = user
        elif not is_public(scope["path"]):
            await refusal(self._access)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def user_of(access: Access, scope: Scope) -> str | None:
    """Who asks, when it is proven; else None."""
    headers = Headers(scope=scope)
    named = headers.getlist(access.user_header) if access.user_header else []
    if len(named) == 1 and _is_from(access.proxies, scope) and (name := _name(_utf8(named[0]))):
        return name
    return None if access.tokens is None else _bearer_of(access.tokens, headers.getlist("authorization"))


def refusal(access: Access) -> PlainTextResponse:
    """What is told to who has not logged in; a browser asks for the token."""
    if access.tokens is None:
        words = f"Nobody is logged in: the proxy before this board must say who in {access.user_header}.\n"
        return PlainTextResponse(words, 403)
    words = "Log in with any name, and a token of the board as the password; programs send it as a bearer token.\n"
    return PlainTextResponse(words, 401, {"www-authenticate": 'Basic realm="Kept", charset="UTF-8"'})


def _bearer_of(tokens: Tokens, given: Sequence[str]) -> str | None:
    if len(given) != 1:
        return None
    if tokens.accept(given[0]):
        return NAMELESS
    scheme, _, coded = given[0].partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, token = base64.b64decode(coded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (_name(name) or NAMELESS) if colon and tokens.know(token) else None


def _name(text: str) -> str:
    """A name as it may be shown: one line of visible characters."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())[
        :MOST_NAME_CHARACTERS
    ]


def _utf8(text: str) -> str:
    """The value of a header, which arrives as one character a byte."""
    return text.encode("latin-1").decode("utf-8", "replace")


def _is_from(proxies: Sequence[_Network], scope: Scope) -> bool:
    """Whether the connection itself comes from one of `proxies`; what a header says of that is not asked."""
    client = scope.get("client")
    if not client:
        return False
    try:
        address = ipaddress.ip_address(client[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in proxies)


def _network(text: str) -> _Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise ConfigurationError(
            f"KEPT_BOARD_PROXIES: {text!r} is no address or network ({error}); valid: such as 10.1.2.3 or 10.1.0.0/16"
        ) from error
