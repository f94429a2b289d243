"""What everybody is told of one service: its promise, the wait, how often it was kept, and how old the figures are.

Plain words: short sentences, one thought each (docs/promise-page.md says how they are tested). Pure: points and
catalogue in, words out. Nothing of slices, money or signals is in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from kept.catalogue import Service
from kept.durations import HOUR_MS, MINUTE_MS, in_words, parse_duration
from kept.indicators.point import Point
from kept.intake import Rules
from summaries import plain_words as plain
from summaries import wording
from summaries.expected_wait import LEAST_REQUESTS, Queue, Wait, expected, is_filling_up, queue, waited
from summaries.service_card import LatestPoints, judge

PERIODS: Final = {"28d": "4 weeks", "90d": "90 days"}
_DAY_NAMES: Final = {"mon": "Monday", "tue": "Tuesday", "wed": "Wednesday", "thu": "Thursday", "fri": "Friday",
                     "sat": "Saturday", "sun": "Sunday"}  # fmt: skip
_WHY: Final = {
    "few_people": "too few people asked",
    "nothing": "nobody has asked in this time",
    "too_many_waiting": "too many people are still waiting",
}
_AIM: Final = {
    "below": "We did not reach our aim.",
    "close": "It is too close to say if we reached our aim.",
    "kept": "We reached our aim.",
    "unknown": "",
}


class Told(Struct, frozen=True):
    """One answer: the sentence people look for, and what belongs beside it."""

    headline: str
    details: tuple[str, ...] = ()
    known: bool = True


class PublicPromise(Struct, frozen=True, kw_only=True):
    """One service as everybody may see it; `figures` are rows (what, figure, likely range, people counted)."""

    id: str
    name: str
    simulated: bool
    promise: str
    clock: tuple[str, ...]
    waited: Told
    today: Told
    kept: Told
    old: str
    as_of: str
    figures: tuple[tuple[str, str, str, str], ...]


def public_promise(service: Service, points: Sequence[Point], now: int) -> PublicPromise:
    """`service` by its latest `points`, when it is `now` (epoch seconds)."""
    latest = LatestPoints(points)
    past = waited(latest, service.suppress_below)
    today = expected(latest, service.suppress_below)
    is_filling = is_filling_up(latest, Rules(service))
    waiting = queue(latest, today.half, service.suppress_below, is_filling=is_filling)
    old = _old(service, latest, now)
    kept = _kept_point(latest, service.suppress_below)
    at = latest.newest
    return PublicPromise(
        id=service.id,
        name=service.name,
        simulated=service.simulated,
        promise="" if service.promise is None else service.promise.words.rstrip(" ."),
        clock=tuple(_clock(service)),
        waited=_waited(past),
        today=_today(today, waiting, is_old=bool(old)),
        kept=_kept(service, kept),
        old=old,
        as_of="" if at is None else plain.moment_words(at, service.zone),
        figures=tuple(_figures(past, today, waiting, kept)),
    )


def _waited(wait: Wait) -> Told:
    if wait.half is None:
        return _not_known(wait)
    most = wait.most
    if most is None:
        asked = f"Half of the people who asked in the last {PERIODS[wait.window]}"
        return Told(f"{asked} waited {plain.time_words(wait.half, 'up')} or less.", (_many_wait(),))
    details = ["Most people means 3 of 4."]
    if wait.nine_tenths is None:
        details.append(_many_wait())
    else:
        details.append(f"And 9 of 10 waited {plain.time_words(wait.nine_tenths, 'up')} or less.")
    return Told(
        f"Most people who asked in the last {PERIODS[wait.window]} waited {plain.time_words(most, 'up')} or less.",
        tuple(details),
    )


def _today(wait: Wait, waiting: Queue, *, is_old: bool) -> Told:
    if is_old and wait.half is not None:
        return Told("What to expect today: we cannot say, because our figures are old.", known=False)
    if wait.half is None:
        told = _not_known(wait)
        return Told(told.headline, (*told.details, *_queue_words(waiting)), known=False)
    about = plain.time_words(wait.half)
    headline = f"If you ask today, expect to wait about {about}."
    details = ["Half of the people wait less than this, and half wait longer."]
    if waiting.extra:
        with_growth = plain.time_words(wait.half + waiting.extra, "up")
        headline = f"If you ask today, expect to wait {about} or longer."
        details = [f"Half of the people who asked lately waited less than {about}."]
        details.append(f"More people ask than we can help just now. So it may take up to about {with_growth}.")
    if wait.nine_tenths is None:
        details.append("We cannot say what the longest waits will be. Many people are still waiting.")
    else:
        longest = wait.nine_tenths + waiting.extra
        headline += f" Plan for up to {plain.time_words(longest, 'up')}."
        details.append("For 9 of 10 people it is done in the longer time.")
    if wait.low is not None and wait.high is not None:
        details.append(f"The middle wait is very likely {plain.range_words(wait.low, wait.high)}.")
    return Told(headline, tuple(details))


def _queue_words(waiting: Queue) -> list[str]:
    if not waiting.waiting or waiting.days_of_work is None:
        return []
    work = plain.time_words(waiting.days_of_work * plain.DAY)
    are, they = ("is", "it is") if waiting.waiting == 1 else ("are", "they are")
    return [f"{plain.count_words(waiting.waiting, 'request')} {are} waiting. At our pace {they} {work} of work."]


def _not_known(wait: Wait) -> Told:
    assert wait.why is not None
    details = () if not wait.at_least else (f"It is at least {plain.time_words(wait.at_least, 'down')}.",)
    return Told(f"We cannot say yet, because {_WHY[wait.why]}.", details, known=False)


def _many_wait() -> str:
    return "We cannot say more yet. Many people are still waiting."


def _kept_point(latest: LatestPoints, least_people: int) -> Point | None:
    """Of the last 28 days, or of 90 where few promises fell due in them; a handful of people is nobody's to see."""
    found = [point for window in PERIODS if (point := latest.of("promise_kept", window)) is not None]
    told = [point for point in found if point.value is not None and (point.n or 0) >= max(1, least_people)]
    many = [point for point in told if (point.n or 0) >= LEAST_REQUESTS]
    return next(iter(many or told[::-1]), None)


def _kept(service: Service, kept: Point | None) -> Told:
    if service.promise is None:
        return Told("We made no promise for this service.", known=False)
    target = service.promise.target_share
    whole = 100 if kept is None else plain.out_of(kept, target)
    aim = f"Our aim is {plain.aim_words(target, whole)}."
    if kept is None or kept.value is None:
        return Told("We cannot say yet, because too few promises have come due.", (aim,), known=False)
    headline = f"We kept {plain.share_words(kept.value, whole)} promises in the last {PERIODS[kept.window]}."
    details = [aim, _AIM[judge(kept, target)]]
    if kept.low is not None and kept.high is not None:
        likely = plain.share_range_words(kept.low, kept.high, whole)
        details.append(f"Some of this is luck. What we keep as a rule is very likely {likely}.")
    return Told(headline, tuple(filter(None, details)))


def _clock(service: Service) -> list[str]:
    """How the promised time is counted."""
    promise = service.promise
    if promise is None:
        return []
    if promise.due is not None:
        return ["We tell each person by when it will be done."]
    if promise.counted_in == "elapsed_time" or service.calendar is None or promise.target_time is None:
        return ["Every day counts for this promise. Weekends count too."]
    hours = {str(day): text for day, text in service.calendar.opening_hours.items()}
    calendar = service.working_calendar()
    assert calendar is not None
    said = ["For this promise we only count the hours when we are open.", f"We are open {_open_hours(hours)}."]
    a_day = calendar.week_ms / len(hours)
    days = parse_duration(promise.target_time) / a_day
    if abs(days - round(days)) < 0.01 and round(days) > 0:
        target, day = in_words_of_hours(parse_duration(promise.target_time)), in_words_of_hours(round(a_day))
        said.append(f"So {target} is {plain.count_words(round(days), 'working day')} of {day}.")
    said.append("Public holidays do not count.")
    return said


def in_words_of_hours(duration_ms: int) -> str:
    """A length of working time, which has no days of 24 hours: `24 hours`."""
    return f"{duration_ms / HOUR_MS:.3g} hours" if duration_ms >= HOUR_MS else f"{duration_ms // MINUTE_MS} minutes"


def _open_hours(hours: dict[str, str]) -> str:
    """`Monday to Friday from 09:00 to 17:00`, or each day by itself where they differ."""
    days = [day for day in _DAY_NAMES if day in hours]
    texts = {hours[day] for day in days}
    places = [list(_DAY_NAMES).index(day) for day in days]
    if len(texts) == 1 and len(days) > 2 and places == list(range(places[0], places[-1] + 1)):
        return f"{_DAY_NAMES[days[0]]} to {_DAY_NAMES[days[-1]]} {_from_to(texts.pop())}"
    return ", ".join(f"{_DAY_NAMES[day]} {_from_to(hours[day])}" for day in days)


def _from_to(text: str) -> str:
    opens, _, closes = text.partition("-")
    return f"from {opens} to {closes}"


def _old(service: Service, latest: LatestPoints, now: int) -> str:
    """That the figures are old, when they are."""
    at = latest.newest
    if at is None:
        return ""
    silence = parse_duration(service.expected_silence)
    if latest.stale_at is None and (now - at) * 1000 <= max(silence, HOUR_MS):
        return ""
    since = plain.moment_words(
        min(at, at if latest.stale_at is None else latest.stale_at - silence // 1000), service.zone
    )
    usual = in_words(silence).removeprefix("1 ")
    return f"These figures may be old. We have had no news since {since}. There should be news every {usual}."


def _from_to_times(low: float, high: float) -> str:
    first, last = wording.duration(low), wording.duration(high)
    return first if first == last else f"{first} to {last}"


def _figures(past: Wait, today: Wait, waiting: Queue, kept: Point | None) -> list[tuple[str, str, str, str]]:
    rows = []
    if kept is not None and kept.value is not None:
        what = f"Promises kept, last {PERIODS[kept.window]}"
        rows.append((what, wording.share(kept.value), wording.interval(kept) or "", f"{kept.n:,}"))
    for wait in {past.window: past, today.window: today}.values():
        asked = f"asked in the last {PERIODS[wait.window]}"
        likely = "" if wait.low is None or wait.high is None else _from_to_times(wait.low, wait.high)
        for name, seconds, shown in (
            ("Half waited at most", wait.half, likely),
            ("3 of 4 waited at most", wait.most, ""),
            ("9 of 10 waited at most", wait.nine_tenths, ""),
        ):
            told = "not known yet" if seconds is None else wording.duration(seconds)
            people = f"{wait.people:,}" if wait.why != "few_people" else ""
            rows.append((f"{name}, {asked}", told, shown, people))
    if waiting.waiting is not None:
        rows.append(("Waiting now", plain.count_words(waiting.waiting, "request"), "", ""))
    if waiting.finished_a_day is not None:
        rate = waiting.finished_a_day
        rows.append(("Done in a day", plain.count_words(rate, "request", 1 if rate < 9.95 else 0), "", ""))
    return rows
