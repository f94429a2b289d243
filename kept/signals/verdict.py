"""What a signal says of a service at one moment, with everything needed to defend it."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

SMALLEST_CHANCE: Final = 1e-9
"""Smaller chances are told as less than this: no model is true to more digits."""


class Verdict(Struct, frozen=True, kw_only=True):
    """Whether the signal `signal` (a name in `KINDS`) of `service` is active at `at` (s since 1970-01-01 UTC).

    `about` is what of the service it is about: an indicator, a slice such as `area=North`, or empty for its promise.
    A signal that can never be active here gives no verdict at all.
    """

    service: str
    signal: str
    about: str = ""
    at: int
    active: bool
    since: int | None = None
    """Event time (s) from which on the data show it; None when inactive."""
    completed_by: int | None = None
    """Window end (s) of the point that completed it, where each such point is a signal of its own; else None."""
    value: float | None = None
    """What was observed, in the indicator's unit."""
    expected: float | None = None
    """What it is judged against: a target, a limit, a silence (s)."""
    cases: int | None = None
    """How many cases the judgement rests on."""
    chance: float | None = None
    """Probability of such evidence, or stronger, if all were well; None where there is no test."""
    words: str = ""
    """One sentence with the numbers, for people: no case id, no text from events."""
    test: str = ""
    """The test and its parameters, such as `exact binomial, alpha 0.001, 3 d and 6 h`."""
    evidence: dict[str, Any] = {}
    """JSON values: the points, the limits, the windows with their counts."""

    def key(self) -> tuple[str, str, str]:
        """What makes two verdicts of different moments verdicts of one signal."""
        return (self.service, self.signal, self.about)


def chance_in_words(chance: float | None) -> str:
    """How likely such evidence is if all is well, as one in so many, to two digits."""
    if chance is None:
        return "no test of chance"
    if chance < SMALLEST_CHANCE:
        return f"by chance less than 1 time in {1 / SMALLEST_CHANCE:,.0f}"
    times = float(f"{1 / chance:.2g}")
    return f"by chance 1 time in {times:,.0f}" if times >= 10 else f"by chance 1 time in {times:g}"
