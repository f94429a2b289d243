"""What Kept needs of each topic, and what it says of a topic that is otherwise. Pure: what was seen is an argument.

`mend` is for what loses events, loses state or stops a worker; `note` for what costs time or safety. All that is
stricter or more generous than needed is ok.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Literal

from msgspec import Struct

from kept.durations import DAY_MS, HOUR_MS, SECOND_MS
from kept.settings import Settings
from kept.topics import MAX_DEAD_LETTER_BYTES, Topic, Topics

Level = Literal["ok", "note", "mend"]
LEAST_RETENTION_MS = 3 * DAY_MS
"""A worker may be away over a long weekend."""
LEAST_BATCH_BYTES = 1024 * 1024
"""One write of state or tallies."""
FOREVER = -1
TRANSACTION_MS = 60_000
"""What workers ask for."""


class SeenTopic(Struct, frozen=True):
    """A topic as the broker describes it."""

    partitions: int
    replication: int
    config: Mapping[str, str]


class Verdict(Struct, frozen=True):
    """One thing that was compared. `fix`: the topic's setting that mends it without deleting anything."""

    topic: str
    what: str
    level: Level
    seen: str
    needed: str
    why: str = ""
    command: str = ""
    fix: tuple[str, str] | None = None


class _Rule(Struct, frozen=True):
    """How a setting is judged: `judge(seen)` is the level; `value` is what Kept sets."""

    what: str
    value: str
    needed: str
    why: str
    judge: Callable[[str], Level]
    fixable: bool = True


def topic_verdicts(settings: Settings, wanted: Topics, seen: Mapping[str, SeenTopic]) -> list[Verdict]:
    """Everything compared of all four topics, in data order; a topic that is not in `seen` is missing."""
    found: list[Verdict] = []
    for topic in wanted.all():
        if topic.name not in seen:
            command = "kept topics create"
            found.append(Verdict(topic.name, "topic", "mend", "missing", "there", "nothing runs without it", command))
            continue
        is_there = seen[topic.name]
        found.append(_partitions(topic, is_there))
        found.append(_replication(settings, topic, is_there))
        found += _copies(topic, is_there)
        found += [_judged(settings, topic, is_there, rule) for rule in _rules(topic, wanted)]
    return found


def broker_verdicts(settings: Settings, config: Mapping[str, str]) -> list[Verdict]:
    """What the broker's own settings mean for Kept; a setting that is not told is not judged."""
    found = []
    for what, needed, least, most, why in _broker_needs(int(settings.session_seconds * SECOND_MS)):
        if what in config:
            fits = least <= int(config[what]) <= most
            found.append(Verdict("broker", what, "ok" if fits else "mend", config[what], needed, "" if fits else why))
    creates = config.get("auto.create.topics.enable")
    if creates is not None:
        why = "" if creates == "false" else "a mistyped KEPT_TOPIC_PREFIX would make topics that Kept cannot use"
        level: Level = "note" if why else "ok"
        found.append(Verdict("broker", "auto.create.topics.enable", level, creates, "false", why))
    return found


def workers_must_not_start(verdicts: list[Verdict]) -> list[Verdict]:
    """Those that would destroy or miscount while a worker runs, and cannot be made good afterwards."""
    return [verdict for verdict in verdicts if verdict.level == "mend" and verdict.what == "cleanup.policy"]


def _broker_needs(session_ms: int) -> Iterator[tuple[str, str, int, int, str]]:
    """Setting, what is needed in words, least, most, and what is not possible otherwise."""
    why = "workers cannot join their group; see KEPT_SESSION_SECONDS"
    yield "group.min.session.timeout.ms", f"at most {session_ms}", 0, session_ms, why
    yield "group.max.session.timeout.ms", f"at least {session_ms}", session_ms, 2**31, why
    yield "transaction.max.timeout.ms", f"at least {TRANSACTION_MS}", TRANSACTION_MS, 2**31, "workers cannot write"


def _partitions(topic: Topic, seen: SeenTopic) -> Verdict:
    if seen.partitions == topic.partitions:
        return Verdict(topic.name, "partitions", "ok", str(seen.partitions), str(topic.partitions))
    return Verdict(
        topic.name, "partitions", "mend", str(seen.partitions), str(topic.partitions),
        "workers do not start: what is counted depends on the number",
        f"set KEPT_PARTITIONS={seen.partitions} if the topics were made so; to widen a pipeline: kept topics grow",
    )  # fmt: skip


def _replication(settings: Settings, topic: Topic, seen: SeenTopic) -> Verdict:
    if seen.replication >= settings.replication:
        return Verdict(topic.name, "replication", "ok", str(seen.replication), f"at least {settings.replication}")
    return Verdict(
        topic.name, "replication", "mend", str(seen.replication), f"at least {settings.replication}",
        "a broker that is lost takes the partitions with it that only it has",
        "kafka-reassign-partitions.sh, or set KEPT_REPLICATION to what is wanted",
    )  # fmt: skip


def _copies(topic: Topic, seen: SeenTopic) -> Iterator[Verdict]:
    """What matters only where there are copies."""
    least = int(seen.config.get("min.insync.replicas", "1"))
    copies, what = seen.replication, "min.insync.replicas"
    good = str(max(1, copies - 1))
    if least > copies:
        why = "no write is taken: there are fewer copies than must agree"
        yield Verdict(topic.name, what, "mend", str(least), f"at most {copies}", why, _alter(topic, what, good))
    elif copies >= 3 and least < 2:
        why = "what one broker alone has acknowledged is lost with it"
        yield Verdict(topic.name, what, "note", str(least), "2", why, _alter(topic, what, "2"), fix=(what, "2"))
    elif copies > 1 and least == copies:
        why = "while one broker is away nothing can be written"
        yield Verdict(topic.name, what, "note", str(least), f"less than {copies}", why, _alter(topic, what, good))
    else:
        yield Verdict(topic.name, what, "ok", str(least), f"1 to {max(1, copies - 1)}")
    what = "unclean.leader.election.enable"
    unclean = seen.config.get(what, "false")
    if unclean == "true" and copies > 1:
        why = "a copy that lags may become the leader: acknowledged events and state would be gone"
        command = _alter(topic, what, "false")
        yield Verdict(topic.name, what, "mend", unclean, "false", why, command, fix=(what, "false"))


def _rules(topic: Topic, wanted: Topics) -> list[_Rule]:
    compression = _Rule(
        "compression.type", "producer", "producer", "the broker packs each batch anew, which costs it time",
        lambda value: "ok" if value == "producer" else "note",
    )  # fmt: skip
    if topic in (wanted.state, wanted.tallies):
        return [*_remembered(topic), compression]
    if topic is wanted.events:
        return [*_passing(topic, "gaps in the offsets look like deleted events, and workers stop"), compression]
    lost = "letters of one case would replace each other, and one without a key would stop its worker"
    return [*_passing(topic, lost, MAX_DEAD_LETTER_BYTES), compression]


def _remembered(topic: Topic) -> list[_Rule]:
    """Of a topic whose last value under each key is the truth."""
    config = topic.config
    return [
        _Rule("cleanup.policy", "compact", "compact", "state is deleted by age: cases would be counted anew",
              lambda value: "ok" if value == "compact" else "mend"),
        _size(config["max.message.bytes"], LEAST_BATCH_BYTES + 1024, "a batch of state is not taken: workers end"),
        _Rule("delete.retention.ms", config["delete.retention.ms"], "a day or more",
              "a restore that takes longer may bring a removed case back",
              lambda value: _at_least(int(value), DAY_MS, HOUR_MS)),
        *(
            _Rule(what, config[what], f"at most {config[what]}", "old values stay longer: workers take longer to start",
                  lambda value, what=what: "ok" if float(value) <= float(config[what]) else "note")  # type: ignore[misc]
            for what in ("segment.ms", "segment.bytes", "min.cleanable.dirty.ratio")
        ),
    ]  # fmt: skip


def _passing(topic: Topic, compacted: str, least_bytes: int = 0) -> list[_Rule]:
    """Of a topic whose records are deleted by age."""
    config = topic.config
    wanted_ms = int(config["retention.ms"])
    letters = bool(least_bytes)
    too_small = (
        "a large event that is bad could not be put aside, and its partition would stand still"
        if letters
        else "the broker refuses larger events"
    )
    rules = [
        _Rule("cleanup.policy", "delete", "delete", compacted,
              lambda value: "ok" if value == "delete" else "mend", fixable=False),
        _Rule("retention.ms", str(wanted_ms), f"{wanted_ms // DAY_MS} days or more",
              "a worker that is away for longer misses what was deleted, and stops",
              lambda value: _at_least(int(value), wanted_ms, 0 if letters else LEAST_RETENTION_MS)),
        _Rule("retention.bytes", str(FOREVER), "no limit (-1)",
              "the oldest are deleted before their age when much arrives at once",
              lambda value: "ok" if int(value) == FOREVER else "note", fixable=False),
        _size(config["max.message.bytes"], least_bytes, too_small),
    ]  # fmt: skip
    if "message.timestamp.type" in config:
        rules.append(
            _Rule("message.timestamp.type", "LogAppendTime", "LogAppendTime",
                  "an event that a producer stamps with its own time may be deleted as too old before it is read",
                  lambda value: "ok" if value == "LogAppendTime" else "note")
        )  # fmt: skip
    return rules


def _size(value: str, least: int, why: str) -> _Rule:
    return _Rule(
        "max.message.bytes", value, f"{value} or more", why, lambda seen: _at_least(int(seen), int(value), least)
    )


def _at_least(seen: int, wanted: int, least: int) -> Level:
    if seen == FOREVER or seen >= wanted:
        return "ok"
    return "note" if seen >= least else "mend"


def _judged(settings: Settings, topic: Topic, seen: SeenTopic, rule: _Rule) -> Verdict:
    value = seen.config.get(rule.what)
    if value is None:
        return Verdict(
            topic.name, rule.what, "note", "not told", rule.needed, "this user may not read it, or it is new"
        )
    level = rule.judge(value)
    if level == "ok":
        return Verdict(topic.name, rule.what, level, value, rule.needed)
    return Verdict(
        topic.name, rule.what, level, value, rule.needed, rule.why, _alter(topic, rule.what, rule.value),
        fix=(rule.what, rule.value) if rule.fixable else None,
    )  # fmt: skip


def _alter(topic: Topic, what: str, value: str) -> str:
    change = f"--add-config {what}={value}"
    return f"kafka-configs.sh --bootstrap-server … --alter --entity-type topics --entity-name {topic.name} {change}"
