"""Declarative mappings: which columns of a service's own table become which events. One TOML file a mapping.

Validated when it is read; an error names the file, the key, the value seen and what is valid. A mapping is data: a new
service system with a table export needs a mapping and a catalogue entry, and no code.
"""

from __future__ import annotations

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
from kept.toml_tables import parse_table

Text = Annotated[str, Meta(min_length=1, max_length=512)]
Kind = Literal["case_table", "process_log"]
MappedField = Literal["channel", "area", "category", "outcome", "step"]
MAPPED_FIELDS: tuple[MappedField, ...] = get_args(MappedField)
"""Fields whose values may be translated, or given once for the whole file."""

_STEP_COLUMNS = ("step", "step_time", "step_started", "step_id", "resource")


class _Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


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

    def named(self) -> dict[str, str]:
        """Column by field, for the fields that have one."""
        return {field: getattr(self, field) for field in self.__struct_fields__ if getattr(self, field) is not None}


class ValueMap(_Table, frozen=True, kw_only=True):
    """Translates the values of one field. A value not in `map` becomes `default`; without one it stays as it is."""

    map: dict[str, Text] = {}
    default: Text | None = None


class Mapping(_Table, frozen=True, kw_only=True):
    """How one file becomes events. A time without an offset is local time in `time_zone`.

    `case_table`: one row is one case. `process_log`: one row is one step, the attributes of its case repeated.
    `empty_values` are read as "nothing given", after blanks around a value are removed; blank always is.
    `time_format` is a strptime format for files that are not in ISO 8601.
    """

    kind: Kind
    service_id: ServiceId = msgspec.field(name="service")
    catalogue: Text
    source: Text
    time_zone: Text
    columns: Columns
    time_format: Text | None = None
    date_only: Literal["refuse", "start_of_day", "end_of_day"] = "refuse"
    delimiter: Literal[",", ";", "\t", "|"] = ","
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
        service = parse_service(_text_of(file, "catalogue"), str(file))
        if service.id != self.service_id:
            raise ConfigurationError(
                f"{file}: id: {service.id!r} is not the service of the mapping; valid: {self.service_id!r}"
            )
        return service

    def catalogue_text(self) -> str:
        """The catalogue entry as it is written, for a process that reads it itself; raises `ConfigurationError`."""
        return _text_of(self._catalogue_file(), "catalogue")

    def _catalogue_file(self) -> Traversable:
        origin: Traversable = Path(self.folder) if self.folder else resources.files("catalogue") / "examples"
        return origin / self.catalogue


def built_in_mappings() -> list[str]:
    """The names of the mappings that come with Kept."""
    files = resources.files("producers").joinpath("mappings").iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def read_mapping(name_or_path: str) -> Mapping:
    """A built-in mapping by its name, or any other by the path of its TOML file; raises `ConfigurationError`."""
    if name_or_path.endswith(".toml") or "/" in name_or_path:
        path = Path(name_or_path)
        mapping = parse_mapping(_text_of(path, "mapping"), str(path))
        return msgspec.structs.replace(mapping, folder=str(path.absolute().parent))
    if name_or_path not in built_in_mappings():
        valid = f"{', '.join(built_in_mappings())}, or the path of a .toml file"
        raise ConfigurationError(f"mapping: {name_or_path!r} is not known; valid: {valid}")
    file = resources.files("producers") / "mappings" / f"{name_or_path}.toml"
    return parse_mapping(_text_of(file, "mapping"), str(file))


def parse_mapping(text: str, file: str) -> Mapping:
    """One mapping from its TOML; raises `ConfigurationError` that names `file`, key, value seen and valid values."""
    mapping = parse_table(text, file, Mapping)
    for key, seen, valid in _contradictions(mapping):
        raise ConfigurationError(f"{file}: {key}: {seen!r} is not valid; valid: {valid}")
    return mapping


def _text_of(file: Traversable, what: str) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file}: the {what} cannot be read as UTF-8 text: {error}") from error


def _contradictions(mapping: Mapping) -> Iterable[tuple[str, object, str]]:
    """(key, value seen, what is valid) for what the types alone cannot say."""
    if mapping.folder:
        yield "folder", mapping.folder, "leave it out: catalogue is looked for beside the mapping"
    if mapping.time_zone not in zoneinfo.available_timezones():
        yield "time_zone", mapping.time_zone, "an IANA name such as Europe/Amsterdam"
    columns = mapping.columns.named()
    if mapping.kind == "case_table":
        for field in _STEP_COLUMNS:
            if field in columns:
                yield f"columns.{field}", columns[field], 'only with kind = "process_log"'
    else:
        if "step" not in columns and "step" not in mapping.constants:
            yield "columns.step", None, "the column that names the step"
        if "step_time" not in columns:
            yield "columns.step_time", None, "the column with the time of the step"
    for field in mapping.constants:
        if field in columns:
            yield f"constants.{field}", mapping.constants[field], f"a column or a constant; columns.{field} is set"
    for field in mapping.values:
        if field not in columns:
            valid = ", ".join(name for name in MAPPED_FIELDS if name in columns)
            yield f"values.{field}", field, f"a field with a column: {valid}"
    yield from _bad_outcomes(mapping)


def _bad_outcomes(mapping: Mapping) -> Iterable[tuple[str, object, str]]:
    outcomes = get_args(Outcome)
    given = {"constants.outcome": mapping.constants.get("outcome")}
    if "outcome" in mapping.values:
        given["values.outcome.default"] = mapping.values["outcome"].default
        given |= {f"values.outcome.map.{seen}": outcome for seen, outcome in mapping.values["outcome"].map.items()}
    for key, outcome in given.items():
        if outcome is not None and outcome not in outcomes:
            yield key, outcome, ", ".join(outcomes)
