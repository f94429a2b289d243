"""Each program of Kept with a user of its own, over TLS: it does its work, and may do nothing else.

The rights are those of `kept topics rights`, on a real broker that refuses what is not granted.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka.protocol.fetch import FetchRequest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import TopicAuthorizationFailedError, for_code
from msgspec.structs import replace
from typer.testing import CliRunner

from command_line.main import app
from command_line.topics import create_topics
from kept import events as e
from kept.errors import Stop
from kept.marks import Accounts
from kept.rights import ROLE_HELP, Role, rights
from kept.settings import Settings
from kept.topics import topics
from local_stack.environment import environment_of
from local_stack.replay import Replay, WorkerGroup, accounts_of, wait_for
from producers.connection import client_options
from producers.durable_publisher import DurablePublisher
from producers.publisher import Publisher
from producers.spool import Message
from stream_processors.connection import asked
from tests.producers.intake.test_intake_broker import IntakeProcess
from tests.secured_broker import PASSWORD, STRANGER, USERS, SecuredBroker
from tests.waiting import PATIENCE_SECONDS, eventually

pytestmark = [
    pytest.mark.broker,
    pytest.mark.timeout(180),
    # The Kafka clients leave the socket of a refused connection to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
SERVICE = "street-lights"
IMPLIED = {"Read": "Describe", "Write": "Describe", "AlterConfigs": "DescribeConfigs"}
"""What a right brings with it, by Kafka's own rules."""
CASES = 20


def pipeline(secured_broker: SecuredBroker, tmp_path: Path) -> Settings:
    """A pipeline whose topics are there, in which each role has its rights; its login is the worker's."""
    topic_prefix = f"t{uuid.uuid4().hex[:12]}-"
    settings = secured_broker.settings(
        topic_prefix=topic_prefix, partitions=2, live=False, history_path=str(tmp_path / "history.sqlite"),
        spool_folder=str(tmp_path / "spool"), spool_bytes=1024 * 1024, intake_body_bytes=128 * 1024,
    )  # fmt: skip
    secured_broker.grant_all(settings)
    create_topics(acting_as("operator", settings))
    return settings


@pytest.fixture(scope="module")
def settings(secured_broker: SecuredBroker, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A pipeline with a message in each topic, on which nothing works."""
    settings = pipeline(secured_broker, tmp_path_factory.mktemp("rights"))
    plain = KafkaProducer(bootstrap_servers=secured_broker.broker.bootstrap)
    for topic in topics(settings.topic_prefix, settings.partitions).all():
        plain.send(topic.name, key=b"k", value=b"v", partition=0).get(10)
    plain.close()
    return settings


def acting_as(role: Role, settings: Settings) -> Settings:
    return replace(settings, sasl_username=USERS[role])


def kept(settings: Settings, *arguments: str) -> Any:
    """What a command prints, which ends well."""
    result = CliRunner().invoke(app, list(arguments), env=environment_of(settings), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert PASSWORD not in result.output
    return result.stdout


def test_from_the_intake_to_a_letter_that_is_sent_again_each_with_its_own_user(
    secured_broker: SecuredBroker, tmp_path: Path
) -> None:
    settings = pipeline(secured_broker, tmp_path)
    producer, observer, letters = (acting_as(role, settings) for role in ("producer", "observer", "letters"))
    events = topics(settings.topic_prefix, settings.partitions).events.name
    group = WorkerGroup(settings, tmp_path, 1)
    intake = IntakeProcess(replace(producer, metrics_port=0), tmp_path)
    try:
        group.start()
        intake.start()
        assert intake.post(range(CASES)) == 202
        with Publisher(events, producer) as publisher:  # a service system that writes to the topic by itself
            publisher.send(b"case-0", b"no event at all")
            publisher.finish()
        intake.wait_until_delivered()
        eventually(lambda: accounts_of(settings).received == CASES + 1, group.workers[0].log_tail())

        findings = {row["what"]: row for row in json.loads(doctor(observer))["findings"]}
        assert (findings["broker"]["level"], findings["topics"]["level"]) == ("ok", "ok")
        assert "over SASL_SSL" in findings["broker"]["seen"]
        checked = kept(observer, "topics", "check", "--json").splitlines()
        assert {json.loads(line)["level"] for line in checked} == {"ok"}
        kept(observer, "topics", "list")

        (letter,) = map(json.loads, kept(letters, "dead-letters", "list", "--json").splitlines())
        assert letter["reason"] == "undecodable"
        mended = tmp_path / "mended"
        mended.write_bytes(e.encode(late_event()))
        told = kept(letters, "dead-letters", "redrive", "--yes", "--json", "--edit", f"cat {mended}")
        assert json.loads(told)["sent"] == 1
        eventually(lambda: accounts_of(settings).received == CASES + 2, group.workers[0].log_tail())

        at = 1_767_571_200 // 3600 * 3600 + 7200
        Replay(producer, group).end(at * 1000)
        _, accounts = wait_for(settings, group, SERVICE, at)
    finally:
        intake.child.stop()
        group.stop()
    assert accounts == Accounts(received=CASES + 2, applied=CASES + 1, dead_lettered={"undecodable": 1})
    assert accounts.reconciles()
    for log in (group.workers[0].log, intake.child.log):
        assert PASSWORD not in log.read_text()


def doctor(settings: Settings) -> str:
    result = CliRunner().invoke(app, ["doctor", "--json"], env=environment_of(settings), catch_exceptions=False)
    assert PASSWORD not in result.output
    return result.stdout


def late_event() -> e.Event:
    return e.CaseOpened(
        specversion="1.0", id="mended", source="works", subject="case-late", time=e.moment(1_767_571_300_000),
        data=e.CaseOpenedData(service=SERVICE),
    )  # fmt: skip


@pytest.mark.parametrize("role", ROLE_HELP)
def test_a_role_may_do_what_its_rights_say_and_nothing_else_by_the_broker_s_own_word(
    role: Role, settings: Settings
) -> None:
    names = [topic.name for topic in topics(settings.topic_prefix, settings.partitions).all()]
    granted: dict[str, set[str]] = {name: set() for name in names}
    for right in rights(settings):
        if right.role == role and right.name in granted:
            granted[right.name] |= {*right.operations, *(IMPLIED[o] for o in right.operations if o in IMPLIED)}
    admin = KafkaAdminClient(**client_options(acting_as(role, settings)))
    try:
        told = {row["name"]: row["authorized_operations"] or [] for row in admin.describe_topics(names)}
    finally:
        admin.close()
    assert {name: {camel(each) for each in may} for name, may in told.items()} == granted


def camel(operation: str) -> str:
    return operation.title().replace("_", "")


@pytest.fixture
def silent_client() -> Iterator[None]:
    """The client logs each refusal as an error."""
    logger = logging.getLogger("kafka")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(before)


READS: dict[Role, set[str]] = {
    "worker": {"service-events", "case-state", "tallies"}, "producer": set(), "operator": set(), "observer": set(),
    "letters": {"dead-letters"}, "former": {"service-events", "case-state", "dead-letters"}, "wider": set(),
}  # fmt: skip
WRITES: dict[Role, set[str]] = {
    "worker": {"case-state", "tallies", "dead-letters"}, "producer": {"service-events"}, "operator": set(),
    "observer": set(), "letters": {"service-events", "dead-letters"}, "former": set(),
    "wider": {"service-events", "case-state", "tallies", "dead-letters"},
}  # fmt: skip


@pytest.mark.usefixtures("silent_client")
def test_who_tries_to_read_or_write_a_topic_that_is_not_theirs_is_refused(settings: Settings) -> None:
    names = [topic.name for topic in topics(settings.topic_prefix, settings.partitions).all()]
    for role in ROLE_HELP:
        user = acting_as(role, settings)
        producer = KafkaProducer(**client_options(user), enable_idempotence=False)
        try:
            reads = {name.removeprefix(settings.topic_prefix) for name in messages_given(user, names)}
            writes = {name.removeprefix(settings.topic_prefix) for name in names if could_write(producer, name)}
        finally:
            producer.close()
        assert (role, reads, writes) == (role, READS[role], WRITES[role])


def messages_given(settings: Settings, names: list[str]) -> set[str]:
    """The topics of which the broker hands out the first message; of each other it must say that it may not."""
    request = FetchRequest(0, 1, 1024, 0, [(name, [(0, 0, 1024)]) for name in names])
    given = set()
    for name, [(_, code, *_, messages)] in asyncio.run(asked(settings, request)).topics:
        assert code == 0 or for_code(code) is TopicAuthorizationFailedError, (name, code)
        assert bool(messages) == (code == 0), name
        if messages:
            given.add(name)
    return given


def could_write(producer: Any, topic: str) -> bool:
    try:
        producer.send(topic, key=b"k", value=b"v", partition=0).get(10)
    except TopicAuthorizationFailedError:
        return False
    return True


GROW = ["topics", "grow", "--to", "4", "--new-prefix", "another-"]
REFUSED_COMMANDS: list[tuple[Role, list[str]]] = [
    ("observer", ["topics", "create", "--topic-prefix", "another-"]),
    ("observer", ["dead-letters", "list"]),
    ("observer", ["dead-letters", "redrive", "--yes"]),
    ("observer", ["publish", "--simulated-city", "--days", "0", "--no-progress"]),
    ("producer", ["dead-letters", "list"]),
    ("producer", ["topics", "check"]),
    ("letters", ["topics", "list"]),
    ("worker", ["publish", "--simulated-city", "--days", "0", "--no-progress"]),
    ("worker", ["dead-letters", "list"]),
    ("producer", GROW),
    ("letters", GROW),
    ("former", GROW),  # it may not make the wider topics
]


@pytest.mark.usefixtures("silent_client")
@pytest.mark.parametrize(
    ("role", "command"),
    REFUSED_COMMANDS,
    ids=[f"{role} {command[0]} {command[1]}" for role, command in REFUSED_COMMANDS],
)
def test_a_command_without_its_right_says_so(role: Role, command: list[str], settings: Settings) -> None:
    environment = environment_of(acting_as(role, settings))
    ended = CliRunner().invoke(app, command, env=environment)
    assert isinstance(ended.exception, Stop), (ended.exception, ended.output)
    assert re.search("this user (lacks a right|may not even see it); `kept topics rights", str(ended.exception))
    assert PASSWORD not in f"{ended.exception}{ended.output}"


@pytest.mark.usefixtures("silent_client")
def test_what_a_producer_without_its_right_has_accepted_waits_and_is_sent_once_it_has_it(
    settings: Settings, secured_broker: SecuredBroker
) -> None:
    described = [replace(right, operations=("Describe",)) for right in rights(settings) if right.role == "producer"]
    secured_broker.grant(STRANGER, described)
    topic = topics(settings.topic_prefix, settings.partitions).events.name
    with DurablePublisher(topic, replace(settings, sasl_username=STRANGER)) as publisher:
        publisher.submit([Message(b"case-1", e.encode(late_event()))]).result(10)
        eventually(lambda: publisher.delivery.problem is not None, "the refusal is told")
        assert "this user lacks a right; `kept topics rights`" in str(publisher.delivery.problem)
        assert publisher.spool.waiting == 1
        secured_broker.grant(STRANGER, [right for right in rights(settings) if right.role == "producer"])
        assert publisher.finish(PATIENCE_SECONDS)
        eventually(lambda: publisher.delivery.problem is None, "all is well again")


def test_a_worker_that_may_put_nothing_aside_ends_and_counts_the_batch_once_it_may(
    secured_broker: SecuredBroker, tmp_path: Path
) -> None:
    settings = replace(pipeline(secured_broker, tmp_path), sasl_username=STRANGER)
    aside = topics(settings.topic_prefix, settings.partitions).dead_letters.name
    needed = [right for right in rights(settings) if right.role == "worker"]
    described = [replace(right, operations=("Describe", "DescribeConfigs")) for right in needed if right.name == aside]
    secured_broker.grant(STRANGER, [*(right for right in needed if right.name != aside), *described])
    group = WorkerGroup(settings, tmp_path, 1)
    (worker,) = group.workers
    producer = acting_as("producer", settings)
    try:
        group.start()
        with Publisher(topics(settings.topic_prefix, settings.partitions).events.name, producer) as publisher:
            publisher.send(b"case-0", b"no event at all")
            publisher.send(b"case-late", e.encode(late_event()))
            publisher.finish()
        eventually(lambda: not worker.running(), "it ends")
        assert re.search("a right.*`kept topics rights", worker.log_tail()), worker.log_tail()
        assert accounts_of(settings).dead_lettered == {}
        secured_broker.grant(STRANGER, needed)
        group.start()
        eventually(lambda: accounts_of(settings).received == 2, worker.log_tail())
    finally:
        group.stop()
    assert accounts_of(settings) == Accounts(received=2, applied=1, dead_lettered={"undecodable": 1})


def test_a_pipeline_is_moved_with_the_rights_on_both_and_not_without_one_of_them(
    secured_broker: SecuredBroker, tmp_path: Path
) -> None:
    settings = pipeline(secured_broker, tmp_path)
    wider = replace(settings, topic_prefix=f"{settings.topic_prefix}wider-", partitions=4)
    group = WorkerGroup(settings, tmp_path, 1)
    with Publisher(topics(settings.topic_prefix, 2).events.name, acting_as("producer", settings)) as publisher:
        publisher.send(b"case-0", b"no event at all")
        publisher.send(b"case-late", e.encode(late_event()))
        publisher.finish()
    try:
        group.start()
        eventually(lambda: accounts_of(settings).received == 2, group.workers[0].log_tail())
    finally:
        group.stop()
    mover = replace(settings, sasl_username=STRANGER)
    grow = ["topics", "grow", "--to", "4", "--new-prefix", wider.topic_prefix, "--json"]
    needed = {right for right in rights(settings) if right.role == "former"}
    needed |= {right for right in rights(wider) if right.role == "wider"}
    of_group = {right for right in needed if right.resource == "group"}
    secured_broker.grant(STRANGER, needed - of_group)

    ended = CliRunner().invoke(app, grow, env=environment_of(mover))
    assert re.search("group .*: this user may not .*`kept topics rights --role former`", str(ended.exception))

    secured_broker.grant(STRANGER, of_group)
    moved = json.loads(kept(mover, *grow))
    assert (moved["events"], moved["dead_letters"], moved["cases_and_tallies_to"]) == (0, 1, 4)
    secured_broker.grant_all(wider)
    assert accounts_of(wider) == Accounts(received=2, applied=1, dead_lettered={"undecodable": 1})
