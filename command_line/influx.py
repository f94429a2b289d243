"""`kept influx`: make ready the InfluxDB server that keeps the history."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from catalogue import services_of
from command_line.output import output
from history.influxdb_setup import (
    OWNER_ALONE,
    OWNER_AND_GROUP,
    InfluxSetup,
    Step,
    make_folder,
    read_secret,
    write_secret,
)
from kept.errors import ConfigurationError, Stop
from kept.settings import read_settings

app = typer.Typer(no_args_is_help=True, help="Make ready an InfluxDB server for the history.")
NOT_YET = ("KEPT_HISTORY", "KEPT_INFLUXDB_TOKEN", "KEPT_INFLUXDB_TOKEN_FILE")
"""Settings that may name what is only made here."""


@app.callback()
def influx() -> None:
    """Make ready an InfluxDB server for the history."""


@app.command("init")
def init(
    token_file: Annotated[
        Path, typer.Option(help="File with the operator's token; with --setup it is made if absent.")
    ],
    folder: Annotated[Path, typer.Option(help="Folder for the tokens of workers and readers, for their owner alone.")],
    setup: Annotated[bool, typer.Option("--setup", help="First make the first user of an empty server.")] = False,
    username: Annotated[str, typer.Option(help="The first user, with --setup.")] = "operator",
    password_file: Annotated[Path | None, typer.Option(help="File with the first user's password.")] = None,
    read_folder: Annotated[
        Path | None, typer.Option(help="Folder for the readers' token, where they must not see the workers'.")
    ] = None,
    group_reads: Annotated[
        bool, typer.Option("--group-reads", help="The group of the files may read them, too: for containers.")
    ] = False,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object a step.")] = False,
) -> None:
    """Make organization, buckets, tokens and the daily roll-up, where they are missing; running it again is free.

    KEPT_INFLUXDB_URL, KEPT_INFLUXDB_ORG and KEPT_INFLUXDB_BUCKET say where; the catalogue says which services there
    are and where their days end: run it again when a service is added. No token is printed.
    """
    if setup and password_file is None:
        raise ConfigurationError("--setup: the first user needs a password; name its file in --password-file")
    settings = read_settings({name: value for name, value in os.environ.items() if name not in NOT_YET})
    services = list(services_of(settings).values())
    new = setup and not token_file.exists()
    token = secrets.token_urlsafe(48) if new else read_secret(token_file)
    steps = InfluxSetup(settings, token)
    try:
        with output():
            if setup and password_file is not None:
                password = read_secret(password_file)
                for step in _first_set_up(steps, username, password, token_file, token, new=new):
                    _print(step, json_output)
            mode = OWNER_AND_GROUP if group_reads else OWNER_ALONE
            for step in steps.run(folder, services, read_folder=read_folder, mode=mode):
                _print(step, json_output)
    finally:
        steps.close()


def _first_set_up(
    steps: InfluxSetup, username: str, password: str, token_file: Path, token: str, *, new: bool
) -> Iterator[Step]:
    if not steps.is_empty():
        if new:
            raise ConfigurationError(f"--setup: the server is set up already; put its operator's token in {token_file}")
        return
    if new:  # before it is used: a token that nobody has cannot be had again
        make_folder(token_file.absolute().parent)
        write_secret(token_file, token)
    try:
        yield steps.first_set_up(username, password, token)
    except Stop:
        if new:
            token_file.unlink(missing_ok=True)
        raise


def _print(step: Step, json_output: bool) -> None:
    if json_output:
        typer.echo(json.dumps(msgspec.structs.asdict(step), ensure_ascii=False))
    else:
        typer.echo(f"{step.kind} {step.name}: {step.state}{f' ({step.remark})' if step.remark else ''}")
