"""`kept topics check` and `kept topics rights`: are the topics and this user's rights what Kept needs?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
import typer
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource
from kafka.errors import AuthorizationError, KafkaError
from rich.console import Console
from rich.markup import escape

from command_line.given import Brokers, Prefix, settings_with
from command_line.output import output
from command_line.topics import AsJson, Partitions, described, topic_admin
from kept.errors import Stop
from kept.rights import ROLE_HELP, rights
from kept.settings import Settings
from kept.topic_needs import SeenTopic, Verdict, broker_verdicts, topic_verdicts
from kept.topics import Topics
from kept.topics import topics as topics_of
from producers.connection import kept_error

STYLES = {"ok": "green", "note": "yellow", "mend": "bold red"}
Fix = Annotated[bool, typer.Option("--fix", help="Set what can be set without deleting anything, then check again.")]
Principal = Annotated[str, typer.Option(help="Who gets the rights, as the brokers know them.")]
OneRole = Annotated[str | None, typer.Option(help=f"Only those of one: {', '.join(ROLE_HELP)}.")]


def check(
    brokers: Brokers = None,
    topic_prefix: Prefix = None,
    partitions: Partitions = None,
    fix: Fix = False,
    json_output: AsJson = False,
) -> None:
    """Compare the topics with what Kept needs: partitions, copies, retention, sizes. Exit 1 when one must be mended."""
    settings = settings_with(brokers=brokers, topic_prefix=topic_prefix, partitions=partitions)
    verdicts = compare(settings)
    if fix:
        for verdict in mend(settings, verdicts):
            typer.echo(f"set {verdict.fix[0]}={verdict.fix[1]} of {verdict.topic}" if verdict.fix else "", err=True)
        verdicts = compare(settings)
    with output():
        if json_output:
            for verdict in verdicts:
                typer.echo(json.dumps(msgspec.to_builtins(verdict)))
        else:
            _print(verdicts)
    if any(verdict.level == "mend" for verdict in verdicts):
        raise typer.Exit(1)


def needed_rights(
    brokers: Brokers = None,
    topic_prefix: Prefix = None,
    principal: Principal = "User:kept",
    role: OneRole = None,
    json_output: AsJson = False,
) -> None:
    """List the rights Kept needs where brokers check them, as commands that grant them. Asks no broker."""
    settings = settings_with(brokers=brokers, topic_prefix=topic_prefix)
    if role is not None and role not in ROLE_HELP:
        raise Stop(f"--role: {role!r} is not valid; valid: {', '.join(ROLE_HELP)}")
    for right in rights(settings):
        if role not in (None, right.role):
            continue
        command = right.command(settings.brokers, principal)
        typer.echo(json.dumps({**msgspec.to_builtins(right), "command": command}) if json_output else command)


def compare(settings: Settings, seconds: float = 10.0) -> list[Verdict]:
    """Everything compared of the topics and the broker. Raises `Stop` or `Retry` when no broker answers."""
    wanted = topics_of(settings.topic_prefix, settings.partitions)
    admin = topic_admin(settings, seconds)
    try:
        seen = _seen(admin, wanted)
        return [*topic_verdicts(settings, wanted, seen), *broker_verdicts(settings, _broker_config(admin))]
    except KafkaError as error:
        raise kept_error(error, f"brokers {settings.brokers}") from error
    finally:
        admin.close()


def mend(settings: Settings, verdicts: list[Verdict]) -> list[Verdict]:
    """Set what can be set without deleting anything; returns what was. Raises `Stop` when the broker refuses it."""
    chosen = [verdict for verdict in verdicts if verdict.fix is not None]
    changes: dict[str, dict[str, str]] = {}
    for verdict in chosen:
        if verdict.fix is not None:
            changes.setdefault(verdict.topic, {})[verdict.fix[0]] = verdict.fix[1]
    if not changes:
        return []
    admin = topic_admin(settings)
    try:
        answers = admin.alter_configs([ConfigResource("TOPIC", name, config) for name, config in changes.items()])
    except KafkaError as error:
        raise kept_error(error, f"brokers {settings.brokers}") from error
    finally:
        admin.close()
    for name, answer in answers.get("topic", {}).items():
        if answer != "OK":
            raise Stop(f"topic {name}: the broker does not take the change: {answer}")
    return chosen


def _seen(admin: KafkaAdminClient, wanted: Topics) -> dict[str, SeenTopic]:
    there = described(admin, wanted)
    config = _config(admin, sorted(there))
    return {
        name: SeenTopic(
            partitions=len(row["partitions"]),
            replication=min(len(partition["replica_nodes"]) for partition in row["partitions"]),
            config=config.get(name, {}),
        )
        for name, row in there.items()
    }


def _config(admin: KafkaAdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    """Settings of each topic; none of a topic whose settings this user may not read."""
    found: dict[str, dict[str, str]] = {}
    for name in names:
        try:
            answer = admin.describe_configs([ConfigResource("TOPIC", name)], config_filter="all")
        except AuthorizationError:
            continue
        found[name] = _values(answer["topic"][name])
    return found


def _broker_config(admin: KafkaAdminClient) -> dict[str, str]:
    """Settings of one broker (a cluster's are alike); empty where this user may not read them."""
    brokers = admin.describe_cluster()["brokers"]
    if not brokers:
        return {}
    name = str(brokers[0]["broker_id"])
    try:
        answer = admin.describe_configs([ConfigResource("BROKER", name)], config_filter="all")
    except AuthorizationError:
        return {}
    return _values(answer["broker"][name])


def _values(config: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    return {key: entry["value"] for key, entry in config.items() if entry["value"] is not None}


def _print(verdicts: list[Verdict]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for verdict in verdicts:
        if verdict.level == "ok":
            continue
        console.print(
            f"[{STYLES[verdict.level]}]{verdict.level}[/]  {escape(verdict.topic)}: {verdict.what} is "
            f"{escape(verdict.seen)}, needed is {escape(verdict.needed)}: {escape(verdict.why)}"
        )
        if verdict.command:
            console.print(f"      {escape(verdict.command)}")
    fine = sum(verdict.level == "ok" for verdict in verdicts)
    others = ", ".join(
        f"{count} {words}"
        for level, words in (("note", "to note"), ("mend", "to mend"))
        if (count := sum(verdict.level == level for verdict in verdicts))
    )
    console.print(f"{fine} of {len(verdicts)} as needed{f'; {others}' if others else ''}")
