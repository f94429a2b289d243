"""Files of events of the contract: one CloudEvent a line (.jsonl), or a .json array of them (the batched mode).

They need no mapping, and keep the order of the file: what was told late is told late again. A line that is no event is
a problem with the reason code that it would have as a dead letter.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from kept import events as e
from kept.errors import Reject, Stop
from kept.topics import MAX_MESSAGE_BYTES
from producers.sources.event_file import Account, EventFile
from producers.sources.files import open_file, read_document, reading, suffixed
from producers.sources.problems import RowProblem

LINES = (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")
ARRAYS = (".json", ".json.gz")
SUFFIXES = LINES + ARRAYS
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_WHAT = "a file of events"


def read_contract_events(path: Path, *, until_ms: int | None = None) -> EventFile:
    """The events of a file in its order. Blank lines are no events.

    With `until_ms` (ms since 1970 UTC) later events are left out. Lines are read one by one, in bounded memory; of an
    array all is in memory. Raises `Stop` when the file cannot be read, or none of its events can.
    """
    account = Account(path, until_ms, as_told=True)
    lines = suffixed(path, LINES)
    for number, value in _lines(path) if lines else _members(path):
        account.rows += 1
        try:
            account.tell([_told(value)])
        except Reject as rejection:
            reason, code = str(rejection), rejection.reason
            account.problems.append(RowProblem(number, reason, unit="line" if lines else "event", code=code))
    return account.file()


def _told(value: bytes | None) -> tuple[int, e.Event]:
    if value is None:
        raise Reject("undecodable", f"longer than {MAX_MESSAGE_BYTES} bytes, which no message may be")
    event = e.decode(value)
    if isinstance(event, e.Tick):
        raise Reject("unknown_type", f"{e.TICK_TYPE} is written by Kept itself at the end of a replay; leave it out")
    if isinstance(event, e.CostBooked) and not event.data.amount.is_finite():
        raise Reject("amount_precision", "the amount is no number; valid: a number, or its digits as a text")
    return e.milliseconds(event.time), event


def _lines(path: Path) -> Iterator[tuple[int, bytes | None]]:
    """(number, bytes) of the lines that are not blank; None for one that is longer than a message may be."""
    number = 0
    with open_file(path, SUFFIXES, _WHAT) as file, reading(path, lambda: f"after line {number}"):
        while line := file.readline(MAX_MESSAGE_BYTES + 1):
            number += 1
            if number == 1:
                line = line.removeprefix(_BYTE_ORDER_MARK)
            if len(line) > MAX_MESSAGE_BYTES:
                while line and not line.endswith(b"\n"):
                    line = file.readline(MAX_MESSAGE_BYTES)
                yield number, None
            elif line.strip():
                yield number, line


def _members(path: Path) -> Iterator[tuple[int, bytes | None]]:
    document = read_document(path, SUFFIXES, _WHAT).removeprefix(_BYTE_ORDER_MARK)
    valid = "valid: a list of events, as in the batched mode of CloudEvents; one event a line is a .jsonl file"
    try:
        members = msgspec.json.decode(document, type=list[msgspec.Raw])
    except msgspec.ValidationError as error:
        raise Stop(f"{path}: {error}; {valid}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Stop(f"{path}: not JSON, or cut short: {error}; {valid}") from error
    for number, raw in enumerate(members, start=1):
        value = bytes(raw)
        yield number, None if len(value) > MAX_MESSAGE_BYTES else value
