"""What is said of topics that are not as Kept needs them."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kept.durations import DAY_MS
from kept.settings import Settings
from kept.topic_needs import SeenTopic, Verdict, broker_verdicts, topic_verdicts, workers_must_not_start
from kept.topics import topics

WANTED = topics("city-", 4)
EVENTS, STATE, TALLIES, LETTERS = (topic.name for topic in WANTED.all())
DEFAULTS = {"min.insync.replicas": "1", "compression.type": "producer", "retention.bytes": "-1"}


def as_made(copies: int = 1) -> dict[str, SeenTopic]:
    return {topic.name: SeenTopic(4, copies, {**DEFAULTS, **topic.config}) for topic in WANTED.all()}


def with_config(name: str, copies: int = 1, **config: str) -> dict[str, SeenTopic]:
    seen = as_made(copies)
    changed = {key.replace("_", "."): value for key, value in config.items()}
    return {**seen, name: replace(seen[name], config={**seen[name].config, **changed})}


def said(seen: dict[str, SeenTopic], copies: int = 1) -> list[Verdict]:
    return [v for v in topic_verdicts(Settings(replication=copies), WANTED, seen) if v.level != "ok"]


def test_topics_as_kept_makes_them_are_all_as_needed() -> None:
    assert said(as_made()) == []
    every = topic_verdicts(Settings(), WANTED, as_made())
    assert {verdict.topic for verdict in every} == {EVENTS, STATE, TALLIES, LETTERS}


def test_every_setting_that_kept_makes_topics_with_is_compared() -> None:
    compared = {(verdict.topic, verdict.what) for verdict in topic_verdicts(Settings(), WANTED, as_made())}
    assert {(topic.name, what) for topic in WANTED.all() for what in topic.config} <= compared


@pytest.mark.parametrize(
    ("name", "what", "seen", "level", "fixable"),
    [
        (EVENTS, "cleanup.policy", "compact", "mend", False),
        (EVENTS, "cleanup.policy", "compact,delete", "mend", False),
        (EVENTS, "retention.ms", str(DAY_MS), "mend", True),
        (EVENTS, "retention.ms", str(7 * DAY_MS), "note", True),
        (EVENTS, "retention.bytes", "1000000", "note", False),
        (EVENTS, "message.timestamp.type", "CreateTime", "note", True),
        (EVENTS, "compression.type", "gzip", "note", True),
        (STATE, "cleanup.policy", "delete", "mend", True),
        (TALLIES, "cleanup.policy", "compact,delete", "mend", True),
        (STATE, "max.message.bytes", "1000000", "mend", True),
        (STATE, "max.message.bytes", "2000000", "note", True),
        (TALLIES, "delete.retention.ms", "60000", "mend", True),
        (TALLIES, "delete.retention.ms", str(DAY_MS // 2), "note", True),
        (STATE, "segment.ms", str(7 * DAY_MS), "note", True),
        (STATE, "min.cleanable.dirty.ratio", "0.5", "note", True),
        (LETTERS, "cleanup.policy", "compact", "mend", False),
        (LETTERS, "retention.ms", str(DAY_MS), "note", True),
        (LETTERS, "max.message.bytes", str(8 * 1024 * 1024), "mend", True),
        (EVENTS, "min.insync.replicas", "2", "mend", False),
    ],
)
def test_what_differs_is_told_with_why_and_the_command(
    name: str, what: str, seen: str, level: str, fixable: bool
) -> None:
    (verdict,) = said(with_config(name, **{what.replace(".", "_"): seen}))
    assert (verdict.topic, verdict.what, verdict.seen, verdict.level) == (name, what, seen, level)
    assert verdict.why
    assert name in verdict.command
    assert f"{what}=" in verdict.command
    assert (verdict.fix is not None) is fixable


@pytest.mark.parametrize(
    ("name", "what", "seen"),
    [
        (EVENTS, "retention.ms", "-1"),
        (EVENTS, "retention.ms", str(400 * DAY_MS)),
        (EVENTS, "max.message.bytes", str(4 * 1024 * 1024)),
        (STATE, "max.message.bytes", str(20 * 1024 * 1024)),
        (STATE, "segment.ms", str(DAY_MS // 24)),
        (TALLIES, "delete.retention.ms", str(30 * DAY_MS)),
    ],
)
def test_what_is_stricter_or_more_generous_is_nothing_to_mend(name: str, what: str, seen: str) -> None:
    assert [v for v in said(with_config(name, **{what.replace(".", "_"): seen})) if v.level == "mend"] == []


@pytest.mark.parametrize(
    ("copies", "config", "level"),
    [
        (3, {"min.insync.replicas": "2"}, None),
        (3, {"min.insync.replicas": "1"}, "note"),
        (3, {"min.insync.replicas": "3"}, "note"),
        (3, {"min.insync.replicas": "4"}, "mend"),
        (3, {"min.insync.replicas": "2", "unclean.leader.election.enable": "true"}, "mend"),
        (1, {"unclean.leader.election.enable": "true"}, None),
    ],
)
def test_copies_that_must_agree_are_neither_too_few_nor_too_many(
    copies: int, config: dict[str, str], level: str | None
) -> None:
    seen = {
        name: replace(topic, config={**topic.config, "min.insync.replicas": "2" if copies == 3 else "1"})
        for name, topic in as_made(copies).items()
    }
    seen[STATE] = replace(seen[STATE], config={**seen[STATE].config, **config})
    assert [verdict.level for verdict in said(seen, copies)] == ([] if level is None else [level])


def test_a_missing_topic_and_other_numbers_are_to_mend() -> None:
    seen = as_made()
    del seen[TALLIES]
    seen[STATE] = replace(seen[STATE], partitions=8)
    assert [(v.topic, v.what, v.level) for v in said(seen, copies=1)] == [
        (STATE, "partitions", "mend"),
        (TALLIES, "topic", "mend"),
    ]
    fewer = said(as_made(copies=1), copies=3)
    assert {(v.what, v.level) for v in fewer} == {("replication", "mend")}


def test_settings_this_user_may_not_read_are_a_note() -> None:
    seen = {name: replace(topic, config={}) for name, topic in as_made().items()}
    assert {(v.level, v.seen) for v in said(seen)} == {("note", "not told")}


def test_only_what_destroys_keeps_a_worker_from_starting() -> None:
    short = said(with_config(EVENTS, retention_ms=str(DAY_MS)))
    compacted = said(with_config(EVENTS, cleanup_policy="compact"))
    assert workers_must_not_start(short) == []
    assert workers_must_not_start(compacted) == compacted


def test_a_broker_that_workers_cannot_work_with_is_told() -> None:
    good = {"group.min.session.timeout.ms": "6000", "group.max.session.timeout.ms": "1800000",
            "transaction.max.timeout.ms": "900000", "auto.create.topics.enable": "false"}  # fmt: skip
    assert {v.level for v in broker_verdicts(Settings(), good)} == {"ok"}
    assert broker_verdicts(Settings(), {}) == []
    bad = {**good, "transaction.max.timeout.ms": "30000", "auto.create.topics.enable": "true"}
    assert [(v.what, v.level) for v in broker_verdicts(Settings(), bad) if v.level != "ok"] == [
        ("transaction.max.timeout.ms", "mend"),
        ("auto.create.topics.enable", "note"),
    ]


@pytest.mark.parametrize(("seconds", "fits"), [(5.0, False), (6.0, True), (60.0, True), (60.5, False)])
def test_the_session_that_is_set_must_fit_between_those_of_the_broker(seconds: float, fits: bool) -> None:
    broker = {"group.min.session.timeout.ms": "6000", "group.max.session.timeout.ms": "60000"}
    verdicts = broker_verdicts(Settings(session_seconds=seconds), broker)
    assert ({v.level for v in verdicts} == {"ok"}) == fits


@pytest.mark.parametrize("copies", [2, 3, 4])
@pytest.mark.parametrize("least", range(1, 7))
def test_what_is_advised_about_copies_is_not_complained_of_afterwards(copies: int, least: int) -> None:
    def complaints(agreeing: str) -> list[Verdict]:
        seen = with_config(EVENTS, copies, min_insync_replicas=agreeing)
        return [verdict for verdict in said(seen, copies) if verdict.topic == EVENTS]

    for verdict in complaints(str(least)):
        advised = verdict.command.rpartition("min.insync.replicas=")[2].split()[0]
        assert complaints(advised) == []
