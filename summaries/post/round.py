"""Sending each week's summary once: what is due, what was delivered, what was missed."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from history.store import HistoryStore
from kept.deliveries import Delivery, delivered
from kept.iso_week import last_week_over, week_named
from kept.post_schedule import WAIT_FOR_FIGURES, due_at, due_week, missed_weeks
from summaries.post.message import Letter, message

FRESH: Final = 14 * 86400
"""A summary that was delivered within so long (s) of its week's end was delivered in its own time."""


class Prepared(Struct, frozen=True, kw_only=True):
    """A letter, the moment (event time, s) of which it tells, and whether all its figures are published by now."""

    letter: Letter
    as_of: int
    complete: bool


Prepare = Callable[[HistoryStore, str], Prepared | None]
"""The letter of an ISO week; None when the history has no figures of it."""
IsThere = Callable[[HistoryStore, str], bool]
"""Whether the history has figures of an ISO week."""
Send = Callable[[bytes, Sequence[str]], None]
"""Hands a message over; raises `Retry` or `Stop` when it was not."""


class Post(Struct, frozen=True, kw_only=True):
    """Who sends to whom, and when: on Monday at `hour` in `zone`."""

    sender: str
    recipients: Sequence[str]
    hour: int
    zone: ZoneInfo
    prepare: Prepare
    send: Send
    is_there: IsThere
    accepted: dict[str, Delivery] = {}
    """Weeks that the mail server took and the history has not recorded yet: only that is tried again."""

    def deliver(self, store: HistoryStore, week: str, now: float, *, again: bool = False) -> Delivery | None:
        """Send the summary of `week` and record that; None when it was delivered before (unless `again`), or when
        there is nothing to tell of.

        When a process dies between the two, the same message is sent once more, with the same Message-ID. Raises what
        `send` raises.
        """
        if not again and delivered(store.deliveries(), week) is not None:
            return None
        prepared = self.prepare(store, week)
        return None if prepared is None else self._hand_over(store, prepared, week, now)

    def step(self, store: HistoryStore, now: float) -> Delivery | None:
        """Send what is due at the wall clock `now` (s), when its figures are there or were waited for long enough."""
        clock = datetime.datetime.fromtimestamp(now, self.zone)
        week = due_week(clock, self.hour, self.zone, {one.week for one in store.deliveries()})
        if week is not None and week.name in self.accepted:
            return self._record(store, self.accepted[week.name])
        prepared = None if week is None else self.prepare(store, week.name)
        if week is None or prepared is None or prepared.as_of > now:
            return None
        due = max(due_at(week, self.hour, self.zone).timestamp(), prepared.as_of)
        if not prepared.complete and now < due + WAIT_FOR_FIGURES.total_seconds():
            return None
        return self._hand_over(store, prepared, week.name, now)

    def missed(self, store: HistoryStore, now: float) -> list[str]:
        """Weeks whose summary should have been delivered a day before `now` (s), counted from the first delivered one.

        Before any was delivered, the last week is missed as soon as there are figures of it.
        """
        clock = datetime.datetime.fromtimestamp(now, self.zone)
        sent = {one.week for one in store.deliveries()}
        last = last_week_over(int(now), self.zone)
        if not sent and not self.is_there(store, last.name):
            return []
        # A week of long ago that somebody sent by hand is no beginning.
        in_time = (week for one in store.deliveries() if one.at < (week := week_named(one.week)).end(self.zone) + FRESH)
        first = min(in_time, default=last)
        return missed_weeks(clock, self.hour, self.zone, sent, first)

    def _hand_over(self, store: HistoryStore, prepared: Prepared, week: str, now: float) -> Delivery:
        content = message(prepared.letter, self.sender, self.recipients)
        self.send(content, self.recipients)
        delivery = Delivery(
            week=week,
            as_of=prepared.as_of,
            at=int(now),
            to=len(self.recipients),
            sha256=hashlib.sha256(content).hexdigest(),
        )
        self.accepted[week] = delivery
        return self._record(store, delivery)

    def _record(self, store: HistoryStore, delivery: Delivery) -> Delivery:
        store.deliver(delivery)
        self.accepted.pop(delivery.week, None)
        return delivery
