"""`kept topics`: make the topics of a pipeline, and see whether they are as Kept needs them."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError, TopicAuthorizationFailedError, for_code

from command_line.given import Brokers, Prefix, settings_with
from kept.errors import Stop
from kept.settings import MOST_PARTITIONS, Settings
from kept.topics import Topics
from kept.topics import topics as topics_of
from producers.connection import connected, kept_error

CONNECT_SECONDS = 10.0
REQUEST_SECONDS = 10
app = typer.Typer(no_args_is_help=True, help="Make and inspect the topics of a pipeline.")

Partitions = Annotated[
    int | None, typer.Option(min=1, max=MOST_PARTITIONS, help="Partitions of each topic; else KEPT_PARTITIONS.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a topic.")]


@app.command("create")
def create(
    brokers: Brokers = None, topic_prefix: Prefix = None, partitions: Partitions = None, json_output: AsJson = False
) -> None:
    """Create what is missing; what is there is left as it is. The number of partitions is fixed from then on."""
    settings = settings_with(brokers=brokers, topic_prefix=topic_prefix, partitions=partitions)
    made = create_topics(settings)
    for topic in topics_of(settings.topic_prefix, settings.partitions).all():
        row = {"topic": topic.name, "partitions": topic.partitions, "created": topic.name in made}
        state = "created" if row["created"] else "is there"
        typer.echo(json.dumps(row) if json_output else f"{topic.name}: {state}")


@app.command("list")
def list_topics(
    brokers: Brokers = None, topic_prefix: Prefix = None, partitions: Partitions = None, json_output: AsJson = False
) -> None:
    """The topics of the pipeline, with their partitions and whether that is what Kept was told; exit 1 if not."""
    settings = settings_with(brokers=brokers, topic_prefix=topic_prefix, partitions=partitions)
    wanted = topics_of(settings.topic_prefix, settings.partitions)
    found = partition_counts(settings, wanted)
    wrong = False
    for topic in wanted.all():
        seen = found.get(topic.name)
        wrong = wrong or seen != topic.partitions
        row = {"topic": topic.name, "partitions": seen, "expected": topic.partitions, "ok": seen == topic.partitions}
        said = (
            "missing; run `kept topics create`" if seen is None else f"{seen} partitions, expected {topic.partitions}"
        )
        typer.echo(json.dumps(row) if json_output else f"{topic.name}: {said}")
    if wrong:
        raise typer.Exit(1)


def create_topics(settings: Settings) -> set[str]:
    """Create the missing topics of the pipeline; returns the names of those created."""
    admin = topic_admin(settings)
    made: set[str] = set()
    try:
        for topic in topics_of(settings.topic_prefix, settings.partitions).all():
            new = NewTopic(topic.name, topic.partitions, settings.replication, topic_configs=topic.config)
            try:
                admin.create_topics([new])
                made.add(topic.name)
            except TopicAlreadyExistsError:
                continue
    except KafkaError as error:
        raise kept_error(error, f"brokers {settings.brokers}") from error
    finally:
        admin.close()
    return made


def delete_topics(settings: Settings) -> None:
    """Delete the topics of the pipeline, with all they hold."""
    admin = topic_admin(settings)
    try:
        admin.delete_topics([topic.name for topic in topics_of(settings.topic_prefix, settings.partitions).all()])
    except KafkaError as error:
        raise kept_error(error, f"brokers {settings.brokers}") from error
    finally:
        admin.close()


def partition_counts(settings: Settings, wanted: Topics) -> dict[str, int]:
    """Partitions of each topic that exists."""
    admin = topic_admin(settings)
    try:
        found = described(admin, wanted)
    except KafkaError as error:
        raise kept_error(error, f"brokers {settings.brokers}") from error
    finally:
        admin.close()
    return {name: len(row["partitions"]) for name, row in found.items()}


def described(admin: KafkaAdminClient, wanted: Topics) -> dict[str, Any]:
    """What the broker says of each topic that exists, by name; raises `Stop` when this user may not see one."""
    rows = admin.describe_topics([topic.name for topic in wanted.all()])
    for row in rows:
        if for_code(row["error_code"]) is TopicAuthorizationFailedError:
            raise Stop(
                f"topic {row['name']}: this user may not even see it; `kept topics rights --role observer` lists the "
                "rights that are needed, with the commands that grant them"
            )
    return {row["name"]: row for row in rows if not row["error_code"] and row["partitions"]}


def topic_admin(settings: Settings, seconds: float = CONNECT_SECONDS) -> KafkaAdminClient:
    """A connected client for topics; raises `Stop` or `Retry` with the reason when there is no connection."""
    return connected(KafkaAdminClient, settings, seconds, request_timeout_ms=REQUEST_SECONDS * 1000)
