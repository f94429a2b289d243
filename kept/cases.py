"""What one case contributes to the tallies: a pure function of its set of facts.

The tally change that a new fact causes is contribution(facts with it) - contribution(facts before); hence arrival
order, duplicates and replays cannot matter. The definitions are those of docs/indicators.md.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from kept import counters as c
from kept import target_margins as margins
from kept.events import LATEST_MS
from kept.facts import (
    Completed,
    Contact,
    DueChanged,
    Facts,
    Opened,
    Paused,
    Reopened,
    Resumed,
    Step,
    TransactionBegun,
    TransactionEnded,
)
from kept.histogram import bin_of
from kept.indicators.definitions import REPEAT_CONTACT_DAYS, RISK_SHARE_DIVISOR

Entry = tuple[int, int, int]
"""(time in ms, counter, amount)."""
SliceOf = tuple[str, str]
"""(dimension, value)."""
REPEAT_CONTACT_MS = REPEAT_CONTACT_DAYS * 86_400_000


class Clock(Protocol):
    """The clock a promise runs by; see `kept.calendars.WorkingCalendar`."""

    def add(self, start_ms: int, working_ms: int) -> int:
        """The moment when so much of the clock's time has passed since the start."""

    def between(self, start_ms: int, end_ms: int) -> int:
        """The clock's time between two moments."""


class ElapsedTime:
    """The plain clock: every millisecond counts."""

    def add(self, start_ms: int, working_ms: int) -> int:
        """See `Clock`."""
        return start_ms + working_ms

    def between(self, start_ms: int, end_ms: int) -> int:
        """See `Clock`."""
        return max(0, end_ms - start_ms)


ELAPSED_TIME = ElapsedTime()


class Contribution(NamedTuple):
    """Entries for the whole service and each of `slices`, and entries for the slices of single steps."""

    slices: tuple[SliceOf, ...]
    entries: list[Entry]
    step_entries: list[tuple[str, int, int, int]]


_Run = tuple[int, int | None, int | None, int]
"""(start, end, due, promised time): the case was open with a running clock; the promise is the one then in force."""


def contribution(facts: Facts, clock: Clock = ELAPSED_TIME) -> Contribution:
    """What the case adds to the tallies. Without an opening only steps, contacts and reopenings count."""
    opened: Opened | None = None
    begun: TransactionBegun | None = None
    steps: list[Step] = []
    contacts: list[Contact] = []
    others = False
    for fact in facts:
        kind = type(fact)
        if kind is Opened:
            opened = opened or fact  # type: ignore[assignment]
        elif kind is Step:
            steps.append(fact)  # type: ignore[arg-type]
        elif kind is Contact:
            contacts.append(fact)  # type: ignore[arg-type]
        elif kind is TransactionBegun:
            begun = begun or fact  # type: ignore[assignment]
        else:
            others = True
    entries: list[Entry] = []
    step_entries: list[tuple[str, int, int, int]] = []
    closing: Completed | None = None
    repeats = _count_steps(steps, opened, entries, step_entries) if steps else 0
    if opened is not None:
        closing = _count_case(opened, facts if others else (), steps, repeats, clock, entries)
    if others:
        for fact in facts:
            if type(fact) is Reopened:
                entries.append((fact.time, c.REOPENED, 1))
            elif type(fact) is DueChanged:
                entries.append((fact.time, c.DUE_CHANGED, 1))
    if contacts:
        _count_contacts(contacts, closing, entries)
    if begun is not None:
        _count_transaction(begun, facts, entries)
    return Contribution(slices_of(opened, begun), entries, step_entries)


def is_open(facts: Facts) -> bool:
    """Whether the case was opened and its last completion, if any, was followed by a reopening."""
    opened, closed = False, False
    for fact in facts:
        kind = type(fact)
        if kind is Opened:
            opened = True
        elif kind is Completed:
            closed = True
        elif kind is Reopened:
            closed = False
    return opened and not closed


def slices_of(opened: Opened | None, begun: TransactionBegun | None = None) -> tuple[SliceOf, ...]:
    """The slices in which a case counts; an opening says more than the start of a transaction."""
    if opened is not None:
        area, category, channel = opened.area, opened.category, opened.channel
    elif begun is not None:
        area, category, channel = begun.area, None, begun.channel
    else:
        return ()
    if area is not None and category is not None and channel is not None:
        return (("area", area), ("category", category), ("channel", channel))
    pairs = (("area", area), ("category", category), ("channel", channel))
    return tuple((dimension, value) for dimension, value in pairs if value is not None)


def _count_case(
    opened: Opened, others: Facts, steps: list[Step], repeats: int, clock: Clock, entries: list[Entry]
) -> Completed | None:
    """Count opening, completion, promise and stocks; returns the completion in force, if any."""
    add = entries.append
    if not others:
        _count_opening(opened, clock, entries)
        return None
    add((opened.time, c.OPENED, 1))
    add((opened.time, c.BACKLOG_ENTERED, 1))
    runs, closing, due, reopened = _walk(opened, others, clock, entries)
    if opened.due is not None or len(runs) > 1:
        for run in runs:
            _count_run(run, clock, entries)
    if due is not None:
        withdrawn_before = closing is not None and closing.outcome == c.WITHDRAWN_INDEX and closing.time <= due
        if not withdrawn_before:
            add((due, c.DUE, 1))
            if closing is not None and closing.outcome != c.WITHDRAWN_INDEX and closing.time <= due:
                add((due, c.DUE_KEPT, 1))
    if closing is not None:
        _count_closing(opened, closing, due, steps, clean=not (reopened or repeats), entries=entries)
    return closing


def _count_opening(opened: Opened, clock: Clock, entries: list[Entry]) -> None:
    """Count a case of which nothing but its opening is known."""
    start, due = opened.time, opened.due
    entries.append((start, c.OPENED, 1))
    entries.append((start, c.BACKLOG_ENTERED, 1))
    if due is not None:
        _count_run((start, None, due, clock.between(start, due)), clock, entries)
        entries.append((due, c.DUE, 1))


def _count_closing(
    opened: Opened, closing: Completed, due: int | None, steps: list[Step], *, clean: bool, entries: list[Entry]
) -> None:
    add = entries.append
    at = closing.time
    elapsed = at - opened.time
    if elapsed < 0:
        add((at, c.COMPLETED_BEFORE_OPENING, 1))
        elapsed = 0
    if closing.outcome == c.WITHDRAWN_INDEX:
        add((at, c.WITHDRAWN, 1))
        add((opened.time, c.WITHDRAWAL_TIME + bin_of(elapsed), 1))
        return
    duration_bin = bin_of(elapsed)
    add((at, c.COMPLETED + closing.outcome, 1))
    add((at, c.CLOSED_TIME + duration_bin, 1))
    add((at, c.ELAPSED_MS, elapsed))
    if opened.channel_kind is not None:
        add((at, c.completed_by_kind(opened.channel_kind), 1))
    if opened.channel_excess:
        add((at, c.WRONG_CHANNEL, 1))
        add((at, c.WRONG_CHANNEL_EXCESS, opened.channel_excess))
    if due is not None:
        add((at, c.KEPT if at <= due else c.LATE, 1))
    if clean and closing.outcome != c.REJECTED_INDEX:
        add((at, c.FIRST_TIME_RIGHT, 1))
    work = _work_union(steps, opened.time, at)
    if work is not None:
        add((at, c.COMPLETED_WITH_WORK, 1))
        add((at, c.WORK_MS, work))
        add((at, c.WORK_ELAPSED_MS, elapsed))
    add((opened.time, c.COMPLETION_TIME + duration_bin, 1))


def _walk(
    opened: Opened, facts: Facts, clock: Clock, entries: list[Entry]
) -> tuple[list[_Run], Completed | None, int | None, bool]:
    """(runs of the clock, completion in force, effective due, whether reopened) from the ordered facts.

    Completions without a reopening between them are one, the last. What is dated before the opening happens at the
    opening. A promise moved after it was broken stays broken; a pause that began after the due does not move it.
    """
    start = opened.time
    last_of_run = _last_completions(facts)
    runs: list[_Run] = []
    due = opened.due
    promised = clock.between(start, due) if due is not None else 0
    position, reopened = start, False
    paused_since: int | None = None
    closing: Completed | None = None
    margin: tuple[int, int] | None = None
    near: set[int] = set()
    for fact in facts:
        kind = type(fact)
        if kind is Opened or kind is Step or kind is Contact:
            continue
        at = max(fact.time, start)
        if kind is Reopened:
            if closing is not None:
                margins.count_reopening(margin, at, entries)
                entries.append((at, c.BACKLOG_ENTERED, 1))
                closing, reopened, position = None, True, at
            continue
        if closing is not None:
            continue
        if isinstance(fact, Completed):
            if fact.id not in last_of_run:
                continue
            closing = fact
            entries.append((at, c.BACKLOG_LEFT, 1))
        if kind is Paused and paused_since is None:
            runs.append((position, at, due, promised))
            entries.append((at, c.PAUSED_ENTERED, 1))
            paused_since = at
            if due is not None and promised > 0 and at < due:
                margins.count_near(margins.PAUSED, margins.place(at, due, promised, clock), at, near, entries)
        elif isinstance(fact, DueChanged):
            if due is not None and promised > 0 and fact.due > due:
                stood = at if paused_since is None else min(at, paused_since)
                margins.count_near(margins.MOVED, margins.place(stood, due, promised, clock), at, near, entries)
            if paused_since is not None:
                if due is None or due > paused_since:
                    due, promised, paused_since = _moved(fact, start, clock, at)
            elif due is None or due >= at:
                runs.append((position, at, due, promised))
                position = at
                due, promised, _ = _moved(fact, start, clock, at)
        elif paused_since is not None and (kind is Resumed or kind is Completed):
            entries.append((at, c.PAUSED_LEFT, 1))
            if due is not None and due > paused_since:
                # Never earlier: a due outside the opening hours is not moved by a pause outside them. Never so late
                # that it is no date any more.
                due = min(max(due, clock.add(at, clock.between(paused_since, due))), LATEST_MS - 1)
            paused_since, position = None, at
        elif kind is Completed:
            runs.append((position, at, due, promised))
        if closing is not None:
            margin = None
            if due is not None and promised > 0 and closing.outcome != c.WITHDRAWN_INDEX:
                margin = (at, margins.band(at, due, promised, clock))
                entries.append((at, margins.MARGIN + margin[1], 1))
    if closing is None:
        if paused_since is None:
            runs.append((position, None, due, promised))
        elif due is not None and due > paused_since:
            due = None
    return runs, closing, due, reopened


def _moved(fact: DueChanged, start: int, clock: Clock, at: int) -> tuple[int, int, int]:
    return fact.due, clock.between(start, fact.due), at


def _last_completions(facts: Facts) -> set[int]:
    """Ids of the completions that stand: the last of each run without a reopening."""
    standing: set[int] = set()
    pending: int | None = None
    for fact in facts:
        if type(fact) is Completed:
            pending = fact.id
        elif type(fact) is Reopened and pending is not None:
            standing.add(pending)
            pending = None
    if pending is not None:
        standing.add(pending)
    return standing


def _count_run(run: _Run, clock: Clock, entries: list[Entry]) -> None:
    """The parts of a run in which the case was at risk (less than 20 % of its time left) and overdue."""
    start, end, due, promised = run
    if due is None or start == end:
        return
    if due > start and promised > 0:
        spare = clock.between(start, due) - promised // RISK_SHARE_DIVISOR
        risk = clock.add(start, spare) + 1 if spare >= 0 else start
        leaves = due if end is None else min(end, due)
        if risk < leaves:
            entries.append((risk, c.RISK_ENTERED, 1))
            entries.append((leaves, c.RISK_LEFT, 1))
    overdue = max(start, due)
    if end is None or overdue < end:
        entries.append((overdue, c.OVERDUE_ENTERED, 1))
        if end is not None:
            entries.append((end, c.OVERDUE_LEFT, 1))


def _count_steps(
    steps: list[Step], opened: Opened | None, entries: list[Entry], step_entries: list[tuple[str, int, int, int]]
) -> int:
    """Count steps, repeats and waiting; returns how many steps were repeats."""
    names: set[str] = set()
    repeats = 0
    last_end = opened.time if opened is not None else None
    for step in sorted(steps, key=lambda s: (s.started, s.ended or s.started, s.id)):
        at = step.started
        entries.append((at, c.STEPS, 1))
        step_entries.append((step.step, at, c.STEPS, 1))
        if step.step in names and not step.legal_repeat:
            repeats += 1
            entries.append((at, c.REPEATS, 1))
            step_entries.append((step.step, at, c.REPEATS, 1))
        names.add(step.step)
        if last_end is not None:
            step_entries.append((step.step, at, c.WAITING + bin_of(at - last_end), 1))
        ended = at if step.ended is None else step.ended
        last_end = ended if last_end is None else max(last_end, ended)
    return repeats


def _work_union(steps: list[Step], start: int, end: int) -> int | None:
    """Milliseconds within [start, end] in which at least one step was worked on; None if no step says."""
    spans = sorted((step.started, step.ended) for step in steps if step.ended is not None)
    if not spans:
        return None
    total, reached = 0, start
    for began, ended in spans:
        began, ended = max(began, reached), min(ended, end)
        if ended > began:
            total += ended - began
            reached = ended
    return total


def _count_contacts(contacts: list[Contact], closing: Completed | None, entries: list[Entry]) -> None:
    duplicate = closing is not None and closing.outcome == c.DUPLICATE_INDEX
    previous: int | None = None
    for contact in contacts:
        at = contact.time
        entries.append((at, c.CONTACTS + contact.reason, 1))
        entries.append((at, c.CONTACTS_WITH_CASE, 1))
        repeated = previous is not None and at - previous <= REPEAT_CONTACT_MS
        if duplicate or repeated or contact.reason in c.FAILURE_REASONS:
            entries.append((at, c.FAILURE_DEMAND, 1))
        previous = at


def _count_transaction(begun: TransactionBegun, facts: Facts, entries: list[Entry]) -> None:
    entries.append((begun.time, c.TRANSACTIONS, 1))
    for fact in facts:
        if type(fact) is TransactionEnded:
            if fact.time - begun.time <= begun.timeout:
                entries.append((begun.time, c.TRANSACTION_RESULTS + fact.result, 1))
            return
