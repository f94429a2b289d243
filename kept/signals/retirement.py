"""Which rules may not be worth their interruptions: proposed with the reason, never done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from kept.buckets import DAY_SECONDS
from kept.signals.answers import Answer
from kept.signals.card_lines import Line, Precision
from kept.signals.raised import Raised

Reason = Literal["mostly_noise", "nobody_looks"]


class Bars(Struct, frozen=True, kw_only=True):
    """When a rule is proposed for retirement."""

    precision: float = 0.5
    """The upper end of its precision's interval is below this, with at least `LEAST_JUDGED` judged."""
    often: int = 10
    """So many signals, each told at least `days_to_look` ago, and not one of them acknowledged or judged."""
    days_to_look: int = 7


class Proposal(Struct, frozen=True, kw_only=True):
    """A rule that may not be worth its interruptions; in one service, or everywhere (None). For people to decide."""

    signal: str
    service: str | None
    reason: Reason
    raised: int
    precision: Precision


def proposals(
    by_rule: Sequence[Line],
    by_rule_and_service: Sequence[Line],
    signals: Iterable[Raised],
    answered: Mapping[str, Answer],
    now: int,
    bars: Bars,
) -> tuple[Proposal, ...]:
    """Rules to be looked at, first those everywhere; one in a single service only where it is not proposed everywhere
    for the same reason. `signals` are those that the lines are made of, `now` is the wall clock (s)."""
    ignored = _ignored(signals, answered, now, bars)
    found: list[Proposal] = []
    for line in (*by_rule, *by_rule_and_service):
        if line.signal is None:
            continue
        reasons: list[Reason] = []
        if line.precision.high is not None and line.precision.high < bars.precision:
            reasons.append("mostly_noise")
        if (line.signal, line.service) in ignored:
            reasons.append("nobody_looks")
        everywhere = {
            proposal.reason for proposal in found if (proposal.signal, proposal.service) == (line.signal, None)
        }
        found += [
            Proposal(
                signal=line.signal, service=line.service, reason=reason, raised=line.raised, precision=line.precision
            )
            for reason in reasons
            if reason not in everywhere
        ]
    return tuple(found)


def _ignored(
    signals: Iterable[Raised], answered: Mapping[str, Answer], now: int, bars: Bars
) -> set[tuple[str, str | None]]:
    """Rules, everywhere (None) and by service, that were told often and long enough ago and never answered."""
    told: Counter[tuple[str, str | None]] = Counter()
    looked_at: set[tuple[str, str | None]] = set()
    for raised in signals:
        for scope in ((raised.verdict.signal, None), (raised.verdict.signal, raised.verdict.service)):
            if raised.id in answered:
                looked_at.add(scope)
            elif now - raised.told_at >= bars.days_to_look * DAY_SECONDS:
                told[scope] += 1
    return {scope for scope, count in told.items() if count >= bars.often and scope not in looked_at}
