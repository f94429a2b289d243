"""`kept mapping new`: drafts a mapping for a file that nobody has described yet."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from command_line.output import output as standard_output
from kept.catalogue import parse_service
from kept.errors import ConfigurationError, Stop
from kept.time_zones import time_zones
from producers.mapping_draft import Known, draft_mapping
from producers.mapping_kinds import text_of

app = typer.Typer(no_args_is_help=True, help="Mappings: which columns of a file become which events.")


@app.callback()
def mapping() -> None:
    """A group, though it has one command so far."""


@app.command("new")
def new(
    path: Annotated[
        Path, typer.Argument(help="A table (.csv, .csv.gz, of any delimiter) or an event log (.xes, .xes.gz).")
    ],
    catalogue: Annotated[
        Path | None, typer.Option(help="The catalogue entry of the service: says its id, time zone and channels.")
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option(help="Zone of times without an offset; else that of the catalogue entry.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Write the draft here; else to standard output.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Draft a mapping from what PATH looks like, its doubts as comments.

    Columns that look personal are left out and named. Answer each TODO, then try it with `kept replay --embedded`.
    """
    if output is not None and output.exists() and not force:
        raise ConfigurationError(f"{output}: is there already; name another file, or add --force to write over it")
    if time_zone is not None and time_zone not in time_zones():
        raise ConfigurationError(
            f"--time-zone: {time_zone!r} is not valid; valid: an IANA name such as Europe/Amsterdam"
        )
    text = draft_mapping(path, _known(catalogue, time_zone, Path() if output is None else output.parent))
    if output is None:
        with standard_output():
            typer.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Stop(f"{output}: cannot be written: {error.strerror or error}") from error
    questions = text.count("# TODO") + text.count('= "TODO"\n')
    typer.echo(f"{output}: written; {questions} TODO to answer" if questions else f"{output}: written", err=True)


def _known(catalogue: Path | None, time_zone: str | None, folder: Path) -> Known:
    if catalogue is None:
        return Known(time_zone=time_zone)
    service = parse_service(text_of(catalogue, "catalogue"), str(catalogue))
    listed = None if service.channels.unlisted == "accept" else service.channels.names()
    beside = os.path.relpath(catalogue.absolute(), folder.absolute())
    by_event = service.promise is not None and service.promise.due == "by_event"
    return Known(service.id, Path(beside).as_posix(), time_zone or service.time_zone, listed, by_event)
