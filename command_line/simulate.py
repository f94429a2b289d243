"""`kept simulate`: a file of simulated events, with scripted incidents, and a file that says what is true of them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct
from tqdm import tqdm

import catalogue
from command_line.moments import as_of_ms
from kept.case_hashing import CaseHashing
from kept.catalogue import Catalogue, read_catalogue
from kept.durations import DAY_MS
from kept.errors import ConfigurationError
from kept.events import Event
from kept.settings import read_settings
from local_stack.counterfactual import measure
from producers.event_lines import check_name, check_place, whole_file, write_events
from producers.simulator import NO_SCRIPT, Script, built_in_scripts, read_script, simulate
from producers.simulator.truth import (
    MeasuredEffect,
    Trial,
    Truth,
    encode,
    incident_truths,
    quiet_services,
    rfc3339,
    trials,
)


def simulate_file(
    output: Annotated[Path, typer.Option(help="The file of events: .jsonl or .jsonl.gz, one event a line.")],
    as_of: Annotated[str, typer.Option(help="Where the simulation ends: a whole 5 minutes, local time of the city.")],
    script: Annotated[
        str | None,
        typer.Option(
            help=f"Incidents: {', '.join(built_in_scripts())}, or the path of a .toml file.", show_default="none"
        ),
    ] = None,
    truth: Annotated[Path | None, typer.Option(help="A JSON file that says what is true, for scoring.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same city.")] = 1,
    days: Annotated[float, typer.Option(min=0, max=3660, help="So many days up to --as-of.")] = 28.0,
    rate: Annotated[float, typer.Option(min=0, help="Multiplies the volume.")] = 1.0,
    services: Annotated[
        str | None, typer.Option(help="Only these, such as street-lights,waste-pickup.", show_default="all")
    ] = None,
    measured: Annotated[
        bool, typer.Option(help="Measure the effects on the figures, too, for --truth; takes longer.")
    ] = True,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    no_progress: Annotated[bool, typer.Option("--no-progress", help="No progress bar.")] = False,
) -> None:
    """Write the events of the simulated city to a file, in the order in which they are told.

    The same options give the same files, byte for byte.
    """
    check_name(output)
    check_place(output)
    if truth is not None:
        if truth.absolute() == output.absolute():
            raise ConfigurationError(f"--truth: {truth} is the file of events; name another")
        check_place(truth)
    chosen = _services(services)
    end_ms = as_of_ms(as_of, next(iter(chosen.values())).zone)
    start_ms = end_ms - int(days * DAY_MS)
    play = NO_SCRIPT if script is None else read_script(script, chosen, start_ms=start_ms, end_ms=end_ms)
    run = _Run(chosen, play, start_ms, end_ms, seed, rate)
    hashing = CaseHashing(chosen, read_settings(os.environ).case_key)
    told = ((at_ms, hashing.hashed(event)) for at_ms, event in run.events())
    written = write_events(output, _shown(told, quiet=no_progress or not sys.stderr.isatty()))
    if truth is not None:
        name = None if script is None else Path(script).name.removesuffix(".toml")
        known = run.truth(name, written, run.effects() if measured else None)
        with whole_file(truth) as file:
            file.write(encode(known))
    _report(output, truth, written, len(play.incidents), json_output)


class _Run(Struct, frozen=True):
    """One run of the city, decided by what is given here."""

    services: Catalogue
    script: Script
    start_ms: int
    end_ms: int
    seed: int
    rate: float

    def events(self) -> Iterator[tuple[int, Event]]:
        return simulate(
            self.services.values(),
            start_ms=self.start_ms,
            end_ms=self.end_ms,
            seed=self.seed,
            rate=self.rate,
            incidents=self.script.incidents,
            trials=self.script.trials,
        )

    def effects(self) -> list[list[MeasuredEffect]]:
        return measure(
            self.services,
            self.script.incidents,
            start_ms=self.start_ms,
            end_ms=self.end_ms,
            seed=self.seed,
            rate=self.rate,
            trials=self.script.trials,
        )

    def truth(self, script: str | None, events: int, effects: list[list[MeasuredEffect]] | None) -> Truth:
        return Truth(
            seed=self.seed,
            rate=self.rate,
            script=script,
            start=rfc3339(self.start_ms),
            end=rfc3339(self.end_ms),
            events=events,
            services=list(self.services),
            incidents=incident_truths(self.script.incidents, self.services, effects),
            quiet_services=quiet_services(self.services, self.script.incidents),
            trials=self._trials(),
        )

    def _trials(self) -> list[Trial]:
        if not self.script.trials:
            return []
        return trials(self.services.values(), start_ms=self.start_ms, end_ms=self.end_ms)


def _services(names: str | None) -> Catalogue:
    city = read_catalogue([catalogue.CITY])
    if names is None:
        return city
    wanted = names.split(",")
    unknown = [name for name in wanted if name not in city]
    if unknown:
        raise ConfigurationError(
            f"--services: {unknown[0]!r} is not known; valid: {', '.join(city)}, with commas between"
        )
    return {name: service for name, service in city.items() if name in wanted}


def _shown(events: Iterable[tuple[int, Event]], *, quiet: bool) -> Iterator[tuple[int, Event]]:
    with tqdm(events, unit=" events", file=sys.stderr, disable=quiet) as progress:
        yield from progress


def _report(output: Path, truth: Path | None, events: int, incidents: int, json_output: bool) -> None:
    if json_output:
        files = {"output": str(output), "truth": None if truth is None else str(truth)}
        typer.echo(json.dumps({**files, "events": events, "incidents": incidents}))
        return
    what = f"{events:,} events with {incidents} incident{'' if incidents == 1 else 's'} in {output}"
    typer.echo(what if truth is None else f"{what}; what is true of them in {truth}")
