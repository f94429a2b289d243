"""Declarative mappings: which columns of a service's own files become which events. One TOML file a mapping.

Validated when it is read; an error names the file, the key, the value seen and what is valid. A mapping is data: a new
service system with a table export needs a mapping and a catalogue entry, and no code.
"""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

import msgspec
from msgspec import Struct

from kept.errors import ConfigurationError
from kept.toml_tables import parse_table
from producers.mapping_kinds import (
    MAPPED_FIELDS,
    MAPPING_KINDS,
    Contradiction,
    Kind,
    MappedField,
    Mapping,
    Open311Mapping,
    TableMapping,
    XesMapping,
    bad_outcomes,
    names_a_time_of_day,
    text_of,
)

__all__ = [
    "MappedField", "Mapping", "Open311Mapping", "TableMapping", "XesMapping", "built_in_mappings", "parse_mapping",
    "read_mapping",
]  # fmt: skip


class _Described(Struct):
    """What decides the shape of all the rest."""

    kind: Kind


def built_in_mappings() -> list[str]:
    """The names of the mappings that come with Kept."""
    files = resources.files("producers").joinpath("mappings").iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def read_mapping(name_or_path: str) -> Mapping:
    """A built-in mapping by its name, or any other by the path of its TOML file; raises `ConfigurationError`."""
    if name_or_path.endswith(".toml") or "/" in name_or_path:
        path = Path(name_or_path)
        mapping = parse_mapping(text_of(path, "mapping"), str(path))
        return msgspec.structs.replace(mapping, folder=str(path.absolute().parent))
    if name_or_path not in built_in_mappings():
        valid = f"{', '.join(built_in_mappings())}, or the path of a .toml file"
        raise ConfigurationError(f"mapping: {name_or_path!r} is not known; valid: {valid}")
    file = resources.files("producers") / "mappings" / f"{name_or_path}.toml"
    return parse_mapping(text_of(file, "mapping"), str(file))


def parse_mapping(text: str, file: str) -> Mapping:
    """One mapping from its TOML; raises `ConfigurationError` that names `file`, key, value seen and valid values."""
    kind = parse_table(text, file, _Described).kind
    mapping = parse_table(text, file, MAPPING_KINDS[kind])
    for key, seen, valid in _contradictions(mapping):
        raise ConfigurationError(f"{file}: {key}: {seen!r} is not valid; valid: {valid}")
    return mapping


def _contradictions(mapping: Mapping) -> Iterable[Contradiction]:
    """(key, value seen, what is valid) for what the types alone cannot say."""
    if mapping.folder:
        yield "folder", mapping.folder, "leave it out: catalogue is looked for beside the mapping"
    if mapping.time_zone not in zoneinfo.available_timezones():
        yield "time_zone", mapping.time_zone, "an IANA name such as Europe/Amsterdam"
    yield from _bad_times(mapping)
    yield from mapping.contradictions()
    named = mapping.named()
    for field in mapping.constants:
        if field in named:
            yield (
                f"constants.{field}",
                mapping.constants[field],
                f"a column or a constant; {mapping.key_of(field)} is set",
            )
    for field in mapping.values:
        if field not in named:
            valid = ", ".join(name for name in MAPPED_FIELDS if name in named)
            yield f"values.{field}", field, f"a field with a column: {valid}"
    yield from bad_outcomes(mapping)


def _bad_times(mapping: Mapping) -> Iterable[Contradiction]:
    if mapping.time_format is None:
        return
    valid = "a strptime format such as %d/%m/%Y %H:%M"
    if "%" not in mapping.time_format:
        yield "time_format", mapping.time_format, valid
        return
    try:
        datetime.datetime.strptime("", mapping.time_format)
    except ValueError as error:
        if "does not match format" not in str(error):
            yield "time_format", mapping.time_format, valid
            return
    if not names_a_time_of_day(mapping.time_format) and mapping.date_only == "refuse":
        yield "date_only", mapping.date_only, f"start_of_day or end_of_day, since {mapping.time_format} is a day alone"
