"""The body of a request: its type, read within bounds of size and time, and decompressed within the same bound."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping

from starlette.requests import Request

from producers.intake.problems import Problem

SINGLE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
EITHER = "application/json"
BODY_SECONDS = 30.0
"""A body that takes longer is refused: slow senders must not hold all places."""
_DRAINED = 4
"""Of a body that is too large so many times the limit is read and thrown away, so that the sender sees the answer."""


def check_headers(headers: Mapping[str, str]) -> str:
    """The content type, one of the three; raises `Problem` for what cannot be read here."""
    content_type, _, parameters = headers.get("content-type", "").partition(";")
    kind = content_type.strip().lower()
    valid = f"valid: {SINGLE} or {EITHER} (one event), {BATCH} (an array of events)"
    if "ce-specversion" in headers:
        raise Problem("wrong_type", f"binary mode (ce- headers) is not read here; {valid}")
    if kind not in (SINGLE, BATCH, EITHER):
        raise Problem("wrong_type", f"the Content-Type is another or missing; {valid}")
    charset = parameters.lower().replace(" ", "").replace('"', "")
    if "charset=" in charset and "charset=utf-8" not in charset:
        raise Problem("wrong_type", "JSON is UTF-8; leave the charset out")
    if headers.get("content-encoding", "identity").strip().lower() not in ("identity", "gzip"):
        raise Problem("wrong_encoding", "valid: gzip, or none", headers={"accept-encoding": "gzip"})
    return kind


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body, decompressed; raises `Problem` when it is larger than `limit` bytes, too slow or not gzip."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await _read_up_to(request, limit)
    except TimeoutError as error:
        detail = f"the body takes longer than {BODY_SECONDS:g} s; send less at once"
        raise Problem("too_slow", detail, headers={"connection": "close"}) from error
    if request.headers.get("content-encoding", "identity").strip().lower() == "gzip":
        return _unzipped(body, limit)
    return body


async def _read_up_to(request: Request, limit: int) -> bytes:
    declared = request.headers.get("content-length", "")
    chunks: list[bytes] = []
    size = 0
    too_large = declared.isdecimal() and int(declared) > limit
    async for chunk in request.stream():
        size += len(chunk)
        too_large = too_large or size > limit
        if not too_large:
            chunks.append(chunk)
        elif size > _DRAINED * limit:
            break
        else:
            chunks.clear()
    if too_large:
        raise _too_large(limit, {"connection": "close"})
    return b"".join(chunks)


def _too_large(limit: int, headers: dict[str, str] | None = None) -> Problem:
    detail = f"a body has at most {limit} bytes, also when it is decompressed; send smaller batches"
    return Problem("too_large", detail, headers=headers)


def _unzipped(body: bytes, limit: int) -> bytes:
    decompressor = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        data = decompressor.decompress(body, limit + 1)
    except zlib.error as error:
        raise Problem("bad_body", "Content-Encoding says gzip, but the body is not") from error
    if len(data) > limit:
        raise _too_large(limit)
    if not decompressor.eof or decompressor.unused_data:
        raise Problem("bad_body", "the gzip body is cut off, or something follows it")
    return data
