"""The proof judges as it says, and two incidents and a quiet service go through the real chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from kept.durations import DAY_MS
from kept.signals.raised import Raised
from kept.signals.verdict import Verdict
from local_stack.alert_proof.back_test import back_test
from local_stack.alert_proof.chain import absent, left_out_rules
from local_stack.alert_proof.expected import CONTROLS, ROWS, STANDING, Alert, Row
from local_stack.alert_proof.judging import Case, Heard, Verdicts, cases, judge_proof
from local_stack.alert_proof.live import Observed, run_live
from local_stack.alert_proof.measured import measure
from local_stack.alert_proof.run import BEGINS_MS, Proof
from local_stack.alert_proof.table import failures, page
from local_stack.broker import Broker
from local_stack.inbox import Message, Told
from producers.simulator import simulate

HOUR = 3600
START = 1_780_000_000
UNTIL = START + 1000 * HOUR
ALERT = Alert(signal="promise_budget_fast", within_hours=24, over_hours=48)
ROW = Row(service="parking-permits", kind="slow_down", alerts=(ALERT,), why="")
#       start   shows                end                 until
#       |-------|--------------------|-------------------|
#       0 h     10 h                 100 h               1000 h
CASE = Case(row=ROW, start=START, end=START + 100 * HOUR, shows_from=START + 10 * HOUR)


def raised(
    hours: float, ended: float | None = None, *, service: str = "parking-permits", signal: str = "promise_budget_fast"
) -> Raised:
    at = START + round(hours * HOUR)
    verdict = Verdict(service=service, signal=signal, at=at, active=True, words="Words")
    ended_at = None if ended is None else START + round(ended * HOUR)
    return Raised(verdict=verdict, raised_at=at, told_at=at, ended_at=ended_at)


def judged(
    *found: Raised,
    case: Case = CASE,
    standing: Mapping[str, Sequence[str]] | None = None,
    heard: Mapping[str, Heard] | None = None,
    until: int = UNTIL,
) -> Verdicts:
    return judge_proof([case], found, standing or {}, until=until, heard=heard)


def test_an_alert_once_in_time_and_over_in_time_is_as_stated() -> None:
    assert judged(raised(34, 148)).failures() == []


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ([], "it was never raised"),
        ([raised(35, 120)], "raised after 25.0 h; stated: within 24 h"),
        ([raised(9, 120)], "raised 1.0 h before the incident could show"),
        ([raised(20, 149)], "it should be over 48 h after the incident, and was 49.0 h later"),
        ([raised(20)], "it should be over 48 h after the incident, and was never"),
        ([raised(20, 30), raised(40, 50)], "was raised and nothing explains it"),
        ([raised(-1, 30)], "it was never raised"),
        ([raised(20, 30), raised(50, 60, service="identity-cards")], "identity-cards: promise_budget_fast was raised"),
        ([raised(20, 30), raised(50, 60, signal="area_gap")], "parking-permits: area_gap was raised"),
    ],
)
def test_whatever_else_is_a_failure_that_says_what(found: list[Raised], says: str) -> None:
    assert any(says in failure for failure in judged(*found).failures())


def test_infos_go_to_nobody_and_are_not_judged() -> None:
    assert judged(raised(20, 30), raised(50, 60, signal="chart_signal")).failures() == []


def test_what_a_service_misses_all_the_time_is_shown_and_not_judged() -> None:
    also = raised(50, 60, service="housing-benefit")
    verdicts = judged(raised(20, 30), also, standing={"housing-benefit": ("promise_budget_fast",)})
    assert verdicts.failures() == []
    assert list(verdicts.standing) == [also]


def test_an_end_after_the_run_is_not_asked_for() -> None:
    assert judged(raised(20), until=START + 140 * HOUR).failures() == []


def test_an_incident_that_must_raise_nothing_is_a_row_of_its_own() -> None:
    nothing = msgspec.structs.replace(CASE, row=msgspec.structs.replace(ROW, alerts=()))
    assert judged(case=nothing).failures() == []
    assert judged(case=nothing).outcomes[0].wrong == ()
    verdicts = judged(raised(20, 30), case=nothing)
    assert verdicts.outcomes[0].wrong == ("promise_budget_fast was raised",)
    assert len(verdicts.failures()) == 1
    before, elsewhere = raised(-1, 30), raised(20, 30, service="identity-cards")
    assert judged(before, elsewhere, case=nothing).outcomes[0].wrong == ()


def test_what_is_raised_must_reach_someone_in_the_end() -> None:
    found = raised(20, 30)

    def failures_when(**heard: float | bool | None) -> list[str]:
        return judged(
            found, heard={found.id: Heard(**{"at": None, "over_at": None, "muted": False, **heard})}
        ).failures()

    assert failures_when(at=1.0, over_at=2.0) == []
    assert "muted for good" in failures_when(muted=True)[0]
    assert "it reached nobody" in failures_when()[0]
    assert "nobody was told that it is over" in failures_when(at=1.0)[0]
    assert "it reached nobody" in judged(found, heard={}).failures()[0]


def test_rows_and_script_fit_each_other_and_controls_have_no_incident() -> None:
    proof = Proof()
    assert len(proof.cases()) == len(ROWS) == len(proof.play().incidents)
    assert not proof.play().trials
    touched = {row.service for row in ROWS}
    assert touched & set(CONTROLS) == set()
    assert touched | set(CONTROLS) == set(proof.city())
    assert set(STANDING) <= set(proof.city())
    with pytest.raises(ValueError, match="no row for"):
        cases(ROWS[1:], [(incident, None) for incident in proof.play().incidents])
    with pytest.raises(ValueError, match="no incident for the row"):
        cases(ROWS, [(incident, None) for incident in proof.play().incidents[1:]])


def test_incidents_of_one_service_are_a_week_apart_at_least() -> None:
    starts: dict[str, list[Case]] = {}
    for case in sorted(Proof().cases(), key=lambda case: case.start):
        starts.setdefault(case.row.service, []).append(case)
    for own in starts.values():
        for earlier, later in pairwise(own):
            assert earlier.end is not None
            assert later.start - earlier.end >= 7 * 24 * HOUR


def test_messages_belong_to_the_signal_that_was_raised_last_before_them() -> None:
    first, second = raised(20, 30), raised(40, 50)
    labels = {"service": "parking-permits", "signal": "promise_budget_fast"}

    def message(hours: float, status: str) -> Message:
        told = msgspec.convert({"status": status, "labels": labels}, Told)
        return Message(START + hours * HOUR, "pages", (told,))

    observed = Observed(
        raised=[second, first],
        messages=[message(20, "firing"), message(31, "resolved"), message(41, "firing")],
        muted=[(START + 42.0 * HOUR, second.verdict.key())],
        judged=[],
        seconds=1,
    )
    heard = observed.heard()
    assert heard[first.id] == Heard(at=START + 20 * HOUR, over_at=START + 31 * HOUR, muted=False)
    assert heard[second.id] == Heard(at=START + 41 * HOUR, over_at=None, muted=True)


def test_only_the_rule_that_compares_with_the_clock_is_left_out() -> None:
    assert left_out_rules(Proof().city()) == ["KeptStreamSilent"]


SHORT = """trials = false
[[incident]]
kind = "slow_down"
service = "parking-permits"
start = "+15d"
end = "+18d"
size = 3
[[incident]]
kind = "silent_source"
service = "street-lights"
start = "+16d"
end = "+18d"
afterwards = "catches_up"
"""
SLOW = Row(
    service="parking-permits",
    kind="slow_down",
    alerts=(
        Alert(signal="promise_budget_fast", within_hours=4 * 24, over_hours=7 * 24),
        Alert(signal="promise_budget_slow", within_hours=5 * 24, over_hours=14 * 24),
    ),
    why="",
)
SILENT = Row(
    service="street-lights",
    kind="silent_source",
    alerts=(Alert(signal="source_silent", within_hours=20, over_hours=9),),
    why="",
)


@pytest.fixture
def short(tmp_path: Path) -> Proof:
    """Two weeks of lead, then twelve days: one service slows down, one falls silent, one is left alone."""
    script = tmp_path / "short.toml"
    script.write_text(SHORT)
    return Proof(
        script=str(script),
        services=("parking-permits", "street-lights", "identity-cards"),
        rows=(SLOW, SILENT),
        standing={},
        controls=("identity-cards",),
        lead_days=14,
        days=12,
    )


@pytest.mark.slow
def test_the_judges_alone_raise_what_is_stated_and_nothing_else(short: Proof) -> None:
    found = back_test(
        short.city(), short.events(), judged_from_ms=short.judged_from_ms, until_ms=short.until_ms, every_hours=6
    )
    assert judge_proof(short.cases(), found, {}, until=short.until_ms // 1000).failures() == []


def test_a_back_test_judges_from_a_moment_on_by_what_was_told_before_it() -> None:
    city = {"parking-permits": Proof().city()["parking-permits"]}
    middle_ms, end_ms = BEGINS_MS + 2 * DAY_MS, BEGINS_MS + 4 * DAY_MS
    events = list(simulate(city.values(), start_ms=BEGINS_MS, end_ms=middle_ms, seed=1))
    found = back_test(city, events, judged_from_ms=middle_ms, until_ms=end_ms)
    # The feed stops after two days: 12 hours later its silence shows, at the first full hour after that.
    (silent,) = [one for one in found if one.verdict.signal == "source_silent"]
    last = max(told for told, _ in events) // 1000
    assert last + 12 * HOUR < silent.raised_at <= last + 13 * HOUR + 300
    assert silent.ended_at is None


@pytest.mark.operations
@pytest.mark.skipif(absent() is not None, reason=str(absent()))
def test_through_the_real_chain_both_incidents_are_told_in_time_and_the_quiet_service_is_not(
    short: Proof, broker: Broker, topic_prefix: str
) -> None:
    observed = run_live(short, lambda words: None, brokers=broker.bootstrap, topic_prefix=topic_prefix)
    heard = observed.heard()
    verdicts = judge_proof(short.cases(), observed.raised, {}, until=short.until_ms // 1000, heard=heard)
    measured = measure(short, observed)
    assert failures(verdicts, measured) == []
    pages = [outcome for outcome in verdicts.outcomes if outcome.alert in (SLOW.alerts[0], SILENT.alerts[0])]
    for outcome in pages:
        assert outcome.raised is not None
        assert outcome.heard is not None
        assert outcome.heard.at is not None
        assert outcome.heard.at - outcome.raised.told_at < 30
        assert outcome.heard.over_at is not None
    assert any(message.to == "heartbeat" for message in observed.messages)
    assert not any(
        alert.labels["service"] == "identity-cards" for message in observed.messages for alert in message.alerts
    )
    written = page(short, verdicts, measured)
    assert "**Everything is as stated.**" in written
    assert "| slow down | parking-permits | 15-18 | page KeptPromiseBudgetBurnsFast |" in written
    assert "* identity-cards: no page and no ticket" in written
