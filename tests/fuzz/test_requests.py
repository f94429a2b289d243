"""Requests to the intake, damaged by chance: an answer that is foreseen, nothing accepted in part, no value echoed."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kept.case_hashing import CaseHashing
from kept.intake import Rules
from kept.settings import Settings
from kept.tokens import Tokens
from producers.intake.app import Intake
from tests.fuzz.mutations import MUTATIONS, Mutation
from tests.kept.city import LIGHTS
from tests.producers.intake.conftest import BATCH, SINGLE, TOKEN, raw

fuzzing = settings(deadline=None, max_examples=300)
FORESEEN = {202, 400, 401, 404, 405, 413, 415}
KINDS = st.sampled_from(
    [SINGLE, BATCH, "application/json", "application/json; charset=utf-16", "text/plain", "", "\xff"]
)
ENCODINGS = st.sampled_from([None, None, "gzip", "identity", "br", "gzip, gzip", "\xff"])
AUTHORIZATIONS = st.sampled_from(
    [f"Bearer {TOKEN}"] * 6 + ["", "Bearer", "Bearer \xff", "Basic !!", f"bearer  {TOKEN}"]
)


class Accepting:
    """A publisher with room, that remembers what was accepted."""

    def __init__(self) -> None:
        self.values: list[bytes] = []
        self.accepted = 0

    def submit(self, messages: Sequence[Any]) -> Future[None]:
        self.values += [message.value for message in messages]
        done: Future[None] = Future()
        done.set_result(None)
        return done


def ask(intake: Intake, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "http_version": "1.1", "method": method, "path": path, "raw_path": path.encode(),
        "scheme": "http", "query_string": b"", "root_path": "", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
    }  # fmt: skip
    asyncio.run(intake.application()(scope, receive, send))
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent)


@pytest.fixture(scope="module")
def rules() -> Iterator[dict[str, Rules]]:
    yield {LIGHTS.id: Rules(LIGHTS)}


@fuzzing
@given(
    st.lists(st.tuples(st.sampled_from(MUTATIONS), st.integers(0, 2**32)), max_size=4),
    KINDS, ENCODINGS, AUTHORIZATIONS, st.booleans(), st.sampled_from(["POST"] * 8 + ["GET", "PUT", "\xff"]),
    st.sampled_from(["/events"] * 8 + ["/events/", "/", "/healthz/../events", "//events"]),
)  # fmt: skip
def test_any_request_is_answered_as_foreseen(
    rules: dict[str, Rules],
    damage: list[tuple[Mutation, int]],
    kind: str,
    encoding: str | None,
    authorization: str,
    honest: bool,
    method: str,
    path: str,
) -> None:
    publisher = Accepting()
    intake = Intake(Settings(intake_body_bytes=20_000), rules, publisher, Tokens(TOKEN), CaseHashing({}, None))  # type: ignore[arg-type]
    events = [mutation(raw(number), Random(seed)) for number, (mutation, seed) in enumerate(damage)]
    body = events[0] if len(events) == 1 else b"[" + b",".join([raw(9), *events]) + b"]"
    if encoding == "gzip" and honest:
        body = gzip.compress(body)
    headers = {"content-type": kind, "authorization": authorization}
    if encoding is not None:
        headers["content-encoding"] = encoding
    status, said = ask(intake, method, path, headers, body)
    assert status in FORESEEN
    assert b"SECRET" not in said and TOKEN.encode() not in said
    if status == 202:
        assert json.loads(said)["accepted"] == len(publisher.values)
    else:
        assert publisher.values == []
        assert json.loads(said)["type"].startswith("urn:kept:problem:") or status in (404, 405)
