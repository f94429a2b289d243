"""`python -m local_stack.soak`: half of peak for half an hour; exit code 1 when something grows or is left behind."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from kept.errors import KeptError
from local_stack.pages import page_to_write
from local_stack.soak.run import run_soak
from local_stack.soak.table import page, problems

USUAL_MINUTES = 30.0


def main(
    minutes: Annotated[float, typer.Option(min=1, help="How long; event time passes as much, only faster.")] = (
        USUAL_MINUTES
    ),
    peak: Annotated[float | None, typer.Option(min=2, help="Events a second; else measured first.")] = None,
    output: Annotated[Path | None, typer.Option(help="The page to write, such as docs/soak.md.")] = None,
) -> None:
    """Tell half of peak to the real parts, and say whether memory, files and threads stay flat."""
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    output = page_to_write(output, typer.echo, trial=minutes < USUAL_MINUTES)
    soak = run_soak(minutes, typer.echo, peak=peak)
    if output is not None:
        output.write_text(page(soak), encoding="utf-8")
        typer.echo(f"{output} is written.")
    wrong = problems(soak)
    for words in wrong:
        typer.echo(f"NOT FLAT: {words}")
    typer.echo("Not as it should be." if wrong else "Flat.")
    raise typer.Exit(1 if wrong else 0)


if __name__ == "__main__":
    try:
        typer.run(main)
    except KeptError as error:
        sys.exit(f"the soak stopped: {error}")
