"""Active signals as a service's page has them: what each says, and what to do first."""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from msgspec import Struct

from kept.signals.kinds import BY_NAME
from kept.signals.raised import Raised
from summaries.signal_lines import SignalLine, signal_lines


class SignalPart(Struct, frozen=True, kw_only=True):
    """A signal's line, what to do first, and the name of its runbook; both empty for a kind that is not known."""

    line: SignalLine
    first: str
    runbook: str


def signal_parts(signals: Iterable[Raised], zone: ZoneInfo, at: int | None = None) -> tuple[SignalPart, ...]:
    """The gravest first, as on the board; `at` is the moment of the data (s)."""
    by_id = {raised.id: raised for raised in signals}
    return tuple(_part(line, by_id[line.id]) for line in signal_lines(by_id.values(), zone, at))


def _part(line: SignalLine, raised: Raised) -> SignalPart:
    kind = BY_NAME.get(raised.verdict.signal)
    return SignalPart(line=line, first="" if kind is None else kind.first, runbook="" if kind is None else kind.alert)
