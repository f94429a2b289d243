"""`kept indicators`: what the history store holds, as it stands, or as it stood then with what was amended since."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from catalogue import services_of
from command_line.alerts_in_words import rfc3339, shown
from command_line.history_choice import history_settings
from command_line.moments import AsOf, as_of_seconds
from command_line.output import output
from command_line.replay import SHOWN_WINDOWS, print_table, sort_key
from history.open import open_history
from kept.catalogue import Service
from kept.errors import ConfigurationError
from kept.events import moment
from kept.indicators.definitions import BY_NAME
from kept.indicators.point import WHOLE, Amendment, Point, Slice, as_json_object
from kept.indicators.small_numbers import DEFAULT_BELOW, suppressed
from kept.indicators.windows import WINDOWS
from summaries import wording
from summaries.known import HistoryReader, Known

PointKey = tuple[str, Slice, str, str, int]
"""As `Point.key()`."""


def indicators(
    service: Annotated[str | None, typer.Argument(help="A service id; without it, every service.")] = None,
    indicator: Annotated[str | None, typer.Option(help="Only this indicator.")] = None,
    window: Annotated[str | None, typer.Option(help=f"Only this window: {', '.join(WINDOWS)}.")] = None,
    slices: Annotated[
        bool, typer.Option("--slices", help="Slices too, with --json; a few people in a slice are not shown.")
    ] = False,
    as_of: AsOf = None,
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
        then = Known(HistoryReader(lambda: store), services, as_of_seconds(as_of, services.values()))
        with output():
            for name in [service] if service is not None else known:
                wanted = None if slices else WHOLE
                newest = store.latest(name, slice=wanted) if then.as_of is None else then.latest(name, wanted)
                points = sorted(newest, key=sort_key)
                asked = [p for p in points if indicator in (None, p.indicator) and window in (None, p.window)]
                _print(name, asked, services.get(name), window, then, json_output=json_output)
    finally:
        store.close()


def _print(
    name: str, points: list[Point], service: Service | None, window: str | None, then: Known, *, json_output: bool
) -> None:
    below = DEFAULT_BELOW if service is None else service.suppress_below
    simulated = service is not None and service.simulated
    chosen = [suppressed(point, below) for point in points]
    amended = _amended(name, chosen, then)
    if json_output:
        for point in chosen:
            line = {**as_json_object(point), "reason": point.reason, "simulated": simulated}
            if then.as_of is not None:
                change = amended.get(point.key())
                line["amended"] = None if change is None else _amendment_object(change)
            typer.echo(json.dumps(line, ensure_ascii=False))
    elif chosen:
        as_of = moment(max(p.window_end for p in chosen) * 1000)
        title = f"{name if service is None else service.name}, data as of {as_of:%Y-%m-%d %H:%M} UTC"
        windows = (window,) if window is not None else SHOWN_WINDOWS
        print_table(chosen, title, windows)
        if then.as_of is not None:
            printed = {point.key() for point in chosen if point.window in windows}
            several = [change for key, change in amended.items() if key in printed]
            for text in _amended_in_words(several, len(printed)):
                typer.echo(text)
    elif then.as_of is not None:
        typer.echo(f"{name}: no such value was known on {moment(then.as_of * 1000):%Y-%m-%d %H:%M} UTC")
    else:
        typer.echo(f"{name}: no such value of the whole service; --slices --json tells of its slices")


def _amended(name: str, points: list[Point], then: Known) -> dict[PointKey, Amendment]:
    """Of these points that were known then, those that are known otherwise now: what they were and are, and since when.

    Of several amendments of a point it is one: from what was known then to what is known now.
    """
    if then.as_of is None or not points:
        return {}
    ends = [point.window_end for point in points]
    was = {point.key(): point for point in points}
    found: dict[PointKey, Amendment] = {}
    for one in then.amended(name, since=min(ends), until=max(ends)):
        key = one.new.key()
        if key in was:
            found[key] = Amendment(one.known_at, was[key], one.new)
    return {key: one for key, one in found.items() if one.old != one.new}


def _amendment_object(change: Amendment) -> dict[str, object]:
    """What is known now instead, as JSON has it."""
    now = as_json_object(change.new)
    names = ("value", "numerator", "denominator", "n", "low", "high", "state")
    return {"known_at": rfc3339(change.known_at), **{name: now[name] for name in names}, "reason": change.new.reason}


def _amended_in_words(changes: Iterable[Amendment], count: int) -> Iterator[str]:
    """What of `count` values was amended since, each in a line."""
    several = sorted(changes, key=Amendment.key)
    yield f"Amended since: {len(several) or 'none'} of {'this 1 value' if count == 1 else f'these {count} values'}."
    for one in several:
        was, now = (wording.shown(side).replace(wording.NBSP, " ") for side in (one.old, one.new))
        counts = "" if one.old.n == one.new.n else f" (n {one.old.n} then, {one.new.n} now)"
        yield f"  {one.new.indicator} {one.new.window}: {was} then, {now} since {shown(one.known_at)}{counts}"
