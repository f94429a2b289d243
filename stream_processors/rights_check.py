"""May this user do what a worker, or a growth, does? And what a refusal later on means.

Asked where Faust would wait for ever, and where what may not be seen looks like what is not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiokafka import errors
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.fetch import FetchRequest

from kept.errors import Stop
from kept.settings import Settings
from stream_processors.connection import asked

REFUSALS = (
    errors.TopicAuthorizationFailedError,
    errors.GroupAuthorizationFailedError,
    errors.ClusterAuthorizationFailedError,
    errors.TransactionalIdAuthorizationFailed,
)
ADVICE = "`kept topics rights --role worker` lists the rights that are needed, with the commands that grant them"
GROWTH_ADVICE = (
    "`kept topics rights --role former`, and `--role wider` with the new prefix, list the rights that are needed, with "
    "the commands that grant them"
)

NO_OFFSET = 2**62
"""Where no record is: what is asked for there is answered without one."""


async def described(
    admin: AIOKafkaAdminClient, names: Sequence[str], advice: str = ADVICE
) -> dict[str, list[dict[str, Any]]]:
    """The partitions of each topic of `names` that exists; raises `Stop` for one that this user may not see."""
    rows = await admin.describe_topics(names)
    for row in rows:
        if errors.for_code(row["error_code"]) is errors.TopicAuthorizationFailedError:
            raise Stop(f"topic {row['topic']}: this user may not even see it; {advice}")
    return {row["topic"]: row["partitions"] for row in rows if not row["error_code"] and row["partitions"]}


async def check_group(admin: AIOKafkaAdminClient, group: str, advice: str = ADVICE) -> None:
    """Raises `Stop` when this user has no right in the consumer `group`: Faust would try to join it for ever, and a
    group that may not be seen looks like one that is not there."""
    try:
        answers = await admin.describe_consumer_groups([group])
    except errors.GroupAuthorizationFailedError as error:
        raise Stop(_group_refused(group, advice)) from error
    for answer in answers:
        for code, *_ in answer.groups:
            if errors.for_code(code) is errors.GroupAuthorizationFailedError:
                raise Stop(_group_refused(group, advice))


async def check_reads(settings: Settings, names: Sequence[str]) -> None:
    """Raises `Stop` when this user may not read one of the topics `names`.

    A state that is empty is not read, so that a worker would run until the first restore that has something to read.
    """
    request = FetchRequest(0, 0, 1, 0, [(name, [(0, NO_OFFSET, 1)]) for name in names])
    answer = await asked(settings, request)
    for name, partitions in answer.topics:
        # Rights are looked at first: that nothing is there, or is elsewhere, means that it may be read.
        if any(errors.for_code(code) is errors.TopicAuthorizationFailedError for _, code, *_ in partitions):
            raise Stop(f"topic {name}: this user may not read it; {ADVICE}")


def refusal(error: BaseException, advice: str = ADVICE) -> str | None:
    """What a client's error says of a lacking right, if it does."""
    cause: BaseException | None = error
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:  # Faust raises a crash from itself
        seen.add(id(cause))
        if isinstance(cause, REFUSALS):
            return f"the broker refuses this user a right ({cause}); {advice}"
        cause = cause.__cause__
    return None


def _group_refused(group: str, advice: str) -> str:
    return f"consumer group {group}: this user may not read with it; {advice}"
