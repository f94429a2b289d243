"""The report card on signals worked by hand, and what holds for any."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kept.signals.card_lines import LEAST_JUDGED, precision_of
from kept.signals.kinds import KINDS
from kept.signals.on_call_load import iso_week, period_start
from kept.signals.raised import Raised, Response
from kept.signals.report_card import ReportCard, Watched, report_card
from kept.signals.retirement import Bars
from tests.kept.signals.raised_signals import DAY, HOUR, MONDAY, NOW, WEEK, raised, said, watched


def card(
    signals: Sequence[Raised],
    responses: Sequence[Response] = (),
    *,
    services: dict[str, Watched] | None = None,
    people: dict[str, int | None] | None = None,
    weeks: int = 4,
    now: int = NOW,
    **more: Any,
) -> ReportCard:
    return report_card(
        signals,
        responses,
        services={"street-lights": watched()} if services is None else services,
        people={} if people is None else people,
        as_of=NOW,
        now=now,
        weeks=weeks,
        **more,
    )


def test_precision_is_of_what_was_judged_and_open_signals_count() -> None:
    signals = [raised(at=MONDAY - n * DAY, ended=None if n < 2 else MONDAY) for n in range(12)]
    responses = [said(one, "useful") for one in signals[:6]] + [said(one, "noise") for one in signals[6:8]]
    (line,) = card(signals, responses).by_rule
    assert (line.raised, line.still_open, line.not_judged) == (12, 2, 4)
    precision = line.precision
    assert (precision.useful, precision.noise, precision.value) == (6, 2, 0.75)
    # Wilson for 6 of 8 by hand: (0.75 + 3.8415/16 -+ 1.96 sqrt(0.75 x 0.25/8 + 3.8415/256)) / (1 + 3.8415/8)
    assert precision.low == pytest.approx(0.4093, abs=5e-5)
    assert precision.high == pytest.approx(0.9285, abs=5e-5)


@pytest.mark.parametrize(("useful", "noise", "told"), [(2, 1, False), (0, 4, False), (0, 0, False), (2, 3, True)])
def test_of_fewer_than_five_judged_nothing_is_told(useful: int, noise: int, told: bool) -> None:
    assert LEAST_JUDGED == 5
    precision = precision_of(useful, noise)
    assert (precision.judged, precision.value is not None) == (useful + noise, told)


def test_of_several_judgements_the_last_counts_and_of_several_acknowledgements_the_first() -> None:
    signals = [raised(at=MONDAY + n * HOUR) for n in range(5)]
    responses = [said(one, "noise", 900) for one in signals] + [said(one, "useful", 950) for one in signals[:3]]
    responses += [said(one, "acknowledged", after) for one in signals for after in (1200, 300, 600)]
    (line,) = card(signals, responses).by_rule
    assert (line.precision.useful, line.precision.noise) == (3, 2)
    assert line.waiting.median_seconds == 300


def test_who_is_not_acknowledged_still_waits() -> None:
    # told ----300 s---- acknowledged, twice; the third waits since 2 days, the fourth ended unseen
    signals = [raised(at=MONDAY + n * DAY // 2) for n in range(4)]
    signals[3] = raised(at=MONDAY + DAY, ended=MONDAY + DAY + HOUR)
    responses = [said(signals[0], "acknowledged", 300), said(signals[1], "acknowledged", 5400)]
    waiting = card(signals, responses).by_rule[0].waiting
    assert (waiting.acknowledged, waiting.unacknowledged) == (2, 2)
    # S(300) = 3/4, S(5400) = 3/4 x 2/3 = 1/2: the median is there, and not one second earlier.
    assert waiting.median_seconds == 5400
    assert waiting.high is None

    fewer = card(signals, responses[:1]).by_rule[0].waiting
    assert (fewer.acknowledged, fewer.median_seconds) == (1, None)  # S ends at 3/4: half of them still wait


def test_one_told_long_after_it_was_raised_is_timed_from_the_telling() -> None:
    caught_up = raised(at=MONDAY - 20 * DAY, told=NOW - HOUR)
    (line,) = card([caught_up], [said(caught_up, "acknowledged", 120)]).by_rule
    assert line.waiting.median_seconds == 120


def test_a_clock_that_went_back_makes_nobody_answer_before_being_told() -> None:
    one = raised()
    (line,) = card([one], [said(one, "acknowledged", -30)]).by_rule
    assert line.waiting.median_seconds == 0


def test_one_that_a_replay_told_again_after_its_answer_is_not_taken_for_answered_at_once() -> None:
    answered, again = raised(at=MONDAY), raised(at=MONDAY - DAY, told=NOW)
    responses = [said(answered, "acknowledged", 900), Response(id=again.id, says="acknowledged", at=MONDAY)]
    waiting = card([answered, again], responses).by_rule[0].waiting
    assert (waiting.acknowledged, waiting.told_again, waiting.median_seconds) == (1, 1, 900)


def test_pages_and_tickets_of_a_service_are_apart_and_information_is_beside_them() -> None:
    signals = [raised("promise_budget_fast"), raised("promise_budget_slow"), raised("chart_signal", about="backlog")]
    seen = card(signals, people={"Public works": 2})
    assert [(line.service, line.severity) for line in seen.by_service] == [
        ("street-lights", "page"),
        ("street-lights", "ticket"),
    ]
    assert [line.signal for line in seen.by_rule] == ["promise_budget_fast", "promise_budget_slow"]
    assert [(line.signal, line.raised) for line in seen.informing] == [("chart_signal", 1)]
    assert (seen.loads[0].pages, seen.loads[0].tickets) == (1, 1)


def test_load_is_alerts_by_person_and_week_that_were_watched() -> None:
    # 4 whole weeks and 3 days; the service is watched for the last 14 days of them
    signals = [raised(at=NOW - n * HOUR) for n in range(6)]
    services = {"street-lights": watched(first=NOW - 2 * WEEK), "parking": watched("Traffic")}
    known, other = card(signals, services=services, people={"Public works": 3}).loads
    assert (known.owner, known.people, known.weeks, known.tickets) == ("Public works", 3, 2.0, 6)
    assert known.per_person_week == pytest.approx(6 / (3 * 2))
    assert (known.busiest_week, known.busiest) == ("2026-W10", 6)
    # Nothing told is a rate of nought only where it is known how many people there are.
    assert (other.owner, other.weeks, other.per_person_week) == ("Traffic", pytest.approx(4 + 3 / 7), None)


def test_a_service_that_is_gone_has_no_owner_and_is_not_left_out() -> None:
    seen = card([raised(service="closed-office")])
    assert [line.service for line in seen.by_service] == ["closed-office"]
    assert [(load.owner, load.tickets) for load in seen.loads] == [("Public works", 0), (None, 1)]


def test_weeks_begin_on_monday_of_the_services_own_time() -> None:
    # Sunday 2 November 2025 is 25 hours long in New York; the period begins 4 weeks before Monday 2 March 2026
    new_york = ZoneInfo("America/New_York")
    start = period_start(NOW, 4, new_york)
    assert datetime.datetime.fromtimestamp(start, new_york).isoformat() == "2026-02-02T00:00:00-05:00"
    before, within = raised(at=start - 1), raised(at=start)
    seen = card([before, within], services={"street-lights": watched(zone="America/New_York")})
    assert seen.by_rule[0].raised == 1
    assert iso_week(start - 1, new_york) == "2026-W05"
    assert iso_week(start, new_york) == "2026-W06"
    # Over the change of the clocks a week of local time is still Monday to Monday.
    november = int(datetime.datetime(2025, 11, 5, tzinfo=new_york).timestamp())
    first = datetime.datetime.fromtimestamp(period_start(november, 1, new_york), new_york)
    assert first.isoformat() == "2025-10-27T00:00:00-04:00"


def test_the_first_days_of_a_year_may_be_of_the_last_week_of_the_former() -> None:
    assert iso_week(int(datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC).timestamp()), ZoneInfo("UTC")) == "2026-W53"


def test_a_rule_that_is_noise_beyond_doubt_is_proposed_for_retirement() -> None:
    signals = [raised(at=MONDAY - n * DAY) for n in range(12)]
    # 2 of 12: Wilson 0.047 to 0.448. 3 of 12: up to 0.532, which is not below a half.
    two = [said(one, "useful" if n < 2 else "noise") for n, one in enumerate(signals)]
    (proposal,) = card(signals, two).proposals
    assert (proposal.signal, proposal.service, proposal.reason) == ("promise_budget_slow", None, "mostly_noise")
    assert proposal.precision.high == pytest.approx(0.4480, abs=5e-5)
    three = [said(one, "useful" if n < 3 else "noise") for n, one in enumerate(signals)]
    assert card(signals, three).proposals == ()
    assert len(card(signals, three, bars=Bars(precision=0.6)).proposals) == 1


def test_a_rule_that_is_noise_in_one_service_only_is_proposed_there() -> None:
    here = [raised(at=MONDAY - n * HOUR) for n in range(6)]
    there = [raised(at=MONDAY - n * HOUR, service="parking") for n in range(20)]
    responses = [said(one, "noise") for one in here] + [said(one, "useful") for one in there]
    services = {"street-lights": watched(), "parking": watched()}
    (proposal,) = card([*here, *there], responses, services=services).proposals
    assert (proposal.signal, proposal.service) == ("promise_budget_slow", "street-lights")


def test_a_rule_that_nobody_looks_at_is_proposed_once_people_had_the_time() -> None:
    signals = [raised(at=MONDAY - 8 * DAY - n * HOUR) for n in range(10)]
    (proposal,) = card(signals).proposals
    assert (proposal.reason, proposal.raised) == ("nobody_looks", 10)
    assert card(signals[:9]).proposals == ()
    assert card(signals, [said(signals[4], "acknowledged")]).proposals == ()
    told_today = [raised(at=one.raised_at, told=NOW) for one in signals]
    assert card(told_today).proposals == ()


def test_information_is_never_proposed_nor_asked_for() -> None:
    signals = [raised("chart_signal", at=MONDAY - 8 * DAY - n * HOUR, about="backlog") for n in range(40)]
    assert card(signals).proposals == ()


def test_nothing_raised_is_an_empty_card() -> None:
    seen = card([])
    assert (seen.by_rule, seen.by_service, seen.informing, seen.proposals) == ((), (), (), ())
    assert [(load.owner, load.busiest_week) for load in seen.loads] == [("Public works", None)]


SIGNALS = st.lists(
    st.builds(
        raised,
        st.sampled_from([kind.name for kind in KINDS] + ["of_another_version"]),
        st.integers(MONDAY - 6 * WEEK, NOW + DAY),
        service=st.sampled_from(["street-lights", "parking", "closed-office"]),
        about=st.sampled_from(["", "promise_kept", "area=North"]),
        told=st.none() | st.integers(MONDAY - 6 * WEEK, NOW),
        ended=st.none() | st.integers(MONDAY, NOW),
    ),
    max_size=12,
    unique_by=Raised.key,
)
SHARES = st.dictionaries(st.integers(MONDAY - 8 * WEEK, NOW), st.floats(0, 1), max_size=12)


@given(st.data(), SIGNALS, SHARES)
def test_the_order_of_signals_and_answers_does_not_matter_and_shares_are_shares(
    data: st.DataObject, signals: list[Raised], shares: dict[int, float]
) -> None:
    ids = [one.id for one in signals] + ["ffffffff"]
    responses = data.draw(
        st.lists(
            st.builds(
                Response,
                id=st.sampled_from(ids),
                says=st.sampled_from(["acknowledged", "useful", "noise"]),
                at=st.integers(MONDAY, MONDAY + 5),
            ),
            max_size=12,
        )
    )
    services = {"street-lights": watched(shares=shares), "parking": watched("Traffic", "Asia/Kolkata")}
    seen = card(signals, responses, services=services, people={"Traffic": 2})
    shuffled = data.draw(st.permutations(signals)), data.draw(st.permutations(responses))
    assert card(*shuffled, services=services, people={"Traffic": 2}) == seen

    for line in (*seen.by_rule, *seen.by_service, *seen.by_rule_and_service, *seen.informing):
        precision, leads, waiting = line.precision, line.leads, line.waiting
        assert precision.judged + line.not_judged == line.raised
        assert waiting.acknowledged + waiting.unacknowledged + waiting.told_again == line.raised
        assert leads.before + leads.after + leads.nothing + leads.pending + leads.undefined == line.raised
        if precision.value is not None and precision.low is not None and precision.high is not None:
            assert 0 <= precision.low <= precision.value <= precision.high <= 1
    told = sum(line.raised for line in seen.by_rule)
    assert told == sum(line.raised for line in seen.by_service) == sum(load.pages + load.tickets for load in seen.loads)
    assert all(one.announced <= one.falls for one in seen.falls)
