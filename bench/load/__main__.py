"""`python -m bench.load`: overload, a hot service, a flood of slice values and a slow history, on the real parts.

Written as docs/load.md, and what was found beside it as load.json: parts that are not run again stay. Exit code 1 when
an expectation does not hold, 2 when a part cannot be run at all.
"""

from __future__ import annotations

import argparse
import functools
import shlex
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench.load.alerts_told import promtool
from bench.load.findings import Part, Run
from bench.load.hot_service import hot_service
from bench.load.overload import overload
from bench.load.page import Load, page
from bench.load.slice_values import VALUES, slice_values
from bench.load.slow_history import slow_history
from bench.report import machine
from kept.errors import KeptError, Stop
from local_stack.broker import missing
from local_stack.influxd import MISSING, program
from local_stack.pages import page_to_write

USUAL_MINUTES = 2.0
LEAST_MINUTES = 0.4
"""By the city's clock half an hour: the alert waits as long."""
QUICK_VALUES = 50_000
QUICK = {"events": 80_000, "seconds": 40}
"""Of the hot service and the slow history."""
TITLES = {
    "overload": "Twice the capacity of one worker",
    "hot": "A hot service",
    "slices": "A flood of distinct slice values",
    "slow": "A slow history store",
}


def _say(words: str) -> None:
    print(words, flush=True)


def lacking(name: str) -> str | None:
    """What this machine lacks for the part; None when all is there."""
    if missing() is not None:
        return str(missing())
    if name in ("overload", "slices"):
        try:
            promtool()
        except Stop as error:
            return str(error)
    if name == "slow" and program() is None:
        return MISSING
    return None


def _before(output: Path) -> dict[str, Part]:
    """What was found before, by part."""
    file = output.with_suffix(".json")
    return msgspec.json.decode(file.read_bytes(), type=dict[str, Part]) if file.exists() else {}


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("--minutes", type=float, default=USUAL_MINUTES, help="how long twice the capacity is told")
    parser.add_argument("--values", type=int, default=VALUES, help="distinct slice values")
    parser.add_argument("--part", choices=sorted(TITLES), action="append", help="only this one; may be given again")
    parser.add_argument("--output", type=Path, help="the page to write, such as docs/load.md")
    parser.add_argument("--quick", action="store_true", help="a few events: does it run, and is nothing lost?")
    options = parser.parse_args(arguments)
    if options.quick:
        options.minutes, options.values = LEAST_MINUTES, QUICK_VALUES
    trial = options.quick or options.minutes < USUAL_MINUTES or options.values < VALUES
    output = page_to_write(options.output, _say, trial=trial)
    few = QUICK if options.quick else {}
    if options.minutes < LEAST_MINUTES:
        parser.error(f"--minutes must be at least {LEAST_MINUTES:g}")
    parts: dict[str, Callable[[], Part]] = {
        "overload": functools.partial(overload, options.minutes, _say),
        "hot": functools.partial(hot_service, _say, **few),
        "slices": functools.partial(slice_values, _say, values=options.values),
        "slow": functools.partial(slow_history, _say, **few),
    }
    told = shlex.join(["python", "-m", "bench.load", *(sys.argv[1:] if arguments is None else arguments)])
    found = {} if output is None else _before(output)
    absent = list[tuple[str, str]]()
    for name in options.part or parts:
        why = lacking(name)
        if why is not None:
            absent.append((TITLES[name], why))
            continue
        _say(f"{TITLES[name]}:")
        at, on, started = datetime.now(UTC), machine(), time.monotonic()
        try:
            part = parts[name]()
        except KeptError as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 2
        run = Run(at=at, machine=on, command=told, took_seconds=time.monotonic() - started)
        found[name] = msgspec.structs.replace(part, run=run)
    load = Load(parts=[found[name] for name in TITLES if name in found], absent=absent)
    if output is not None:
        output.write_text(page(load), encoding="utf-8")
        json_text = msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n"
        output.with_suffix(".json").write_bytes(json_text)
        _say(f"{output} is written.")
    for words in load.problems():
        _say(f"DOES NOT HOLD: {words}")
    for title, why in absent:
        _say(f"NOT RUN: {title}: {why}")
    return 1 if load.problems() or absent else 0


if __name__ == "__main__":
    sys.exit(main())
