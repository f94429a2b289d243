"""`kept topics grow`: move a pipeline to topics with more partitions."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

import msgspec
import typer

from command_line.given import Brokers, settings_with
from kept.settings import MOST_PARTITIONS
from stream_processors.topic_growth import grow as move


def grow(
    to: Annotated[int, typer.Option(min=2, max=MOST_PARTITIONS, help="The new number, a multiple of the present one.")],
    new_prefix: Annotated[str, typer.Option(help="Prefix of the wider topics' names; another than the present one.")],
    brokers: Brokers = None,
    topic_prefix: Annotated[
        str | None, typer.Option(help="Prefix of the present topics' names; else KEPT_TOPIC_PREFIX.")
    ] = None,
    partitions: Annotated[
        int | None,
        typer.Option(min=1, max=MOST_PARTITIONS, help="The number the topics were made with; else KEPT_PARTITIONS."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Only copy the events, after a copy was cut off.")] = False,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Move a pipeline to topics with more partitions; no indicator changes.

    First stop the producers, then the workers. The present topics are only read. Afterwards start both with the new
    KEPT_TOPIC_PREFIX and KEPT_PARTITIONS.
    """
    former = settings_with(brokers=brokers, topic_prefix=topic_prefix, partitions=partitions)
    wider = msgspec.structs.replace(former, topic_prefix=new_prefix, partitions=to)
    moved = asyncio.run(move(former, wider, resume=resume))
    if json_output:
        typer.echo(json.dumps(moved._asdict()))
        return
    typer.echo(
        f"moved {moved.state_records:,} records of state to {moved.cases_and_tallies_to} partitions, "
        f"{moved.dead_letters:,} dead letters and {moved.events:,} events that were not applied yet.\n"
        f"Now start workers and producers with KEPT_TOPIC_PREFIX={new_prefix} KEPT_PARTITIONS={to}; when the "
        "indicators go on, the former topics may be deleted."
    )
