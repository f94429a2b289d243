"""Words that service systems use in the names of columns, by what they usually mean. Data, in the order of trust."""

from __future__ import annotations

import re

CASE = (
    "caseid", "requestid", "ticketid", "id", "enquiry", "ticket", "case", "permit", "application", "request",
    "reference", "ref", "number", "nr",
)  # fmt: skip
OPENED = (
    "opened",
    "open",
    "requested",
    "received",
    "created",
    "submitted",
    "registered",
    "startdate",
    "start",
    "begin",
)
DUE = ("due", "target", "planned", "promised", "expected", "deadline", "sla")
COMPLETED = ("completed", "closed", "resolved", "finished", "enddate", "end", "done", "decided")
OUTCOME = ("outcome", "result", "resolution", "closure", "decision")
CHANNEL = ("channel", "source", "origin", "medium", "method")
AREA = ("area", "neighborhood", "neighbourhood", "district", "ward", "borough", "region", "municipality", "zone")
CATEGORY = ("category", "type", "kind", "topic", "service", "department", "reason", "subject")
STEP = ("activity", "step", "task", "action", "event")
STEP_TIME = ("timestamp", "time", "at", "completed", "end")
STEP_STARTED = ("started", "start", "begin")
STEP_ID = ("instance", "taskid", "stepid", "eventid", "activityid", "task", "step")

PERSONAL = frozenset(
    {
        "firstname", "lastname", "surname", "applicant", "citizen", "customer", "complainant", "requester", "reporter",
        "contact", "email", "mail", "phone", "telephone", "tel", "mobile", "address", "street", "house", "postcode",
        "zip", "zipcode", "birth", "birthday", "dob", "bsn", "ssn", "nino", "iban", "description", "comment",
        "comments", "remark", "remarks", "note", "notes", "message", "text", "photo", "media", "lat", "latitude",
        "lon", "long", "longitude", "location", "resource", "user", "agent", "employee", "officer", "handler",
        "assignee", "responsible", "owner",
    }
)  # fmt: skip
"""What names people, says where they live, or is in their own words; who does the work among them."""

_OF_PEOPLE = frozenset({"first", "last", "full", "given", "family", "middle", "maiden", "user"})

OUTCOMES = {
    "intended": (
        "intended", "completed", "complete", "resolved", "fixed", "granted", "approved", "done", "solved", "delivered",
    ),
    "not_intended": ("failed", "unresolved", "error", "referred"),
    "rejected": ("rejected", "denied", "refused", "invalid", "declined"),
    "duplicate": ("duplicate", "duplicated", "double"),
    "withdrawn": ("withdrawn", "cancelled", "canceled", "withdraw"),
}  # fmt: skip
"""What outcomes are called elsewhere; only these words alone are taken for them."""


def words_of(name: str) -> list[str]:
    """The words of a column's name, small: `caseEndDate`, `case_end_date` and `Case end-date` are the same three."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return re.findall(r"[^\W_]+", parted.lower())


def rank(name: str, vocabulary: tuple[str, ...]) -> int | None:
    """The place in `vocabulary` of the first word that is in `name`; None when there is none."""
    words = words_of(name)
    joined = {"".join(words[at : at + 2]) for at in range(len(words))}
    found = [place for place, word in enumerate(vocabulary) if word in words or word in joined]
    return min(found, default=None)


def is_personal(name: str) -> bool:
    """Whether the name of a column speaks of people, places or free words."""
    words = words_of(name)
    joined = {"".join(words[at : at + 2]) for at in range(len(words))}
    if "name" in words and (len(words) == 1 or _OF_PEOPLE & set(words)):
        return True  # but not the name of a service or a street light
    return bool(PERSONAL & (set(words) | joined))


def outcome_of(value: str) -> str | None:
    """The outcome that a value surely means."""
    word = value.strip().lower()
    return next((outcome for outcome, names in OUTCOMES.items() if word in names), None)
