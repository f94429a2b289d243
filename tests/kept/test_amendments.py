"""Late events amend what was published: exactly, as far as buckets still tell, and with what was known before."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kept import events as e
from kept.durations import HOUR_MS, MINUTE_MS
from kept.indicators.amendments import amendments
from kept.indicators.definitions import BY_NAME
from kept.indicators.evaluate import due_windows, evaluate
from kept.indicators.known_at import as_known_at
from kept.indicators.near_due_definitions import DEFINITIONS as NEAR_DUE
from kept.indicators.point import Amendment, Point
from kept.published_time import now
from tests.kept.city import LIGHTS, City, event, ms, seconds
from tests.kept.lives import START_MS


class Board:
    """Publishes after each batch what has become due, as the indicator processor does, and amends what was late."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.rules = city.rules[LIGHTS.id]
        self.points: dict[object, Point] = {}
        self.first: dict[object, Point] = {}
        self.amendments: list[Amendment] = []
        self.at: int | None = None

    def take_in(self, events: Iterable[e.Event]) -> None:
        late = [changes.mark.late_since for changes in self.city.apply_batch(list(events))]
        self.publish()
        since = min((one[LIGHTS.id] for one in late if LIGHTS.id in one), default=None)
        if since is not None and self.at is not None:
            self._amend(since)

    def publish(self) -> None:
        at = now({state.partition: state.mark() for state in self.city.states}, len(self.city.states))
        if at is None or (self.at is not None and at <= self.at):
            return
        windows, slices = due_windows(self.at, at, self.rules)
        for point in evaluate(self.city.tallies, self.rules, at, windows=windows, slices=slices):
            self.points[point.key()] = point
            self.first.setdefault(point.key(), point)
        self.at = at

    def _amend(self, since_ms: int) -> None:
        assert self.at is not None
        stored = sorted(
            (p for p in self.points.values() if p.window_end * 1000 >= since_ms), key=lambda p: p.window_end
        )
        for _, points in groupby(stored, key=lambda p: p.window_end):
            for one in amendments(list(points), self.city.tallies, self.rules, self.at):
                self.points[one.new.key()] = one.new
                self.amendments.append(one)


def opened(at: str | int, name: str) -> e.Event:
    return event("case.opened", at, name, area="North")


def values(points: Iterable[Point], indicator: str, window: str) -> dict[str, float | None]:
    return {
        e.moment(p.window_end * 1000).strftime("%H:%M"): p.value
        for p in sorted(points, key=lambda p: p.window_end)
        if (p.indicator, p.window, p.slice) == (indicator, window, ())
    }


def test_a_late_opening_amends_every_moment_that_should_have_known_it_and_no_other() -> None:
    #  UTC      07:00        08:00        09:00        10:00   (local time is two hours ahead)
    #  opened     a 07:10      |            |            |
    #             late 07:40 ....................... comes at 10:00
    #  1h         .            a            .            .     arrivals of the last hour: only 08:00 changes
    #  24h        .            a            a            a     all three change
    board = Board(City())
    board.take_in([opened("2024-06-03 09:10", "a")])
    for hour in (10, 11, 12):
        board.take_in([e.tick(ms(f"2024-06-03 {hour}:00"), 0)])
    assert values(board.points.values(), "arrivals", "1h") == {"07:10": 1, "08:00": 1, "09:00": 0, "10:00": 0}
    board.take_in([opened("2024-06-03 09:40", "late")])
    assert values(board.points.values(), "arrivals", "1h") == {"07:10": 1, "08:00": 2, "09:00": 0, "10:00": 0}
    assert values(board.points.values(), "arrivals", "24h") == {"07:10": 1, "08:00": 2, "09:00": 2, "10:00": 2}
    assert values(board.points.values(), "backlog", "28d") == {"07:10": 1, "08:00": 2, "09:00": 2, "10:00": 2}
    north = {
        p.window_end: p.value
        for p in board.points.values()
        if p.slice and p.indicator == "arrivals" and p.window == "1h"
    }
    assert north == {seconds(f"2024-06-03 {hour:02}:00"): value for hour, value in ((9, 0), (10, 2), (11, 0), (12, 0))}
    assert {one.known_at for one in board.amendments} == {seconds("2024-06-03 12:00")}
    assert all(one.old != one.new for one in board.amendments)


def test_a_past_page_can_be_shown_as_it_was_known_then() -> None:
    board = Board(City())
    board.take_in([opened("2024-06-03 09:10", "a")])
    for hour in (10, 11):
        board.take_in([e.tick(ms(f"2024-06-03 {hour}:00"), 0)])
    board.take_in([opened("2024-06-03 09:40", "late")])
    board.take_in([e.tick(ms("2024-06-03 13:00"), 0)])
    board.take_in([opened("2024-06-03 09:50", "later")])
    at_ten = [p for p in board.points.values() if p.window_end == seconds("2024-06-03 10:00")]
    known = {
        moment: values(as_known_at(at_ten, board.amendments, seconds(f"2024-06-03 {moment}")), "arrivals", "24h")
        for moment in ("10:00", "11:00", "12:00", "13:00")
    }
    assert known == {"10:00": {"08:00": 1}, "11:00": {"08:00": 2}, "12:00": {"08:00": 2}, "13:00": {"08:00": 3}}


def test_an_event_that_nothing_published_could_have_known_amends_nothing() -> None:
    board = Board(City())
    board.take_in([opened("2024-06-03 09:10", "a"), e.tick(ms("2024-06-03 10:04"), 0)])
    board.take_in([opened("2024-06-03 10:02", "b")])  # behind the watermark, ahead of what was published
    assert board.amendments == []
    board.take_in([opened("2024-06-03 09:59", "c")])
    assert board.amendments


def test_an_event_on_a_partition_that_was_idle_is_late_if_the_others_went_on() -> None:
    city = City()
    city.apply([opened("2024-06-03 09:10", "a")])
    (state,) = city.states
    state.mark(idle=True)
    (changes,) = city.apply_batch([opened("2024-06-03 09:40", "b"), opened("2024-06-03 09:20", "c")])
    assert changes.mark.late_since == {LIGHTS.id: ms("2024-06-03 09:20")}
    (changes,) = city.apply_batch([opened("2024-06-03 09:50", "d")])
    assert changes.mark.late_since == {}


def test_what_is_told_by_the_time_of_opening_or_near_the_due_stays_as_it_was_known() -> None:
    assert {name for name, definition in BY_NAME.items() if not definition.amended} == {
        "oldest_open", "completion_rate", *(definition.name for definition in NEAR_DUE),
        *(f"delivery_time_{q}" for q in ("p50", "p75", "p90", "p95")),
        *(f"backlog_age_{band}" for band in ("0_1d", "1_3d", "3_7d", "7_30d", "30_90d", "over_90d")),
    }  # fmt: skip


def test_a_window_whose_edge_has_been_compacted_away_is_left_as_it_was() -> None:
    board = Board(City())
    board.take_in([opened("2024-06-03 09:10", "a")])
    board.take_in([e.tick(ms("2024-06-03 10:20"), 0)])
    board.take_in([opened("2024-06-03 10:40", "b")])
    for moment in ("2024-06-03 11:00", "2024-06-04 00:00", "2024-06-20 00:00"):
        board.take_in([e.tick(ms(moment), 0)])
    board.take_in([opened("2024-06-03 09:40", "late")])
    amended = {
        (e.moment(one.new.window_end * 1000).strftime("%d %H:%M"), one.new.slice != ())
        for one in board.amendments
        if one.new.indicator == "arrivals"
    }
    #  10:20 lies inside an hour by now, and slices are kept by the day
    assert amended == {
        ("03 09:00", False),
        ("03 22:00", False),
        ("03 22:00", True),
        ("19 22:00", False),
        ("19 22:00", True),
    }


@st.composite
def late_cities(draw: st.DrawFn, days: int) -> tuple[list[e.Event], list[int]]:
    """Events that change nothing before their own time, and how late (ms) each arrives."""
    told: list[e.Event] = []
    minutes = st.integers(0, days * 24 * 60).map(lambda minute: START_MS + minute * MINUTE_MS)
    for number in range(draw(st.integers(1, 6))):
        at = draw(minutes)
        area = draw(st.sampled_from(["North", "South"]))
        told.append(
            event("case.opened", at, f"c{number}", area=area, channel="Web", due=at + draw(st.integers(1, 9)) * HOUR_MS)
        )
        if draw(st.booleans()):
            told.append(event("case.completed", at + draw(st.integers(1, 2000)) * MINUTE_MS, f"c{number}"))
        told.append(event("feedback.given", draw(minutes), id=f"r{number}", rating=draw(st.integers(1, 5)), area=area))
    lateness = [draw(st.sampled_from([0, 0, 7 * MINUTE_MS, 3 * HOUR_MS, 26 * HOUR_MS])) for _ in told]
    return told, lateness


CHECKED = ("1h", "24h", "28d")


def in_time(events: list[e.Event], at: int) -> dict[object, Point]:
    """What would have been published at `at` (s) if all `events` had come in time."""
    city = City()
    city.apply(sorted((one for one in events if e.milliseconds(one.time) <= at * 1000), key=lambda one: one.time))
    return {point.key(): point for point in evaluate(city.tallies, city.rules[LIGHTS.id], at, windows=CHECKED)}


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(city=late_cities(days=1), partitions=st.integers(1, 2))
def test_amended_points_are_those_of_a_stream_in_which_nothing_was_late(
    city: tuple[list[e.Event], list[int]], partitions: int
) -> None:
    events, lateness = city
    arrivals = sorted(
        (e.milliseconds(one.time) + late, one.id, one) for one, late in zip(events, lateness, strict=True)
    )
    board = Board(City(partitions=partitions))
    arrived: list[e.Event] = []
    for hour in range(START_MS, arrivals[-1][0] + 2 * HOUR_MS, HOUR_MS):
        due = [one for at, _, one in arrivals if hour - HOUR_MS < at <= hour]
        if due:
            arrived += due
            before = len(board.amendments)
            board.take_in(due)
            amended = [one for one in board.amendments[before:] if one.new.window in CHECKED]
            amended.sort(key=lambda one: one.new.window_end)
            for window_end, ones in groupby(amended, key=lambda one: one.new.window_end):
                expected = in_time(arrived, window_end)
                assert [one.new for one in ones if one.new != expected[one.new.key()]] == []
        board.city.tick(hour)
        board.publish()
    assert board.at is not None
    for window_end in sorted({point.window_end for point in board.points.values()}):
        if board.at - window_end < 40 * 3600 and window_end % 3600 == 0:  # buckets are as fine as they were
            expected = in_time(events, window_end)
            for key, point in expected.items():
                known = board.points.get(key)
                if known is not None and BY_NAME[point.indicator].amended and (known.n or point.n):
                    assert known == point
