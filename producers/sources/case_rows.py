"""Rows -> events: the opening and the completion of a case, and its steps.

Event ids are made from the case id, so that publishing a file twice sends the same events twice, which changes no
indicator.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from kept.events import (
    CaseCompleted,
    CaseOpened,
    CaseOpenedData,
    CaseStep,
    CompletedData,
    Event,
    Outcome,
    StepData,
    moment,
)
from producers.mapping import Mapping
from producers.sources.row_fields import RowFields


class Case(Struct, frozen=True):
    """What is said of a case; times in ms since 1970-01-01 UTC."""

    opened_ms: int
    due_ms: int | None
    completed_ms: int | None
    outcome: Outcome
    channel: str | None
    area: str | None
    category: str | None


class Step(Struct, frozen=True):
    """One step of a case; times in ms since 1970-01-01 UTC, `number` is what tells it from the others of the case."""

    name: str
    number: str
    at_ms: int
    started_ms: int | None
    ended_ms: int | None


class CaseEvents:
    """What all kinds share: the facts of a case from one row, and its first and last events."""

    def __init__(self, mapping: Mapping, fields: RowFields) -> None:
        self._fields = fields
        self._service = mapping.service_id
        self._source = mapping.source

    def _case_of(self, row: list[str]) -> Case:
        fields = self._fields
        completed_ms = fields.time_ms(row, "completed")
        return Case(
            opened_ms=fields.required_time_ms(row, "opened"),
            due_ms=fields.time_ms(row, "due"),
            completed_ms=completed_ms,
            outcome="intended" if completed_ms is None else fields.outcome(row),
            channel=fields.label(row, "channel"),
            area=fields.label(row, "area"),
            category=fields.label(row, "category"),
        )

    def _ends_of(self, case_id: str, case: Case) -> Iterator[tuple[int, Event]]:
        opened = CaseOpenedData(
            service=self._service,
            channel=case.channel,
            area=case.area,
            due=None if case.due_ms is None else moment(case.due_ms),
            category=case.category,
        )
        yield (
            case.opened_ms,
            CaseOpened(
                specversion="1.0",
                id=f"{case_id}:opened",
                source=self._source,
                time=moment(case.opened_ms),
                subject=case_id,
                data=opened,
            ),
        )
        if case.completed_ms is not None:
            yield self._completed(case_id, case, case.completed_ms)

    def _completed(self, case_id: str, case: Case, completed_ms: int, again: str = "") -> tuple[int, Event]:
        """A completion; `again` tells a later one of the same case from the first."""
        completed = CompletedData(service=self._service, channel=case.channel, area=case.area, outcome=case.outcome)
        event = CaseCompleted(
            specversion="1.0",
            id=f"{case_id}:completed{again}",
            source=self._source,
            time=moment(completed_ms),
            subject=case_id,
            data=completed,
        )
        return completed_ms, event

    def _step(self, case_id: str, case: Case, step: Step, resource: str | None) -> tuple[int, Event]:
        data = StepData(
            service=self._service,
            channel=case.channel,
            area=case.area,
            step=step.name,
            started=None if step.started_ms is None else moment(step.started_ms),
            ended=None if step.ended_ms is None else moment(step.ended_ms),
            resource=resource,
        )
        event = CaseStep(
            specversion="1.0",
            id=f"{case_id}:step:{step.number}",
            source=self._source,
            time=moment(step.at_ms),
            subject=case_id,
            data=data,
        )
        return step.at_ms, event


class CaseTable(CaseEvents):
    """One row is one case."""

    def __init__(self, mapping: Mapping, fields: RowFields) -> None:
        super().__init__(mapping, fields)
        self._line_of: dict[str, int] = {}

    def events_of(self, line: int, row: list[str]) -> list[tuple[int, Event]]:
        """The opening and the completion that the row tells of; raises `ValueError` with the reason."""
        case_id = self._fields.case(row)
        if case_id in self._line_of:
            raise ValueError(f"the case id occurs before, on line {self._line_of[case_id]}; one row is one case")
        events = list(self._ends_of(case_id, self._case_of(row)))
        self._line_of[case_id] = line
        return events


class ProcessLog(CaseEvents):
    """One row is one step; the attributes of its case are repeated and must agree."""

    def __init__(self, mapping: Mapping, fields: RowFields, keep_resource: bool) -> None:
        super().__init__(mapping, fields)
        self._keep_resource = keep_resource
        self._cases: dict[str, tuple[int, Case]] = {}
        self._steps: dict[str, int] = {}
        self._line_of_step: dict[tuple[str, str], int] = {}

    def events_of(self, line: int, row: list[str]) -> list[tuple[int, Event]]:
        """The step of the row, and before the first of a case its ends; raises `ValueError` with the reason."""
        case_id, case = self._fields.case(row), self._case_of(row)
        step = self._step_of(case_id, case, row, line)
        first_line, known = self._cases.setdefault(case_id, (line, case))
        if known is not case and known != case:
            differing = next(name for name in case.__struct_fields__ if getattr(case, name) != getattr(known, name))
            raise ValueError(f"{differing.removesuffix('_ms')} is not the same as on line {first_line} of this case")
        self._steps[case_id] = self._steps.get(case_id, 0) + 1
        return [*(self._ends_of(case_id, case) if known is case else ()), step]

    def _step_of(self, case_id: str, case: Case, row: list[str], line: int) -> tuple[int, Event]:
        fields = self._fields
        name = fields.label(row, "step")
        if name is None:
            raise ValueError("the row names no step")
        at_ms, started_ms = fields.required_time_ms(row, "step_time"), fields.time_ms(row, "step_started")
        if started_ms is not None and started_ms > at_ms:
            raise ValueError("the step ended before it started")
        given = fields.identifier(row, "step_id")
        if given is not None:
            first = self._line_of_step.setdefault((case_id, given), line)
            if first != line:
                raise ValueError(f"the step id occurs before, on line {first}; one row is one step")
        return self._step(
            case_id,
            case,
            Step(
                name,
                given or str(self._steps.get(case_id, 0) + 1),
                at_ms,
                started_ms,
                None if started_ms is None else at_ms,
            ),
            fields.identifier(row, "resource") if self._keep_resource else None,
        )
