"""May this user do what a worker does? Asked where Faust would wait for ever; and what a refusal later on means."""

from __future__ import annotations

from aiokafka import errors
from aiokafka.admin import AIOKafkaAdminClient

from kept.errors import Stop

REFUSALS = (
    errors.TopicAuthorizationFailedError,
    errors.GroupAuthorizationFailedError,
    errors.ClusterAuthorizationFailedError,
    errors.TransactionalIdAuthorizationFailed,
)
ADVICE = "`kept topics rights --role worker` lists the rights that are needed, with the commands that grant them"


async def check_group(admin: AIOKafkaAdminClient, group: str) -> None:
    """Raises `Stop` when this user has no right in the consumer `group`; Faust would try to join it for ever."""
    try:
        answers = await admin.describe_consumer_groups([group])
    except errors.GroupAuthorizationFailedError as error:
        raise Stop(_group_refused(group)) from error
    for answer in answers:
        for code, *_ in answer.groups:
            if errors.for_code(code) is errors.GroupAuthorizationFailedError:
                raise Stop(_group_refused(group))


def refusal(error: BaseException) -> str | None:
    """What a client's error says of a lacking right, if it does."""
    cause: BaseException | None = error
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:  # Faust raises a crash from itself
        seen.add(id(cause))
        if isinstance(cause, REFUSALS):
            return f"the broker refuses this user a right ({cause}); {ADVICE}"
        cause = cause.__cause__
    return None


def _group_refused(group: str) -> str:
    return f"consumer group {group}: this user may not read with it; {ADVICE}"
