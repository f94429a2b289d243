"""Parts of the service page that its test city has no case for."""

from __future__ import annotations

from kept.catalogue import parse_service
from summaries.service.by_slice import MOST_ROWS, slice_tables
from summaries.service.clocks import clock_words
from summaries.service.figures import Figures, mondays
from summaries.service.later import became_known
from tests.summaries import quarter
from tests.summaries.figures import NOW, point, service
from tests.summaries.quarter import ZONE, amendments, over_time, sliced

WORKING = """\
id = "births"
name = "Births"
owner = "Civil affairs"
time_zone = "Europe/Amsterdam"
expected_silence = "4h"
[channels]
digital = ["web"]
[promise]
words = "Within three working days"
target_share = 0.9
target_time = "24h"
counted_in = "working_time"
[calendar]
country = "NL"
[calendar.opening_hours]
mon = "09:00-17:00"
tue = "09:00-17:00"
wed = "09:00-13:00"
thu = "09:00-17:00"
fri = "09:00-17:00"
"""


def test_a_promise_in_working_time_is_told_beside_elapsed_time_and_what_is_not_published() -> None:
    said = [each.replace("\N{NO-BREAK SPACE}", " ") for each in clock_words(parse_service(WORKING, "b.toml"), NOW)]
    assert said[0].startswith(
        "The promised time is 24 working hours. It runs in working time: Mon to Tue 09:00-17:00, Wed 09:00-13:00, "
        "Thu to Fri 09:00-17:00, without the public holidays of NL."
    )
    # Tue 17:05 is closed; Wed 4 h, Thu 8 h, Fri 8 h, and 4 h of Monday
    assert said[1] == (
        "A case opened at Tue 24 Nov 2026, 17:05 (Europe/Amsterdam) falls due at Mon 30 Nov 2026, 13:00 "
        "(Europe/Amsterdam): 5.8 days of elapsed time."
    )
    assert said[2].endswith("Times to delivery in working time are not published.")


def test_without_a_promise_no_clock_runs() -> None:
    assert clock_words(service("a", "A", None), NOW) == ("No promise was made to the public, so no clock runs.",)


def test_mondays_are_those_of_the_services_own_calendar() -> None:
    assert mondays(NOW, ZONE, 6) == quarter.mondays(6)
    assert mondays(quarter.mondays(1)[0], ZONE, 1) == quarter.mondays(1)
    assert mondays(quarter.mondays(1)[0] - 1, ZONE, 1) == quarter.mondays(2)[:1]


def test_the_newest_figure_follows_the_mondays_once() -> None:
    weekly = over_time("births", "backlog", [1.0, 2.0])
    newest = point("births", "backlog", 3, "28d")
    assert [one.value for one in Figures([newest], weekly).weekly("backlog")] == [1.0, 2.0, 3]
    assert [one.value for one in Figures([weekly[-1]], weekly).weekly("backlog")] == [1.0, 2.0]


def test_more_slices_than_a_page_can_hold_are_counted() -> None:
    points = [
        one for place in range(MOST_ROWS + 3) for one in sliced("births", (("area", f"A{place:03}"),), 0.8, 90, 9)
    ]
    ((table, left),) = slice_tables(points)
    assert len(table.rows) == MOST_ROWS
    assert left == "3 more are in the data."


def test_of_a_figure_amended_twice_the_last_is_what_became_known() -> None:
    first = amendments()[0]
    second = type(first)(first.known_at + 60, first.new, first.old)
    (later,) = became_known([second, first], [first.old])
    assert (later.known_at, later.now) == (second.known_at, second.new)
    assert became_known([first], []) == []
