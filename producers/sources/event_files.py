"""A file and its mapping -> the events it tells of, in the order in which they happened.

Every row is either read whole or is a `RowProblem`. Event ids are made from the case id, so that publishing a file
twice sends the same events twice, which changes no indicator.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from kept.errors import Stop
from kept.events import (
    PUBLIC_EVENTS,
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
from producers.sources.tables import RowProblem, Table

_TYPE_ORDER = {kind: rank for rank, kind in enumerate(PUBLIC_EVENTS)}


class EventFile(Struct, frozen=True):
    """What a file tells: (event time in ms, event) in order, the rows that could not be read, and rows seen in all."""

    events: list[tuple[int, Event]]
    problems: list[RowProblem]
    rows: int


class _Case(Struct, frozen=True):
    """What a row says of its case; times in ms since 1970-01-01 UTC."""

    opened_ms: int
    due_ms: int | None
    completed_ms: int | None
    outcome: Outcome
    channel: str | None
    area: str | None
    category: str | None


def read_events(path: Path, mapping: Mapping, *, until_ms: int | None = None) -> EventFile:
    """The events of a .csv or .csv.gz file, in the order of (time, type, id).

    With `until_ms` the file as it was known then: later events are left out (what happens at that moment counts).
    Raises `ConfigurationError` when the mapping does not fit the file and `Stop` when the file cannot be read, or when
    none of its rows can.
    """
    keep_resource = mapping.service().keep_resource
    with Table(path, mapping.delimiter) as table:
        fields = RowFields(mapping, table.header, path)
        reader: _CaseTable | _ProcessLog = _CaseTable(mapping, fields)
        if mapping.kind == "process_log":
            reader = _ProcessLog(mapping, fields, keep_resource)
        events: list[tuple[int, Event]] = []
        problems: list[RowProblem] = []
        rows = 0
        for row in table.rows():
            rows += 1
            if isinstance(row, RowProblem):
                problems.append(row)
                continue
            try:
                events.extend(reader.events_of(row.line, row.fields))
            except ValueError as error:
                problems.append(RowProblem(row.line, str(error)))
    if rows and len(problems) == rows:
        raise Stop(f"{path}: none of its {rows} rows can be read; line {problems[0].line}: {problems[0].reason}")
    if until_ms is not None:
        events = [timed for timed in events if timed[0] <= until_ms]
    events.sort(key=lambda timed: (timed[0], _TYPE_ORDER[type(timed[1])], timed[1].id))
    return EventFile(events, problems, rows)


class _CaseReader:
    """What both kinds share: the facts of a case from one row, and its first and last events."""

    def __init__(self, mapping: Mapping, fields: RowFields) -> None:
        self._fields = fields
        self._service = mapping.service_id
        self._source = mapping.source

    def _case_of(self, row: list[str]) -> _Case:
        fields = self._fields
        completed_ms = fields.time_ms(row, "completed")
        return _Case(
            opened_ms=fields.required_time_ms(row, "opened"),
            due_ms=fields.time_ms(row, "due"),
            completed_ms=completed_ms,
            outcome="intended" if completed_ms is None else fields.outcome(row),
            channel=fields.label(row, "channel"),
            area=fields.label(row, "area"),
            category=fields.label(row, "category"),
        )

    def _ends_of(self, case_id: str, case: _Case) -> Iterator[tuple[int, Event]]:
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
            completed = CompletedData(service=self._service, channel=case.channel, area=case.area, outcome=case.outcome)
            yield (
                case.completed_ms,
                CaseCompleted(
                    specversion="1.0",
                    id=f"{case_id}:completed",
                    source=self._source,
                    time=moment(case.completed_ms),
                    subject=case_id,
                    data=completed,
                ),
            )


class _CaseTable(_CaseReader):
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


class _ProcessLog(_CaseReader):
    """One row is one step; the attributes of its case are repeated and must agree."""

    def __init__(self, mapping: Mapping, fields: RowFields, keep_resource: bool) -> None:
        super().__init__(mapping, fields)
        self._keep_resource = keep_resource
        self._cases: dict[str, tuple[int, _Case]] = {}
        self._steps: dict[str, int] = {}

    def events_of(self, line: int, row: list[str]) -> list[tuple[int, Event]]:
        """The step of the row, and before the first of a case its ends; raises `ValueError` with the reason."""
        case_id, case = self._fields.case(row), self._case_of(row)
        step = self._step_of(case_id, case, row)
        first_line, known = self._cases.setdefault(case_id, (line, case))
        if known is not case and known != case:
            differing = next(name for name in case.__struct_fields__ if getattr(case, name) != getattr(known, name))
            raise ValueError(f"{differing.removesuffix('_ms')} is not the same as on line {first_line} of this case")
        self._steps[case_id] = self._steps.get(case_id, 0) + 1
        return [*(self._ends_of(case_id, case) if known is case else ()), step]

    def _step_of(self, case_id: str, case: _Case, row: list[str]) -> tuple[int, Event]:
        fields = self._fields
        name = fields.label(row, "step")
        if name is None:
            raise ValueError("the row names no step")
        at_ms, started_ms = fields.required_time_ms(row, "step_time"), fields.time_ms(row, "step_started")
        number = fields.identifier(row, "step_id") or str(self._steps.get(case_id, 0) + 1)
        data = StepData(
            service=self._service,
            channel=case.channel,
            area=case.area,
            step=name,
            started=None if started_ms is None else moment(started_ms),
            ended=None if started_ms is None else moment(at_ms),
            resource=fields.identifier(row, "resource") if self._keep_resource else None,
        )
        step = CaseStep(
            specversion="1.0",
            id=f"{case_id}:step:{number}",
            source=self._source,
            time=moment(at_ms),
            subject=case_id,
            data=data,
        )
        return at_ms, step
