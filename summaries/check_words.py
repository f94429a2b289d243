"""What is said of the checks of how a target was met: what each looks at, cannot see, and what to ask. Closed texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from kept import target_margins as m
from kept.catalogue import Catalogue
from kept.signals import integrity
from kept.signals.integrity import About, Check
from kept.signals.raised import Raised
from kept.signals.target_integrity import SIGNAL
from summaries import wording
from summaries.wording import NBSP

TOO_FEW: Final = "too few cases to tell"
TIMES: Final = {2.0: "twice", 3.0: "three times"}
BAND: Final = f"{m.BAND_PERCENT}{NBSP}%"


class CheckWords(Struct, frozen=True, kw_only=True):
    """The texts of one check."""

    name: str
    looks_at: str
    cannot_see: str
    honest: str
    ask: str


WORDS: Final[Mapping[About, CheckWords]] = {
    "bunching": CheckWords(
        name="Closed just inside the promise",
        looks_at=(
            f"Whether more than {TIMES[integrity.BUNCHING_RATIO]} as many cases are closed in the last {BAND} of the "
            "promised time as in the fullest of the bands beside it."
        ),
        cannot_see="Closings moved by more than that, or a due that was set too late from the start.",
        honest="Work is put in the order of its due; a batch is closed once a day; the due is the end of a shift.",
        ask="What happens to a case on its last day? Was what people asked for done when it was closed?",
    ),
    "reopened": CheckWords(
        name="Closed just before the due, reopened soon",
        looks_at=(
            f"Whether cases closed in the last {BAND} come back within {m.REOPENED_SOON_DAYS} days at least "
            f"{TIMES[integrity.REOPENED_RATIO]} as often as those closed a little earlier."
        ),
        cannot_see="A case that was opened anew under another number: nothing links the two.",
        honest="What is left to the end is what is difficult, and what is difficult comes back more often.",
        ask="Why did they come back? Could that have been known when they were closed?",
    ),
    "moved": CheckWords(
        name="Promise moved near its limit",
        looks_at=(
            f"Whether promises are moved to later more than {TIMES[integrity.MOVING_RATIO]} as often in the last "
            "fifth of their time as in the fifth before."
        ),
        cannot_see="Dates that are moved early, and dates agreed on outside the system.",
        honest="A law may ask that an extension is told before the date, and that it is needed shows late.",
        ask="Who decides on it, by which rule? Were the people told, and did they agree?",
    ),
    "paused": CheckWords(
        name="Clock stopped near the limit",
        looks_at=(
            f"Whether the clock is stopped more than {TIMES[integrity.MOVING_RATIO]} as often in the last fifth of "
            "the promised time as in the fifth before."
        ),
        cannot_see="A clock that is stopped early and started late.",
        honest="That a paper is missing is noticed when a case is taken up, and it was taken up late.",
        ask="What was waited for, and could it have been asked for on the first day?",
    ),
    "reset": CheckWords(
        name="New date after a missed promise",
        looks_at=(
            f"Whether more than {integrity.RESET_SHARE:.0%} of the cases that became overdue are given a later date "
            "afterwards. In Kept a broken promise stays broken; in other figures it may not."
        ).replace("%", f"{NBSP}%"),
        cannot_see="A case that was closed and opened anew.",
        honest="People are told a new date as soon as the old one is missed, as they should be.",
        ask="Which date do the published figures count by?",
    ),
}


class CheckSentence(Struct, frozen=True):
    """A finding for a summary: one sentence, the service it is about, what to ask, and `kept alerts why ID`."""

    service: str
    about: About
    sentence: str
    ask: str
    id: str


def check_sentences(signals: Iterable[Raised], catalogue: Catalogue) -> list[CheckSentence]:
    """One sentence for each raised `target_integrity` of `signals`, in order of service name and check."""
    found: list[tuple[str, int, CheckSentence]] = []
    for raised in signals:
        verdict = raised.verdict
        about = next((about for about in WORDS if about == verdict.about), None)
        if verdict.signal != SIGNAL or about is None:
            continue
        service = catalogue.get(verdict.service)
        name = verdict.service if service is None else service.name
        sentence = f"Check at {name}: {verdict.words[:1].lower()}{verdict.words[1:]}."
        told = CheckSentence(verdict.service, about, sentence, WORDS[about].ask, raised.id)
        found.append((name, list(WORDS).index(about), told))
    return [told for _, _, told in sorted(found, key=lambda each: (each[0], each[1], each[2].id))]


def name_of(raised: Raised) -> str:
    """The name of the check that a raised `target_integrity` is about."""
    return next((words.name for about, words in WORDS.items() if about == raised.verdict.about), raised.verdict.about)


def result(check: Check) -> str:
    """What a check found, in a word or two; what cannot be told from few cases is said to be that."""
    if check.is_found:
        return "check"
    return "nothing to check" if check.of >= check.least else TOO_FEW


def counts(check: Check) -> str:
    """The counts behind it: what was seen, and what it is held against."""
    seen, beside = wording.number(check.seen), wording.number(check.beside)
    of, beside_of = wording.number(check.of), wording.number(check.beside_of)
    return {
        "bunching": f"{seen} of {of}; {beside} in the fullest band beside",
        "reopened": f"{seen} of {of}; {beside} of {beside_of} a little earlier",
        "moved": f"{seen}; {beside} in the fifth before",
        "paused": f"{seen}; {beside} in the fifth before",
        "reset": f"{seen} of {of}",
    }[check.about]
