"""The shapes of a mapping, one for each kind of file: which columns or attributes become which fields of the events.

Shapes only, with what is valid for each; `producers.mapping` reads them from TOML.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterable
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from kept.catalogue import Service, ServiceId, parse_service
from kept.errors import ConfigurationError
from kept.events import Outcome

Text = Annotated[str, Meta(min_length=1, max_length=512)]
Kind = Literal["case_table", "process_log", "xes", "open311"]
MappedField = Literal["channel", "area", "category", "outcome", "step"]
MAPPED_FIELDS: tuple[MappedField, ...] = get_args(MappedField)
"""Fields whose values may be translated, or given once for the whole file."""

STEP_COLUMNS = ("step", "step_time", "step_started", "step_id", "resource")
PERSONAL_OPEN311 = frozenset(
    {
        "description", "address", "address_string", "address_id", "lat", "long", "media_url", "first_name",
        "last_name", "email", "phone", "device_id", "account_id",
    }
)  # fmt: skip
"""Fields of Open311 that say who asked, or where exactly, or in free words: no mapping may name them."""

Contradiction = tuple[str, object, str]
"""(key, value seen, what is valid)."""


class _Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    def named(self) -> dict[str, str]:
        """Column or attribute by field, for the fields that have one."""
        return {field: getattr(self, field) for field in self.__struct_fields__ if getattr(self, field) is not None}


class Columns(_Table, frozen=True, kw_only=True):
    """The column of the file for each field of the events. `step` and what follows are for process logs."""

    case: Text
    opened: Text
    due: Text | None = None
    completed: Text | None = None
    outcome: Text | None = None
    channel: Text | None = None
    area: Text | None = None
    category: Text | None = None
    step: Text | None = None
    step_time: Text | None = None
    step_started: Text | None = None
    step_id: Text | None = None
    resource: Text | None = None


class TraceAttributes(_Table, frozen=True, kw_only=True):
    """The attribute of an XES trace for each field of a case; without `opened` it begins with its first event."""

    case: Text = "concept:name"
    opened: Text | None = None
    due: Text | None = None
    completed: Text | None = None
    outcome: Text | None = None
    channel: Text | None = None
    area: Text | None = None
    category: Text | None = None


class EventAttributes(_Table, frozen=True, kw_only=True):
    """The attribute of an XES event for each field of a step; the defaults are the standard extensions of XES.

    `instance` tells which start and which completion belong together. Without `step_id` a step is known by its place
    in the trace.
    """

    step: Text = "concept:name"
    step_time: Text = "time:timestamp"
    lifecycle: Text = "lifecycle:transition"
    instance: Text = "concept:instance"
    step_id: Text | None = None
    resource: Text = "org:resource"


class RequestFields(_Table, frozen=True, kw_only=True):
    """The field of an Open311 service request for each field of a case; the defaults are those of GeoReport v2.

    `outcome` may be `status_notes`, with `[values.outcome]` to translate it.
    """

    case: Text = "service_request_id"
    opened: Text = "requested_datetime"
    due: Text | None = "expected_datetime"
    completed: Text = "updated_datetime"
    outcome: Text | None = None
    channel: Text | None = None
    area: Text | None = None
    category: Text = "service_name"


class ValueMap(_Table, frozen=True, kw_only=True):
    """Translates the values of one field. A value not in `map` becomes `default`; without one it stays as it is."""

    map: dict[str, Text] = {}
    default: Text | None = None


class Mapping(_Table, frozen=True, kw_only=True):
    """What every mapping says. A time without an offset is local time in `time_zone`.

    `empty_values` are read as "nothing given", after blanks around a value are removed; blank always is.
    `time_format` is a strptime format for files that are not in ISO 8601.
    """

    kind: Kind
    service_id: ServiceId = msgspec.field(name="service")
    catalogue: Text
    source: Text
    time_zone: Text
    time_format: Text | None = None
    date_only: Literal["refuse", "start_of_day", "end_of_day"] = "refuse"
    empty_values: tuple[str, ...] = ()
    values: dict[MappedField, ValueMap] = {}
    constants: dict[MappedField, Text] = {}
    folder: str = ""
    """Where `catalogue` is looked for; empty means the examples that come with Kept. Set by `read_mapping`."""

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """The zone of times without an offset."""
        return zoneinfo.ZoneInfo(self.time_zone)

    def service(self) -> Service:
        """The catalogue entry of the service that the events are about; raises `ConfigurationError`."""
        file = self._catalogue_file()
        service = parse_service(text_of(file, "catalogue"), str(file))
        if service.id != self.service_id:
            raise ConfigurationError(
                f"{file}: id: {service.id!r} is not the service of the mapping; valid: {self.service_id!r}"
            )
        if service.promise is not None and service.promise.due == "by_event" and "due" not in self.named():
            valid = f"target_time in its place, or {self.key_of('due')} in the mapping: no event would bring a due"
            raise ConfigurationError(f"{file}: promise.due: 'by_event' is not valid; valid: {valid}")
        return service

    def catalogue_text(self) -> str:
        """The catalogue entry as it is written, for a process that reads it itself; raises `ConfigurationError`."""
        return text_of(self._catalogue_file(), "catalogue")

    def named(self) -> dict[str, str]:
        """Column or attribute by field of the events."""
        raise NotImplementedError

    def key_of(self, field: str) -> str:
        """Where the mapping says which column or attribute a field is, such as `columns.area`."""
        raise NotImplementedError

    def contradictions(self) -> Iterable[Contradiction]:
        """What makes no sense in a mapping of this kind alone."""
        return ()

    def _catalogue_file(self) -> Traversable:
        origin: Traversable = Path(self.folder) if self.folder else resources.files("catalogue") / "examples"
        return origin / self.catalogue


class TableMapping(Mapping, frozen=True, kw_only=True):
    """A CSV file. `case_table`: one row is one case. `process_log`: one row is one step, and repeats its case."""

    columns: Columns
    delimiter: Literal[",", ";", "\t", "|"] = ","

    def named(self) -> dict[str, str]:
        """Column by field."""
        return self.columns.named()

    def key_of(self, field: str) -> str:
        """Where the field is named."""
        return f"columns.{field}"

    def contradictions(self) -> Iterable[Contradiction]:
        """Steps in a case table; a process log without them."""
        columns = self.named()
        if self.kind == "case_table":
            for field in STEP_COLUMNS:
                if field in columns:
                    yield f"columns.{field}", columns[field], 'only with kind = "process_log"'
            return
        if "step" not in columns and "step" not in self.constants:
            yield "columns.step", None, "the column that names the step"
        if "step_time" not in columns:
            yield "columns.step_time", None, "the column with the time of the step"


class XesMapping(Mapping, frozen=True, kw_only=True):
    """An XES event log: one trace is one case. When a case is over is said in one of three ways.

    `trace.completed` names an attribute with the time; `completed_by` lists steps that end the case;
    `over_with_last_event` says that the log holds nothing but cases that are over.
    """

    trace: TraceAttributes = TraceAttributes()
    event: EventAttributes = EventAttributes()
    completed_by: tuple[Text, ...] = ()
    over_with_last_event: bool = False

    def named(self) -> dict[str, str]:
        """Attribute by field; no field is in both a trace and an event."""
        return self.trace.named() | self.event.named()

    def key_of(self, field: str) -> str:
        """Where the field is named."""
        return f"{'trace' if field in self.trace.__struct_fields__ else 'event'}.{field}"

    def contradictions(self) -> Iterable[Contradiction]:
        """The end of a case said twice, or not at all."""
        said = (self.trace.completed is not None, bool(self.completed_by), self.over_with_last_event)
        if sum(said) != 1:
            valid = "one of: trace.completed (an attribute), completed_by (steps that end a case), over_with_last_event"
            yield "trace.completed", self.trace.completed, valid


class Open311Mapping(Mapping, frozen=True, kw_only=True):
    """Service requests of Open311 GeoReport v2, as GET /requests.json gives them; statuses in any case of letters.

    The interface does not say when a request was closed. Its last update is taken for that moment: what is said of a
    closed request later moves it.
    """

    fields: RequestFields = RequestFields()
    open_statuses: tuple[Text, ...] = ("open",)
    closed_statuses: tuple[Text, ...] = ("closed",)

    def named(self) -> dict[str, str]:
        """Field of the request by field of the events."""
        return self.fields.named()

    def key_of(self, field: str) -> str:
        """Where the field is named."""
        return f"fields.{field}"

    def contradictions(self) -> Iterable[Contradiction]:
        """What is personal, and a status that is both open and closed."""
        for field, name in self.named().items():
            if name.lower() in PERSONAL_OPEN311:
                yield f"fields.{field}", name, "a field that is not personal; this one is never read"
        for status in self.closed_statuses:
            if status.lower() in {other.lower() for other in self.open_statuses}:
                yield "closed_statuses", status, "a status is open or closed; open_statuses has it too"


MAPPING_KINDS: dict[Kind, type[Mapping]] = {
    "case_table": TableMapping,
    "process_log": TableMapping,
    "xes": XesMapping,
    "open311": Open311Mapping,
}


_TIME_OF_DAY = re.compile(r"%-?[HIXc]")


def names_a_time_of_day(time_format: str) -> bool:
    """Whether a strptime format says more than the day."""
    return _TIME_OF_DAY.search(time_format) is not None


def text_of(file: Traversable, what: str) -> str:
    """A file's text; raises `ConfigurationError` when it is not there or not UTF-8."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file}: the {what} cannot be read as UTF-8 text: {error}") from error


def bad_outcomes(mapping: Mapping) -> Iterable[Contradiction]:
    """Translations to what is no outcome."""
    outcomes = get_args(Outcome)
    given = {"constants.outcome": mapping.constants.get("outcome")}
    if "outcome" in mapping.values:
        given["values.outcome.default"] = mapping.values["outcome"].default
        given |= {f"values.outcome.map.{seen}": outcome for seen, outcome in mapping.values["outcome"].map.items()}
    for key, outcome in given.items():
        if outcome is not None and outcome not in outcomes:
            yield key, outcome, ", ".join(outcomes)
