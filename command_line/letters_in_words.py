"""What is said of dead letters: which, why, since when. Nothing an event says of a person is among it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from kept.durations import in_words
from kept.events import moment
from producers.dead_letters import Letter

MOST_REDRIVES = 3
"""A letter that has come back so often is sent again only when it is named: it is not the catalogue that is wrong."""


class RedriveCounts(Struct):
    """What became of the open letters that were asked for."""

    topic: str
    open: int
    chosen: int
    without_payload: int
    returned_too_often: int
    sent: int = 0
    seconds: float = 0.0


def printable(text: str | bytes) -> str:
    """Text that does nothing to a terminal: bytes that are no UTF-8 and control characters are escaped."""
    if isinstance(text, bytes):
        text = text.decode(errors="backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def counts_in_words(letters: Sequence[Letter]) -> Iterator[str]:
    """When they were put aside, and how many of each reason, by source partition."""
    if not letters:
        return
    times = [letter.put_aside_ms for letter in letters]
    yield f"put aside from {_shown(min(times))} to {_shown(max(times))}"
    by_reason = Counter(letter.wrapping.reason for letter in letters)
    places = Counter((letter.wrapping.reason, letter.wrapping.source.partition) for letter in letters)
    for reason, count in by_reason.most_common():
        where = ", ".join(f"{p}: {n:,}" for (r, p), n in sorted(places.items()) if r == reason)
        yield f"  {printable(reason):<18} {count:>9,}   by source partition: {where}"


def line(letter: Letter, now_ms: float) -> str:
    """A letter in a line of a list."""
    wrapping = letter.wrapping
    sent = "" if letter.redriven_ms is None else f" [redriven {_shown(letter.redriven_ms)}]"
    before = f" [has come back {wrapping.times_redriven}x]" if wrapping.times_redriven else ""
    age = in_words(max(0, int(now_ms - letter.put_aside_ms)))
    reason, message = printable(wrapping.reason), printable(wrapping.message)
    return f"{letter.address!s:>8}  {age:>12} ago  {reason:<18} {message}{before}{sent}"


def as_json_object(letter: Letter) -> dict[str, Any]:
    """A letter in a line of JSON."""
    wrapping = letter.wrapping
    return {
        "address": str(letter.address),
        "reason": wrapping.reason,
        "message": wrapping.message,
        "source": str(wrapping.source),
        "put_aside": moment(letter.put_aside_ms).isoformat(),
        "bytes": letter.bytes,
        "times_redriven": wrapping.times_redriven,
        "redriven": None if letter.redriven_ms is None else moment(letter.redriven_ms).isoformat(),
    }


def letter_in_words(letter: Letter, *, whole: bool = False) -> Iterator[str]:
    """A letter without its key and payload, and with the names of its event's headers; `whole`: with what they say."""
    wrapping = letter.wrapping
    yield f"letter     {letter.address}"
    yield f"reason     {printable(wrapping.reason)}: {printable(wrapping.message)}"
    yield f"event      {printable(str(wrapping.source))}"
    yield f"put aside  {_shown(letter.put_aside_ms)}"
    sent = "no" if letter.redriven_ms is None else _shown(letter.redriven_ms)
    yield f"redriven   {sent}{f'; has come back {wrapping.times_redriven}x' if wrapping.times_redriven else ''}"
    for name, value in wrapping.original:
        said = "(no value)" if value is None else printable(value) if whole else f"{len(value):,} bytes"
        yield f"header     {printable(name)}: {said}"


def left_out(letter: Letter) -> str:
    """Why a letter is without its payload; nothing when it is not, or never had one."""
    size = letter.wrapping.left_out
    if size is None:
        return ""
    return f"; {size:,} bytes were too large to be kept, they are at {printable(str(letter.wrapping.source))}"


def redriven_in_words(counts: RedriveCounts, *, done: bool) -> str:
    """What was sent again, or would be, and what is left."""
    if done:
        said = f"{counts.sent:,} of {counts.open:,} open dead letters were sent to {counts.topic} again"
    else:
        said = f"{counts.chosen:,} of {counts.open:,} open dead letters would be sent to {counts.topic} again; "
        said += "nothing was sent, add --yes"
    if counts.returned_too_often:
        said += f"; {counts.returned_too_often:,} have come back {MOST_REDRIVES} times and are sent only when named "
        said += "with --address"
    if counts.without_payload:
        said += f"; {counts.without_payload:,} have no payload that could be sent, `kept dead-letters show` says why"
    return said


def _shown(at_ms: int) -> str:
    return f"{moment(at_ms):%Y-%m-%d %H:%M:%S} UTC"
