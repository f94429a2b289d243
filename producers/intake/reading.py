"""A body -> messages for the topic: all of its events are good, or the request is refused and each bad one is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from kept import admission
from kept import events as e
from kept.case_hashing import CaseHashing
from kept.errors import Reject
from kept.intake import Rules
from producers.intake.bodies import BATCH, EITHER
from producers.intake.problems import Problem
from producers.spool import Message

SHOWN = 100
"""Bad events told of in one answer."""

_decode_array = msgspec.json.Decoder(list[msgspec.Raw]).decode


class BadEvents(Problem):
    """Some events of a request cannot be counted: (index, why) of each, of `total` events."""

    def __init__(self, bad: Sequence[tuple[int, Reject]], total: int) -> None:
        self.bad = bad
        self.total = total
        shown = [
            {"index": index, "reason": rejection.reason, "message": str(rejection)} for index, rejection in bad[:SHOWN]
        ]
        detail = (
            f"{len(bad)} of {total} events cannot be counted; none was accepted: mend or leave them out, send again"
        )
        super().__init__("bad_events", detail, more={"events": shown})


def split(kind: str, body: bytes) -> list[bytes]:
    """The JSON of each event of a body of content type `kind`; raises `Problem` when it is no array but must."""
    if kind == BATCH or (kind == EITHER and body.lstrip()[:1] == b"["):
        try:
            return [bytes(raw) for raw in _decode_array(body)]
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Problem("bad_body", "not a JSON array of events") from error
    return [body]


def read(
    values: Sequence[bytes], rules: Mapping[str, Rules], clock_ms: int | None, hashing: CaseHashing
) -> list[Message]:
    """The messages of these events, keyed by subject; raises `BadEvents`.

    They are as they were sent, but for services that ask for hashed case ids: of these only what the contract knows is
    passed on. `clock_ms` is the wall clock (ms), None where the future is no matter.
    """
    messages: list[Message] = []
    bad: list[tuple[int, Reject]] = []
    for index, (value, event) in enumerate(zip(values, e.decode_batch(values), strict=True)):
        try:
            if isinstance(event, Reject):
                raise event
            admission.check(event, rules, clock_ms)
            if hashing.concerns(event):
                event = hashing.hashed(event)
                value = e.encode(event)
            messages.append(Message(e.subject(event).encode(), value))
        except Reject as rejection:
            bad.append((index, rejection))
    if bad:
        raise BadEvents(bad, len(values))
    return messages
