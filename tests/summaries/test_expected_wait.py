"""What somebody who asks today is told, and when nothing is told."""

from __future__ import annotations

import pytest

from kept.indicators.evaluate import evaluate
from summaries.expected_wait import Queue, expected, is_filling_up, queue, waited
from summaries.service_card import LatestPoints
from tests.kept.signals.flows import FIVE_DAYS, START, Service
from tests.summaries.example_city import DAY, flows, waits
from tests.summaries.figures import point


def known_queue(latest: LatestPoints, middle: float, least_people: int) -> Queue:
    """Of a service that has been watched for long."""
    return queue(latest, middle, least_people, is_filling=False)


def after(service: Service, days: int) -> LatestPoints:
    """What is published of it after so many days."""
    at = START + days * DAY
    return LatestPoints(evaluate(service.tallies, service.rules, at, windows=("28d", "90d", "all"), slices=False))


def test_who_asks_today_is_told_the_waits_of_the_last_28_days() -> None:
    latest = LatestPoints([*waits("a", "28d", 3, 400), *waits("a", "90d", 2, 1200)])
    assert expected(latest, 5).half == 3 * DAY
    assert waited(latest, 5).half == 2 * DAY


def test_few_requests_are_told_by_ninety_days() -> None:
    latest = LatestPoints([*waits("a", "28d", 3, 29), *waits("a", "90d", 2, 90)])
    assert expected(latest, 5).window == "90d"


def test_too_many_waiting_is_said_with_what_it_is_at_least() -> None:
    told = [
        point("a", "delivery_time_p50", None, window, n=50, low=low * DAY, reason="too_many_open")
        for window, low in (("28d", 20), ("90d", 30))
    ]
    wait = expected(LatestPoints(told), 5)
    assert (wait.half, wait.why, wait.at_least) == (None, "too_many_waiting", 30 * DAY)


def test_a_few_people_and_nobody_are_not_told() -> None:
    few = expected(LatestPoints([*waits("a", "28d", 3, 4), *waits("a", "90d", 3, 4)]), 5)
    assert (few.half, few.nine_tenths, few.why) == (None, None, "few_people")
    assert expected(LatestPoints([]), 5).why == "nothing"


def test_a_queue_that_grew_adds_the_time_to_work_the_growth_off() -> None:
    grown = known_queue(LatestPoints(flows("a", 600, 400, 310)), 2 * DAY, 5)
    assert grown.extra == pytest.approx(200 / (400 / 28) * DAY)


def test_where_data_began_a_week_ago_the_pace_is_that_of_a_week() -> None:
    young = known_queue(LatestPoints(flows("a", 150, 70, 80, days=7)), 2 * DAY, 5)
    assert (young.days_of_work, young.finished_a_day) == (8, 10)
    assert young.extra == pytest.approx(80 / 10 * DAY)


def test_without_a_pace_nothing_is_told_of_it() -> None:
    stuck = [one for one in flows("a", 150, 70, 80) if one.indicator != "backlog_days"]
    told = known_queue(LatestPoints([*stuck, point("a", "backlog_days", None, n=70, reason="no_time")]), 2 * DAY, 5)
    assert (told.waiting, told.days_of_work, told.finished_a_day, told.extra) == (80, None, None, 0)


@pytest.mark.parametrize("arrivals", [300, 400, 420])
def test_a_queue_that_shrinks_or_moves_by_chance_adds_nothing(arrivals: int) -> None:
    assert known_queue(LatestPoints(flows("a", arrivals, 400, 310)), 2 * DAY, 5).extra == 0


def test_a_pipeline_that_fills_up_has_no_growing_queue() -> None:
    #  20 a day come in, and each takes 10 days: the first 10 days only fill the queue, which then stays as it is
    service = Service()
    service.pass_days([20] * 20, [0] * 10 + [20] * 10)
    latest = after(service, 20)
    assert known_queue(latest, 10 * DAY, 5).extra > 9 * DAY
    assert is_filling_up(latest, service.rules)
    seen = queue(latest, 10 * DAY, 5, is_filling=True)
    assert (seen.waiting, seen.extra, seen.finished_a_day) == (200, 0, None)


@pytest.mark.parametrize("before, tables", [("", FIVE_DAYS), ("backlog_limit = 9", "")])
def test_a_service_is_watched_long_enough_when_the_forecast_of_its_backlog_says_so(before: str, tables: str) -> None:
    #  day 0 the first events | two promised times of 5 days, or 56 days | 28 days
    service = Service(before, tables)
    service.pass_days([50] * 90, [0] * 5 + [50] * 85)
    seen = [day for day in range(1, 91) if not is_filling_up(after(service, day), service.rules)]
    assert seen == [day for day in range(1, 91) if service.verdict(day) is not None]
    assert seen[0] == (39 if tables else 85)


def test_without_a_figure_of_the_whole_time_nobody_knows_how_long_it_has_been_watched() -> None:
    latest = LatestPoints(flows("a", 655, 400, 310))
    assert is_filling_up(latest, Service().rules)


def test_growth_that_nobody_would_notice_adds_nothing() -> None:
    assert known_queue(LatestPoints(flows("a", 60_000, 58_000, 310)), 40 * DAY, 5).extra == 0


def test_a_handful_of_people_who_wait_is_not_told() -> None:
    assert known_queue(LatestPoints(flows("a", 400, 400, 4)), DAY, 5).waiting is None
    assert known_queue(LatestPoints(flows("a", 400, 400, 0)), DAY, 5).waiting == 0


def test_where_the_queue_outgrew_them_older_and_shorter_waits_are_no_answer() -> None:
    stuck = point("a", "delivery_time_p50", None, "28d", n=400, low=25 * DAY, reason="too_many_open")
    wait = expected(LatestPoints([stuck, *waits("a", "90d", 6, 900)]), 5)
    assert (wait.window, wait.half, wait.at_least) == ("28d", None, 25 * DAY)
