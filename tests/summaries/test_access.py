"""Who sees the board: everybody the public page, and who has logged in the rest; what makes no sense is refused."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from history.sqlite import SQLiteHistory
from kept.errors import ConfigurationError
from kept.settings import Settings, read_settings
from kept.tokens import Tokens
from summaries.access import NAMELESS, PUBLIC, Access, Login, access_of, is_public
from summaries.application import CHANGES, application
from tests.summaries.asking import ask
from tests.summaries.figures import CITY, NOW
from web_server.clients import LOOPBACK

TOKEN, OTHER = "a-token-of-16-or-more", "another-token-of-16-or-more"
BY_TOKEN = Access(tokens=Tokens(f"{TOKEN}\n{OTHER}\n"))


def settings(**variables: str) -> Settings:
    return read_settings({f"KEPT_{name.upper()}": value for name, value in variables.items()})


def by_proxy(proxies: str = "10.1.0.0/16, 2001:db8::/32") -> Access:
    return access_of(settings(board_user_header="X-Forwarded-User", board_proxies=proxies))


def basic(name: str, token: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{token}".encode()).decode()}


def who(access: Access, headers: dict[str, str] | None = None, client: str = "127.0.0.1") -> Any:
    """Who the application is told asks, or the status of a refusal."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await JSONResponse(scope.get("kept_user"))(scope, receive, send)

    async def from_client(scope: Scope, receive: Receive, send: Send) -> None:
        await Login(answer, access)({**scope, "client": (client, 40_000)}, receive, send)

    said = ask(from_client, "/", headers=headers)
    return json.loads(said.body) if said.status == 200 else said.status


@pytest.mark.parametrize("token", [TOKEN, OTHER])
def test_a_token_lets_programs_and_people_in(token: str) -> None:
    assert who(BY_TOKEN, {"authorization": f"Bearer {token}"}) == NAMELESS
    assert who(BY_TOKEN, basic("Zoë", token)) == "Zoë"
    assert who(BY_TOKEN, basic("", token)) == NAMELESS


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"authorization": f"Bearer {TOKEN[:-1]}"},
        {"authorization": f"Bearer {TOKEN}\n{OTHER}"},
        {"authorization": TOKEN},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": "Basic " + base64.b64encode(TOKEN.encode()).decode()},
        {"authorization": "Basic " + base64.b64encode(b"\xff:" + TOKEN.encode()).decode()},
        basic(TOKEN, ""),
        basic("x", f"{TOKEN}:"),
        {"x-forwarded-user": "eve"},
    ],
    ids=[
        "nothing", "nearly", "two", "bare", "plain", "no-colon", "no-text", "as-name", "more-colons", "of-a-proxy"
    ],
)  # fmt: skip
def test_anything_else_is_asked_to_log_in(given: dict[str, str]) -> None:
    assert who(BY_TOKEN, given) == 401


def test_a_proxy_says_who_has_logged_in() -> None:
    for client in ("10.1.2.3", "::ffff:10.1.2.3", "2001:db8::7"):
        assert who(by_proxy(), {"x-forwarded-user": "ada@example.org"}, client) == "ada@example.org"


@pytest.mark.parametrize("client", ["10.2.0.1", "192.0.2.1", "2001:db9::1", "127.0.0.1", "unix"])
def test_nobody_else_may_say_so(client: str) -> None:
    given = {"x-forwarded-user": "eve", "x-forwarded-for": "127.0.0.1", "forwarded": "for=127.0.0.1"}
    assert who(by_proxy(), given, client) == 403


@pytest.mark.parametrize("name", ["", "  ", "\t"])
def test_a_proxy_that_names_nobody_lets_nobody_in(name: str) -> None:
    assert who(by_proxy(), {"x-forwarded-user": name}, "10.1.2.3") == 403


def test_a_name_is_one_short_line() -> None:
    assert who(by_proxy(), {"x-forwarded-user": "Ada \u202e" + "x" * 500}, "10.1.2.3") == "Ada " + "x" * 96
    assert who(BY_TOKEN, basic("A\nda\x00", TOKEN)) == "A da"


def test_with_both_either_is_enough() -> None:
    both = access_of(settings(board_user_header="X-Forwarded-User", board_token=TOKEN))
    assert who(both, {"x-forwarded-user": "ada"}) == "ada"
    assert who(both, {"authorization": f"Bearer {TOKEN}"}, "192.0.2.1") == NAMELESS
    assert who(both, {"x-forwarded-user": "ada"}, "192.0.2.1") == 401


@pytest.mark.parametrize("path", ["/promises", "/promises/lights", "/static/site.css", "/healthz"])
def test_everybody_may_see_what_is_public(path: str) -> None:
    assert is_public(path)


@pytest.mark.parametrize("path", ["/", "/promisesX", "/static-x", "/service/promises", "/api/promises", "//promises"])
def test_nothing_else_is_public(path: str) -> None:
    assert not is_public(path)


def test_who_tries_tokens_out_is_not_looked_at_for_a_while() -> None:
    now = 1000.0
    login = Login(nothing, BY_TOKEN, clock=lambda: now)
    known, guess = basic("ada", TOKEN), basic("eve", "a-guess-of-16-characters")
    assert ask(login, "/", headers=known).status == 200
    assert [ask(login, "/", headers=guess).status for _ in range(11)] == [401] * 10 + [429]
    # A right token is not told from a wrong one then, unless it was let in before.
    assert ask(login, "/", headers=basic("eve", OTHER)).status == 429
    assert ask(login, "/", headers=guess).headers["retry-after"] == "6"
    assert ask(login, "/", headers=known).status == 200
    assert ask(login, "/").status == 401
    assert ask(login, "/promises", headers=guess).status == 200
    now += 6.1
    assert ask(login, "/", headers=basic("eve", OTHER)).status == 200


def test_failures_are_counted_by_the_client_that_a_trusted_proxy_names() -> None:
    login = Login(nothing, BY_TOKEN, LOOPBACK, clock=lambda: 0.0)
    wrong = {"authorization": "Bearer wrong"}
    for _ in range(11):
        last = ask(login, "/", headers={**wrong, "x-forwarded-for": "192.0.2.1"}).status
    assert last == 429
    assert ask(login, "/", headers={**wrong, "x-forwarded-for": "192.0.2.2"}).status == 401


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    await JSONResponse(None)(scope, receive, send)


def app(tmp_path: Path, access: Access | None) -> Starlette:
    path = tmp_path / "history.sqlite"
    return application(CITY, lambda: SQLiteHistory(path, read_only=True), clock=lambda: NOW, access=access)


def test_no_route_of_the_application_is_open_but_the_public_ones(tmp_path: Path) -> None:
    pages = app(tmp_path, BY_TOKEN)
    paths = [route.path for route in pages.routes if isinstance(route, Route)]
    assert len(paths) > 3
    for path in (*paths, "/nothing", CHANGES):
        if is_public(path):
            continue
        said = ask(pages, path)
        assert (said.status, said.headers["www-authenticate"][:5]) == (401, "Basic"), path
        assert "content-security-policy" in said.headers
    assert {ask(pages, path).status for path in ("/healthz", "/static/site.css")} == {200}
    assert ask(pages, "/", headers=basic("ada", TOKEN)).status == 200


def test_what_is_public_is_a_list_that_somebody_has_looked_at() -> None:
    assert PUBLIC == ("/promises", "/static", "/healthz")


def test_a_page_says_who_is_logged_in(tmp_path: Path) -> None:
    assert (
        "Logged in as <bdi>&lt;b&gt;ada</bdi>."
        in ask(app(tmp_path, BY_TOKEN), "/", headers=basic("<b>ada", TOKEN)).text
    )


def test_a_foreign_host_name_learns_nothing_of_the_login(tmp_path: Path) -> None:
    assert ask(app(tmp_path, BY_TOKEN), "/", headers={"host": "evil.example"}).status == 400


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "::1"])
def test_on_loopback_nobody_needs_to_log_in(host: str, tmp_path: Path) -> None:
    access = access_of(settings(board_host=host))
    assert not access.needs_login
    assert ask(app(tmp_path, access), "/").status == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "board.example.org", "127.0.0.1.example.org"])
def test_beyond_loopback_it_does_not_start_without_a_login(host: str) -> None:
    with pytest.raises(ConfigurationError, match="KEPT_BOARD_ACCESS=open") as refused:
        access_of(settings(board_host=host))
    assert "KEPT_BOARD_TOKEN_FILE" in str(refused.value)
    assert not access_of(settings(board_host=host, board_access="open")).needs_login
    assert access_of(settings(board_host=host, board_token=TOKEN)).needs_login


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"board_token": "short"}, "KEPT_BOARD_TOKEN_FILE: line 1 is no token"),
        ({"board_token": ""}, "KEPT_BOARD_TOKEN_FILE: not set, or no token in it"),
        ({"board_proxies": "10.0.0.1"}, "KEPT_BOARD_PROXIES is set without KEPT_BOARD_USER_HEADER"),
        ({"board_proxies": "proxy", "board_user_header": "X-User"}, "KEPT_BOARD_PROXIES: 'proxy' is no address"),
        ({"board_proxies": "10.0.0.1/8", "board_user_header": "X-User"}, "has host bits set"),
        ({"board_access": "open", "board_token": TOKEN}, "KEPT_BOARD_ACCESS is open, but a login is set"),
        ({"board_access": "open", "board_user_header": "X-User"}, "KEPT_BOARD_ACCESS is open, but a login is set"),
        ({"board_access": "none"}, "KEPT_BOARD_ACCESS: Invalid enum value 'none', seen 'none'; valid: login, open"),
        ({"board_user_header": "X User"}, "KEPT_BOARD_USER_HEADER: "),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_what_makes_no_sense_is_refused_by_its_name(told: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        access_of(settings(**told))
    assert words in str(refused.value)
    assert TOKEN not in str(refused.value)


def test_a_token_is_a_secret_of_the_settings() -> None:
    assert TOKEN not in repr(settings(board_token=TOKEN))
