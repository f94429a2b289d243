"""What happened to a service -> annotations of Grafana, and what to do to those that are there. Pure.

An annotation is Kept's when it has a tag `kept-id:`, and is known by it alone: no other is ever touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from kept.registered_changes import RegisteredChange
from kept.signals.kinds import BY_NAME
from kept.signals.raised import Raised

TAG: Final = "kept"
ID: Final = "kept-id:"
UNKNOWN: Final = "A signal that this version of Kept does not know"
WAYS: Final = {"up": "is expected to rise", "down": "is expected to fall", None: "is expected to change"}
_SPECIAL = re.compile(r"[!\"#$&'()*+/:;<=>?@\[\\\]^_`{|}~]|\.(?=[^\W\d_])")


class Annotation(Struct, frozen=True, kw_only=True):
    """One as it is to be; times in ms, `end_ms` that of `time_ms` for a moment. `text` is HTML."""

    id: str
    time_ms: int
    end_ms: int
    text: str
    tags: tuple[str, ...]


class Present(Struct, frozen=True, kw_only=True):
    """One of Kept's as it is there, under Grafana's own `number`."""

    number: int
    id: str
    time_ms: int
    end_ms: int
    text: str
    tags: frozenset[str]


class Plan(Struct, frozen=True):
    """What to do so that each wanted annotation is there once, as it is wanted."""

    create: list[Annotation] = []
    update: list[tuple[int, Annotation]] = []
    doubles: list[int] = []
    """Numbers of those that are there twice, and go."""
    unknown: list[int] = []
    """Numbers of those that are not wanted: of another history, or of one that was computed anew."""


def of_signal(raised: Raised) -> Annotation:
    """A raised signal: from when on the data show it until its evidence was gone."""
    verdict = raised.verdict
    kind = BY_NAME.get(verdict.signal)
    since = raised.raised_at if verdict.since is None else verdict.since
    summary = UNKNOWN if kind is None else kind.summary
    words = f"<br>{as_html(verdict.words)}" if verdict.words else ""
    return Annotation(
        id=raised.id,
        time_ms=since * 1000,
        end_ms=max(since, raised.ended_at or since) * 1000,
        text=f"{as_html(summary)}{words}{'' if raised.ended_at is not None else ' (still open)'}",
        tags=_tags(verdict.service, "signal", raised.id, f"severity:{'info' if kind is None else kind.severity}"),
    )


def of_change(change: RegisteredChange) -> Annotation:
    """A registered change: a moment, with its title and what it is expected to move."""
    expected = ""
    if change.indicator is not None:
        expected = f"<br>{as_html(change.indicator.replace('_', ' '))} {WAYS[change.direction]}"
    return Annotation(
        id=change.id,
        time_ms=change.at * 1000,
        end_ms=change.at * 1000,
        text=f"Change: {as_html(change.title)}{expected}",
        tags=_tags(change.service, "change", change.id),
    )


def plan(wanted: Iterable[Annotation], present: Sequence[Present]) -> Plan:
    """What is to be done. Of wanted ones of one id the first counts, of present ones that with the least number."""
    by_id: dict[str, Annotation] = {}
    for one in wanted:
        by_id.setdefault(one.id, one)
    first: dict[str, Present] = {}
    doubles: list[int] = []
    for there in sorted(present, key=lambda there: there.number):
        if there.id in first:
            doubles.append(there.number)
        else:
            first[there.id] = there
    return Plan(
        create=[one for one in by_id.values() if one.id not in first],
        update=[
            (first[one.id].number, one) for one in by_id.values() if one.id in first and not _is(first[one.id], one)
        ],
        doubles=doubles,
        unknown=[there.number for there in first.values() if there.id not in by_id],
    )


def as_html(text: str) -> str:
    """A text as HTML that shows it and does nothing else, also where it is read as Markdown.

    All that begins a tag, an entity, a link or an emphasis becomes a character reference; so does a point within a name
    (`example.org`), of which some make a link. What cannot be printed, line breaks among it, becomes a blank.
    """
    plain = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", plain)


def _tags(service: str, what: str, id: str, *more: str) -> tuple[str, ...]:
    return (TAG, service, what, f"{ID}{id}", *more)


def _is(there: Present, one: Annotation) -> bool:
    return (there.time_ms, there.end_ms, there.text, there.tags) == (
        one.time_ms,
        one.end_ms,
        one.text,
        frozenset(one.tags),
    )
