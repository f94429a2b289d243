"""The rights that Kept needs of Kafka, by who needs them. Pure; `kept topics rights` prints them as commands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from kept.settings import Settings
from kept.topics import consumer_group, topics, transactional_id

Role = Literal["worker", "producer", "operator", "observer", "letters", "former", "wider"]
ROLE_HELP: dict[Role, str] = {
    "worker": "`kept worker`",
    "producer": "`kept intake`, `kept publish`, and any service system that sends events",
    "operator": "`kept topics create` and `check --fix`",
    "observer": "`kept doctor`, `kept topics list` and `check`: sees how topics are set, no message",
    "letters": "`kept dead-letters`: reads what was put aside, sends it again",
    "former": "`kept topics grow`, on the topics that it moves",
    "wider": "`kept topics grow`, on the topics that it makes (with their prefix)",
}
SEES_BROKERS: tuple[Role, ...] = ("operator", "observer")
WRITES_STATE: tuple[Role, ...] = ("worker", "former", "wider")
"""Or fences who does."""


class Right(Struct, frozen=True):
    """What a role may do with a topic, a group or transactional ids. `prefixed`: with all names that begin so."""

    role: Role
    resource: Literal["topic", "group", "transactional-id", "cluster"]
    name: str
    operations: tuple[str, ...]
    prefixed: bool = False

    def command(self, brokers: str, principal: str) -> str:
        """The command that grants it, with Kafka's own tool."""
        named = "--cluster" if self.resource == "cluster" else f"--{self.resource} '{self.name}'"
        pattern = " --resource-pattern-type prefixed" if self.prefixed else ""
        operations = " ".join(f"--operation {operation}" for operation in self.operations)
        return (
            f"kafka-acls.sh --bootstrap-server {brokers} --add --allow-principal '{principal}' "
            f"{operations} {named}{pattern}"
        )


def rights(settings: Settings) -> tuple[Right, ...]:
    """The least rights each role can work with."""
    return tuple(_rights(settings))


def _rights(settings: Settings) -> Iterator[Right]:
    named = topics(settings.topic_prefix, settings.partitions)
    yield Right("worker", "topic", named.events.name, ("Read", "DescribeConfigs"))
    yield Right("worker", "topic", named.state.name, ("Read", "Write", "DescribeConfigs"))
    yield Right("worker", "topic", named.tallies.name, ("Read", "Write", "DescribeConfigs"))
    yield Right("worker", "topic", named.dead_letters.name, ("Write", "DescribeConfigs"))
    yield Right("worker", "group", consumer_group(settings.topic_prefix), ("Read",))
    ids = transactional_id(named.state, 0).removesuffix("0")
    for role in WRITES_STATE:
        yield Right(role, "transactional-id", ids, ("Write",), prefixed=True)
    yield Right("producer", "topic", named.events.name, ("Write",))
    for topic in named.all():
        yield Right("operator", "topic", topic.name, ("Create", "Describe", "DescribeConfigs", "AlterConfigs"))
        yield Right("observer", "topic", topic.name, ("Describe", "DescribeConfigs"))
    for role in SEES_BROKERS:
        yield Right(role, "cluster", "kafka-cluster", ("DescribeConfigs",))
    yield Right("letters", "topic", named.dead_letters.name, ("Read", "Write"))
    yield Right("letters", "topic", named.events.name, ("Write",))
    for topic in (named.events, named.state, named.dead_letters):
        yield Right("former", "topic", topic.name, ("Read",))
    yield Right("former", "topic", named.tallies.name, ("Describe",))
    yield Right("former", "group", consumer_group(settings.topic_prefix), ("Describe",))
    for topic in named.all():
        yield Right("wider", "topic", topic.name, ("Create", "Write"))
