"""`cases_at_risk`: open cases near their due, against what the promise can bear."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kept import counters as c
from kept.catalogue import Service, parse_service
from kept.intake import Rules
from kept.signals import leading
from kept.signals.leading import Past, bearable_share, is_reachable, promised_days
from kept.signals.situation import Situation
from kept.signals.verdict import Verdict
from kept.tallies import Tally
from tests.kept.city import City, event, seconds
from tests.kept.signals.due_stream import moment, service, situation
from tests.kept.signals.leading_simulation import Cases, Slow, watch

DAY = 24
SLOW = Slow(budget=0.1, cases_a_year=5_000, promised_days=14, near=0.2)


def verdict(found: Situation) -> Verdict | None:
    told = list(leading.judge(found))
    return told[0] if told else None


def past_and_coming(near: int, missed: int, still_open: int) -> dict[int, Tally]:
    """Of 10 cases that fall due every hour `near` came near their due and `missed` were missed, for 90 days; of those
    that fall due in the hours to come so many are still open.

        |-- 90 days: 10 fall due every hour --|-- 67 hours: due later --|
                                              at
    """
    rows: dict[int, Tally] = {}
    for hour in range(1, 90 * DAY + 1):
        rows[hour] = {c.DUE: 10, c.DUE_KEPT: 10 - missed, c.RISK_ENTERED: near}
    for hour in range(90 * DAY + 1, 90 * DAY + 68):
        rows[hour] = {c.DUE: 10, c.DUE_KEPT: 10 - still_open}
    return rows


def at_risk(near: int, missed: int, still_open: int, of: Service | None = None) -> Verdict | None:
    chosen = of or service(0.9, target_time="14d")
    return verdict(situation(past_and_coming(near, missed, still_open), 90 * DAY, chosen))


def test_more_open_cases_near_their_due_than_the_promise_can_bear_raise_it() -> None:
    told = at_risk(near=2, missed=1, still_open=4)
    assert told is not None
    assert (told.signal, told.active, told.cases, told.value) == ("cases_at_risk", True, 670, 0.4)
    assert told.expected == pytest.approx(0.2, abs=0.01)
    assert told.since == moment(90 * DAY - 67)
    assert told.words == (
        "268 of 670 cases that fall due within 2.8 days are still open (40 %); the promise can bear 21 %: "
        "of 21600 cases due before, 4186 came so near and 2160 were missed"
    )
    assert told.test.startswith("exact binomial, alpha ")


def test_as_many_as_ever_do_not() -> None:
    told = at_risk(near=2, missed=1, still_open=2)
    assert told is not None
    assert (told.active, told.since) == (False, None)


def test_where_nobody_was_ever_late_half_of_the_cases_may_be_open() -> None:
    told = at_risk(near=2, missed=0, still_open=4)
    assert told is not None
    assert (told.active, told.expected) == (False, 0.5)
    raised = at_risk(near=2, missed=0, still_open=8)
    assert raised is not None
    assert raised.active


@pytest.mark.parametrize(
    "unfit",
    [
        service(None),
        service(1.0, target_time="14d"),
        service(0.9, target_time="6d"),
        service(0.9, target_time=None),
    ],
    ids=["no promise", "no error budget", "a promise of less than a week", "each case brings its own promise"],
)
def test_other_services_are_not_judged(unfit: Service) -> None:
    assert at_risk(near=2, missed=1, still_open=10, of=unfit) is None


def test_a_service_with_too_few_cases_to_be_evidence_is_not_judged() -> None:
    rows = {hour * DAY: {c.DUE: 1, c.DUE_KEPT: 1, c.RISK_ENTERED: 1} for hour in range(1, 100)}
    assert verdict(situation(rows, 95 * DAY, service(0.9, target_time="14d"))) is None


def test_eighty_working_hours_of_a_forty_hour_week_are_fourteen_days() -> None:
    office = parse_service(
        """
        id = "benefit"
        name = "Benefit"
        owner = "Town hall"
        time_zone = "Europe/Amsterdam"
        expected_silence = "1d"
        [channels]
        unlisted = "accept"
        [promise]
        words = "Ten working days"
        target_share = 0.8
        target_time = "80h"
        counted_in = "working_time"
        [calendar]
        country = "NL"
        """,
        "benefit.toml",
    )
    assert promised_days(Rules(office)) == 14
    assert promised_days(Rules(service(0.9, target_time="2d"))) == 2


counts = st.builds(
    lambda due, near, missed: Past(due=due, near=min(near, due), missed=min(missed, due)),
    st.integers(1, 5_000),
    st.integers(0, 5_000),
    st.integers(0, 5_000),
)


@given(st.floats(0.01, 0.5), counts, st.lists(counts, max_size=3))
def test_what_can_be_borne_is_a_share_and_no_month_makes_it_less(budget: float, past: Past, months: list[Past]) -> None:
    with_months = bearable_share(budget, past, months)
    assert 0 <= bearable_share(budget, past) <= with_months <= 1


def test_a_month_of_trouble_does_not_sharpen_the_test_after_it() -> None:
    well, trouble = Past(due=400, near=80, missed=40), Past(due=400, near=280, missed=240)
    past = Past(due=1200, near=440, missed=320)
    assert bearable_share(0.1, past, [well, well, trouble]) == pytest.approx(0.2)
    assert bearable_share(0.1, past) < 0.17


def test_nothing_known_is_no_evidence() -> None:
    assert bearable_share(0.1, Past(due=0, near=0, missed=0)) == 1
    assert not is_reachable(1000, 1.0, 0.01)
    assert not is_reachable(0, 0.1, 0.01)
    assert is_reachable(3, 0.1, 0.0011)


def test_only_cases_of_an_age_of_eighty_percent_are_in_the_cohort() -> None:
    """A real case through the core: promised 5 days, at risk from the fourth on."""
    city = City()
    city.apply([event("case.opened", "2024-06-03 09:00", "a")])
    for now, inside in (("2024-06-07 08:00", 0), ("2024-06-07 09:00", 1), ("2024-06-08 09:00", 0)):
        city.tick(now)
        found = Situation(city.tallies, city.rules["street-lights"], seconds(now))
        cohort = leading.DueCohort(found)
        assert cohort.due(found.at, found.at + DAY * 3600).n == inside


def known_at(cases: Cases, column: int) -> dict[int, Tally]:
    """What the tallies hold at the end of an hour of the simulation: no closing that is still to come."""
    closed = ~cases.late & np.where(cases.near, cases.closes <= column, cases.entry <= column)
    rows: dict[int, Tally] = {}
    for counter, hours in (
        (c.DUE, cases.due),
        (c.DUE_KEPT, cases.due[closed]),
        (c.RISK_ENTERED, cases.entry[cases.near & (cases.entry <= column)]),
    ):
        for hour, amount in zip(*np.unique(hours, return_counts=True), strict=True):
            rows.setdefault(int(hour) + 1, {})[counter] = int(amount)
    return rows


def test_the_simulation_says_the_same_as_the_tallies() -> None:
    """Once a day, when the simulation asks anew what can be borne; then half of the new cases are late."""
    days, worse_after = 24, 6 * DAY
    seen = watch(SLOW, days * DAY, np.random.default_rng(4), lambda opened: np.where(opened < worse_after, 0.1, 0.5))
    of = service(0.9, target_time="14d")
    said = []
    for day in range(days):
        column = SLOW.lead + day * DAY
        told = verdict(situation(known_at(seen.cases, column), column + 1, of))
        said.append(told is not None and told.active)
    assert said == [bool(seen.active[day * DAY]) for day in range(days)]
    assert True in said
    assert said[0] is False
