"""The history -> Grafana's annotations: each registered change and each raised signal once, however often it is run."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from msgspec import Struct

from grafana.annotations import ID, TAG, Annotation, Plan, Present, of_change, of_signal, plan
from grafana.connection import GrafanaConnection, Marked
from history.store import HistoryStore
from kept.durations import DAY_MS


class Done(Struct, frozen=True):
    """How many annotations were set, changed and deleted, and how many were left that the history does not have."""

    created: int = 0
    updated: int = 0
    deleted: int = 0
    unknown: int = 0


def wanted_since(store: HistoryStore, since: int) -> list[Annotation]:
    """What the history has that began at `since` (event time, s) or later, the oldest first.

    A signal that began before is left out although it may go on: each is in or out by its beginning, which stays.
    """
    every = chain(map(of_signal, store.signals(since=since)), map(of_change, store.changes(since=since)))
    return sorted((one for one in every if one.time_ms >= since * 1000), key=lambda one: (one.time_ms, one.id))


class Annotator:
    """Sets the annotations of one history in one Grafana."""

    def __init__(self, connection: GrafanaConnection, *, prune: bool = False) -> None:
        """`prune` deletes those of Kept's that the history does not have."""
        self._grafana = connection
        self._prune = prune

    def plan(self, wanted: Sequence[Annotation], since: int, now: int) -> Plan:
        """What is to be done to what began between `since` (s) and `now` (wall clock, s) or the newest; reads only.

        What seems to be missing is asked for by its own tag, at whatever time it may stand.
        """
        last_ms = max([now * 1000, *(one.time_ms for one in wanted)]) + DAY_MS
        marked = self._grafana.annotations([TAG], between_ms=(since * 1000, last_ms))
        present = [there for there in map(_present, marked) if there is not None and there.time_ms >= since * 1000]
        elsewhere: list[Present] = []
        for one in plan(wanted, present).create:
            found = map(_present, self._grafana.annotations([TAG, f"{ID}{one.id}"]))
            elsewhere += [there for there in found if there is not None and there.id == one.id]
        return plan(wanted, [*present, *elsewhere])

    def carry_out(self, planned: Plan) -> Done:
        """Do what is planned. What another run does at the same time may double; the next run takes that away."""
        for one in planned.create:
            self._grafana.add_annotation(one.time_ms, one.end_ms, one.tags, one.text)
        for number, one in planned.update:
            self._grafana.update_annotation(number, one.time_ms, one.end_ms, one.tags, one.text)
        deleted = [*planned.doubles, *(planned.unknown if self._prune else [])]
        for number in deleted:
            self._grafana.delete_annotation(number)
        unknown = 0 if self._prune else len(planned.unknown)
        return Done(len(planned.create), len(planned.update), len(deleted), unknown)


def _present(marked: Marked) -> Present | None:
    """An annotation of Kept's; None for any other, such as one that a person tagged `kept`."""
    tags = marked.tags or []
    ids = [tag.removeprefix(ID) for tag in tags if tag.startswith(ID)]
    if len(ids) != 1:
        return None
    return Present(
        number=marked.id,
        id=ids[0],
        time_ms=marked.time,
        end_ms=marked.time_end or marked.time,
        text=marked.text,
        tags=frozenset(tags),
    )
