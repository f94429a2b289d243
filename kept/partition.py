"""The state of one source partition, and what a batch of events does to it. Pure: no clock, no log, no client.

`apply` changes the state in memory and returns every change, to be written in one transaction. The state is rebuilt
from what was written by `restore`. Applying the same records twice is applying them once: offsets at or below the
applied one are the caller's to skip, events already known are duplicates.
"""

from __future__ import annotations

import struct
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from kept import events as e
from kept.brake import Brake
from kept.buckets import STEP_MS
from kept.cases import is_open
from kept.durations import HOUR_MS
from kept.errors import Reject, StateError
from kept.facts import AnyFact, pack, unpack, with_fact
from kept.intake import FUTURE_TOLERANCE_MS, Counts, Rules, check_time, read
from kept.marks import Accounts, Mark
from kept.partition_tallies import PartitionTallies
from kept.register import CaseRegister
from kept.registered_changes import RegisteredChange, pack_change
from kept.state_records import BRAKE, CASE, CHANGE, MARK, SEAT, SEEN, TALLY, Record, pack_mark, read_mark
from kept.tallies import pack_series

MAX_FACTS = 1000
"""Events of one case at most: a source that gives all its events one subject must not bring a partition to a stand."""
_pack = msgspec.msgpack.Encoder().encode
_unpack_ids = msgspec.msgpack.Decoder(list[int]).decode
_unpack_refused = msgspec.msgpack.Decoder(dict[str, list[int]]).decode


class DeadLetter(NamedTuple):
    """Which event of the batch (its position) was put aside, and why."""

    position: int
    rejection: Reject


class Changes(NamedTuple):
    """Everything one batch changed, ready to be written in one transaction."""

    state: list[Record]
    tallies: list[tuple[str, bytes, bytes | None]]
    """(service, key, value) for the topic `tallies`."""
    mark: Mark
    dead_letters: list[DeadLetter]
    registered: Sequence[tuple[str, bytes, bytes]] = ()
    """(service, key, value) of the changes registered, for the topic `tallies` too."""


class PartitionState:
    """Case register, tallies, watermark and accounts of one source partition."""

    def __init__(
        self, partition: int, rules: Mapping[str, Rules], *, live: bool = True, brake: Brake | None = None
    ) -> None:
        """Nothing applied yet. Without a `brake` any number of events may be refused."""
        self.partition = partition
        self.offset = -1
        self.watermark: int | None = None
        self.accounts = Accounts()
        self.tallies = PartitionTallies(
            {service: r.local_time for service, r in rules.items()},
            {service: r.service.most_slice_values for service, r in rules.items()},
        )
        self._rules = rules
        self._live = live
        self._brake = brake or Brake()
        self._tick: int | None = None
        self._late_since: dict[str, int] = {}
        self._published_until: int | None = None
        """Values up to this moment (ms) may have been published; None: up to any, since others went on without this
        partition while it was idle or without its worker."""
        self._register = CaseRegister({service: r.case_retention for service, r in rules.items()})
        self._seen: set[int] = set()
        self._seen_by_hour: dict[int, list[int]] = {}
        self._seen_chunks: dict[int, list[bytes]] = {}
        self._new_ids: dict[int, list[int]] = {}
        self._registered: list[RegisteredChange] = []
        self._removed: list[bytes] = []
        self._restored_chunks: dict[bytes, list[int]] = {}
        self._restored_refused: dict[str, list[int]] = {}
        self._restored_mark: Mark | None = None

    @property
    def cases(self) -> int:
        """How many subjects the register holds."""
        return len(self._register)

    def open_cases(self) -> dict[str, int]:
        """Open cases by service, counted from the register (to check the backlog against)."""
        return self._register.open_cases()

    def apply(
        self,
        last_offset: int,
        events: Sequence[e.Event | Reject],
        clock_ms: int | None = None,
        *,
        redriven: Container[int] = (),
    ) -> Changes:
        """Apply a batch in log order. `clock_ms` is the wall clock, asked only by live processing.

        `redriven` are the positions of events that were dead letters before: refused again, they say nothing of the
        feed. Raises `Stop` when the brake trips. Then nothing must be written, and this object not be used any more:
        it has seen events that nobody will find in the log's account of it.
        """
        dead_letters: list[DeadLetter] = []
        latest = None if clock_ms is None or not self._live else clock_ms + FUTURE_TOLERANCE_MS
        self._late_since = {}
        for index, event in enumerate(events):
            try:
                if type(event) is e.Tick:
                    self._apply_tick(event, latest)
                    continue
                if isinstance(event, Reject):
                    raise event
                self._apply_event(event, latest)
            except Reject as rejection:
                by_reason = self.accounts.dead_lettered
                by_reason[rejection.reason] = by_reason.get(rejection.reason, 0) + 1
                dead_letters.append(DeadLetter(index, rejection))
            self.accounts.received += 1
        first = last_offset - len(events) + 1
        refusals = [(first + at, rejection) for at, rejection in dead_letters if at not in redriven]
        self._brake.check(self.partition, first, last_offset, refusals)
        before, self.offset = self.offset, last_offset
        self._expire()
        if self.watermark is not None:
            self.tallies.compact(self.watermark)
        changes = self._changes(dead_letters)
        changes = changes._replace(mark=msgspec.structs.replace(changes.mark, after=before))
        self._published_until = None if self.watermark is None else self.watermark // STEP_MS * STEP_MS
        return changes

    def mark(self, *, idle: bool = False) -> Mark:
        """Where the partition stands, of a batch without events; `idle`: the others may go on without it."""
        if idle:
            self._published_until = None
        accounts = msgspec.structs.replace(self.accounts, dead_lettered=dict(self.accounts.dead_lettered))
        return Mark(
            partition=self.partition,
            offset=self.offset,
            watermark=self.watermark,
            accounts=accounts,
            tick=self._tick,
            idle=idle,
            compacted=self.tallies.compacted_ms,
            after=self.offset,
        )

    def restore(self, records: Iterable[Record]) -> None:
        """Take in records of the state topic in log order (later ones replace earlier ones); then call `restored`."""
        kind = b""
        try:
            for key, value in records:
                kind, rest = key[:1], key[1:]
                if kind == CASE:
                    self._register.put(rest, value)
                elif kind == TALLY:
                    self.tallies.put(rest, value)
                elif kind == SEAT:
                    self.tallies.seat(rest)
                elif kind == SEEN and value is None:
                    self._restored_chunks.pop(key, None)
                elif kind == SEEN and value is not None:
                    self._restored_chunks[key] = _unpack_ids(value)
                elif kind == BRAKE:
                    self._restored_refused = {} if value is None else _unpack_refused(value)
                elif kind == CHANGE:
                    continue  # it is there to be handed on when the partition is split
                elif kind == MARK and value is not None:
                    self._restored_mark = read_mark(value)
                else:
                    raise StateError(f"the state of partition {self.partition} holds a record of unknown kind {kind!r}")
        except (msgspec.MsgspecError, struct.error, ValueError, LookupError) as error:
            raise self._unreadable(kind) from error

    def restored(self) -> None:
        """The last record was taken in: put everything in its place."""
        chunks, self._restored_chunks = self._restored_chunks, {}
        mark = self._restored_mark
        if mark is None and self._register:
            raise StateError(
                f"the state of partition {self.partition} holds {self.cases} cases but no mark: it was never whole; if "
                "`kept topics grow` made it, run that again"
            )
        for key, ids in chunks.items():
            self._remember(int(key[1:].split(b"|")[0]), key, ids)
        kind = CASE
        try:
            self._register.restored()
            kind = TALLY
            self.tallies.restored(None if mark is None else mark.compacted)
        except (msgspec.MsgspecError, LookupError) as error:
            raise self._unreadable(kind) from error
        if mark is not None:
            self.offset, self.watermark, self.accounts = mark.offset, mark.watermark, mark.accounts
            self._tick = mark.tick
        self._brake.restore(self._restored_refused, self.offset)

    def _unreadable(self, kind: bytes) -> StateError:
        """No word of what stands there: it may be about a person."""
        return StateError(
            f"the state of partition {self.partition} holds a record of kind {kind!r} that cannot be read: another "
            "program wrote it, or it is damaged; use the release that wrote it, or a backup of the topic"
        )

    def _apply_tick(self, event: e.Event, latest: int | None) -> None:
        time_ms = check_time(event, latest)
        self._advance(time_ms)
        self._tick = max(self._tick or e.EARLIEST_MS, time_ms)

    def _apply_event(self, event: e.Event, latest: int | None) -> None:
        rules, time_ms, identity, fact = read(event, self._rules, latest)
        if isinstance(fact, Counts):
            self._apply_counts(event.data.service, rules, time_ms, identity, fact)
        else:
            self._apply_fact(e.subject(event).encode(), event.data.service, rules, fact)

    def _apply_fact(self, subject: bytes, service: str, rules: Rules, fact: AnyFact) -> None:
        cases = self._register.of(service)
        packed = cases.packed.get(subject)
        known = unpack(packed) if packed is not None else None
        if known is not None and fact.time < known[0].time:
            name, former = cases.former(subject)
            if former is not None and not self._is_forgotten(former, rules, fact.time):
                subject, known = name, former
        if known is None or self._is_forgotten(known, rules, fact.time):
            if self.watermark is not None and fact.time < self.watermark - rules.case_retention:
                self.accounts.beyond_retention += 1
                return
            if known is not None:
                cases.begin_anew(subject, known)
                known = None
            facts: tuple[AnyFact, ...] = (fact,)
        else:
            grown = with_fact(known, fact)
            if grown is None:
                self.accounts.duplicate += 1
                return
            if len(grown) > MAX_FACTS:
                raise Reject("too_many_facts", f"more than {MAX_FACTS} events under one subject; use one for each case")
            facts = grown
        self.tallies.change(service, known, facts, rules.clock)
        cases.packed[subject] = pack(facts)
        cases.changed.add(subject)
        cases.schedule(subject, facts)
        self._applied(service, fact.time)

    def _is_forgotten(self, facts: tuple[AnyFact, ...], rules: Rules, time_ms: int) -> bool:
        """Whether an event of `time_ms` comes too long after the last one of its closed case to belong to it.

        Event time decides; what else has arrived does not, nor where batches end. A case stays in the register for
        another retention, in which it can be told late of what happened in time.
        """
        over = facts[-1].time + rules.case_retention
        gone = self.watermark is not None and over + rules.case_retention < self.watermark
        return (over < time_ms or gone) and not is_open(facts)

    def _apply_counts(self, service: str, rules: Rules, time_ms: int, identity: int, counts: Counts) -> None:
        if self.watermark is not None and time_ms < self.watermark - rules.duplicate_retention:
            self.accounts.beyond_retention += 1
            return
        if identity in self._seen:
            self.accounts.duplicate += 1
            return
        self.tallies.add(service, counts.slices, [(time_ms, counter, amount) for counter, amount in counts.amounts])
        hour = (time_ms + rules.duplicate_retention) // HOUR_MS
        self._seen.add(identity)
        self._new_ids.setdefault(hour, []).append(identity)
        if counts.change is not None:
            self._registered.append(counts.change)
        self._applied(service, time_ms)

    def _applied(self, service: str, time_ms: int) -> None:
        self.accounts.applied += 1
        watermark = self.watermark
        if watermark is not None and time_ms < watermark:
            if time_ms < watermark - HOUR_MS:
                self.accounts.late += 1
        else:
            self.watermark = time_ms
        if self._published_until is None or time_ms <= self._published_until:
            self._late_since[service] = min(self._late_since.get(service, time_ms), time_ms)

    def _advance(self, time_ms: int) -> None:
        if self.watermark is None or time_ms > self.watermark:
            self.watermark = time_ms

    def _expire(self) -> None:
        """Let go of what is past its retention, by event time."""
        if self.watermark is None:
            return
        self._register.expire(self.watermark)
        hour = self.watermark // HOUR_MS
        for past in [past for past in self._seen_by_hour if past < hour]:
            self._seen.difference_update(self._seen_by_hour.pop(past))
            self._removed.extend(self._seen_chunks.pop(past))

    def _remember(self, hour: int, key: bytes, ids: list[int]) -> None:
        self._seen.update(ids)
        self._seen_by_hour.setdefault(hour, []).extend(ids)
        self._seen_chunks.setdefault(hour, []).append(key)

    def _changes(self, dead_letters: list[DeadLetter]) -> Changes:
        state: list[Record] = list(self._register.take_changed())
        for hour, ids in self._new_ids.items():
            key = SEEN + b"%d|%d" % (hour, self.offset)
            self._remember(hour, key, ids)
            state.append((key, _pack(ids)))
        state.extend((key, None) for key in self._removed)
        tallies = list(self.tallies.take_changed(self.partition))
        state += [(TALLY + key, value) for _, key, value in tallies]
        state += [(SEAT + pack_series(series), b"") for series in self.tallies.take_emptied()]
        registered = [(change.service, *pack_change(change)) for change in self._registered]
        state += [(CHANGE + key, value) for _, key, value in registered]
        refused = self._brake.take_changed()
        if refused is not None:
            state.append((BRAKE, _pack(refused) if refused else None))
        mark = msgspec.structs.replace(self.mark(), late_since=self._late_since)
        state.append((MARK, pack_mark(mark)))
        self._new_ids, self._removed, self._registered = {}, [], []
        return Changes(state, tallies, mark, dead_letters, registered)
