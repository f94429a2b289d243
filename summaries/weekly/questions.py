"""What to ask: the questions that follow from what is signal, from the worst members and from decisions overdue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from summaries.weekly.followed import Followed
from summaries.weekly.news import News
from summaries.weekly.noise import LABELS
from summaries.weekly.worst import DIMENSIONS, WorstMember


def questions_of(decisions: Iterable[Followed], news: Iterable[News], worst: Iterable[WorstMember]) -> tuple[str, ...]:
    """Each once, in the order in which the summary tells of what they are about."""
    return tuple(dict.fromkeys((*_of_decisions(decisions), *_of_news(news), *_of_worst(worst))))


def _of_decisions(decisions: Iterable[Followed]) -> Iterator[str]:
    for one in decisions:
        if one.standing == "overdue":
            yield f"{one.name}: what keeps {one.owner} from “{one.text}”, due {one.due}?"


def _of_news(news: Iterable[News]) -> Iterator[str]:
    for one in news:
        if one.meaning == "improvement":
            what = LABELS.get(one.subject, one.subject).lower()
            yield f"{one.name}: what was done differently, is {what} still counted as before, and can others use it?"
            continue
        if one.first:
            yield from (f"{one.name}: {first[0].lower()}{first[1:]}." for first in one.first)
        else:
            what = LABELS.get(one.subject, one.subject).lower()
            yield f"{one.name}: what was different in the week in which {what} moved?"


def _of_worst(worst: Iterable[WorstMember]) -> Iterator[str]:
    for one in worst:
        for dimension, member in zip(DIMENSIONS, one.members, strict=True):
            if dimension in one.real:
                yield f"{one.name}: where do the cases of {dimension} {member} wait that those of the others do not?"
