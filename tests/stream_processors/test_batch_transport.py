"""Every partition has an owner, whatever the metadata say. (The pipeline tests cover the rest of the transport.)"""

from __future__ import annotations

from typing import Any

from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

from stream_processors.batch_transport import assignor_for

TOPICS = ["events", "tallies"]


class HalfKnown:
    """Cluster metadata that tell of one topic only, as while a broker starts."""

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return {0, 1, 2} if topic == "tallies" else None


def assigned(assignor: Any) -> list[tuple[str, int]]:
    members = {name: RoundRobinPartitionAssignor.metadata(TOPICS) for name in ("one", "two")}
    by_member = assignor.assign(HalfKnown(), members)
    return sorted(
        (topic, partition)
        for assignment in by_member.values()
        for topic, partitions in assignment.assignment
        for partition in partitions
    )


def test_topics_that_the_cluster_does_not_tell_of_are_assigned_as_they_were_made() -> None:
    everything = [("events", 0), ("events", 1), ("tallies", 0), ("tallies", 1), ("tallies", 2)]
    assert assigned(assignor_for(2)) == everything


def test_the_client_s_own_assignor_would_have_left_them_to_nobody() -> None:
    # When this fails, `assignor_for` is no longer needed.
    assert {topic for topic, _ in assigned(RoundRobinPartitionAssignor)} == {"tallies"}
