"""Words that are planted where something personal or secret may stand, each in one place alone; and who may see them.

Two desks have the same events: of one the case ids leave as they are, of the other hashed. A word that is hidden may be
where `docs/privacy.md` says that it is, and nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal
from zlib import crc32

from kept.durations import HOUR_MS
from kept.events import moment
from tests.bad_feed import Message

Desk = Literal["clear", "hashed"]
DESKS: tuple[Desk, ...] = ("clear", "hashed")
CASES, LAST_CASES = 60, 3
"""Cases of each desk that are sent; and how many of them while the broker is away."""
HOURS = 15 * 24
LETTER = "Letter"
"""A channel that the producers know, and the worker does not."""
IN_CATALOGUE = ("DeskName", "DeskOwner")
SLICES = ("AreaName", "CategoryName", "StepName")
PUBLISHED = (*IN_CATALOGUE, *SLICES, "ChangeTitle")
"""Said to readers on purpose: what the catalogue says, the values of slices, the title of a registered change."""
CATALOGUE = """
id = "{desk}-desk"
name = "{DeskName}"
owner = "{DeskOwner}"
time_zone = "Europe/Amsterdam"
expected_silence = "3d"
keep_resource = true
[privacy]
case_ids = "{desk}"
[promise]
words = "An answer within a day"
target_share = 0.95
target_time = "1d"
[channels]
digital = ["Web"]
assisted = [{assisted}]
[improvement]
promise_kept = "up"
backlog = "down"
[costs]
currency = "EUR"
per_contact = 4.50
"""
MAPPING = """
kind = "case_table"
service = "{desk}-desk"
catalogue = "catalogue/{desk}-desk.toml"
source = "register"
time_zone = "Europe/Amsterdam"
[columns]
case = "file"
opened = "opened"
due = "due"
completed = "closed"
channel = "channel"
area = "area"
"""


def word(desk: Desk | Literal["all"], place: str) -> str:
    """The word planted for a desk at a place: letters and digits, never the same twice."""
    return f"Zq{desk.capitalize()}{place}Q{crc32(f'{desk} {place}'.encode()):08x}"


def service_toml(desk: Desk, *, with_letters: bool) -> str:
    """The catalogue entry of a desk."""
    names = {place: word(desk, place) for place in IN_CATALOGUE}
    return CATALOGUE.format(desk=desk, assisted='"Phone", "Letter"' if with_letters else '"Phone"', **names)


def case_events(desk: Desk, number: int, start_ms: int) -> list[dict[str, Any]]:
    """One case as its system tells of it, with a word in each field that could hold something personal."""
    opened_ms = start_ms + number * (HOURS - 72) * HOUR_MS // CASES
    case = f"{word(desk, 'CaseId')}n{number}"
    channel = LETTER if number % 10 == 9 else ("Web", "Phone")[number % 2]
    about = {"service": f"{desk}-desk", "channel": channel, "area": word(desk, "AreaName") if number % 3 else "North"}
    booked = f"{word(desk, 'BookedCase')}n{number}"
    slow = 20 if number < CASES // 2 else 60
    due = moment(opened_ms + 30 * HOUR_MS).isoformat()

    def event(kind: str, hours: float, subject: str | None = case, **data: Any) -> dict[str, Any]:
        return {
            "specversion": "1.0", "type": kind, "id": f"{word(desk, 'EventId')}n{number}{kind[5:]}",
            "source": f"/files/{case}", "time": moment(opened_ms + int(hours * HOUR_MS)).isoformat(),
            "subject": subject, "data": {"service": f"{desk}-desk", **data, "note": word(desk, "UnknownData")},
            "citizenname": word(desk, "UnknownField"),
        }  # fmt: skip

    return [
        event("case.opened", 0, **about, category=word(desk, "CategoryName")),
        event("case.paused", 1, reason=word(desk, "PauseReason")),
        event("case.resumed", 2),
        event("case.due_changed", 2.5, due=due, reason=word(desk, "DueReason")),
        event("case.step", 3, step=word(desk, "StepName"), resource=word(desk, "Resource")),
        event("contact.received", 4, reason="chase_progress", case=case),
        event("cost.booked", 5, None, amount=12.5, currency="EUR", case=booked) | {"source": f"/files/{booked}"},
        event("case.completed", slow, **about, outcome="intended"),
        event("case.reopened", slow + 1, reason=word(desk, "ReopenReason")),
        event("case.completed", slow + 2, outcome="not_intended") | {"id": f"{word(desk, 'EventId')}n{number}again"},
        event("feedback.given", slow + 3, **about, rating=1 + number % 5),
    ]


def change_event(desk: Desk, start_ms: int) -> dict[str, Any]:
    """A registered change, with a title for readers."""
    return {
        "specversion": "1.0", "type": "service.changed", "id": f"{word(desk, 'EventId')}change", "source": "registry",
        "time": moment(start_ms + HOURS * HOUR_MS // 2).isoformat(),
        "data": {"service": f"{desk}-desk", "title": word(desk, "ChangeTitle")},
    }  # fmt: skip


def table(desk: Desk, start_ms: int) -> str:
    """Rows of a register with columns that no mapping names; in the last a moment is none."""
    lines = ["file,opened,due,closed,channel,area,name,address,remark"]
    others = f"{word(desk, 'ColumnName')},{word(desk, 'ColumnAddress')},{word(desk, 'ColumnRemark')}"
    for number in range(12):
        opened, closed = (moment(start_ms + (24 * number + more) * HOUR_MS).isoformat() for more in (0, 30))
        lines.append(f"{word(desk, 'RowCase')}n{number},{opened},,{closed},Web,North,{others}")
    lines.append(f"{word(desk, 'RowCase')}n99,{word(desk, 'BadMoment')},,,Web,North,{others}")
    lines.append(f"{word(desk, 'RowCase')}n98,{opened},,{closed},{word(desk, 'BadChannel')},North,{others}")
    return "\n".join(lines) + "\n"


def refused_events(desk: Desk, start_ms: int) -> Iterator[bytes]:
    """Events that the intake does not take, each for another field, and what is no event at all."""
    good = case_events(desk, 0, start_ms)
    value = word(desk, "RefusedValue")
    for field in ("specversion", "type", "time"):
        yield json.dumps(good[0] | {field: value}).encode()
    for number, field in (
        (0, "service"), (0, "channel"), (3, "due"), (4, "started"), (5, "reason"), (6, "amount"), (6, "currency"),
        (7, "outcome"), (10, "rating"),
    ):  # fmt: skip
        yield json.dumps(good[number] | {"data": good[number]["data"] | {field: value}}).encode()
    yield json.dumps(good[0] | {"subject": value * 60}).encode()
    yield json.dumps(good[0] | {"time": "2199-01-01T00:00:00Z", "subject": value}).encode()
    yield json.dumps(good[0] | {"data": value}).encode()
    yield json.dumps(value).encode()
    yield f'{{"id": "{value}'.encode()
    yield f"{value} is no JSON".encode()
    yield b"\xff\xfe" + value.encode("utf-16-le")


def past_producers(desk: Desk, start_ms: int) -> list[Message]:
    """Messages that another program writes to the topic itself: key, bytes, headers; nothing of them can be counted."""
    said = word(desk, "PastValue")
    good = {
        "specversion": "1.0", "type": "case.opened", "id": said, "source": said, "subject": said, "name": said,
        "time": moment(start_ms).isoformat(), "data": {"service": f"{desk}-desk", "channel": "Web"},
    }  # fmt: skip
    key = word(desk, "PastKey").encode()
    headers: list[tuple[str, bytes | None]] = [("traceparent", word(desk, "PastHeader").encode())]
    strange = [
        good | {"type": said}, good | {"data": {"service": said}}, good | {"time": said},
        good | {"data": {"service": f"{desk}-desk", "channel": "Fax", "note": said}},
    ]  # fmt: skip
    values = [json.dumps(one).encode() for one in strange]
    return [(key, value, headers) for value in [*values, f'{{"id": "{said}'.encode()]]
