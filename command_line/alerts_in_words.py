"""What is said of raised signals: a few lines each in a list, an object each as JSON. Text of events is escaped."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from command_line.alertmanager import Labels, Standing
from command_line.letters_in_words import printable
from kept.durations import HOUR_MS, in_words
from kept.events import moment
from kept.indicators.definitions import BY_NAME as DEFINITIONS
from kept.signals.answers import UNANSWERED, Answer
from kept.signals.kinds import BY_NAME, Kind
from kept.signals.raised import Raised
from kept.signals.verdict import chance_in_words
from summaries import wording

URGENCIES: Final = ("page", "ticket", "info")
OLD_SECONDS: Final = 900
"""What is published in time is never older: it steps by five minutes, and a late partition is waited for."""
LARGEST: Final = 1e12
"""Beyond it a figure is an error somewhere, and is shown as it is."""
UNBROKEN: Final = 56
INDENT: Final = " " * 8
STANDINGS: Final[dict[Standing, str]] = {
    "firing": "firing in Alertmanager",
    "silenced": "silenced in Alertmanager",
    "inhibited": "muted in Alertmanager by another alert",
    "absent": "raised here, not firing in Alertmanager",
}
UNKNOWN_KIND: Final = Kind(
    name="",
    alert="",
    severity="info",
    topic="figure",
    needs="anything",
    unit="indicator",
    seen="{} seen",
    judged_against="{} expected",
    summary="A signal that this version of Kept does not know",
    first="Use the version of Kept that raised it",
)


def kind_of(raised: Raised) -> Kind:
    """What the signal says; a stand-in for one that another version raised."""
    return BY_NAME.get(raised.verdict.signal, UNKNOWN_KIND)


def worst_first(signals: Iterable[Raised]) -> list[Raised]:
    """Pages, then tickets, then what only informs; of each the latest raised first."""
    return sorted(
        signals, key=lambda raised: (URGENCIES.index(kind_of(raised).severity), -raised.raised_at, raised.key())
    )


def latest_end_first(signals: Iterable[Raised]) -> list[Raised]:
    """Signals that have ended, the latest first."""
    return sorted(signals, key=lambda raised: (-(raised.ended_at or 0), raised.key()))


def title(raised: Raised) -> str:
    """A signal in half a line: its id, its service and what it is about."""
    about = f" ({printable(raised.verdict.about)})" if raised.verdict.about else ""
    return f"{raised.id} {raised.verdict.service} {raised.verdict.signal}{about}"


def since(raised: Raised) -> int:
    """From which event time (s) on it is there: what the data say, else when it was raised."""
    return raised.raised_at if raised.verdict.since is None else raised.verdict.since


def seconds_raised(raised: Raised, as_of: int) -> int:
    """How long it has been there, in event time, by the end of it or else by `as_of` (s)."""
    return max(0, (as_of if raised.ended_at is None else raised.ended_at) - since(raised))


def unit_of(raised: Raised) -> str:
    """The unit of its figures; empty when it is not known."""
    unit = kind_of(raised).unit
    if unit != "indicator":
        return unit
    definition = DEFINITIONS.get(raised.verdict.about)
    said = raised.verdict.evidence.get("unit")  # of money it names the currency
    return said if isinstance(said, str) else "" if definition is None else definition.unit


def figure_in_words(value: float, unit: str) -> str:
    """A figure in its unit; one of money, or of an unknown unit, as a bare number."""
    if unit in ("", "money", "money a week") or abs(value) > LARGEST:
        return f"{value:,.6g}"
    if unit == "cases" and value != round(value):
        return f"{wording.number(value, 1)}{wording.NBSP}cases"
    return wording.quantity(value, unit)


def figures_in_words(raised: Raised) -> list[str]:
    """What was seen and what it is judged against, as far as they are known."""
    kind, unit, verdict = kind_of(raised), unit_of(raised), raised.verdict
    said = []
    if verdict.value is not None:
        said.append(kind.seen.replace("{}", figure_in_words(verdict.value, unit)))
    if verdict.expected is not None:
        promised = unit == "share" and kind.topic == "promise"
        expected = wording.target_share(verdict.expected) if promised else figure_in_words(verdict.expected, unit)
        said.append(kind.judged_against.replace("{}", expected))
    return said


def answer_in_words(answer: Answer) -> str:
    """Whether someone has taken it, and what they made of it."""
    at = answer.acknowledged_at
    said = "not acknowledged" if at is None else f"acknowledged {shown(at)}"
    return said if answer.judged is None else f"{said}, judged {answer.judged}"


def quiet_in_words(raised: Raised) -> str:
    """That the evidence of one that is still open is gone, and when it ends; empty when it is not."""
    if raised.quiet_since is None or raised.ended_at is not None:
        return ""
    hours = in_words(kind_of(raised).quiet_hours * HOUR_MS)
    return f"quiet since {shown(raised.quiet_since)}, ends when it stays so for {hours}"


def shown(at: int) -> str:
    """A moment (s) to the minute."""
    return f"{moment(at * 1000):%Y-%m-%d %H:%M} UTC"


def block(raised: Raised, as_of: int, answer: Answer, width: int, standing: Standing | None = None) -> Iterator[str]:
    """The lines of one signal in a list; none is wider than `width`, as far as words allow."""
    kind, verdict = kind_of(raised), raised.verdict
    lasted = in_words(seconds_raised(raised, as_of) * 1000)
    ended = "" if raised.ended_at is None else f"ended {shown(raised.ended_at)}"
    about = f" · {printable(verdict.about)}" if verdict.about else ""
    yield from _wrapped(
        f"{kind.severity.upper():<6}  {raised.id}  {verdict.service}{about}",
        f"since {shown(since(raised))}, for {lasted}",
        ended,
        width=width,
        first="",
    )
    yield from _wrapped(kind.summary, width=width)
    is_figure = unit_of(raised) == "cases" and verdict.cases == verdict.value
    cases = "" if verdict.cases is None or is_figure else figure_in_words(verdict.cases, "cases")
    yield from _wrapped(*figures_in_words(raised), cases, chance_in_words(verdict.chance), width=width)
    asked = kind.severity != "info" or answer != UNANSWERED
    yield from _wrapped(
        answer_in_words(answer) if asked else "", "" if standing is None else STANDINGS[standing], width=width
    )
    if raised.ended_at is None:
        yield from _wrapped(quiet_in_words(raised), width=width)
        yield from _wrapped(f"→ {kind.first}", width=width)


def _wrapped(*parts: str, width: int, first: str = INDENT) -> Iterator[str]:
    # A line ends between two parts where it can.
    joined = " · ".join(part.replace(" ", wording.NBSP) if len(part) <= UNBROKEN else part for part in parts if part)
    for line in textwrap.wrap(
        joined,
        max(width, 40),
        initial_indent=first,
        subsequent_indent=INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    ):
        yield line.replace(wording.NBSP, " ")


def head(raised: Sequence[Raised], answered: Mapping[str, Answer], as_of: Mapping[str, int], now: int) -> str:
    """How many are raised, of which urgency, how many nobody has taken, and up to when that is known.

    `as_of` (event time, s) by service; when the least of it is old by the wall clock `now` (s) its age is told.
    """
    if not as_of:
        return "The history has no published service yet."
    first, last = min(as_of.values()), max(as_of.values())
    age = f", {in_words((now - first) * 1000)} ago" if now - first > OLD_SECONDS else ""
    known = f"Data as of {shown(last)}{age}." if first == last else f"Data as of {shown(first)}{age} to {shown(last)}."
    if not raised:
        return f"Nothing is raised. {known}"
    counts = [(sum(kind_of(one).severity == urgency for one in raised), urgency) for urgency in URGENCIES]
    plural = {"page": "pages", "ticket": "tickets", "info": "info"}
    words = ", ".join(f"{count} {urgency if count == 1 else plural[urgency]}" for count, urgency in counts if count)
    asked = [one for one in raised if kind_of(one).severity != "info"]
    open_ones = sum(answered.get(one.id, UNANSWERED).acknowledged_at is None for one in asked)
    taken = f"{open_ones} of {len(asked)} not acknowledged" if asked else "nobody is asked to act"
    return f"{len(raised)} raised: {words}; {taken}. {known}"


def foot(ended: Sequence[Raised], *, shown: bool, elsewhere: Sequence[Labels]) -> Iterator[str]:
    """What stands below a list: how many have ended, and what Alertmanager fires that is not raised here."""
    for service, signal, about in elsewhere:
        said = printable(" ".join(part for part in (service, signal, about) if part))
        yield f"Firing in Alertmanager, not raised here: {said}. It has just ended, or is of another history."
    if ended or shown:
        how_many = f"{len(ended) or 'None'} ended in the last 7 days"
        them = "it" if len(ended) == 1 else "them"
        yield f"{how_many}{':' if ended else '.'}" if shown else f"{how_many}; --ended adds {them}."


def as_json_object(raised: Raised, as_of: int, answer: Answer, standing: Standing | None = None) -> dict[str, Any]:
    """A signal in a line of JSON; times as RFC 3339 in UTC, durations in seconds."""
    kind, verdict = kind_of(raised), raised.verdict
    line = {
        "id": raised.id,
        "severity": kind.severity,
        "service": verdict.service,
        "signal": verdict.signal,
        "alert": kind.alert,
        "about": verdict.about,
        "summary": kind.summary,
        "words": verdict.words,
        "since": rfc3339(since(raised)),
        "raised_at": rfc3339(raised.raised_at),
        "told_at": rfc3339(raised.told_at),
        "quiet_since": rfc3339(raised.quiet_since),
        "ended_at": rfc3339(raised.ended_at),
        "raised_seconds": seconds_raised(raised, as_of),
        "value": verdict.value,
        "expected": verdict.expected,
        "unit": unit_of(raised),
        "cases": verdict.cases,
        "chance": verdict.chance,
        "test": verdict.test,
        "acknowledged_at": rfc3339(answer.acknowledged_at),
        "judged": answer.judged,
        "first": kind.first,
    }
    return line if standing is None else {**line, "alertmanager": standing}


def evidence_as_json_object(raised: Raised, responses: Iterable[Any]) -> dict[str, Any]:
    """What `why` adds to the object of a signal: the evidence as it was stored, and every response."""
    said = [{"says": response.says, "at": rfc3339(response.at)} for response in responses]
    return {"evidence": msgspec.to_builtins(raised.verdict.evidence), "responses": said}


def rfc3339(at: int | None) -> str | None:
    """A moment (s) as JSON has it."""
    return None if at is None else f"{moment(at * 1000):%Y-%m-%dT%H:%M:%SZ}"
