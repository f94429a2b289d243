"""What is sent to a page: taken only from that page itself, within bounds, as plain fields.

A browser says where a form was sent from. One that does not say so, or says another place, is refused: no other page
can make a reader record something.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from summaries.limits import SENDER

MOST_BYTES: Final = 16 * 1024
MOST_FIELDS: Final = 20
FORM: Final = "application/x-www-form-urlencoded"


class Refused(Exception):
    """What was sent is not taken: with this status, and why."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form that was sent by a page of this address; of one name the last. Raises `Refused`.

    Who sent it is said by `summaries.limits`, which stands before every page; where nothing is said, nothing is taken.
    """
    if request.scope.get(SENDER) != "own_page":
        raise Refused(403, "this was not sent by a page of this address; open the page itself and send it from there")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM:
        raise Refused(415, f"what was sent is no form ({FORM})")
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BYTES:
            raise Refused(413, f"what was sent has more than {MOST_BYTES} bytes; say it shorter")
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body), errors="strict",
            max_num_fields=MOST_FIELDS,
        )  # fmt: skip
    except ValueError:
        raise Refused(400, "what was sent is no form that a page of this address makes") from None
    return dict(pairs)
