"""`kept topics check` and `kept topics rights` on a real broker: what differs is told, and mended where it is safe."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource
from typer.testing import CliRunner

from command_line.main import app
from command_line.topics import create_topics
from kept.errors import Stop
from kept.rights import rights
from kept.settings import Settings
from kept.topics import topics
from local_stack.broker import Broker
from stream_processors.topic_check import check_topics


@pytest.fixture
def settings(broker: Broker, topic_prefix: str) -> Settings:
    settings = Settings(brokers=broker.bootstrap, topic_prefix=topic_prefix, partitions=2)
    create_topics(settings)
    return settings


def alter(settings: Settings, topic: str, **config: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=settings.brokers)
    changed = {key.replace("_", "."): value for key, value in config.items()}
    assert admin.alter_configs([ConfigResource("TOPIC", topic, changed)]) == {"topic": {topic: "OK"}}
    admin.close()


def check(settings: Settings, *more: str) -> tuple[int, Any]:
    where = ["--brokers", settings.brokers, "--topic-prefix", settings.topic_prefix, "--partitions", "2"]
    result = CliRunner().invoke(app, ["topics", "check", *where, *more])
    return result.exit_code, result


def test_topics_as_kept_makes_them_need_nothing(settings: Settings) -> None:
    code, result = check(settings)
    assert code == 0
    assert result.stdout.splitlines()[-1].endswith("as needed")
    assert len(result.stdout.splitlines()) == 1
    asyncio.run(check_topics(settings, topics(settings.topic_prefix, 2)))


def test_what_is_dangerous_is_exit_1_and_mended_only_where_nothing_is_deleted(settings: Settings) -> None:
    named = topics(settings.topic_prefix, 2)
    alter(settings, named.events.name, cleanup_policy="compact", retention_ms="3600000")
    alter(settings, named.state.name, max_message_bytes="1000")
    code, result = check(settings, "--json")
    told = {(row["topic"], row["what"]): row for row in map(json.loads, result.stdout.splitlines())}
    assert code == 1
    assert {key for key, row in told.items() if row["level"] == "mend"} == {
        (named.events.name, "cleanup.policy"),
        (named.events.name, "retention.ms"),
        (named.state.name, "max.message.bytes"),
    }
    with pytest.raises(Stop, match=r"service-events: cleanup.policy is compact, needed is delete"):
        asyncio.run(check_topics(settings, named))

    code, result = check(settings, "--fix")
    assert code == 1
    assert f"set retention.ms=1209600000 of {named.events.name}" in result.stderr
    assert f"{named.events.name}: cleanup.policy is compact, needed is delete" in result.stdout
    assert "1 to mend" in result.stdout

    alter(settings, named.events.name, cleanup_policy="delete")
    assert check(settings)[0] == 0


def test_rights_are_told_as_commands_and_as_objects() -> None:
    told = CliRunner().invoke(app, ["topics", "rights", "--topic-prefix", "city-", "--role", "worker"]).stdout
    assert "--operation Read --group 'city-kept'" in told
    assert "--operation Write --transactional-id 'city-case-state-' --resource-pattern-type prefixed" in told
    rows = CliRunner().invoke(app, ["topics", "rights", "--json", "--principal", "User:x"]).stdout.splitlines()
    assert len(rows) == len(rights(Settings()))
    assert all("'User:x'" in json.loads(row)["command"] for row in rows)
