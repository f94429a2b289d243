"""`python -m tests.fuzz --events 1000000 --output docs/fuzzing.md`: exit 1 at the first promise that does not hold."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from tests.fuzz.campaign import Broken, fuzz
from tests.fuzz.growth import MOST_FACTS_SECONDS, MOST_SECONDS, SHAPES, crowded_case_seconds, grown
from tests.fuzz.page import Run, page


def main(arguments: list[str]) -> int:
    """Exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="damaged events to try, at least")
    parser.add_argument("--seed", type=int, default=20_260_801)
    parser.add_argument("--output", type=Path, help="page to write")
    told = parser.parse_args(arguments)
    began = time.perf_counter()
    try:
        outcome = fuzz(told.events, told.seed)
    except Broken as broken:
        print(f"a promise does not hold: {broken}")
        return 1
    run = Run(
        seed=told.seed,
        outcome=outcome,
        seconds=time.perf_counter() - began,
        cores=os.cpu_count() or 1,
        shapes=[grown(shape) for shape in SHAPES],
        crowded=crowded_case_seconds(1000),
    )
    slow = [one.shape.name for one in run.shapes if one.seconds[-1] > MOST_SECONDS]
    if slow or run.crowded > MOST_FACTS_SECONDS:
        print(f"too slow: {', '.join([*slow, *(['a case of 1,000 events'] * (run.crowded > MOST_FACTS_SECONDS))])}")
        return 1
    text = page(run)
    if told.output is None:
        print(text)
    else:
        told.output.write_text(text, encoding="utf-8")
        print(f"written: {told.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
