"""Traces -> events: a trace is a case, its events become steps, a start and its completion one step with both times."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from msgspec import Struct

from kept.events import Event
from producers.mapping import XesMapping
from producers.sources.case_rows import Case, CaseEvents
from producers.sources.event_file import Account
from producers.sources.problems import RowProblem
from producers.sources.row_fields import RowFields
from producers.sources.xes_log import MOST_EVENTS, XesEvent, XesLog, XesTrace
from producers.sources.xes_steps import Entry, PassedOver, Work, steps_of, transition_of

_NOTHING = ""


def read_log(path: Path, mapping: XesMapping, keep_resource: bool, account: Account) -> None:
    """Read a whole log into `account`; raises `Stop` when it cannot be read.

    In memory: one trace, the ids of all cases, and what `TimeOrder` holds.
    """
    cases = _Traces(mapping, keep_resource, account)
    trace_keys, event_keys = frozenset(mapping.trace.named().values()), frozenset(mapping.event.named().values())
    with XesLog(path, trace_keys, event_keys) as log:
        for trace in log.traces():
            cases.read(trace)
    account.rows += len(log.stray)
    account.problems += [RowProblem(line, "an event outside any trace: of no case") for line in log.stray]


class _Reading(Struct):
    """What the events of one trace say, in time order; which of them could not be read, and which are no work."""

    work: list[Work]
    problems: list[RowProblem]
    passed_over: Counter[str]


class _Traces(CaseEvents):
    """Turns traces into events, and accounts for each of their events."""

    def __init__(self, mapping: XesMapping, keep_resource: bool, account: Account) -> None:
        self._trace_fields = list(mapping.trace.named().items())
        self._event_fields = list(mapping.event.named().items())
        names = [field for field, _ in (*self._trace_fields, *self._event_fields)]
        super().__init__(mapping, RowFields(mapping, {name: place for place, name in enumerate(names)}, "attribute"))
        self._mapping = mapping
        self._keep_resource = keep_resource
        self._account = account
        self._line_of: dict[str, int] = {}

    def read(self, trace: XesTrace) -> None:
        """Tell the events of one trace, or why it is left out."""
        rows = max(1, len(trace.events) + trace.more_events)
        self._account.rows += rows
        try:
            told, reading = self._events_of(trace)
        except ValueError as error:
            self._account.problems.append(RowProblem(trace.line, str(error), rows))
        else:
            self._account.tell(told)
            self._account.problems += reading.problems
            self._account.passed_over += reading.passed_over

    def _events_of(self, trace: XesTrace) -> tuple[list[tuple[int, Event]], _Reading]:
        if trace.defect is not None:
            raise ValueError(trace.defect)
        if trace.more_events:
            raise ValueError(f"a trace of more than {MOST_EVENTS} events: is one trace one case?")
        case_part = [trace.attributes.get(key, _NOTHING) for _, key in self._trace_fields]
        row = case_part + [_NOTHING] * len(self._event_fields)
        case_id = self._fields.case(row)
        if case_id in self._line_of:
            raise ValueError(f"the case id occurs before, on line {self._line_of[case_id]}; one trace is one case")
        reading = self._read_events(trace, case_part)
        case = self._case(row, reading)
        told = list(self._ends_of(case_id, case))
        for number, completed_ms in enumerate(self._completions(reading), start=1):
            told.append(self._completed(case_id, case, completed_ms, "" if number == 1 else f":{number}"))
        told += [self._step(case_id, case, entry.step, entry.resource) for entry in self._steps(reading)]
        self._line_of[case_id] = trace.line
        return told, reading

    def _read_events(self, trace: XesTrace, case_part: list[str]) -> _Reading:
        reading = _Reading([], [], Counter())
        for number, event in enumerate(trace.events, start=1):
            try:
                read = self._read_event(event, number, case_part)
            except ValueError as error:
                reading.problems.append(RowProblem(event.line, str(error)))
                continue
            if isinstance(read, Work):
                reading.work.append(read)
            else:
                reading.passed_over[read.why] += 1
        reading.work.sort(key=lambda work: work.at_ms)
        return reading

    def _read_event(self, event: XesEvent, number: int, case_part: list[str]) -> Work | PassedOver:
        if event.defect is not None:
            raise ValueError(event.defect)
        row = case_part + [event.attributes.get(key, _NOTHING) for _, key in self._event_fields]
        fields = self._fields
        name = fields.label(row, "step")
        if name is None:
            raise ValueError(f"attribute {self._mapping.event.step!r} is empty: the event names no step")
        at_ms = fields.required_time_ms(row, "step_time")
        transition = transition_of(event.attributes.get(self._mapping.event.lifecycle))
        if isinstance(transition, PassedOver):
            return transition
        given = fields.identifier(row, "step_id")
        resource = fields.identifier(row, "resource") if self._keep_resource else None
        instance = fields.identifier(row, "instance")
        return Work(name, transition, at_ms, instance, given or str(number), event.line, resource)

    def _case(self, row: list[str], reading: _Reading) -> Case:
        fields, mapping = self._fields, self._mapping
        derived = [] if fields.has("opened") else ["the opening is the first event"]
        if mapping.completed_by or mapping.over_with_last_event:
            derived.append("the completion is one of the events")
        if derived and reading.problems:
            first = reading.problems[0]
            raise ValueError(
                f"{' and '.join(derived)}, and the one on line {first.line} cannot be read: {first.reason}"
            )
        if not fields.has("opened") and not reading.work:
            raise ValueError("a trace without events: nothing says when the case was opened")
        opened_ms = (
            fields.required_time_ms(row, "opened") if fields.has("opened") else min(w.at_ms for w in reading.work)
        )
        completed_ms = fields.time_ms(row, "completed")
        over = completed_ms is not None or bool(self._completions(reading))
        return Case(
            opened_ms=opened_ms,
            due_ms=fields.time_ms(row, "due"),
            completed_ms=completed_ms,
            outcome=fields.outcome(row) if over else "intended",
            channel=fields.label(row, "channel"),
            area=fields.label(row, "area"),
            category=fields.label(row, "category"),
        )

    def _completions(self, reading: _Reading) -> list[int]:
        """When the case was over, as its events say."""
        if self._mapping.over_with_last_event:
            return [reading.work[-1].at_ms] if reading.work else []
        ends = self._mapping.completed_by
        return [work.at_ms for work in reading.work if work.name in ends and work.transition == "complete"]

    def _steps(self, reading: _Reading) -> list[Entry]:
        entries, problems = steps_of(reading.work)
        reading.problems += problems
        return entries
