"""Raised signals as lines of a page, the gravest first. Pure: signals in, words out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from kept.buckets import DAY_SECONDS
from kept.signals import card_lines
from kept.signals.kinds import BY_NAME, Severity
from kept.signals.raised import Raised
from summaries import wording
from summaries.verdict_words import people_words

SEVERITIES: Final[tuple[Severity, ...]] = ("page", "ticket", "info")
"""The gravest first."""
SEVERITY_WORDS: Final[dict[Severity, str]] = {"page": "Page", "ticket": "Ticket", "info": "Info"}
COUNTED_WORDS: Final[dict[Severity, tuple[str, str]]] = {
    "page": ("on-call page", "on-call pages"),
    "ticket": ("ticket", "tickets"),
    "info": ("for information", "for information"),
}
"""One, and several: next to a number, “page” alone would be one of a website."""
MOST_CHARACTERS: Final = 300


class SignalLine(Struct, frozen=True):
    """One open signal: how urgent, what it says in one sentence, when it was raised, and whether it may be ending."""

    id: str
    severity: Severity
    severity_words: str
    sentence: str
    raised: str
    quiet: str


def signal_lines(signals: Iterable[Raised], zone: ZoneInfo, at: int | None = None) -> tuple[SignalLine, ...]:
    """The lines of `signals`, the gravest first, then the latest raised; moments in `zone`.

    `at` is the moment of the data (s): a signal that was raised more than a day before it says that its figures are
    of then.
    """
    ordered = sorted(signals, key=lambda one: (SEVERITIES.index(card_lines.severity(one)), -one.raised_at, one.key()))
    return tuple(_line(one, zone, at) for one in ordered)


def counted(lines: Sequence[SignalLine]) -> str:
    """How many there are of each severity: `1 on-call page, 2 tickets`; empty without any."""
    counts = Counter(line.severity for line in lines)
    return ", ".join(
        f"{counts[severity]}{wording.NBSP}{COUNTED_WORDS[severity][counts[severity] > 1]}"
        for severity in SEVERITIES
        if counts[severity]
    )


def _line(raised: Raised, zone: ZoneInfo, at: int | None) -> SignalLine:
    severity, verdict = card_lines.severity(raised), raised.verdict
    kind = BY_NAME.get(verdict.signal)
    words = people_words(verdict.words) or (verdict.signal.replace("_", " ") if kind is None else kind.summary)
    if at is not None and verdict.words and raised.raised_at < at - DAY_SECONDS:
        words = f"When raised ({wording.day(raised.raised_at, zone)}): {words}"
    quiet = "" if raised.quiet_since is None else wording.moment_briefly(raised.quiet_since, zone)
    return SignalLine(
        id=raised.id,
        severity=severity,
        severity_words=SEVERITY_WORDS[severity],
        sentence=wording.shortened(words, MOST_CHARACTERS).rstrip("."),
        raised=wording.moment_briefly(raised.raised_at, zone),
        quiet=quiet,
    )
