"""Who may see what: a login for everything but the public page, by token or by a proxy that has asked for one."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from kept.errors import ConfigurationError
from kept.loopback import is_loopback
from kept.settings import Settings
from kept.tokens import Tokens
from web_server.clients import LOOPBACK, Network, client_of, is_from, networks_of
from web_server.failed_logins import FailedLogins
from web_server.rates import retry_after

PUBLIC: Final = ("/promises", "/static", "/healthz")
"""What everybody may see: these paths, and what is below them."""
MOST_NAME_CHARACTERS: Final = 100
NAMELESS: Final = "holder of a token"


class Access(Struct, frozen=True):
    """How people log in: by one of `tokens`, or by a proxy of `proxies` that names them in `user_header`.

    Neither: nobody needs to. That is for loopback, or for who has said so.
    """

    tokens: Tokens | None = None
    user_header: str = ""
    proxies: tuple[Network, ...] = ()

    @property
    def needs_login(self) -> bool:
        """Whether there is any way to log in, and so a need to."""
        return self.tokens is not None or bool(self.user_header)


def access_of(settings: Settings) -> Access:
    """Who may see the board; raises `ConfigurationError` when it would be open to a network and nobody has said so."""
    tokens = None if settings.board_token is None else Tokens(settings.board_token, "KEPT_BOARD_TOKEN_FILE")
    proxies = networks_of("KEPT_BOARD_PROXIES", settings.board_proxies)
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


def is_public(path: str) -> bool:
    """Whether everybody may see `path`."""
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in PUBLIC)


class Login:
    """Lets through who has logged in, and says in the scope who that is: `kept_user`."""

    def __init__(
        self,
        app: ASGIApp,
        access: Access,
        trusted_proxies: Sequence[Network] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Before `app`, behind whatever checks the Host. `trusted_proxies` tell whose failures are counted together."""
        self._app = app
        self._access = access
        self._trusted_proxies = trusted_proxies
        self._clock = clock
        self._failed = FailedLogins()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers 401, 403 or 429 itself."""
        if scope["type"] != "http" or not self._access.needs_login:
            await self._app(scope, receive, send)
            return
        user, wait = self._user(scope)
        if user is not None:
            scope["kept_user"] = user
        elif not is_public(scope["path"]):
            await (too_many_failures(wait) if wait else refusal(self._access))(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _user(self, scope: Scope) -> tuple[str | None, float]:
        """Who asks, when it is proven, else None; and the seconds until credentials from there are looked at again."""
        access, headers = self._access, Headers(scope=scope)
        named = headers.getlist(access.user_header) if access.user_header else []
        if len(named) == 1 and is_from(access.proxies, scope) and (name := _name(_utf8(named[0]))):
            return name, 0.0
        given = headers.getlist("authorization")
        if access.tokens is None or not given:
            return None, 0.0
        user = _bearer_of(access.tokens, given)
        client = client_of(scope, self._trusted_proxies)
        wait = self._failed.wait(client, "\n".join(given), user is not None, self._clock())
        return (None, wait) if wait else (user, 0.0)


def refusal(access: Access) -> PlainTextResponse:
    """What is told to who has not logged in; a browser asks for the token."""
    if access.tokens is None:
        words = f"Nobody is logged in: the proxy before this board must say who in {access.user_header}.\n"
        return PlainTextResponse(words, 403)
    words = "Log in with any name, and a token of the board as the password; programs send it as a bearer token.\n"
    return PlainTextResponse(words, 401, {"www-authenticate": 'Basic realm="Kept", charset="UTF-8"'})


def too_many_failures(wait: float) -> PlainTextResponse:
    """What is told to whose credentials are not looked at for `wait` seconds, right or not."""
    return PlainTextResponse("Too many logins from here have failed; try again later.\n", 429, retry_after(wait))


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
