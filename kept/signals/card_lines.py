"""One line of the alert report card: the signals of a rule or a service, how true they were, how soon they were looked
at, and what they warned of."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from kept.indicators.delivery import kaplan_meier
from kept.indicators.intervals import log_log_bounds, wilson
from kept.signals.answers import UNANSWERED, Answer
from kept.signals.kinds import BY_NAME, Severity
from kept.signals.lead_time import Lead
from kept.signals.raised import Raised

CLOCKS_APART: Final = 300
"""Clocks of two machines may differ by so much (s)."""
LEAST_JUDGED: Final = 5
"""With 4 judged, 2 of them useful, the interval is 0.15 to 0.85: too few to tell."""


class Precision(Struct, frozen=True, kw_only=True):
    """useful / (useful + noise) by the last judgement of each signal; what was not judged is in neither.

    `value`, `low` and `high` (95 % Wilson score interval) are None with fewer than `LEAST_JUDGED` judged.
    """

    useful: int
    noise: int
    value: float | None
    low: float | None
    high: float | None

    @property
    def judged(self) -> int:
        """The n it rests on."""
        return self.useful + self.noise


class Waiting(Struct, frozen=True, kw_only=True):
    """Wall clock (s) from telling of a signal (`told_at`) to its first acknowledgement.

    `median_seconds` is the least t with S(t) <= 0.5 of the Kaplan-Meier curve S(t) = product over t_j <= t of
    (1 - d_j / n_j), in which each unacknowledged signal, ended or not, is still waiting at the time of the card. None
    when S never gets there. An end of its interval (95 %, log-log, by the curve where S > 0) is None when it is open.
    """

    acknowledged: int
    unacknowledged: int
    told_again: int
    """Acknowledged before the telling that the history knows: a replay told them again, and their time is lost."""
    median_seconds: int | None
    low: int | None
    high: int | None


class Leads(Struct, frozen=True, kw_only=True):
    """How many signals came before the promise was broken, after, or before nothing; how many it is too early to tell
    of; for how many it is not defined. `median_seconds` is the lower median of those before and after, an observed
    lead; None when there are none."""

    before: int
    after: int
    nothing: int
    pending: int
    undefined: int
    median_seconds: int | None


class Line(Struct, frozen=True, kw_only=True):
    """The signals of one rule, of one service (pages and tickets apart), or of one rule in one service."""

    signal: str | None
    service: str | None
    severity: Severity
    raised: int
    still_open: int
    not_judged: int
    precision: Precision
    waiting: Waiting
    leads: Leads


def severity(raised: Raised) -> Severity:
    """Of its kind; `info` for a kind that this version no longer knows."""
    kind = BY_NAME.get(raised.verdict.signal)
    return "info" if kind is None else kind.severity


def precision_of(useful: int, noise: int) -> Precision:
    """Precision with its 95 % Wilson score interval, or without a value when too few were judged."""
    judged = useful + noise
    if judged < LEAST_JUDGED:
        return Precision(useful=useful, noise=noise, value=None, low=None, high=None)
    low, high = wilson(useful, judged)
    return Precision(useful=useful, noise=noise, value=useful / judged, low=low, high=high)


def waiting_of(signals: Iterable[Raised], answered: Mapping[str, Answer], now: int) -> Waiting:
    """Time to acknowledge. An answer up to `CLOCKS_APART` before the telling was given at once, by another clock."""
    acknowledged: Counter[int] = Counter()
    waiting: Counter[int] = Counter()
    told_again = 0
    for raised in signals:
        at = answered.get(raised.id, UNANSWERED).acknowledged_at
        if at is None:
            waiting[max(0, now - raised.told_at)] += 1
        elif at < raised.told_at - CLOCKS_APART:
            told_again += 1
        else:
            acknowledged[max(0, at - raised.told_at)] += 1
    median = low = high = None
    for seconds, survival, greenwood in kaplan_meier(acknowledged, waiting, [], now).steps:
        level = 0.5 + 1e-12
        median = seconds if median is None and survival <= level else median
        if survival > 0:  # where it is 0 the interval has no width, which says nothing
            lower, upper = log_log_bounds(survival, greenwood)
            low = seconds if low is None and lower <= level else low
            high = seconds if high is None and upper <= level else high
    return Waiting(
        acknowledged=acknowledged.total(),
        unacknowledged=waiting.total(),
        told_again=told_again,
        median_seconds=median,
        low=low,
        high=high,
    )


def leads_of(leads: Iterable[Lead | None]) -> Leads:
    """The leads of a group, counted by what came of them."""
    all_leads = list(leads)
    outcomes = Counter("undefined" if lead is None else lead.outcome for lead in all_leads)
    seconds = [lead.seconds for lead in all_leads if lead is not None and lead.seconds is not None]
    return Leads(
        before=outcomes["before"],
        after=outcomes["after"],
        nothing=outcomes["nothing"],
        pending=outcomes["pending"],
        undefined=outcomes["undefined"],
        median_seconds=statistics.median_low(seconds) if seconds else None,
    )


def line_of(
    signal: str | None,
    service: str | None,
    urgency: Severity,
    group: Sequence[Raised],
    answered: Mapping[str, Answer],
    leads: Iterable[Lead | None],
    now: int,
) -> Line:
    """The line of a group of signals of one severity, with the lead of each; `now` is the wall clock (s)."""
    judged = Counter(answered.get(raised.id, UNANSWERED).judged for raised in group)
    return Line(
        signal=signal,
        service=service,
        severity=urgency,
        raised=len(group),
        still_open=sum(raised.ended_at is None for raised in group),
        not_judged=judged[None],
        precision=precision_of(judged["useful"], judged["noise"]),
        waiting=waiting_of(group, answered, now),
        leads=leads_of(leads),
    )
