"""`kept indicators`: what the history store holds, as it stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from catalogue import services_of
from command_line.history_choice import history_settings
from command_line.output import output
from command_line.replay import SHOWN_WINDOWS, print_table, sort_key
from history.open import open_history
from kept.catalogue import Service
from kept.errors import ConfigurationError
from kept.events import moment
from kept.indicators.definitions import BY_NAME
from kept.indicators.point import Point, as_json_object
from kept.indicators.small_numbers import DEFAULT_BELOW, suppressed
from kept.indicators.windows import WINDOWS


def indicators(
    service: Annotated[str | None, typer.Argument(help="A service id; without it, every service.")] = None,
    indicator: Annotated[str | None, typer.Option(help="Only this indicator.")] = None,
    window: Annotated[str | None, typer.Option(help=f"Only this window: {', '.join(WINDOWS)}.")] = None,
    slices: Annotated[
        bool, typer.Option("--slices", help="Slices too, with --json; a few people in a slice are not shown.")
    ] = False,
    history: Annotated[Path | None, typer.Option(help="History file; else the store of the settings.")] = None,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a line, with the reason, and whether it is simulated.")
    ] = False,
) -> None:
    """The newest indicators of a service, with counts, intervals and definitions."""
    if indicator is not None and indicator not in BY_NAME:
        raise ConfigurationError(f"--indicator: {indicator!r} is not known; valid: {', '.join(sorted(BY_NAME))}")
    if window is not None and window not in WINDOWS:
        raise ConfigurationError(f"--window: {window!r} is not known; valid: {', '.join(WINDOWS)}")
    settings = history_settings(history)
    services = services_of(settings)
    if slices and not json_output:
        raise ConfigurationError("--slices: tables show whole services only; add --json")
    store = open_history(settings, read_only=True)
    try:
        known = store.services()
        if service is not None and service not in known:
            raise ConfigurationError(f"{service!r} is not in the history; valid: {', '.join(known) or 'none yet'}")
        with output():
            for name in [service] if service is not None else known:
                points = sorted(store.latest(name, slice=None if slices else ()), key=sort_key)
                asked = [p for p in points if indicator in (None, p.indicator) and window in (None, p.window)]
                _print(name, asked, services.get(name), window, json_output=json_output)
    finally:
        store.close()


def _print(name: str, points: list[Point], service: Service | None, window: str | None, *, json_output: bool) -> None:
    below = DEFAULT_BELOW if service is None else service.suppress_below
    simulated = service is not None and service.simulated
    chosen = [suppressed(point, below) for point in points]
    if json_output:
        for point in chosen:
            line = {**as_json_object(point), "reason": point.reason, "simulated": simulated}
            typer.echo(json.dumps(line, ensure_ascii=False))
    elif chosen:
        as_of = moment(max(p.window_end for p in chosen) * 1000)
        title = f"{name if service is None else service.name}, data as of {as_of:%Y-%m-%d %H:%M} UTC"
        print_table(chosen, title, (window,) if window is not None else SHOWN_WINDOWS)
    else:
        typer.echo(f"{name}: no such value of the whole service; --slices --json tells of its slices")
