"""The topics of a pipeline: their names and what each needs of Kafka. The only place where a topic is named."""

from __future__ import annotations

from msgspec import Struct

from kept.durations import DAY_MS

MAX_MESSAGE_BYTES = 8 * 1024 * 1024
MAX_DEAD_LETTER_BYTES = MAX_MESSAGE_BYTES + 64 * 1024
"""The largest event, and why it was put aside."""


class Topic(Struct, frozen=True):
    """One topic: its full name, partitions and configuration."""

    name: str
    partitions: int
    config: dict[str, str]


class Topics(Struct, frozen=True):
    """All topics of a pipeline."""

    events: Topic
    state: Topic
    tallies: Topic
    dead_letters: Topic

    def all(self) -> tuple[Topic, ...]:
        """Every topic, in data order."""
        return (self.events, self.state, self.tallies, self.dead_letters)


def topics(prefix: str, partitions: int) -> Topics:
    """The topics of the pipeline `prefix` (may be empty) with `partitions` partitions each.

    Events are deleted by age, never compacted: workers stop at a gap in the offsets that they have not applied. State
    and tallies are compacted: the last value under a key is the truth. The age of an event counts from its arrival: by
    its own time, which a producer may set, an old event would be deleted before it was read.
    """
    size = {"max.message.bytes": str(MAX_MESSAGE_BYTES)}
    compacted = {
        **size,
        "cleanup.policy": "compact",
        "min.cleanable.dirty.ratio": "0.2",
        "segment.ms": str(DAY_MS),
        "segment.bytes": str(64 * 1024 * 1024),
        "delete.retention.ms": str(DAY_MS),
    }
    kept = {**size, "cleanup.policy": "delete", "retention.ms": str(14 * DAY_MS)}
    return Topics(
        events=Topic(f"{prefix}service-events", partitions, {**kept, "message.timestamp.type": "LogAppendTime"}),
        state=Topic(f"{prefix}case-state", partitions, compacted),
        tallies=Topic(f"{prefix}tallies", partitions, compacted),
        dead_letters=Topic(
            f"{prefix}dead-letters",
            partitions,
            {**kept, "max.message.bytes": str(MAX_DEAD_LETTER_BYTES), "retention.ms": str(90 * DAY_MS)},
        ),
    )


def consumer_group(prefix: str) -> str:
    """The group of a pipeline's workers."""
    return f"{prefix}kept"


def transactional_id(state: Topic, partition: int) -> str:
    """The id under which the owner of a source partition writes."""
    return f"{state.name}-{partition}"
