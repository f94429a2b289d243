"""Which start belongs to which completion, and what other lifecycle transitions mean. Pure: no file, no mapping."""

from __future__ import annotations

from collections import deque
from typing import Literal

from msgspec import Struct

from producers.sources.case_rows import Step
from producers.sources.problems import RowProblem

_OTHERS = frozenset(
    {
        "schedule", "assign", "withdraw", "reassign", "suspend", "resume", "abort_activity", "abort_case", "ate_abort",
        "pi_abort", "autoskip", "manualskip", "unknown",
    }
)  # fmt: skip
"""Transitions of the standard lifecycle that are neither the beginning nor the end of work that was done."""


class PassedOver(Struct, frozen=True):
    """An event that was read and is no work: why."""

    why: str


class Work(Struct, frozen=True):
    """One event of a trace: work on a step began, or was completed. `instance` pairs the two; `line` is where it is."""

    name: str
    transition: Literal["start", "complete"]
    at_ms: int
    instance: str | None
    number: str
    line: int
    resource: str | None


class Entry(Struct, frozen=True):
    """A step of the case and who did it."""

    step: Step
    resource: str | None


def transition_of(text: str | None) -> Literal["start", "complete"] | PassedOver:
    """The transition of an event, in any case of letters; an event without one is complete, as the standard says."""
    word = (text or "").strip().lower()
    if word in ("", "complete"):
        return "complete"
    if word == "start":
        return "start"
    return PassedOver(f"lifecycle transition {word}" if word in _OTHERS else "lifecycle transition of another model")


def steps_of(work: list[Work]) -> tuple[list[Entry], list[RowProblem]]:
    """The steps of one case, from its work in time order, and what contradicts itself.

    A completion belongs to the start of the same step and instance; without an instance to the oldest start of the step
    that has no completion yet. A completion without a start is a step known by its moment, a start without a
    completion a step that has begun.
    """
    begun: dict[tuple[str, str | None], deque[Work]] = {}
    entries: list[Entry] = []
    problems: list[RowProblem] = []
    line_of: dict[str, int] = {}

    def tell(end: Work, start: Work | None, ended: bool) -> None:
        first = line_of.setdefault(end.number, end.line)
        if first != end.line:
            rows = 1 if start is None or start is end else 2
            problems.append(RowProblem(end.line, f"the step id occurs before, on line {first}", rows))
            return
        started_ms = None if start is None else start.at_ms
        ended_ms = end.at_ms if ended and start is not None else None
        resource = end.resource or (None if start is None else start.resource)
        entries.append(Entry(Step(end.name, end.number, end.at_ms, started_ms, ended_ms), resource))

    ended_unbegun: set[tuple[str, str | None]] = set()
    for event in work:
        key = (event.name, event.instance)
        if event.transition == "start":
            if key in ended_unbegun:
                problems.append(RowProblem(event.line, "the step ended before it started"))
            else:
                begun.setdefault(key, deque()).append(event)
            continue
        waiting = begun.get(key)
        if not waiting and event.instance is not None:
            ended_unbegun.add(key)
        tell(event, waiting.popleft() if waiting else None, ended=True)
    for waiting in begun.values():
        for event in waiting:
            tell(event, event, ended=False)
    return entries, problems
