"""Incident scripts: what goes wrong in the simulated city, where and when. One TOML file a script.

Validated when it is read: an error names the file, the incident, the key, the value seen and what is valid.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from itertools import pairwise
from pathlib import Path
from typing import Any

from msgspec import Struct

from kept.catalogue import Service
from kept.durations import parse_duration
from kept.errors import ConfigurationError
from kept.events import moment
from kept.indicators.definitions import INDICATOR_NAMES
from kept.toml_tables import convert_table, read_toml
from producers.simulator.incident import Incident
from producers.simulator.incidents import KINDS, CostJump, DefinitionChange, ImprovementWithoutEffect
from producers.sources.local_times import LocalTimes

_BY_KIND: Mapping[str, type[Incident]] = {str(kind.__struct_config__.tag): kind for kind in KINDS}
_TOP_LEVEL = ("about", "trials", "incident")


class Script(Struct, frozen=True):
    """What happens in a simulated city: incidents by their start, and whether its services run their usual trials."""

    incidents: tuple[Incident, ...] = ()
    trials: bool = True


NO_SCRIPT = Script()
"""The usual city: its trials, and no incident."""


def built_in_scripts() -> list[str]:
    """The names of the scripts that come with Kept."""
    files = resources.files("producers.simulator").joinpath("scripts").iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def read_script(name_or_path: str, services: Mapping[str, Service], *, start_ms: int, end_ms: int | None) -> Script:
    """A built-in script by its name, or any other by the path of its file; see `parse_script`."""
    file: Traversable = Path(name_or_path)
    if not name_or_path.endswith(".toml") and "/" not in name_or_path:
        if name_or_path not in built_in_scripts():
            valid = f"{', '.join(built_in_scripts())}, or the path of a .toml file"
            raise ConfigurationError(f"--script: {name_or_path!r} is not known; valid: {valid}")
        file = resources.files("producers.simulator") / "scripts" / f"{name_or_path}.toml"
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file}: the script cannot be read as UTF-8 text: {error}") from error
    return parse_script(text, str(file), services, start_ms=start_ms, end_ms=end_ms)


def parse_script(text: str, file: str, services: Mapping[str, Service], *, start_ms: int, end_ms: int | None) -> Script:
    """The script, for a simulation of [start, end) in ms since 1970-01-01 UTC.

    A moment such as `+10d` counts from `start_ms`; one without an offset is local time of the service.
    Raises `ConfigurationError` that names `file`, incident, key, value seen and valid values.
    """
    raw = read_toml(text, file)
    for key in raw:
        if key not in _TOP_LEVEL:
            raise ConfigurationError(f"{file}: {key}: not known; valid: {', '.join(_TOP_LEVEL)}")
    trials = raw.get("trials", True)
    if not isinstance(trials, bool):
        raise ConfigurationError(f"{file}: trials: {trials!r} is not valid; valid: true, false")
    tables = raw.get("incident")
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise ConfigurationError(f"{file}: incident: none found; valid: one or more tables headed [[incident]]")
    incidents = []
    for index, table in enumerate(tables):
        where = f"{file}: incident[{index}]"
        incident = _incident(table, where, services, start_ms)
        for key, seen, valid in _contradictions(incident, services, start_ms, end_ms):
            raise ConfigurationError(f"{where}: {key}: {seen!r} is not valid; valid: {valid}")
        incidents.append(incident)
    _refuse_overlaps(incidents, file)
    ordered = sorted(incidents, key=lambda incident: (incident.start_ms, incident.service))
    return Script(tuple(ordered), trials)


def _incident(table: dict[str, Any], where: str, services: Mapping[str, Service], start_ms: int) -> Incident:
    kind = _BY_KIND.get(str(table.get("kind")))
    if kind is None:
        raise ConfigurationError(f"{where}: kind: {table.get('kind')!r} is not known; valid: {', '.join(_BY_KIND)}")
    service = services.get(str(table.get("service")))
    if service is None:
        seen, valid = table.get("service"), ", ".join(services)
        raise ConfigurationError(f"{where}: service: {seen!r} is not simulated here; valid: {valid}")
    moments = {
        key: _moment_ms(seen, service, f"{where}: {key}", start_ms)
        for key, seen in table.items()
        if key in ("start", "end")
    }
    return convert_table({**table, **moments}, where, kind)


def _moment_ms(seen: object, service: Service, where: str, start_ms: int) -> int:
    valid = '"+10d" after the start of the simulation, or "2026-03-01T00:00" (local time of the service)'
    try:
        if not isinstance(seen, str):
            raise ValueError(valid)
        if seen == "+0":
            return start_ms
        if seen.startswith("+"):
            return start_ms + parse_duration(seen[1:])
        return LocalTimes(service.zone).read(seen)
    except ValueError as error:
        raise ConfigurationError(f"{where}: {str(seen)!r} is not valid; valid: {valid}") from error


def _contradictions(
    incident: Incident, services: Mapping[str, Service], start_ms: int, end_ms: int | None
) -> Iterable[tuple[str, object, str]]:
    """(key, value seen, what is valid) for what the types alone cannot say."""
    if incident.start_ms < start_ms or (end_ms is not None and incident.start_ms >= end_ms):
        until = "" if end_ms is None else f", before {moment(end_ms).isoformat()}; or simulate more days"
        yield "start", moment(incident.start_ms).isoformat(), f"from {moment(start_ms).isoformat()} on{until}"
    if incident.end_ms is not None and incident.end_ms <= incident.start_ms:
        yield "end", moment(incident.end_ms).isoformat(), f"after its start, {moment(incident.start_ms).isoformat()}"
    service = services[incident.service]
    if isinstance(incident, CostJump) and service.costs is None:
        yield "service", service.id, "a service with [costs] in its catalogue entry"
    if isinstance(incident, DefinitionChange) and incident.books == "due_later" and service.promise is None:
        yield "service", service.id, "a service with a [promise] in its catalogue entry"
    if isinstance(incident, ImprovementWithoutEffect) and incident.indicator not in INDICATOR_NAMES:
        yield "indicator", incident.indicator, ", ".join(sorted(INDICATOR_NAMES))
    yield from incident.contradictions()


def _refuse_overlaps(incidents: list[Incident], file: str) -> None:
    """Two incidents at once at one service would make it unclear which of them moved a figure."""
    ordered = sorted(enumerate(incidents), key=lambda numbered: (numbered[1].service, numbered[1].start_ms))
    for (first, earlier), (second, later) in pairwise(ordered):
        if earlier.service == later.service and (earlier.end_ms is None or later.start_ms < earlier.end_ms):
            over = "an end" if earlier.end_ms is None else f"an earlier end than {moment(earlier.end_ms).isoformat()}"
            raise ConfigurationError(
                f"{file}: incident[{second}]: start: incident[{first}] of {later.service} is not over by "
                f"{moment(later.start_ms).isoformat()}; give that one {over}, or start this one later"
            )
