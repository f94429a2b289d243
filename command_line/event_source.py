"""The files that `kept publish` and `kept replay` take: what they are, whom they are about, what was wrong."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import typer
from msgspec import Struct

import catalogue
from kept.catalogue import Catalogue
from kept.errors import ConfigurationError
from kept.settings import Settings
from producers.mapping import Mapping, built_in_mappings, read_mapping
from producers.sources import FILES, EventFile, read_contract_events, read_events
from producers.sources.contract_files import ARRAYS, LINES
from producers.sources.files import suffixed

FILE_HELP = f"{FILES[0].upper()}{FILES[1:]}."
MAPPING_HELP = "Name of a built-in mapping, or path of a .toml file; none for events of the contract."


class Source(Struct, frozen=True):
    """A file, and the mapping it is read with; None for events of the contract."""

    path: Path
    mapping: Mapping | None

    def read(self, until_ms: int | None) -> EventFile:
        """The events up to a moment (ms since 1970 UTC), or all."""
        if self.mapping is None:
            return read_contract_events(self.path, until_ms=until_ms)
        return read_events(self.path, self.mapping, until_ms=until_ms)

    def services(self, settings: Settings) -> Catalogue:
        """The services it may be about: that of the mapping, or all of the catalogue that the settings name."""
        if self.mapping is None:
            return catalogue.services_of(settings)
        service = self.mapping.service()
        return {service.id: service}

    def catalogue_texts(self, settings: Settings) -> list[str]:
        """The same services as they are written, for processes that read them themselves."""
        return catalogue.texts_of(settings) if self.mapping is None else [self.mapping.catalogue_text()]

    def zone(self, settings: Settings) -> ZoneInfo | None:
        """The zone of moments without an offset; None when its services are not all in one zone."""
        zones = {service.time_zone for service in self.services(settings).values()}
        return ZoneInfo(zones.pop()) if len(zones) == 1 else None


def source_of(path: Path, mapping: str | None) -> Source:
    """What the file is, by its suffix and the mapping; raises `ConfigurationError` that says what is missing."""
    if mapping is not None:
        if suffixed(path, LINES):
            raise ConfigurationError(f"{path}: events of the contract need no mapping; leave out --mapping")
        return Source(path, read_mapping(mapping))
    if suffixed(path, LINES + ARRAYS):
        return Source(path, None)
    raise ConfigurationError(
        f"{path}: give --mapping for this file ({', '.join(built_in_mappings())}, or the path of a .toml file; "
        f"`kept mapping new {path.name}` drafts one); without a mapping: {', '.join(LINES + ARRAYS)}"
    )


def tell_problems(file: EventFile, *, shown: int | None = None, all_of_them: str = "") -> None:
    """Say on standard error what could not be read; at most `shown`, and then where all of them are."""
    for problem in file.problems[:shown]:
        typer.echo(str(problem), err=True)
    if shown is not None and len(file.problems) > shown:
        typer.echo(f"and {len(file.problems) - shown} more problems; {all_of_them}", err=True)


def rows_in_words(file: EventFile) -> str:
    """How many rows, and what became of those that tell nothing."""
    passed = "".join(f", {count:,} passed over ({what})" for what, count in sorted(file.passed_over.items()))
    return f"{file.rows:,} rows, {file.unreadable:,} of them not readable{passed}"
