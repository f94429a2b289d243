"""Tells the stories of some seeds on one broker, one after the other, or several at once on a broker each."""

from __future__ import annotations

import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

import msgspec

from kept.errors import Stop
from local_stack.alertmanager import alertmanager_command
from local_stack.broker import Broker, missing
from local_stack.chaos.faults import Abilities, Story, calm, choose
from local_stack.chaos.influxd import InfluxServer
from local_stack.chaos.parts import Modules
from local_stack.chaos.table import Run, again, line
from local_stack.chaos.telling import Result, Stage, tell
from local_stack.chaos.town import beginning
from local_stack.influxd import program
from local_stack.prometheus import prometheus_command
from local_stack.work_folder import work_folder

HEAP_MIB = 512
Say = Callable[[str], None]


def abilities_here() -> Abilities:
    """What this machine has."""
    alerts = prometheus_command() is not None and alertmanager_command() is not None
    return Abilities(influxdb=program() is not None, alerts=alerts)


@contextmanager
def prepared_stage(
    abilities: Abilities,
    broker: Broker | None = None,
    *,
    modules: Modules | None = None,
    folder: Path | None = None,
) -> Iterator[Stage]:
    """A broker (its own, unless it is given one) and an InfluxDB where there is one.

    Stories have folders in `folder` (None: one of its own); those of failed stories stay.

    Raises `Stop` when this machine cannot have a broker.
    """
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # its client reports each refused connection as an error
    absent = missing()
    if absent is not None:
        raise Stop(absent)
    folder = Path(tempfile.mkdtemp(prefix="kept-chaos-", dir=folder))
    with ExitStack() as stack:
        stack.callback(_remove_empty, folder)
        own_folder = stack.enter_context(work_folder(prefix="kept-chaos-servers-"))
        if broker is None:
            broker = Broker(own_folder / "kafka", heap_mib=HEAP_MIB, brief=True)
            stack.callback(broker.stop)
            broker.start()
        influx, influxd = None, program()
        if abilities.influxdb and influxd is not None:
            influx = InfluxServer(influxd, own_folder / "influxdb")
            stack.callback(influx.child.stop)
            influx.start()
        yield Stage(
            broker=broker,
            influx=influx,
            abilities=abilities,
            begins=beginning(datetime.now(UTC)),
            folder=folder,
            modules=modules or Modules(),
        )


def run_seeds(seeds: Sequence[int], say: Say) -> Run:
    """The stories of `seeds`, after the calm one of the first; each is told of as it ends. Raises `Stop`."""
    abilities = abilities_here()
    started = time.monotonic()
    results: list[Result] = []
    with prepared_stage(abilities) as stage:
        for story in _stories(seeds, abilities):
            result = tell(story, stage)
            results.append(result)
            say(line(result))
            for problem in result.problems:
                say(f"  {problem}")
            if result.problems:
                say(f"  Logs stay in {stage.folder}. Once more: {again(result)}")
    return Run(
        at=datetime.now(UTC),
        abilities=abilities,
        results=results,
        seconds=time.monotonic() - started,
        cores=os.cpu_count() or 1,
    )


def run_at_once(seeds: Sequence[int], say: Say, at_once: int) -> Run:
    """The same, told by so many processes, each with servers of its own and a calm story before the others. Raises
    `Stop`. `say` is called in those processes."""
    started = time.monotonic()
    parts = [seeds[nth::at_once] for nth in range(min(at_once, len(seeds)))]
    with ProcessPoolExecutor(len(parts), mp_context=get_context("spawn")) as pool:
        runs = list(pool.map(run_seeds, parts, repeat(say)))
    results = [result for run in runs for result in run.results]
    return msgspec.structs.replace(
        runs[0],
        at=datetime.now(UTC),
        results=sorted(results, key=lambda result: (bool(result.story.faults), result.story.seed)),
        seconds=time.monotonic() - started,
        at_once=len(parts),
    )


def _stories(seeds: Sequence[int], abilities: Abilities) -> Iterator[Story]:
    if seeds:
        yield calm(choose(seeds[0], abilities))
    for seed in seeds:
        yield choose(seed, abilities)


def _remove_empty(folder: Path) -> None:
    if not any(folder.iterdir()):
        folder.rmdir()
