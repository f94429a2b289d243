"""A city with registered changes: one that worked, one that did not, one too early, one that says nothing."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from history.store import HistoryStore
from kept.buckets import WEEK_SECONDS
from kept.catalogue import Service
from kept.registered_changes import RegisteredChange
from kept.signals.chart_weeks import ChartWeek
from tests.kept.effects.weeks import MONDAY, change, week, wobble
from tests.summaries.figures import HOSTILE, service

WEEKS = 24
AT = 14
"""Most changes are registered in this week."""
NOW = MONDAY + WEEKS * WEEK_SECONDS + 3600
HOSTILE_TITLE = "=HYPERLINK(\"x\")<script>alert('title')</script>"


def _service(identity: str, name: str) -> Service:
    return msgspec.structs.replace(service(identity, name, None), promise=None)


CITY = {
    one.id: one
    for one in (
        _service("lights", "Lamps in parks"),
        _service("cards", "Identity cards"),
        _service("permits", "Building permits"),
        _service("hostile", HOSTILE),
    )
}
CHANGES = [
    change(AT + 0.4, service="lights", title="Repairs by street", id="aa"),
    change(AT + 0.4, service="cards", title="A shorter form", id="bb"),
    change(WEEKS - 3.4, service="permits", title="One reviewer", id="cc"),
    change(AT + 0.4, service="hostile", title=HOSTILE_TITLE, id="dd", indicator=None, direction=None),
]


def _levels(identity: str) -> Iterable[float]:
    for number in range(WEEKS):
        yield wobble(40 if identity == "lights" and number > AT else 60, number + len(identity))


def fill(store: HistoryStore) -> None:
    """Write weeks and changes, and publish them."""
    weeks: list[ChartWeek] = [
        week(number, None if number == 5 else level, service=identity)
        for identity in ("lights", "cards", "permits")
        for number, level in enumerate(_levels(identity))
    ]
    changes: list[RegisteredChange] = CHANGES
    store.write_charts(weeks)
    store.write_changes(changes)
    store.publish(set(CITY), NOW // 300 * 300)
