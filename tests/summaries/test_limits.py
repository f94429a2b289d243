"""What no page asks for is refused before any page is asked."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from summaries.limits import MOST_BODY_BYTES, MOST_TARGET_BYTES, Limits
from tests.summaries.asking import ask


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
