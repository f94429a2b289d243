"""Both clocks of a promise: all that fell due beside closed cases only, and working time beside elapsed time."""

from __future__ import annotations

from typing import Final, Literal

from kept.catalogue import Service
from kept.durations import HOUR_MS, in_words, parse_duration
from kept.indicators.definitions import QUANTILES
from summaries import wording
from summaries.pictures.lines import Line, line_of
from summaries.service.figures import Figures
from summaries.service.tables import Cell, Table

DUE: Final = "all that fell due"
CLOSED: Final = "closed cases only"
WHOM: Final = {"p50": "Half", "p75": "3 in 4", "p90": "9 in 10", "p95": "95 in 100"}
_DAYS: Final[tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...]] = (
    "mon",
    "tue",
    "wed",
    "thu",
    "fri",
    "sat",
    "sun",
)


def promise_lines(figures: Figures) -> list[Line]:
    """The promise counted both ways, over a quarter."""
    return [
        line_of(DUE, figures.weekly("promise_kept")),
        line_of(CLOSED, figures.weekly("promise_kept_closed")),
    ]


def promise_table(figures: Figures, service: Service) -> Table:
    """The same as a table, the newest first."""
    closed = {point.window_end: point for point in figures.weekly("promise_kept_closed")}
    rows: list[tuple[Cell, ...]] = [
        (wording.moment_briefly(point.window_end, service.zone), point, closed.get(point.window_end))
        for point in reversed(figures.weekly("promise_kept"))
    ]
    return Table(
        id="both-clocks",
        caption="Share of promises kept in the 28 days to each Monday, and to now",
        head=("28 days to", f"Promise kept, {DUE}", f"Promise kept, {CLOSED}"),
        rows=tuple(rows),
        dated=True,
    )


def time_table(figures: Figures) -> Table:
    """How long people wait: open cases counted in, beside closed cases only."""
    return Table(
        id="delivery-time",
        caption="Time to delivery in the last 28 days, in elapsed time",
        head=("Of people", "waited up to, open cases counted in", f"waited up to, {CLOSED}"),
        rows=tuple(
            (WHOM[name], figures.of(f"delivery_time_{name}"), figures.of(f"delivery_time_closed_{name}"))
            for name, _ in QUANTILES
        ),
    )


def clock_words(service: Service, at: int | None) -> tuple[str, ...]:
    """Which clock the promise runs on, what the figures are counted in, and what is not published."""
    promise = service.promise
    if promise is None:
        return ("No promise was made to the public, so no clock runs.",)
    in_working_time = promise.counted_in == "working_time"
    if promise.target_time is None:
        said = "Each case brings its own due moment; there is no promised time for all."
    else:
        said = f"The promised time is {_length(parse_duration(promise.target_time), in_hours=in_working_time)}."
    if not in_working_time:
        return (f"{said} It runs in elapsed time, nights and weekends included, as all times on this page do.",)
    return (
        f"{said} It runs in working time: {_hours(service)}. When a case falls due, and so whether it was kept, is "
        "counted in working time.",
        *_example(service, at),
        "Times to delivery, ages and the oldest case are published in elapsed time, nights, weekends and holidays "
        "included. Times to delivery in working time are not published.",
    )


def _length(duration_ms: int, *, in_hours: bool) -> str:
    """A length in words; working time in hours, since a day of it is not a day of the calendar."""
    if not in_hours:
        return in_words(duration_ms)
    hours = f"{duration_ms / HOUR_MS:.1f}".removesuffix(".0")
    return f"{hours} working hour{'' if hours == '1' else 's'}"


def _hours(service: Service) -> str:
    """`Mon to Fri 09:00-17:00, without …`: neighbouring days with the same hours are one stretch."""
    calendar = service.calendar
    if calendar is None:
        return "the calendar is not given"
    stretches: list[tuple[str, str, str]] = []
    before = ""
    for day in _DAYS:
        hours = calendar.opening_hours.get(day, "")
        if hours and hours == before:
            stretches[-1] = (stretches[-1][0], day, hours)
        elif hours:
            stretches.append((day, day, hours))
        before = hours
    said = [f"{_days(first, last)} {hours}" for first, last, hours in stretches]
    where = f"{calendar.country} {calendar.region}" if calendar.region else calendar.country
    return f"{', '.join(said)}, without the public holidays of {where}"


def _days(first: str, last: str) -> str:
    return first.capitalize() if first == last else f"{first.capitalize()} to {last.capitalize()}"


def _example(service: Service, at: int | None) -> tuple[str, ...]:
    """The promised time in both clocks, for a case opened at `at` (s)."""
    calendar, promise = service.working_calendar(), service.promise
    if at is None or calendar is None or promise is None or promise.target_time is None:
        return ()
    due = calendar.add(at * 1000, parse_duration(promise.target_time))
    due_at = wording.moment(due // 1000, service.zone)
    return (
        f"A case opened at {wording.moment(at, service.zone)} falls due at {due_at}: "
        f"{wording.duration(due / 1000 - at)} of elapsed time.",
    )
