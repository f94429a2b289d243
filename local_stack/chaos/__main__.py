"""`python -m local_stack.chaos`: tell the stories of some seeds; exit code 1 when an invariant does not hold."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from kept.errors import KeptError
from local_stack.chaos.run import abilities_here, run_at_once, run_seeds
from local_stack.chaos.seeds import in_row, rotating, this_commit
from local_stack.chaos.table import page
from local_stack.pages import page_to_write

USUAL_SEEDS = 200


def main(
    seeds: Annotated[int, typer.Option(min=1, help="How many.")] = USUAL_SEEDS,
    first: Annotated[int, typer.Option(min=1, help="The first of them.")] = 1,
    seed: Annotated[int | None, typer.Option(help="This one alone; its folder stays when it fails.")] = None,
    rotate: Annotated[int | None, typer.Option(min=1, help="So many, others with each commit.")] = None,
    at_once: Annotated[int, typer.Option(min=1, help="Stories told at a time, each with a broker of its own.")] = 1,
    output: Annotated[Path | None, typer.Option(help="The page to write, such as docs/chaos.md.")] = None,
) -> None:
    """Kill, freeze, restart and delay the real parts, and compare what comes of it with a calm run."""
    if seed is not None:
        chosen = [seed]
    elif rotate is not None:
        commit = this_commit(Path(__file__).parent)
        chosen = rotating(rotate, commit)
        typer.echo(f"Seeds {chosen[0]} to {chosen[-1]}, of the commit {commit[:12]}.")
    else:
        chosen = in_row(first, seeds)
    output = page_to_write(output, typer.echo, trial=len(chosen) < USUAL_SEEDS)
    abilities = abilities_here()
    if not abilities.influxdb:
        typer.echo("No InfluxDB server is here (KEPT_TEST_INFLUXD names one): its faults are left out.")
    if not abilities.alerts:
        typer.echo("Prometheus or Alertmanager is not here: their faults, and the check of alerts, are left out.")
    run = run_seeds(chosen, typer.echo) if at_once == 1 else run_at_once(chosen, typer.echo, at_once)
    if output is not None and seed is None:
        output.write_text(page(run), encoding="utf-8")
        typer.echo(f"{output} is written.")
    failed = sorted({result.story.seed for result in run.failed()})
    typer.echo(
        f"{len(run.results)} stories in {run.seconds / 60:.1f} minutes; "
        + (f"NOT as stated: {failed}" if failed else "all as stated")
    )
    raise typer.Exit(1 if failed else 0)


if __name__ == "__main__":
    try:
        typer.run(main)
    except KeptError as error:
        sys.exit(f"chaos stopped: {error}")
