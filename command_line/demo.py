"""`kept demo`: the whole pipeline on this machine, without containers."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from kept.errors import ConfigurationError, KeptError
from local_stack.demo import DemoOptions, run_demo
from local_stack.demo_places import Place
from producers.simulator import built_in_scripts


def demo(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the live page.")] = 8400,
    kafka_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of Kafka.")] = 9392,
    metrics_port: Annotated[str, typer.Option(help="Ports of the workers' metrics; a worker each.")] = "8401,8402",
    prometheus_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of Prometheus.")] = 9490,
    alertmanager_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of Alertmanager.")] = 9493,
    inbox_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the inbox that hears the alerts.")] = 8410,
    days: Annotated[int, typer.Option(min=1, max=400, help="Days of the past that are published at once.")] = 140,
    seed: Annotated[int, typer.Option(help="The same seed gives the same city.")] = 1,
    script: Annotated[
        str,
        typer.Option(
            help="Incidents, from the first day on: none (the city tries things out by itself), "
            f"{', '.join(built_in_scripts())}, or the path of a .toml file.",
        ),
    ] = "did_it_work",
    seconds: Annotated[
        float | None, typer.Option(min=1, help="End after so many seconds.", show_default="never")
    ] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Run Kafka, two workers, a simulated city, its alerts and the live page here, until Ctrl-C; it leaves nothing.

    Needs Java 17 and Maven, which fetches Kafka once; without them the city runs in one process, without a broker.
    """
    try:
        options = DemoOptions(
            page_port=port,
            kafka_port=kafka_port,
            metrics_ports=parse_ports(metrics_port),
            prometheus_port=prometheus_port,
            alertmanager_port=alertmanager_port,
            inbox_port=inbox_port,
            days=days,
            seed=seed,
            script=None if script == "none" else script,
            seconds=seconds,
        )
        run_demo(options, _say_as_json if json_output else _say)
    except ConfigurationError:
        raise  # told, with exit code 2, as by every other command
    except KeptError as error:
        typer.echo(f"kept demo: {error}", err=True)
        raise typer.Exit(1) from error


def parse_ports(text: str) -> tuple[int, ...]:
    """`8401,8402` as numbers; raises `ConfigurationError`."""
    parts = text.split(",")
    if not all(part.strip().isdecimal() and 0 < int(part) < 65536 for part in parts):
        raise ConfigurationError(f"--metrics-port: {text!r} is not valid; valid: ports such as 8401,8402")
    ports = tuple(int(part) for part in parts)
    if len(set(ports)) < len(ports):
        raise ConfigurationError(f"--metrics-port: {text!r} names a port twice; each worker needs its own")
    return ports


def _say(told: str | Place) -> None:
    typer.echo(str(told))
    sys.stdout.flush()


def _say_as_json(told: str | Place) -> None:
    """Each thing said is an object: `where` and `url` when it tells of a place, `said` in any case."""
    if isinstance(told, Place):
        said = {"said": f"{told.where} {told.url} {told.what}", "where": told.where, "url": told.url}
    else:
        said = {"said": told}
    if told:
        _say(json.dumps(said, ensure_ascii=False))
