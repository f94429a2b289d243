"""What an event, a case, a service cost: `python -m bench.sizing` measures it and writes bench/sizing.json.

docs/deployment.md is made from that file (docs/generate_deployment.py). Needs Java and Maven for a broker, an influxd
(one that `local_stack.influxd` finds); about 5 minutes.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

import msgspec

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    from bench import sizing_kafka
from bench import sizing_history, sizing_register, sizing_tallies
from bench.report import machine
from kept.errors import KeptError
from local_stack.work_folder import work_folder

FILE = Path(__file__).with_name("sizing.json")


class Sizing(msgspec.Struct, frozen=True):
    """All that was measured in one run on one machine."""

    machine: str
    cases: list[sizing_register.CaseSize]
    tallies: list[sizing_tallies.TalliesSize]
    history: sizing_history.HistorySize
    kafka: sizing_kafka.EventSize


def read(file: Path = FILE) -> Sizing:
    """The figures of the last run."""
    return msgspec.json.decode(file.read_bytes(), type=Sizing)


def measure(*, quick: bool = False) -> Sizing:
    """Measure everything; `quick`: does it run at all?"""
    with work_folder(prefix="kept-sizing-") as folder:
        return Sizing(
            machine=machine(),
            kafka=sizing_kafka.measure(folder, 3 if quick else sizing_kafka.DAYS),
            cases=sizing_register.measure(4_000 if quick else sizing_register.CASES),
            tallies=sizing_tallies.measure(days=2 if quick else sizing_tallies.DAYS),
            history=sizing_history.measure(folder, days=2 if quick else sizing_history.DAYS),
        )


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.sizing", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run, which is printed and not written")
    options = parser.parse_args(arguments)
    try:
        found = measure(quick=options.quick)
    except KeptError as error:
        print(f"bench.sizing: {error}", file=sys.stderr)
        return 1
    text = msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"
    if not options.quick:
        FILE.write_bytes(text)
    print(text.decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
