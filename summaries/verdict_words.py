"""A verdict's sentence for people who lead, from what the judge wrote for those who look into it. Pure."""

from __future__ import annotations

import datetime
import re
from typing import Final
from zoneinfo import ZoneInfo

from kept.indicators.definitions import BY_NAME
from summaries import wording

_CHANCE: Final = re.compile(r"; chance ([0-9.]+(?:e[+-]?[0-9]+)?) if all were well")
_INDICATOR: Final = re.compile(r"^([a-z]+(?:_[a-z]+)*) (?=was )")
_SHARE: Final = re.compile(r"\b(was|limit|mean|half-width|above|below) (-?[0-9]*\.?[0-9]+)(?![0-9.]| half)")
_DAY: Final = re.compile(r"\b([0-9]{4}-[0-9]{2}-[0-9]{2})\b")
_N: Final = re.compile(r"\(n ([0-9]+)\)")


def people_words(words: str) -> str:
    """The same sentence with labels for names of indicators, shares in %, dates as pages write them, and chances as
    one time in so many. What it does not know stays as it is."""
    named = _INDICATOR.match(words)
    definition = None if named is None else BY_NAME.get(named[1])
    if definition is not None:
        words = wording.label(definition.name).capitalize() + words[len(definition.name) :]
        words = _DAY.sub(lambda found: _day(found[1]), words)
        words = _N.sub(lambda found: f"(n{wording.NBSP}{wording.number(int(found[1]))})", words)
        if definition.unit == "share":
            words = _SHARE.sub(lambda found: f"{found[1]} {wording.share(float(found[2]))}", words)
    return _CHANCE.sub(lambda found: _by_chance(float(found[1])), words)


def _day(text: str) -> str:
    try:
        noon = datetime.datetime.fromisoformat(f"{text}T12:00+00:00")
    except ValueError:
        return text
    return wording.day(int(noon.timestamp()), ZoneInfo("UTC"))


def _by_chance(chance: float) -> str:
    """One time in so many, with one digit that matters: the judge gave no more."""
    if chance <= 0:
        return "; if all were well, practically never by chance"
    times = 1 / chance
    if times < 2:
        return "; chance alone would do this often"
    digits = 10 ** max(0, len(str(int(times))) - 1)
    return f"; if all were well, by chance about 1 time in {wording.number(max(2, int(times / digits) * digits))}"
