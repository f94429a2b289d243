"""Due cases of a service and what was missed of them, in any span of full hours; how many to expect in a year."""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import NamedTuple

from kept import counters as c
from kept.buckets import DAY_SECONDS, HOUR_SECONDS
from kept.signals.budget_numbers import PeriodDays, number
from kept.signals.budgets import YEAR_DAYS, Rule
from kept.signals.hourly_counts import HourlyCounts, first_due_day
from kept.signals.situation import Situation

WEEK_DAYS = 7


class Due(NamedTuple):
    """`n` cases fell due, `bad` of them were not completed by then: late, or still open."""

    n: int
    bad: int


class DueCohort:
    """The due cohort of a whole service as of the situation's moment."""

    def __init__(self, situation: Situation) -> None:
        self.at = situation.at
        self.first_day = first_due_day(situation)
        self._today = situation.rules.local_time.day_start(situation.at)
        self._counts = HourlyCounts(situation, (c.DUE, c.DUE_KEPT))

    def due(self, start: int, end: int) -> Due:
        """Of the cases that fell due in (start, end] (s, full hours)."""
        n = self._counts.count(c.DUE, start, end)
        return Due(n, n - self._counts.count(c.DUE_KEPT, start, end))

    def last(self, hours: int) -> Due:
        """Of the last so many hours."""
        return self.due(self.at - hours * HOUR_SECONDS, self.at)

    def covers(self, hours: int) -> bool:
        """Whether promises were already falling due so many hours ago."""
        return self.first_day is not None and self.at - hours * HOUR_SECONDS >= self.first_day

    def cases_a_year(self, period_days: PeriodDays) -> float | None:
        """Due cases to expect in a year, by the whole weeks before today, a period at most; None in the first week.

        Estimated once a day and rounded down to two digits, so that the windows that follow from it stay as they are.
        """
        if self.first_day is None:
            return None
        known_days = round((self._today - self.first_day) / DAY_SECONDS)
        weeks = min(period_days, known_days) // WEEK_DAYS
        if weeks * WEEK_DAYS < number("least_history_days"):
            return None
        days = weeks * WEEK_DAYS
        n = self.due(self._today - days * DAY_SECONDS, self._today).n
        return _two_digits(n / days * YEAR_DAYS)

    def short_window(self, rule: Rule) -> int:
        """Hours of the short window: the rule's, and as many more as it takes to hold enough due cases to tell."""
        lengths = range(rule.short_hours, rule.long_hours)
        return rule.short_hours + bisect_left(lengths, rule.short_cases, key=lambda hours: self.last(hours).n)

    def worse_since(self, rule: Rule) -> int:
        """The hour (s) in the rule's long window since which the data are likeliest to have been worse than promised.

        The estimate of a change point by maximum likelihood: after it cases are missed with the share observed in the
        window, before it with the budget's (E. S. Page, Biometrika 41, 1954).
        """
        start = self.at - rule.long_hours * HOUR_SECONDS
        whole = self.due(start, self.at)
        share = min(max(whole.bad / whole.n, rule.budget), 1 - 0.5 / (whole.n + 1))
        worse, better = math.log(share / rule.budget), math.log((1 - share) / (1 - rule.budget))
        best, most = start, -math.inf
        for hour in (start, *self._counts.hours(start, self.at)):
            rest = self.due(hour, self.at)
            gain = rest.bad * worse + (rest.n - rest.bad) * better
            if gain > most:
                best, most = hour, gain
        return best


def _two_digits(number_of_cases: float) -> float:
    if number_of_cases < 1:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(number_of_cases)) - 1)
    return math.floor(number_of_cases / step) * step
