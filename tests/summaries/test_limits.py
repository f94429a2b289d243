"""What no page asks for is refused before any page is asked."""

from __future__ import annotations

import asyncio
import http.client
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from history.sqlite import SQLiteHistory
from summaries.application import CHANGES, application
from summaries.limits import MOST_BODY_BYTES, MOST_TARGET_BYTES, Limits, Sender, sender
from summaries.server import Server
from summaries.watch import MOST_STREAMS
from tests.summaries.asking import ask
from tests.summaries.conftest import serving
from tests.summaries.figures import CITY
from web_server.connections import LimitedConfig


async def length(request: Request) -> Response:
    return JSONResponse(len(await request.body()))


APP = Starlette(
    routes=[Route("/", length, methods=["GET", "POST"])], middleware=[Middleware(Limits, names=["kept.example.org"])]
)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "TRACE", "PROPFIND", "x" * 500])
def test_a_method_that_no_page_knows_is_refused(method: str) -> None:
    answer = ask(APP, "/", method=method)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, POST")
    assert len(answer.body) < 200


def test_an_address_is_not_endless() -> None:
    assert ask(APP, "/?" + "x" * (MOST_TARGET_BYTES - 1)).status == 200
    assert ask(APP, "/?" + "x" * MOST_TARGET_BYTES).status == 414


def test_a_body_is_not_endless() -> None:
    assert ask(APP, "/", method="POST", body=b"x" * MOST_BODY_BYTES).text == str(MOST_BODY_BYTES)
    assert ask(APP, "/", method="POST", body=b"x" * (MOST_BODY_BYTES + 1)).status == 413


@pytest.mark.parametrize("said", ["-1", "ten", "9" * 5000, "٣"])
def test_a_length_that_is_none_is_refused(said: str) -> None:
    sent = said.encode().decode("latin-1") if not said.isascii() else said
    assert ask(APP, "/", method="POST", headers={"content-length": sent}).status == 413


def test_a_body_without_a_length_is_counted_as_it_comes() -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"x" * 40_000, "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/", "raw_path": b"/", "query_string": b"", "root_path": "",
        "headers": [(b"transfer-encoding", b"chunked")],
    }  # fmt: skip
    asyncio.run(APP(scope, receive, send))
    assert [message["status"] for message in sent if "status" in message] == [413]


def test_a_body_that_does_not_come_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("summaries.limits.BODY_SECONDS", 0.05)
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(20)
        raise AssertionError("nobody waits so long")

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/", "raw_path": b"/", "query_string": b"", "root_path": "",
        "headers": [(b"content-length", b"100")],
    }  # fmt: skip
    asyncio.run(APP(scope, receive, send))
    assert [message["status"] for message in sent if "status" in message] == [408]


def test_a_viewer_who_asks_too_often_is_told_when_to_come_again(history_file: Path) -> None:
    board = application(CITY, lambda: SQLiteHistory(history_file, read_only=True), requests_per_second=0.3)
    with serving(board) as address:
        port = urlsplit(address).port
        assert port
        seen = [status_and_wait(port) for _ in range(5)]
    assert [status for status, _ in seen] == [200, 200, 200, 429, 429]
    assert seen[-1][1] in ("3", "4")


def status_and_wait(port: int) -> tuple[int, str | None]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/healthz")
        response = connection.getresponse()
        assert response.getheader("content-security-policy")
        return response.status, response.getheader("retry-after")
    finally:
        connection.close()


def test_the_board_has_the_limits_of_its_server() -> None:
    config = Server(APP, "127.0.0.1", 0).config
    assert isinstance(config, LimitedConfig)
    assert (config.limits.head_seconds, config.limits.request_seconds, config.limits.of_one_client) == (10, 60, 400)
    assert MOST_STREAMS < config.limits.of_one_client < config.limits.connections
    assert config.limits.endless == {CHANGES}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://127.0.0.1"}, 200),
        ({"origin": "https://kept.example.org"}, 200),
        ({"sec-fetch-site": "same-origin", "origin": "http://127.0.0.1"}, 200),
        ({"sec-fetch-site": "none"}, 200),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "https://kept.example.org.evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://[broken"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site", "origin": "http://127.0.0.1"}, 403),
    ],
    ids=lambda value: "-".join(value.values()) or "a-program" if isinstance(value, dict) else str(value),
)
def test_a_form_of_another_site_is_refused(headers: dict[str, str], status: int) -> None:
    assert ask(APP, "/", method="POST", headers=headers).status == status
    assert ask(APP, "/", headers=headers).status == 200


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"origin": "https://kept.example", "host": "kept.example"}, "own_page"),
        ({"origin": "https://kept.example:8443", "host": "kept.example"}, "other_site"),
        ({"origin": "https://kept.example"}, "other_site"),
        ({"origin": "null", "host": ""}, "other_site"),
        ({"sec-fetch-site": "same-origin"}, "own_page"),
        ({"sec-fetch-site": "none"}, "unsaid"),
        ({"sec-fetch-site": "none", "origin": "https://elsewhere.example", "host": "kept.example"}, "other_site"),
        ({"host": "kept.example"}, "unsaid"),
    ],
)
def test_who_sent_a_form_is_told_by_what_a_browser_says(headers: dict[str, str], said: Sender) -> None:
    assert sender(headers, ()) == said
