"""The life of one case in a line of text, and what it counts. Times are hours since the opening of the line.

    counted("opened 0 due 10 | paused 4 | resumed 6 | completed 11")["due"] == {12: 1}

A time may be followed by `+1ms`. Words of a part: `due 10`, `to 20`, `until 5`, `timeout 1`, `channel Web`,
`kind digital`, `area North`, `category light`, `legal`; a completion may be followed by its outcome, a step by its
name, a contact by its reason, the end of a transaction by its result.
"""

from __future__ import annotations

from kept import counters as c
from kept import facts as f
from kept import target_margins as m
from kept.cases import ELAPSED_TIME, Clock, Contribution, contribution
from kept.durations import HOUR_MS

Hours = int | float | str
"""Whole hours as a number, `8+1ms` as text."""
Counted = dict[str, dict[Hours, int]]
"""Counter name -> time -> amount; a counter that sums to nothing is absent. Of histograms: time -> bin."""

FAMILIES = {
    c.COMPLETION_TIME: "completion_time",
    c.WITHDRAWAL_TIME: "withdrawal_time",
    c.CLOSED_TIME: "closed_time",
    c.WAITING: "waiting",
}
NAMES = {
    value: name.lower()
    for name, value in vars(c).items()
    if name.isupper() and type(value) is int and value < c.FAMILY_SIZE and not name.endswith("_INDEX")
}
NAMES |= {c.COMPLETED + index: f"completed_{outcome}" for outcome, index in c.OUTCOME_INDEX.items()}
NAMES |= {c.CONTACTS + index: f"contacts_{reason}" for reason, index in c.CONTACT_INDEX.items()}
NAMES |= {c.TRANSACTION_RESULTS + index: f"transactions_{result}" for result, index in c.RESULT_INDEX.items()}
NAMES[c.WITHDRAWN] = "withdrawn"
NAMES |= {m.MARGIN + band.number: f"closed_{band.name}" for band in m.BANDS}
NAMES |= {m.REOPENED_JUST_BEFORE: "reopened_just_before", m.REOPENED_BESIDE: "reopened_beside"}
PLACES = {m.LAST_FIFTH: "last_fifth", m.FIFTH_BEFORE: "fifth_before", m.AFTER_DUE: "after_due"}
NAMES |= {m.MOVED + number: f"moved_{name}" for number, name in PLACES.items()}
NAMES |= {m.PAUSED + number: f"paused_{name}" for number, name in PLACES.items()}


def ms(time: str) -> int:
    """`8` or `8+1ms` in milliseconds."""
    hours, _, more = time.partition("+")
    return round(float(hours) * HOUR_MS) + (1 if more else 0)


def hours(time_ms: int) -> Hours:
    """Back from milliseconds, for reading."""
    whole, rest = divmod(time_ms, HOUR_MS)
    return whole if not rest else f"{whole}+1ms" if rest == 1 else time_ms / HOUR_MS


def facts(text: str) -> f.Facts:
    """The facts a line of text tells, in canonical order."""
    known: f.Facts = ()
    for number, part in enumerate(text.split("|"), start=1):
        known = f.with_fact(known, _fact(number, part.split())) or known
    return known


def counted(text: str, clock: Clock = ELAPSED_TIME) -> Counted:
    """What the whole service counts for this case."""
    return by_name(contribution(facts(text), clock))


def counted_by_step(text: str) -> dict[str, Counted]:
    """What each step counts for this case."""
    steps = contribution(facts(text)).step_entries
    names = dict.fromkeys(step for step, *_ in steps)
    return {
        name: by_name(Contribution((), [(at, counter, n) for step, at, counter, n in steps if step == name], []))
        for name in names
    }


def by_name(contributed: Contribution) -> Counted:
    """Entries summed, with names people can read."""
    sums: dict[tuple[int, int], int] = {}
    for time_ms, counter, amount in contributed.entries:
        sums[(counter, time_ms)] = sums.get((counter, time_ms), 0) + amount
    result: Counted = {}
    for (counter, time_ms), amount in sorted(sums.items()):
        if not amount:
            continue
        family = counter // c.FAMILY_SIZE * c.FAMILY_SIZE
        if family and counter not in NAMES:
            assert amount == 1
            result.setdefault(FAMILIES[family], {})[hours(time_ms)] = counter - family
        else:
            result.setdefault(NAMES[counter], {})[hours(time_ms)] = amount
    return result


def _fact(number: int, words: list[str]) -> f.AnyFact:
    kind, at, rest = words[0], ms(words[1]), words[2:]
    said = {key: rest[rest.index(key) + 1] for key in _KEYS if key in rest}
    plain = rest[0] if rest and rest[0] not in _KEYS else ""
    match kind:
        case "opened":
            due = ms(said["due"]) if "due" in said else None
            return f.Opened(
                at, number, said.get("channel"), said.get("area"), said.get("category"), said.get("kind"), due
            )
        case "due_changed":
            return f.DueChanged(at, number, ms(said["to"]))
        case "paused":
            return f.Paused(at, number)
        case "resumed":
            return f.Resumed(at, number)
        case "reopened":
            return f.Reopened(at, number)
        case "completed":
            return f.Completed(at, number, c.OUTCOME_INDEX[plain or "intended"])
        case "step":
            ended = ms(said["until"]) if "until" in said else None
            return f.Step(at, number, plain, at, ended, "legal" in rest, None)
        case "contact":
            return f.Contact(at, number, c.CONTACT_INDEX[plain])
        case "begun":
            return f.TransactionBegun(at, number, said.get("channel"), said.get("area"), ms(said.get("timeout", "0.5")))
        case "ended":
            return f.TransactionEnded(at, number, c.RESULT_INDEX[plain])
    raise ValueError(f"{kind!r} is no word of this language")


_KEYS = ("due", "to", "until", "timeout", "channel", "kind", "area", "category")
