"""What to ask: the questions that follow from what is signal, from the worst members and from decisions overdue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from summaries.weekly.followed import Followed
from summaries.weekly.news import News
from summaries.weekly.noise import LABELS
from summaries.weekly.worst import WorstMember

WHY: Final = {
    "promise_kept": "why was the promise kept less often",
    "delivery_time_closed_p50": "why did people wait longer",
    "backlog": "more demand or less capacity: why is so much open",
    "satisfaction_score": "what made users less satisfied",
    "satisfied_share": "what made users less satisfied",
    "digital_take_up": "why did fewer come through digital channels",
    "completion_rate": "where do users give up online",
    "failure_demand": "why do more people have to chase or complain",
    "first_time_right": "what is no longer right the first time",
    "rework_share": "which step is repeated more, and why",
    "cost_per_transaction": "why does a case cost more",
    "cost_per_outcome": "why does an outcome cost more",
}
"""What to ask when a charted figure got worse."""


def questions_of(decisions: Iterable[Followed], news: Iterable[News], worst: Iterable[WorstMember]) -> tuple[str, ...]:
    """Each once, in the order in which the summary tells of what they are about."""
    return tuple(dict.fromkeys((*_of_decisions(decisions), *_of_news(news), *_of_worst(worst))))


def _of_decisions(decisions: Iterable[Followed]) -> Iterator[str]:
    for one in decisions:
        if one.standing == "overdue":
            yield f"{one.name}: what keeps {one.owner} from “{one.text}”, due {one.due}?"


def _of_news(news: Iterable[News]) -> Iterator[str]:
    """Those that are the same but for the service are asked once, of all of them."""
    asked: dict[str, list[str]] = {}
    for one in news:
        for question in _of_one(one) if one.is_open else ():
            asked.setdefault(question, []).append(one.name)
    for question, names in asked.items():
        who = names[0] if len(names) == 1 else f"For {', '.join(names[:-1])} and {names[-1]}"
        yield f"{who}{question}"


def _of_one(one: News) -> Iterator[str]:
    """What to ask about it, without the name of its service, which stands before."""
    what = LABELS.get(one.subject, "the figure").lower()
    if one.meaning == "improvement":
        yield f", {what}: what was done differently, is it still counted as before, can others use it?"
    elif one.meaning == "neutral":
        yield f", {what}: what was different this week?"
    elif one.subject in WHY:
        first = f" First: {one.first[0][0].lower()}{one.first[0][1:]}." if one.first else ""
        yield f": {WHY[one.subject]}?{first}"
    else:
        yield from (f"{one.place}: {first[0].lower()}{first[1:]}." for first in one.first[:1])


def _of_worst(worst: Iterable[WorstMember]) -> Iterator[str]:
    for one in worst:
        if one.real:
            places = " and ".join(f"{each.dimension} {each.name} ({each.share})" for each in one.real)
            yield f"{one.name}: why is the promise kept less in {places} than elsewhere?"
