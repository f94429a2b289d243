"""The follow-up loop: a signal leads to a decision, which has an owner and a due date, and in the end an effect.

What is remembered is a record of entries that is only ever added to. A decision is the fold of its entries, so that it
can be told as it stood at any earlier moment. The same entry again changes nothing; the order of entries does not
matter; entries that contradict are refused where they are made (`checked`), and ignored in the fold.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable, Sequence
from typing import Final, Literal, get_args

import msgspec
from msgspec import Struct

from kept.errors import ConfigurationError

Says = Literal["decided", "moved", "effect", "closed"]
SAYS: Final[tuple[Says, ...]] = get_args(Says)
Effect = Literal["helped", "did_not_help", "cannot_tell"]
EFFECTS: Final[tuple[Effect, ...]] = get_args(Effect)
MOST_TEXT_CHARACTERS: Final = 500
MOST_NAME_CHARACTERS: Final = 100
"""Of who decides, of the owner, and of an objective."""
SIGNAL_DIGITS: Final = 8


class DecisionEntry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that was said of a decision, at the wall clock `at` (s), by the person or post `by`.

    `decision` is its id, eight hexadecimal digits (`decision_id`). `decided` has a text, an owner and a due date, and
    may name the raised `signal` that led to it and the `objective` it serves. `moved` has a new due date, a new owner
    or both; `effect` says what became of it; `closed` ends it. The last three may have a text, their reason.
    """

    decision: str
    at: int
    says: Says
    by: str
    service: str
    signal: str | None = None
    """Id of a raised signal (`Raised.id`)."""
    text: str = ""
    owner: str | None = None
    due: str | None = None
    """An ISO date, such as 2026-12-01: the last day on which it is in time."""
    effect: Effect | None = None
    objective: str | None = None

    def key(self) -> tuple[int, str, int, str]:
        """The order of entries, and what makes it one entry: two with the same key are equal."""
        return self.at, self.decision, SAYS.index(self.says), self.digest

    @property
    def digest(self) -> str:
        """A text of 16 digits that is another for each other entry."""
        return hashlib.blake2b(msgspec.json.encode(self), digest_size=8).hexdigest()


class Decision(Struct, frozen=True, kw_only=True):
    """A decision as its entries leave it. Times are wall clock (s); `due` is an ISO date; `id` has eight digits."""

    id: str
    service: str
    signal: str | None
    objective: str | None
    text: str
    owner: str
    due: str
    decided_at: int
    decided_by: str
    effect: Effect | None
    effect_at: int | None
    closed_at: int | None
    history: tuple[DecisionEntry, ...]
    """The entries that count, by time, beginning with the one by which it was decided."""

    @property
    def is_open(self) -> bool:
        """Whether nobody has closed it yet."""
        return self.closed_at is None

    def is_overdue(self, today: datetime.date) -> bool:
        """Whether it is open and its due date lies before `today`."""
        return self.is_open and datetime.date.fromisoformat(self.due) < today


def decisions(entries: Iterable[DecisionEntry], as_of: int | None = None) -> list[Decision]:
    """Every decision, as it stood at the wall clock `as_of` (s, that second included; None: by all entries).

    Ordered by when they were decided. Entries may come in any order and more than once; of what contradicts the
    earlier counts: a second beginning, what comes after the end, and what is said of an unknown decision, are ignored.
    """
    found: dict[str, Decision] = {}
    known = {entry.key(): entry for entry in entries if as_of is None or entry.at <= as_of}
    for _, entry in sorted(known.items()):
        before = found.get(entry.decision)
        if contradiction(entry, before) is None:
            found[entry.decision] = _after(entry, before)
    return sorted(found.values(), key=lambda decision: (decision.decided_at, decision.id))


def contradiction(entry: DecisionEntry, decision: Decision | None) -> str | None:
    """Why `entry` cannot be said of `decision` (None: there is no such decision yet), or None when it can."""
    missing = _missing(entry)
    if missing:
        return missing
    if entry.says == "decided":
        return None if decision is None else f"{entry.decision} is decided already"
    if decision is None:
        return f"{entry.decision} is no decision's id"
    if not decision.is_open:
        return f"{entry.decision} is closed already; what is closed stays so: record a new decision"
    if entry.at < decision.history[-1].at:
        return f"{entry.decision} has an entry of a later moment; an entry comes after those before it"
    return None


def decision_id(*, at: int, by: str, service: str, text: str) -> str:
    """The id of what `by` decides for `service` at the wall clock `at` (s)."""
    said = msgspec.json.encode((at, by, service, text))
    return hashlib.blake2b(said, digest_size=4).hexdigest()


def decide(
    *,
    at: int,
    by: str,
    service: str,
    text: str,
    owner: str,
    due: str,
    signal: str | None = None,
    objective: str | None = None,
) -> DecisionEntry:
    """The entry by which something is decided, with its texts as they are kept. Raises `ConfigurationError`."""
    entry = DecisionEntry(
        decision="", at=at, says="decided", by=by, service=service, text=text, owner=owner, due=due, signal=signal,
        objective=objective,
    )  # fmt: skip
    entry = _plain(entry)
    name = decision_id(at=at, by=entry.by, service=entry.service, text=entry.text)
    return msgspec.structs.replace(entry, decision=name)


def open_twin(entry: DecisionEntry, standing: Iterable[Decision]) -> Decision | None:
    """An open decision that says just what `entry` would begin anew: a form sent twice, or a command repeated."""
    said = (entry.service, entry.signal, entry.text, entry.owner, entry.due, entry.objective)
    for one in standing:
        first = one.history[0]
        if one.is_open and said == (one.service, one.signal, one.text, first.owner, first.due, one.objective):
            return one
    return None


def repeats(entry: DecisionEntry, decision: Decision) -> bool:
    """Whether `entry` says just what was said last of `decision`, at another moment: nothing is new."""
    last = decision.history[-1]
    return msgspec.structs.replace(entry, at=last.at) == last


def moment_after(decision: Decision, now: int) -> int:
    """The `at` (s) of what is said of `decision` at the wall clock `now`: later than all said before, also when that
    came from a clock that was ahead or within the same second."""
    return max(now, decision.history[-1].at + 1)


def checked(entry: DecisionEntry, so_far: Iterable[DecisionEntry]) -> DecisionEntry:
    """`entry` with its texts in one line each, as it may be added to `so_far`; one that is there already is returned.

    Raises `ConfigurationError` for a text that is empty or too long, for a due date that is none, and for an entry that
    contradicts those there are.
    """
    entry = _plain(entry)
    held = [other for other in so_far if other.decision == entry.decision]
    if entry in held:
        return entry
    standing: Sequence[Decision] = decisions(held)
    wrong = contradiction(entry, standing[0] if standing else None)
    if wrong is not None:
        raise ConfigurationError(wrong)
    return entry


def _plain(entry: DecisionEntry) -> DecisionEntry:
    """The entry with its texts in one line each; raises `ConfigurationError` for what is too long or makes no sense."""
    return msgspec.structs.replace(
        entry,
        by=_line("by", entry.by, MOST_NAME_CHARACTERS),
        service=_line("service", entry.service, MOST_NAME_CHARACTERS),
        text=_line("text", entry.text, MOST_TEXT_CHARACTERS, may_be_empty=entry.says != "decided"),
        owner=None if entry.owner is None else _line("owner", entry.owner, MOST_NAME_CHARACTERS),
        due=None if entry.due is None else _date(entry.due),
        objective=None if entry.objective is None else _line("objective", entry.objective, MOST_NAME_CHARACTERS),
        signal=None if entry.signal is None else _signal(entry.signal),
    )


def _after(entry: DecisionEntry, before: Decision | None) -> Decision:
    """The decision when `entry`, which does not contradict it, is said."""
    if before is None:
        return Decision(
            id=entry.decision,
            service=entry.service,
            signal=entry.signal,
            objective=entry.objective,
            text=entry.text,
            owner=entry.owner or "",
            due=entry.due or "",
            decided_at=entry.at,
            decided_by=entry.by,
            effect=None,
            effect_at=None,
            closed_at=None,
            history=(entry,),
        )
    said = msgspec.structs.replace(before, history=(*before.history, entry))
    if entry.says == "moved":
        return msgspec.structs.replace(said, owner=entry.owner or before.owner, due=entry.due or before.due)
    if entry.says == "effect":
        return msgspec.structs.replace(said, effect=entry.effect, effect_at=entry.at)
    return msgspec.structs.replace(said, closed_at=entry.at)


def _missing(entry: DecisionEntry) -> str | None:
    """What an entry lacks to say what it says."""
    if entry.due is not None and not _is_date(entry.due):
        return f"due: {entry.due!r} is no date; valid: such as 2026-12-01"
    if entry.says == "decided" and not (entry.text and entry.owner and entry.due):
        return "a decision needs a text, an owner and a due date"
    if entry.says == "moved" and not (entry.owner or entry.due):
        return "a decision is moved to another due date, another owner or both; none is given"
    if entry.says == "effect" and entry.effect is None:
        return f"an effect is one of {', '.join(EFFECTS)}; none is given"
    return None


def _line(name: str, text: str, most: int, *, may_be_empty: bool = False) -> str:
    """A text in one line: control characters and other blanks are one space."""
    plain = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    if not plain and not may_be_empty:
        raise ConfigurationError(f"{name}: is empty; say it in 1 to {most} characters")
    if len(plain) > most:
        raise ConfigurationError(f"{name}: has {len(plain)} characters; at most {most}: say it shorter")
    return plain


def _date(text: str) -> str:
    if not _is_date(text):
        raise ConfigurationError(f"due: {text[:MOST_NAME_CHARACTERS]!r} is no date; valid: such as 2026-12-01")
    return text


def _is_date(text: str) -> bool:
    """Whether it is a date in its long form alone, so that texts of dates are ordered as the dates are."""
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _signal(text: str) -> str:
    if len(text) != SIGNAL_DIGITS or set(text) - set("0123456789abcdef"):
        seen = text[:MOST_NAME_CHARACTERS]
        raise ConfigurationError(f"signal: {seen!r} is no signal's id; valid: its 8 digits, as `kept alerts` prints it")
    return text
