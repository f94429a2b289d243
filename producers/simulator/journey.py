"""One simulated case from the form to the feedback, drawn with the dice of its hour."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import accumulate
from random import Random

from msgspec import Struct

from kept.durations import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from kept.events import ContactReason, Outcome
from producers.simulator import profiles
from producers.simulator.profiles import Profile
from producers.simulator.timeline import Add, Timeline
from producers.simulator.voice import Timed, Voice

__all__ = ["Journey", "Timed"]

_FORM_SHARE = 0.8
"""Of digital cases, the share whose form reports its transaction."""
_OFFERED_SHARE, _GIVEN_SHARE = 0.6, 0.25
_CHALLENGE_SHARE = 0.3
_EXTENSION = 0.5
_MOST_CHASES = 5
"""Contacts of one case that chase progress; numbers above are those of other contacts."""


class Journey(Struct, kw_only=True):
    """What is known of a case before it begins; `events` draws the rest."""

    voice: Voice
    profile: Profile
    random: Random
    case_id: str
    channel: str | None
    kind: str
    category: str
    add: Add
    target_ms: int
    brings_due: bool
    pace: float
    stretch: Callable[[str], float]
    """Area -> what incidents make of the delivery time, as a factor; 1.0 when nothing happens."""
    seed: int
    """For the dice of what only incidents change: `random` falls as though nothing had happened."""
    area: str = ""
    late: bool = False

    def events(self, at_ms: int) -> list[Timed]:
        """Every event of the case, whose first is at `at_ms` (ms since 1970-01-01 UTC), in time order."""
        random, profile = self.random, self.profile
        self.area = random.choices(list(profiles.AREAS), list(profiles.AREAS.values()))[0]
        form, opened_ms = self._form(at_ms)
        due_ms = self.add(opened_ms, self.target_ms)
        undisturbed = Timeline(opened_ms, self._duration_ms(), self.add, self._pause())
        timeline = undisturbed.stretched(self.stretch(self.area))
        own_due_ms = due_ms if self.brings_due else None
        events = [
            *form,
            self.voice.opened(self.case_id, opened_ms, self.channel, self.area, self.category, own_due_ms),
        ]
        turn = random.random()
        if turn < profile.duplicate:
            return [*events, self._completed(timeline.at(0.1 * random.random()), "duplicate")]
        work = [*self._steps(timeline), *self._clock_stops(timeline)]
        if random.random() < profile.due_changed:
            moved_ms = self.add(due_ms, int(self.target_ms * _EXTENSION))
            asked_ms = min(timeline.at(0.8), due_ms - 1)
            work.append(self.voice.due_changed(self.case_id, asked_ms, moved_ms, "an extension within the rules"))
            due_ms = moved_ms
        if turn < profile.duplicate + profile.withdrawn:
            gone_ms = timeline.at(random.uniform(0.1, 0.9))
            events += [timed for timed in work if timed[0] < gone_ms]
            events.append(self._completed(gone_ms, "withdrawn"))
        else:
            completed_ms = timeline.at(1.0)
            self.late = completed_ms > due_ms
            events += work + self._chases(opened_ms, completed_ms, undisturbed.at(1.0), due_ms)
            events += self._ending(completed_ms)
        return sorted(events, key=lambda timed: timed[0])

    def _form(self, at_ms: int) -> tuple[list[Timed], int]:
        """The digital form, if there is one, and the moment at which the case is opened."""
        if self.kind != "digital" or self.random.random() >= _FORM_SHARE:
            return [], at_ms
        sent_ms = at_ms + MINUTE_MS + int(self.random.lognormvariate(1.2, 0.5) * MINUTE_MS)
        transaction = f"{self.case_id}:form"
        started = self.voice.transaction_started(transaction, at_ms, self.channel, self.area)
        return [started, self.voice.transaction_finished(transaction, sent_ms, "completed")], sent_ms

    def _duration_ms(self) -> int:
        median_ms = self.target_ms * self.profile.median_of_target * self.pace
        return int(self.random.lognormvariate(math.log(median_ms), self.profile.spread)) + MINUTE_MS

    def _pause(self) -> tuple[float, int] | None:
        if self.random.random() >= self.profile.paused:
            return None
        length_ms = self.target_ms * 0.2 * self.random.lognormvariate(0.0, 0.5)
        return self.random.uniform(0.15, 0.7), int(length_ms) + HOUR_MS

    def _clock_stops(self, timeline: Timeline) -> list[Timed]:
        if timeline.pause is None:
            return []
        stops_ms, runs_ms = timeline.pause
        return [
            self.voice.paused(self.case_id, stops_ms, self.profile.pause_reason),
            self.voice.resumed(self.case_id, runs_ms),
        ]

    def _steps(self, timeline: Timeline) -> list[Timed]:
        """The steps one after another, each waiting a while before it is worked on; some are done twice."""
        names: list[str] = []
        for step in self.profile.steps:
            names += [step] * (2 if self.random.random() < self.profile.repeated_step else 1)
        lengths = [self.random.uniform(0.3, 1.0) for _ in names]
        ends = [end / sum(lengths) for end in accumulate(lengths)]
        steps, before = [], 0.0
        for number, (name, end) in enumerate(zip(names, ends, strict=True), start=1):
            begin = end - (end - before) * self.random.uniform(0.05, 0.5)
            steps.append(self.voice.step(self.case_id, number, name, timeline.at(begin), timeline.at(min(end, 1.0))))
            before = end
        repeats = len(names) - len(self.profile.steps)
        if repeats and self.voice.costs is not None:
            amount = repeats * float(self.voice.costs.per_repeated_step or 0)
            steps += self.voice.cost(f"{self.case_id}:rework", timeline.at(1.0), amount, "rework", self.case_id)
        return steps

    def _chases(self, opened_ms: int, completed_ms: int, undisturbed_ms: int, due_ms: int) -> list[Timed]:
        """People ask where it stays, in the second half of the wait, the more the longer it lasts.

        `undisturbed_ms` is the completion without incidents: what they add or take away has dice of its own.
        """
        usual = self._expected_chases(undisturbed_ms - opened_ms, late=undisturbed_ms > due_ms)
        wait = (opened_ms, completed_ms)
        contacts = self._asked(self.random, usual, wait, first=1)
        if completed_ms == undisturbed_ms:
            return contacts
        aside = Random(f"{self.seed}/{self.case_id}/chases")  # noqa: S311 - dice, not a secret
        expected = self._expected_chases(completed_ms - opened_ms, late=self.late)
        if expected < usual:
            return [contact for contact in contacts if aside.random() < expected / usual]
        return contacts + self._asked(aside, expected - usual, wait, first=len(contacts) + 1)

    def _expected_chases(self, wait_ms: int, *, late: bool) -> float:
        return self.profile.chase * (wait_ms / self.target_ms) * (2.0 if late else 1.0)

    def _asked(self, dice: Random, expected: float, wait: tuple[int, int], first: int) -> list[Timed]:
        opened_ms, completed_ms = wait
        contacts: list[Timed] = []
        while first + len(contacts) <= _MOST_CHASES and dice.random() < expected / (1 + expected):
            at_ms = int(dice.uniform((opened_ms + completed_ms) / 2, completed_ms))
            contacts += self._contact(dice, first + len(contacts), at_ms, "chase_progress")
        return contacts

    def _contact(self, dice: Random, number: int, at_ms: int, reason: ContactReason) -> list[Timed]:
        channel = dice.choice(self.voice.assisted) if self.voice.assisted else None
        return [self.voice.contact(f"{self.case_id}:contact:{number}", at_ms, channel, reason, self.case_id)]

    def _ending(self, completed_ms: int) -> list[Timed]:
        """The completion with its cost and feedback, and what comes after it."""
        random = self.random
        outcome = self._outcome()
        staff = self.profile.staff_cost * random.lognormvariate(0.0, 0.3)
        events = [
            self._completed(completed_ms, outcome),
            *self.voice.cost(f"{self.case_id}:staff", completed_ms, staff, "staff", self.case_id),
        ]
        if outcome == "rejected" and random.random() < _CHALLENGE_SHARE:
            later_ms = completed_ms + int(random.uniform(0.1, 6) * DAY_MS)
            events += self._contact(random, 9, later_ms, "challenge_decision")
        if random.random() < _OFFERED_SHARE:
            events += self._feedback(completed_ms, outcome)
        if outcome == "intended" and random.random() < self.profile.reopened:
            back_ms = completed_ms + int(random.uniform(0.3, 6) * DAY_MS)
            again_ms = self.add(back_ms, int(self.target_ms * random.uniform(0.1, 0.6)))
            events.append(self.voice.reopened(self.case_id, back_ms, "it was not right the first time"))
            events.append(self.voice.completed(self.case_id, again_ms, self.channel, self.area, "intended", 2))
        return events

    def _outcome(self) -> Outcome:
        turn = self.random.random()
        if turn < self.profile.rejected:
            return "rejected"
        return "not_intended" if turn < self.profile.rejected + self.profile.not_intended else "intended"

    def _completed(self, at_ms: int, outcome: Outcome) -> Timed:
        return self.voice.completed(self.case_id, at_ms, self.channel, self.area, outcome, 1)

    def _feedback(self, completed_ms: int, outcome: Outcome) -> list[Timed]:
        random = self.random
        offered_ms = completed_ms + MINUTE_MS
        events = [self.voice.feedback_offered(f"{self.case_id}:offered", offered_ms, self.channel, self.area)]
        if random.random() < _GIVEN_SHARE:
            content = self.profile.satisfaction - 0.25 * self.late - 0.3 * (outcome != "intended")
            rating = min(5, max(1, round(random.gauss(1 + 4 * content, 0.9))))
            given_ms = offered_ms + 30 * SECOND_MS + int(random.lognormvariate(0.5, 1.0) * HOUR_MS)
            events.append(self.voice.feedback_given(f"{self.case_id}:given", given_ms, self.channel, self.area, rating))
        return events
