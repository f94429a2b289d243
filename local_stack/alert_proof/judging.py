"""Whether what was raised is what was expected. Pure: signals and messages in, outcomes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from kept.durations import HOUR_MS, SECOND_MS
from kept.signals.kinds import BY_NAME
from kept.signals.raised import Raised
from local_stack.alert_proof.expected import Alert, Row
from producers.simulator.incident import Incident

HOUR = HOUR_MS // SECOND_MS


class Heard(Struct, frozen=True, kw_only=True):
    """What reached people of one raised signal, as wall clock (s); None: not told, or not told that it is over."""

    at: float | None
    over_at: float | None
    muted: bool
    """Whether Alertmanager held it back because of another alert at some time."""


class Case(Struct, frozen=True, kw_only=True):
    """One row of `expected` and the incident it is about; moments are event times (s)."""

    row: Row
    start: int
    end: int | None
    shows_from: int | None


class Outcome(Struct, frozen=True, kw_only=True):
    """One expected alert and what came of it; `wrong` says what is not as stated, empty when all is."""

    case: Case
    alert: Alert | None
    """None for an incident that must raise nothing."""
    raised: Raised | None = None
    heard: Heard | None = None
    wrong: tuple[str, ...] = ()


class Verdicts(Struct, frozen=True, kw_only=True):
    """Everything that was raised, sorted into what was expected, what stands all the time, and what is false."""

    outcomes: Sequence[Outcome]
    standing: Sequence[Raised]
    unexpected: Sequence[Raised]

    def failures(self) -> list[str]:
        """What is wrong, a sentence each."""
        found = [
            f"{outcome.case.row.service}, {outcome.case.row.kind}, {_named(outcome.alert)}: {wrong}"
            for outcome in self.outcomes
            if outcome.alert is not None  # else it is among the unexpected
            for wrong in outcome.wrong
        ]
        for raised in self.unexpected:
            service, signal, about = raised.verdict.key()
            name = f"{signal} {about}".strip()
            found.append(f"{service}: {name} was raised and nothing explains it: {raised.verdict.words}")
        return found


def cases(rows: Iterable[Row], incidents: Iterable[tuple[Incident, int | None]]) -> list[Case]:
    """Each row with its incident; `incidents` come with the moment (ms) from which figures can show them.

    Raises `ValueError` when a row and the script do not fit each other.
    """
    left = {(incident.service, incident.kind): (incident, shows_ms) for incident, shows_ms in incidents}
    found = []
    for row in rows:
        if (row.service, row.kind) not in left:
            raise ValueError(f"no incident for the row {row.service}, {row.kind}; the script and `ROWS` must fit")
        incident, shows_ms = left.pop((row.service, row.kind))
        found.append(
            Case(
                row=row,
                start=incident.start_ms // SECOND_MS,
                end=None if incident.end_ms is None else incident.end_ms // SECOND_MS,
                shows_from=None if shows_ms is None else shows_ms // SECOND_MS,
            )
        )
    if left:
        raise ValueError(
            f"no row for {', '.join(' '.join(key) for key in sorted(left))}; the script and `ROWS` must fit"
        )
    return found


def judge_proof(
    expected: Sequence[Case],
    raised: Iterable[Raised],
    standing: Mapping[str, Sequence[str]],
    *,
    until: int,
    heard: Mapping[str, Heard] | None = None,
) -> Verdicts:
    """Sort and judge the pages and tickets among `raised`; infos go to nobody.

    `until` (s) is where the run ends: what should be over later is not judged. `heard` is what reached people by the id
    of what was raised; None when nothing was to reach anyone (a back-test).
    """
    told = [one for one in raised if BY_NAME[one.verdict.signal].severity != "info"]
    left = {one.key(): one for one in told}
    outcomes: list[Outcome] = []
    for case in expected:
        if not case.row.alerts:
            outcomes.append(Outcome(case=case, alert=None))
        for alert in case.row.alerts:
            key = alert.key(case.row.service)
            own = [one for one in told if one.verdict.key() == key and _of(case, one, expected)]
            for one in own[:1]:
                left.pop(one.key(), None)
            outcomes.append(_outcome(case, alert, own, until, heard))
    rest = [left[key] for key in sorted(left)]
    stands = [one for one in rest if one.verdict.signal in standing.get(one.verdict.service, ())]
    unexpected = [one for one in rest if one not in stands]
    outcomes = [one if one.alert is not None else _silent(one.case, unexpected, expected) for one in outcomes]
    return Verdicts(outcomes=outcomes, standing=stands, unexpected=unexpected)


def _of(case: Case, raised: Raised, expected: Sequence[Case]) -> bool:
    """Whether it was raised between the start of this incident and that of the service's next one."""
    later = [other.start for other in expected if other.row.service == case.row.service and other.start > case.start]
    return case.start <= raised.raised_at < min(later, default=raised.raised_at + 1)


def _silent(case: Case, unexpected: Iterable[Raised], expected: Sequence[Case]) -> Outcome:
    """What came of an incident that must raise nothing."""
    own = (one for one in unexpected if one.verdict.service == case.row.service and _of(case, one, expected))
    wrong = tuple(f"{one.verdict.signal} {one.verdict.about}".strip() + " was raised" for one in own)
    return Outcome(case=case, alert=None, wrong=wrong)


def _outcome(case: Case, alert: Alert, own: Sequence[Raised], until: int, heard: Mapping[str, Heard] | None) -> Outcome:
    if not own:
        return Outcome(case=case, alert=alert, wrong=("it was never raised",))
    first = own[0]
    wrong = []
    delay = first.raised_at - (case.start if case.shows_from is None else case.shows_from)
    if delay < 0:
        wrong.append(f"raised {-delay / HOUR:.1f} h before the incident could show: by something else")
    if delay > alert.within_hours * HOUR:
        wrong.append(f"raised after {delay / HOUR:.1f} h; stated: within {alert.within_hours:g} h")
    due_over = None if case.end is None else round(case.end + alert.over_hours * HOUR)
    if due_over is not None and due_over <= until and (first.ended_at is None or first.ended_at > due_over):
        ended = "never" if first.ended_at is None else f"{(first.ended_at - (case.end or 0)) / HOUR:.1f} h later"
        wrong.append(f"it should be over {alert.over_hours:g} h after the incident, and was {ended}")
    told = None
    if heard is not None:
        told = heard.get(first.id, Heard(at=None, over_at=None, muted=False))
        if told.at is None:
            wrong.append("it reached nobody: it was muted for good" if told.muted else "it reached nobody")
        if told.at is not None and told.over_at is None and first.ended_at is not None:
            wrong.append("nobody was told that it is over")
    return Outcome(case=case, alert=alert, raised=first, heard=told, wrong=tuple(wrong))


def _named(alert: Alert | None) -> str:
    return "nothing" if alert is None else f"{alert.signal} {alert.about}".strip()
