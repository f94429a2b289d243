"""Every indicator on a city small enough to be worked out by hand, and the edges of every window.

case  channel  life, in June 2024 (Monday 3rd), as of Friday 7th 12:00
a     Web      Mon 09 o---------- Tue 09 c            due Wed 09      24 h, kept
b     Phone    Mon 10 o---------- Wed 10 c rejected   due Tue 10      48 h, late
c     App      Tue 09 o-------------------------      due Fri 09      open, overdue
d     Web      Wed 12 o-------------------------      due Fri 23      open, 11 of 59 h left: at risk
e     Patrol   Wed 13 o--- Thu 13 p=============      due Mon 13      open, paused
f     Desk     Thu 09 o--- Thu 15 c withdrawn         due Tue 09      6 h
g     Web      Mon 08 o-c12  Tue 12 R--- Thu 08 c     due Sat 08      72 h, kept
h     Phone    Thu 10 o--- Thu 22 c duplicate         due Tue 10      12 h, kept
"""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from kept import counters as c
from kept import events as e
from kept.catalogue import parse_service
from kept.errors import ConfigurationError
from kept.indicators import cost, flow
from kept.indicators.definitions import COST_WINDOWS, DEFINITIONS, MATURE_WINDOWS
from kept.indicators.evaluate import due_windows, evaluate
from kept.indicators.intervals import wilson
from kept.indicators.measured import Measured
from kept.indicators.near_due_definitions import DEFINITIONS as NEAR_DUE
from kept.indicators.point import REPLAY_KEYS, as_json_object
from kept.indicators.windows import WINDOWS, View
from kept.intake import Rules
from tests.kept.city import LIGHTS, PLAIN, Board, City, event, seconds

AS_OF = "2024-06-07 12:00"
HOUR = 3600
DAYS = {"Mon": 3, "Tue": 4, "Wed": 5, "Thu": 6, "Fri": 7, "Sat": 8}


def on(day_and_hour: str) -> str:
    """`Tue 09` or `Tue 09:30` in June 2024."""
    day, clock = day_and_hour.split()
    return f"2024-06-{DAYS[day]:02} {clock if ':' in clock else clock + ':00'}"


def case(name: str, channel: str, opened: str, due: str | None = None, **more: str) -> e.Event:
    data = {"due": on(due)} if due else {}
    return event("case.opened", on(opened), name, channel=channel, **data, **more)


def about(name: str, kind: str, at: str, **data: object) -> e.Event:
    return event(kind, on(at), name, **data)


def step(name: str, what: str, started: str, ended: str) -> e.Event:
    return event("case.step", on(ended), name, step=what, started=on(started), ended=on(ended))


def loose(kind: str, at: str, number: int = 0, **data: object) -> e.Event:
    """An event that is not about a case."""
    return event(kind, on(at), id=f"{kind}-{at}-{number}", **data)


EVENTS = [
    case("a", "Web", "Mon 09", "Wed 09", area="North"), about("a", "case.completed", "Tue 09"),
    step("a", "review", "Mon 10", "Mon 12"), step("a", "visit", "Mon 13", "Mon 14"),
    case("b", "Phone", "Mon 10", "Tue 10", area="South"), about("b", "case.completed", "Wed 10", outcome="rejected"),
    case("c", "App", "Tue 09", "Fri 09"),
    case("d", "Web", "Wed 12", "Fri 23"),
    case("e", "Patrol", "Wed 13"), about("e", "case.paused", "Thu 13"),
    case("f", "Desk", "Thu 09"), about("f", "case.completed", "Thu 15", outcome="withdrawn"),
    case("g", "Web", "Mon 08"), about("g", "case.completed", "Mon 12"), about("g", "case.reopened", "Tue 12"),
    about("g", "case.completed", "Thu 08"),
    step("g", "review", "Mon 09", "Mon 10"), step("g", "review", "Wed 09", "Wed 11"),
    case("h", "Phone", "Thu 10"), about("h", "case.completed", "Thu 22", outcome="duplicate"),
    loose("cost.booked", "Mon 09", amount=100, currency="EUR", category="staff"),
    loose("cost.booked", "Tue 09", amount=20.5, currency="EUR", category="rework"),
    loose("cost.booked", "Wed 09", amount=-0.5, currency="EUR", category="rework"),
    about("a", "contact.received", "Mon 11", reason="get_information", case="a"),
    about("a", "contact.received", "Mon 15", reason="chase_progress", case="a"),
    about("h", "contact.received", "Thu 11", reason="other", case="h"),
    loose("contact.received", "Tue 10", reason="get_information"),
    loose("contact.received", "Tue 11", reason="challenge_decision"),
    *[loose("feedback.offered", "Wed 09", number) for number in range(5)],
    *[loose("feedback.given", "Wed 10", number, rating=rating) for number, rating in enumerate((5, 5, 3, 1))],
    *[about(f"t{number}", "transaction.started", "Thu 09") for number in range(4)],
    about("t0", "transaction.finished", "Thu 09:10", result="completed"),
    about("t1", "transaction.finished", "Thu 09:30", result="not_eligible"),
    about("t2", "transaction.finished", "Thu 09:05", result="failed"),
    about("t4", "transaction.started", "Fri 11:45"),
]  # fmt: skip


@pytest.fixture(scope="module")
def city() -> City:
    city = City()
    city.apply(sorted(EVENTS, key=lambda one: one.time))
    return city


@pytest.fixture(scope="module")
def board(city: City) -> Board:
    return Board(city.points(AS_OF))


WEEKS = 4.5 / 7
"""`all` begins at the midnight before the first event: Monday 00:00 to Friday 12:00."""

WORKED_OUT = [
    # indicator, value, numerator, denominator, n
    ("arrivals", 8, 8, None, 8),
    ("completions", 4, 4, None, 4),
    ("withdrawals", 1, 1, None, 1),
    ("net_flow", 4, 4, None, 12),
    ("backlog", 3, 3, None, 3),
    ("paused", 1, 1, None, 1),
    ("backlog_age_0_1d", 0, 0, None, 0),
    ("backlog_age_1_3d", 2, 2, None, 2),
    ("backlog_age_3_7d", 1, 1, None, 1),
    ("backlog_age_7_30d", 0, 0, None, 0),
    ("backlog_age_30_90d", 0, 0, None, 0),
    ("backlog_age_over_90d", 0, 0, None, 0),
    ("oldest_open", 75 / 24, 75 * HOUR, 24 * HOUR, 3),
    ("backlog_days", 3 * 4.5 / 4, 3, 4 / 4.5, 4),
    ("promise_kept_closed", 3 / 4, 3, 4, 4),
    ("promise_kept", 1 / 3, 1, 3, 3),
    ("at_risk", 1, 1, None, 1),
    ("overdue", 1, 1, None, 1),
    ("cost_per_transaction", 30.0, 120.0, 4, 4),
    ("cost_per_outcome", 60.0, 120.0, 2, 2),
    ("cost_of_waste_rework_modelled", 12 / WEEKS, 12.0, WEEKS, 1),
    ("cost_of_waste_failure_demand_modelled", 9 / WEEKS, 9.0, WEEKS, 2),
    ("cost_of_waste_wrong_channel_modelled", 10 / WEEKS, 10.0, WEEKS, 2),
    ("cost_of_waste_rework_booked", 20 / WEEKS, 20.0, WEEKS, 3),
    ("cost_of_waste_failure_demand_booked", 0.0, 0.0, WEEKS, 3),
    ("satisfaction_score", 62.5, 250, 4, 4),
    ("satisfied_share", 0.5, 2, 4, 4),
    ("response_rate", 0.8, 4, 5, 5),
    ("completion_rate", 0.5, 2, 4, 4),
    ("digital_take_up", 0.5, 2, 4, 4),
    ("first_time_right", 0.5, 2, 4, 4),
    ("rework_share", 0.25, 1, 4, 4),
    ("failure_demand", 0.6, 3, 5, 5),
]


@pytest.mark.parametrize(("indicator", "value", "numerator", "denominator", "n"), WORKED_OUT)
def test_an_indicator_is_what_was_worked_out_by_hand(
    board: Board, indicator: str, value: float, numerator: float, denominator: float | None, n: int
) -> None:
    point = board(indicator)
    assert point.state == "value"
    assert point.value == pytest.approx(value, rel=1e-12)
    assert point.numerator == pytest.approx(numerator)
    assert point.denominator == (None if denominator is None else pytest.approx(denominator))
    assert point.n == n


BINNED = [
    # nearest rank over 12, 24, 48, 72 h
    ("delivery_time_closed_p50", 24), ("delivery_time_closed_p75", 48),
    ("delivery_time_closed_p90", 72), ("delivery_time_closed_p95", 72),
    # 8 cases: 6 h withdrawn; S = 6/7 at 12 h, 5/7 at 24 h; e censored; 15/28 at 48 h; d censored; 15/56 at 72 h
    ("delivery_time_p50", 72),
]  # fmt: skip


@pytest.mark.parametrize(("indicator", "hours"), BINNED)
def test_a_delivery_time_is_what_was_worked_out_by_hand(board: Board, indicator: str, hours: int) -> None:
    assert board(indicator).value == pytest.approx(hours * HOUR, rel=0.005)


def test_a_survival_quantile_that_is_not_reached_says_so(board: Board) -> None:
    point = board("delivery_time_p75")
    assert (point.value, point.state, point.reason, point.numerator, point.n) == (
        None, "not_applicable", "too_many_open", 4, 8,
    )  # fmt: skip


def test_flow_efficiency_is_work_over_elapsed_time_of_the_cases_with_work(board: Board) -> None:
    #  a: 2 + 1 of 24 h;  g: 1 + 2 of 72 h
    point = board("flow_efficiency")
    assert (point.value, point.numerator, point.denominator, point.n) == (6 / 96, 6 * HOUR, 96 * HOUR, 2)


def test_waiting_is_published_by_step_only(board: Board, city: City) -> None:
    #  review: 1 h, 1 h and 47 h after the previous end or the opening;  visit: 1 h
    assert board("waiting_by_step_p50", step="review").value == pytest.approx(HOUR, rel=0.005)
    assert board("waiting_by_step_p50", step="review").n == 3
    assert board("waiting_by_step_p50", step="visit").n == 1
    assert board("rework_share", step="review").value == pytest.approx(1 / 3)
    published = {p.slice[0][0] for p in city.points(AS_OF) if p.indicator == "waiting_by_step_p50"}
    assert published == {"step"}


BY_PLACE = {"waiting_by_step_p50", *(definition.name for definition in NEAR_DUE)}
"""Indicators without a value for a whole service."""


def test_every_definition_is_published_for_the_whole_service_by_step_or_by_margin(city: City) -> None:
    points = city.points(AS_OF)
    assert {p.indicator for p in points} == {definition.name for definition in DEFINITIONS}
    for window in WINDOWS:
        whole = [p.indicator for p in points if p.window == window and not p.slice]
        assert sorted(whole) == sorted(d.name for d in DEFINITIONS if d.name not in BY_PLACE)


def test_every_point_can_be_defended(city: City) -> None:
    units = {definition.name: definition.unit for definition in DEFINITIONS}
    labels = {definition.name: definition.label for definition in DEFINITIONS}
    for point in city.points(AS_OF):
        assert (point.value is None) == (point.state != "value")
        assert (point.reason is None) == (point.state == "value")
        assert point.definition == labels[point.indicator]
        assert point.unit == units[point.indicator].replace("money", "EUR")
        assert point.window_start < point.window_end
        if point.low is not None and point.high is not None and point.value is not None:
            assert point.low <= point.value <= point.high
        assert tuple(as_json_object(point)) == REPLAY_KEYS


def test_each_point_is_there_once(city: City) -> None:
    points = city.points(AS_OF)
    assert len({point.key() for point in points}) == len(points)


# intervals


def test_shares_have_their_wilson_interval(board: Board) -> None:
    point = board("failure_demand")
    assert (point.low, point.high) == wilson(3, 5)


def test_the_interval_of_the_score_is_on_its_own_scale(board: Board) -> None:
    point = board("satisfaction_score")
    assert (point.low, point.high) == pytest.approx([100 * bound for bound in wilson(2.5, 4)])


def test_counts_and_money_have_no_interval(board: Board) -> None:
    for name in ("backlog", "arrivals", "cost_per_outcome", "flow_efficiency"):
        assert (board(name).low, board(name).high) == (None, None)


def test_quantiles_are_bounded_by_ranks_of_the_sample() -> None:
    city = City(PLAIN)
    for number in range(100):
        opened = seconds("2024-06-03 09:00") * 1000
        city.apply([event("case.opened", opened, f"c{number}")])
        city.apply([event("case.completed", opened + (number + 1) * 60_000, f"c{number}")])
    point = Board(city.points(AS_OF))("delivery_time_closed_p50")
    # np +- 1.96 sqrt(np(1-p)) = 50 +- 9.8: ranks 40 and 61
    assert (point.low, point.value, point.high) == pytest.approx((40 * 60, 50 * 60, 61 * 60), rel=0.006)


# not provided, not applicable, immature


NOTHING_PROVIDED = {
    "cost_per_transaction": "no_cost_booked", "cost_per_outcome": "no_cost_booked",
    "cost_of_waste_rework_booked": "no_cost_booked", "cost_of_waste_failure_demand_booked": "no_cost_booked",
    "cost_of_waste_rework_modelled": "no_rate", "cost_of_waste_failure_demand_modelled": "no_rate",
    "cost_of_waste_wrong_channel_modelled": "no_rate",
    "satisfaction_score": "no_feedback", "satisfied_share": "no_feedback", "response_rate": "no_feedback_offered",
    "completion_rate": "no_transactions", "rework_share": "no_steps", "failure_demand": "no_contacts",
    "flow_efficiency": "no_step_times",
}  # fmt: skip
NO_VALUE_YET = {
    "delivery_time_closed_p50": "no_volume", "delivery_time_closed_p95": "no_volume",
    "delivery_time_p50": "too_many_open",
    "promise_kept_closed": "no_promise", "promise_kept": "no_promise", "at_risk": "no_promise", "overdue": "no_promise",
    "backlog_days": "no_completions", "digital_take_up": "no_volume", "first_time_right": "no_volume",
}  # fmt: skip


@pytest.fixture(scope="module")
def bare() -> Board:
    """A service of which nothing is known but one open case."""
    city = City(PLAIN)
    city.apply([event("case.opened", on("Mon 09"), "a")])
    return Board(city.points(AS_OF))


@pytest.mark.parametrize(("indicator", "reason"), NOTHING_PROVIDED.items())
def test_what_a_service_never_sends_is_not_provided(bare: Board, indicator: str, reason: str) -> None:
    point = bare(indicator, "28d")
    assert (point.value, point.state, point.reason) == (None, "not_provided", reason)


@pytest.mark.parametrize(("indicator", "reason"), NO_VALUE_YET.items())
def test_what_has_no_volume_is_not_applicable(bare: Board, indicator: str, reason: str) -> None:
    point = bare(indicator, "28d")
    assert (point.value, point.state, point.reason) == (None, "not_applicable", reason)


def test_counts_and_stocks_of_a_bare_service_are_values(bare: Board) -> None:
    for name, value in (("arrivals", 1), ("completions", 0), ("backlog", 1), ("paused", 0), ("backlog_age_3_7d", 1)):
        assert (bare(name).value, bare(name).state) == (value, "value")


def test_an_empty_backlog_has_no_oldest_case() -> None:
    city = City(PLAIN)
    city.apply([event("case.opened", on("Mon 09"), "a"), event("case.completed", on("Mon 10"), "a")])
    point = Board(city.points(AS_OF))("oldest_open")
    assert (point.value, point.state, point.reason) == (None, "not_applicable", "nothing_open")


def test_a_promise_that_is_not_due_yet_is_a_promise() -> None:
    #  o-----------|as of--------!----d
    city = City()
    city.apply([event("case.opened", on("Fri 11"), "a")])
    board = Board(city.points(AS_OF, slices=False))
    assert (board("at_risk").value, board("overdue").value) == (0, 0)
    for name in ("promise_kept", "promise_kept_closed"):
        assert (board(name).state, board(name).reason) == ("not_applicable", "no_volume")


def test_what_was_provided_long_ago_is_not_applicable_in_a_window_without_any() -> None:
    city = City()
    city.apply(sorted(EVENTS, key=lambda one: one.time))
    board = Board(city.points("2024-09-01 00:00"))
    names = (
        "satisfaction_score", "response_rate", "completion_rate", "promise_kept", "failure_demand", "rework_share",
        "flow_efficiency", "digital_take_up", "first_time_right", "cost_per_transaction",
    )  # fmt: skip
    for name in names:
        assert (board(name, "28d").state, board(name, "28d").reason) == ("not_applicable", "no_volume"), name
        assert board(name, "all").state == "value"


@pytest.mark.parametrize("window", [w for w in WINDOWS if w not in MATURE_WINDOWS])
def test_the_survival_corrected_time_is_immature_in_other_windows(board: Board, window: str) -> None:
    for quantile in ("p50", "p75", "p90", "p95"):
        point = board(f"delivery_time_{quantile}", window)
        assert (point.value, point.state, point.reason) == (None, "not_applicable", "immature")


@pytest.mark.parametrize("window", [w for w in WINDOWS if w not in COST_WINDOWS])
def test_a_cost_per_case_is_immature_in_short_windows(board: Board, window: str) -> None:
    for name in ("cost_per_transaction", "cost_per_outcome"):
        assert (board(name, window).state, board(name, window).reason) == ("not_applicable", "immature")


@pytest.mark.parametrize("window", ["1h", "24h"])
def test_waste_a_week_is_immature_in_hours_and_days_and_a_value_over_a_week(board: Board, window: str) -> None:
    for name in ("cost_of_waste_rework_modelled", "cost_of_waste_rework_booked"):
        assert board(name, window).reason == "immature"
        assert board(name, "7d").state == board(name, "week").state == "value"


def test_contacts_without_case_ids_cannot_tell_repeats() -> None:
    city = City()
    city.apply([event("contact.received", on("Mon 09"), reason="chase_progress", id="c1"),
                event("contact.received", on("Mon 10"), reason="other", id="c2")])  # fmt: skip
    point = Board(city.points(AS_OF))("failure_demand")
    assert (point.value, point.state, point.reason) == (None, "not_provided", "no_case_ids")
    assert (point.numerator, point.denominator) == (1, 2)


def test_take_up_needs_a_channel_to_be_told() -> None:
    city = City(PLAIN)
    city.apply([event("case.opened", on("Mon 09"), "a"), event("case.completed", on("Mon 10"), "a")])
    point = Board(city.points(AS_OF))("digital_take_up")
    assert (point.state, point.reason) == ("not_provided", "no_channels")


def test_take_up_of_staff_channels_alone_has_no_volume() -> None:
    city = City()
    city.apply([event("case.opened", on("Mon 09"), "a", channel="Patrol"), event("case.completed", on("Mon 10"), "a")])
    assert Board(city.points(AS_OF))("digital_take_up").reason == "no_volume"


def test_cost_in_another_number_of_minor_digits_is_money_all_the_same() -> None:
    costs = msgspec.structs.replace(LIGHTS.costs, minor_digits=3, currency="KWD")
    city = City(msgspec.structs.replace(LIGHTS, costs=costs))
    city.apply([event("cost.booked", on("Mon 09"), amount=1.005, currency="KWD"),
                event("case.opened", on("Mon 09"), "a"), event("case.completed", on("Mon 10"), "a")])  # fmt: skip
    point = Board(city.points(AS_OF))("cost_per_transaction")
    assert (point.value, point.unit) == (1.005, "KWD")


def test_many_small_bookings_add_up_without_drift() -> None:
    city = City()
    city.apply([loose("cost.booked", "Mon 09", number, amount=0.1, currency="EUR") for number in range(1000)])
    city.apply([event("case.opened", on("Mon 09"), "a"), event("case.completed", on("Mon 10"), "a")])
    assert Board(city.points(AS_OF))("cost_per_transaction").value == 100.0


# transactions


def test_a_transaction_within_its_time_out_is_not_counted_yet_and_past_it_is_abandoned() -> None:
    #  11:40 s-----------------| 12:10 time-out of 30 minutes
    city = City()
    city.apply([about("t", "transaction.started", "Fri 11:40")])
    waiting, over = Board(city.points(AS_OF)), Board(city.points("2024-06-07 12:10"))
    assert (waiting("completion_rate").state, waiting("completion_rate").reason) == ("not_applicable", "no_volume")
    assert (over("completion_rate").value, over("completion_rate").denominator) == (0.0, 1)


def test_a_time_out_longer_than_the_fine_buckets_is_refused() -> None:
    # Past 48 hours the whole service is counted by the hour: the value would depend on when buckets were joined.
    text = 'id = "x"\nname = "x"\nowner = "x"\ntime_zone = "UTC"\nexpected_silence = "1h"\n' \
           'transaction_timeout = "{}"\n[channels]\nunlisted = "accept"\n'  # fmt: skip
    assert parse_service(text.format("48h"), "x.toml").transaction_timeout == "48h"
    with pytest.raises(
        ConfigurationError, match=r"x\.toml: transaction_timeout: '3d' is not valid; valid: .* 48 hours"
    ):
        parse_service(text.format("3d"), "x.toml")


# windows: (start, end]
#
#  far edge                     as of
#  (----------------------------]
#  |not counted       counted   |counted


@pytest.mark.parametrize(("moment", "arrivals"), [
    ("2024-06-07 11:05", 0), ("2024-06-07 11:05:00.001", 1), ("2024-06-07 12:05", 1), ("2024-06-07 12:05:00.001", 0),
])  # fmt: skip
def test_an_hour_ends_with_its_last_moment_and_begins_after_its_first(moment: str, arrivals: int) -> None:
    city = City()
    city.apply([event("case.opened", moment, "a"), event("case.opened", "2024-06-01 09:00", "b")])
    points = evaluate(city.tallies, city.rules[LIGHTS.id], seconds("2024-06-07 12:05"), windows=["1h"], slices=False)
    point = Board(points)("arrivals", "1h")
    assert point.value == arrivals
    assert (point.window_start, point.window_end) == (seconds("2024-06-07 11:05"), seconds("2024-06-07 12:05"))


FAR_EDGES = [
    # window, start for counts, start for quantiles: as of Friday 12:05
    ("1h", "2024-06-07 11:05", "2024-06-07 11:00"),
    ("24h", "2024-06-06 12:05", "2024-06-06 12:00"),
    ("7d", "2024-05-31 12:00", "2024-05-31 12:00"),
    ("28d", "2024-05-10 12:00", "2024-05-10 12:00"),
    ("90d", "2024-03-09 11:00", "2024-03-09 11:00"),  # winter time
    ("365d", "2023-06-08 00:00", "2023-06-08 00:00"),
    ("week", "2024-06-03 00:00", "2024-06-03 00:00"),
    ("all", "2023-02-01 00:00", "2023-02-01 00:00"),
]


@pytest.fixture(scope="module")
def edges() -> Board:
    city = City()
    city.apply([event("case.opened", "2023-02-01 15:00", "a", channel="Web")])
    return Board(city.points("2024-06-07 12:05"))


@pytest.mark.parametrize(("window", "counts", "quantiles"), FAR_EDGES)
def test_the_far_edge_of_a_window_is_an_edge_of_the_buckets_of_that_age(
    edges: Board, window: str, counts: str, quantiles: str
) -> None:
    assert edges("arrivals", window).window_start == seconds(counts)
    assert edges("delivery_time_closed_p50", window).window_start == seconds(quantiles)
    assert edges("arrivals", window).window_end == seconds("2024-06-07 12:05")


@pytest.mark.parametrize(("window", "start"), [
    ("1h", "2024-06-07 11:00"), ("24h", "2024-06-06 12:00"), ("7d", "2024-05-31 00:00"), ("28d", "2024-05-10 00:00"),
    ("90d", "2024-03-09 00:00"), ("week", "2024-06-03 00:00"), ("all", "2023-02-01 00:00"),
])  # fmt: skip
def test_slices_hold_at_the_last_full_hour_and_their_far_edge_is_an_hour_or_a_day(
    edges: Board, window: str, start: str
) -> None:
    point = edges("arrivals", window, channel="Web")
    assert (point.window_start, point.window_end) == (seconds(start), seconds("2024-06-07 12:00"))


@pytest.mark.parametrize(("as_of", "start", "arrivals"), [
    # Sunday 23:59:59 | Monday 00:00 | Monday 00:05
    ("2024-06-09 23:55", "2024-06-03 00:00", 1),
    ("2024-06-10 00:00", "2024-06-03 00:00", 2),
    ("2024-06-10 00:05", "2024-06-10 00:00", 1),
])  # fmt: skip
def test_the_week_begins_after_monday_midnight_which_still_belongs_to_the_old_one(
    as_of: str, start: str, arrivals: int
) -> None:
    #  |Mon 3rd 00:00 ---- a ------------ b| Mon 10th 00:00 - c 00:05
    city = City()
    opened = {"a": "2024-06-05 09:00", "b": "2024-06-10 00:00", "c": "2024-06-10 00:05"}
    city.apply([event("case.opened", at, name) for name, at in opened.items() if at <= as_of])
    point = Board(city.points(as_of))("arrivals", "week")
    assert (point.value, point.window_start) == (arrivals, seconds(start))


def test_all_begins_at_the_midnight_before_the_first_event_even_if_a_promise_fell_due_before() -> None:
    #  d ............ |00:00  o----
    city = City()
    city.apply([event("case.opened", on("Wed 15"), "a", due="2020-01-01 00:00")])
    board = Board(city.points(AS_OF))
    assert board("arrivals").window_start == seconds("2024-06-05 00:00")
    assert board("overdue").value == 1
    assert (board("promise_kept").numerator, board("promise_kept").denominator) == (0, 1)


@pytest.mark.parametrize(("as_of", "hours"), [("2024-04-01 00:00", 167), ("2024-10-28 00:00", 169)])
def test_a_week_with_a_clock_change_is_one_hour_shorter_or_longer(as_of: str, hours: int) -> None:
    city = City()
    city.apply([event("case.opened", "2024-03-01 09:00", "a")])
    point = Board(city.points(as_of))("arrivals", "week")
    assert point.window_end - point.window_start == hours * HOUR


@pytest.mark.parametrize(("day", "hours"), [("2024-03-31", 23), ("2024-10-27", 25)])
def test_each_hour_of_a_day_with_a_clock_change_is_counted_once(day: str, hours: int) -> None:
    #  one case in the middle of each real hour of the local day
    start = seconds(f"{day} 00:00")
    city = City()
    city.apply([event("case.opened", (start + n * HOUR + 1800) * 1000, f"c{n}", channel="Web") for n in range(hours)])
    end = start + hours * HOUR
    board = Board(city.points(end * 1000))
    assert board("arrivals", "24h").value == min(hours, 24)
    assert board("arrivals", "all").value == board("arrivals", "all", channel="Web").value == hours
    later = Board(city.points((end + 95 * 24 * HOUR) * 1000))
    assert (later("arrivals", "all").value, later("backlog_age_over_90d").value) == (hours, hours)
    assert later("arrivals", "all").window_start == start


@pytest.mark.parametrize("at", [seconds(AS_OF) + 1, seconds(AS_OF) + 60, seconds(AS_OF) - 299])
def test_a_moment_that_is_not_a_whole_five_minutes_is_refused(city: City, at: int) -> None:
    with pytest.raises(ValueError, match="is not a whole 5 minutes"):
        evaluate(city.tallies, city.rules[LIGHTS.id], at)


def test_stocks_are_the_same_under_every_window(board: Board) -> None:
    for definition in DEFINITIONS:
        if definition.stock:
            assert len({board(definition.name, window).value for window in WINDOWS}) == 1, definition.name


def test_a_window_tells_only_of_itself(board: Board) -> None:
    #  the last 24 hours: Thu 12:00 to Fri 12:00
    assert board("arrivals", "24h").value == 0
    assert board("completions", "24h").value == 1
    assert board("withdrawals", "24h").value == 1
    assert (board("promise_kept", "24h").numerator, board("promise_kept", "24h").denominator) == (0, 1)


# slices


def test_a_channel_is_told_of_apart(board: Board) -> None:
    web = {name: board(name, channel="Web").value for name in ("arrivals", "completions", "backlog", "at_risk")}
    assert web == {"arrivals": 3, "completions": 2, "backlog": 1, "at_risk": 1}
    assert board("promise_kept", area="North").value == 1.0
    assert board("promise_kept", area="South").value == 0.0
    assert board("cost_of_waste_wrong_channel_modelled", channel="Phone").numerator == 10.0


@pytest.mark.parametrize("indicator", ["arrivals", "completions", "withdrawals", "backlog", "paused"])
def test_channels_sum_to_the_whole(board: Board, indicator: str) -> None:
    channels = ("Web", "App", "Phone", "Desk", "Patrol")
    assert sum(board(indicator, channel=channel).value for channel in channels) == board(indicator).value


def test_a_dearer_digital_channel_is_no_wrong_channel_and_neither_is_staff() -> None:
    city = City()
    for number, channel in enumerate(("Web", "App", "Patrol")):
        city.apply([event("case.opened", on("Mon 09"), f"c{number}", channel=channel)])
        city.apply([event("case.completed", on("Mon 10"), f"c{number}")])
    point = Board(city.points(AS_OF))("cost_of_waste_wrong_channel_modelled")
    assert (point.value, point.numerator, point.n) == (0, 0, 0)


def test_the_wrong_channel_is_counted_in_the_same_window_as_its_completions() -> None:
    #        Wed: 3 by phone          |Monday 00:00      Monday 00:30
    #  ------c------------------------|------------------| week
    city = City()
    for number in range(3):
        city.apply([event("case.opened", on("Wed 08"), f"c{number}", channel="Phone")])
        city.apply([event("case.completed", on("Wed 09"), f"c{number}")])
    week = Board(city.points("2024-06-10 00:30", windows=["week", "7d"]))
    assert week("completions", "week").value == 0
    assert week("cost_of_waste_wrong_channel_modelled", "week").value == 0
    assert week("cost_of_waste_wrong_channel_modelled", "7d").numerator == 3 * 5.0


def test_without_slices_the_wrong_channel_is_counted_all_the_same(city: City, board: Board) -> None:
    points = city.points(AS_OF, slices=False)
    assert not [p for p in points if p.slice]
    assert Board(points)("cost_of_waste_wrong_channel_modelled") == board("cost_of_waste_wrong_channel_modelled")


def test_a_slice_that_no_case_is_in_any_more_is_not_published() -> None:
    #  first heard of through the Web, then it turns out that the case was opened at the Desk before
    city = City()
    city.apply([event("transaction.started", on("Tue 09"), "a", channel="Web")])
    city.apply([event("case.opened", on("Mon 09"), "a", channel="Desk")])
    assert {p.slice for p in city.points(AS_OF)} == {(), (("channel", "Desk"),)}


def test_indicators_of_another_service_are_not_mixed_in() -> None:
    other = msgspec.structs.replace(PLAIN, id="ferries")
    city = City()
    city.rules["ferries"] = Rules(other)
    assert evaluate(city.tallies, city.rules["ferries"], seconds(AS_OF)) == []


# what to publish when


@pytest.mark.parametrize(("previous", "at", "windows", "slices"), [
    (None, "2024-06-07 12:05", WINDOWS, True),
    ("2024-06-07 12:00", "2024-06-07 12:05", ("1h", "24h"), False),
    ("2024-06-07 11:55", "2024-06-07 12:00", ("1h", "24h", "7d", "28d", "90d", "week", "all"), True),
    ("2024-06-07 23:55", "2024-06-08 00:00", WINDOWS, True),
])  # fmt: skip
def test_windows_are_published_at_their_own_pace(
    previous: str | None, at: str, windows: tuple[str, ...], slices: bool
) -> None:
    before = None if previous is None else seconds(previous)
    assert due_windows(before, seconds(at), Rules(LIGHTS)) == (windows, slices)


def test_the_pace_of_a_backlog_counts_no_days_before_the_first_event() -> None:
    #  day 0 ....|.... day 21 ....|.... day 28
    def pace(first_day: float) -> Measured:
        day, done = 86400, {flow.COMPLETIONS[0]: 14}
        stocks = {c.BACKLOG_ENTERED: 24, c.BACKLOG_LEFT: 14}
        view = View(("s", "", ""), "28d", 0, 0, 28 * day, done, {}, stocks, {}, [], [], int(first_day * day))
        return next(one for one in flow.measure(view, view) if one.name == "backlog_days")

    assert pace(-100)[1:5] == (20, 10, 0.5, 14)
    assert pace(0).value == 20
    assert pace(21)[1:5] == (5, 10, 2, 14)
    assert (pace(28).value, pace(28).state, pace(28).reason) == (None, "not_applicable", "no_time")


def test_a_rate_of_waste_counts_no_weeks_before_the_first_event() -> None:
    week = 7 * 86400

    def rate(start: int, first: int) -> float | None:
        one = View(("s", "", ""), "365d", start, start, 52 * week, {}, {}, {}, {}, [], [], first)
        return cost._a_week("cost_of_waste_rework_booked", Decimal(2000), one, 9).value

    assert rate(0, 0) == 2000 / 52
    assert rate(0, 32 * week) == 100
    assert rate(0, 52 * week - 3600) == 2000  # less than a week is no basis for a rate
    assert rate(50 * week, 0) == 1000
