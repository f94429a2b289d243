"""`kept catalogue check`: reads catalogue folders and says what is in them, or what is wrong."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from catalogue import folders_of
from kept.catalogue import Service, read_catalogue
from kept.errors import ConfigurationError
from kept.owners import read_owners
from kept.settings import read_settings

app = typer.Typer(no_args_is_help=True, help="The catalogue: what each service is and promises.")


@app.command("check")
def check(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Folders with one TOML file a service.", show_default="KEPT_CATALOGUE, or the simulated city"
        ),
    ] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check catalogue folders; prints a line a service. Exits with 2, and what to change, when one makes no sense."""
    try:
        where = folders or folders_of(read_settings(os.environ))
        services, owners = read_catalogue(where), read_owners(where)
    except ConfigurationError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    if json_output:
        summaries = [_summary(service) for service in services.values()]
        typer.echo(json.dumps({"services": summaries, "owners": sorted(owners)}))
        return
    width = max(map(len, services))
    for service in services.values():
        typer.echo(f"{service.id:<{width}}  {service.name}: {_promise_in_words(service)}")
    told = f"{len(owners)} owners to tell of alerts" if owners else "no owners.toml: nobody is told of alerts"
    typer.echo(f"{len(services)} service{'' if len(services) == 1 else 's'}, all valid; {told}")


def _summary(service: Service) -> dict[str, Any]:
    promise = service.promise
    return {
        "id": service.id,
        "name": service.name,
        "owner": service.owner,
        "promise": None if promise is None else promise.words,
        "target_share": None if promise is None else promise.target_share,
        "target_time": None if promise is None else promise.target_time,
        "channels": list(service.channels.names()),
        "simulated": service.simulated,
    }


def _promise_in_words(service: Service) -> str:
    promise = service.promise
    if promise is None:
        return "no promise"
    limit = "by the due date of each case" if promise.target_time is None else f"within {promise.target_time}"
    working = " of working time" if promise.counted_in == "working_time" else ""
    return f"{promise.target_share:.0%} {limit}{working}"
