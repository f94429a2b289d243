"""How a simulated service speaks: contract events with its id, its source and its currency."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Literal, TypedDict

from kept import events as e
from kept.catalogue import Costs, Service
from kept.events import moment

Timed = tuple[int, e.Event]


class _Envelope(TypedDict):
    specversion: Literal["1.0"]
    id: str
    source: str
    time: datetime.datetime
    subject: str | None


def in_minor_units(amount: float, costs: Costs) -> Decimal:
    """`amount` in units of the currency, rounded to its minor units."""
    return Decimal(round(amount * 10**costs.minor_digits)).scaleb(-costs.minor_digits)


class Voice:
    """Makes the events of one service. Times are in ms since 1970-01-01 UTC; ids are the caller's."""

    def __init__(self, service: Service) -> None:
        """The source says that the city is simulated."""
        self.service_id = service.id
        self.source = f"simulated-city/{service.id}"
        self.costs = service.costs
        self.assisted = (*service.channels.assisted, *service.channels.digital)
        self.digital = service.channels.digital

    def opened(self, case: str, at_ms: int, channel: str | None, area: str, category: str, due_ms: int | None) -> Timed:
        """The case `case` is opened; `due_ms` when the event brings its own promise."""
        due = None if due_ms is None else moment(due_ms)
        data = e.CaseOpenedData(service=self.service_id, channel=channel, area=area, due=due, category=category)
        return at_ms, e.CaseOpened(**self._envelope(f"{case}:opened", at_ms, case), data=data)

    def due_changed(self, case: str, at_ms: int, due_ms: int, reason: str) -> Timed:
        """The promise moves to `due_ms`."""
        data = e.DueChangedData(service=self.service_id, due=moment(due_ms), reason=reason)
        return at_ms, e.CaseDueChanged(**self._envelope(f"{case}:due", at_ms, case), data=data)

    def step(self, case: str, number: int, step: str, started_ms: int, ended_ms: int) -> Timed:
        """The work `step`, the `number`-th of its case; the event is at its end."""
        data = e.StepData(service=self.service_id, step=step, started=moment(started_ms), ended=moment(ended_ms))
        return ended_ms, e.CaseStep(**self._envelope(f"{case}:step:{number}", ended_ms, case), data=data)

    def paused(self, case: str, at_ms: int, reason: str) -> Timed:
        """The clock stops."""
        data = e.ClockData(service=self.service_id, reason=reason)
        return at_ms, e.CasePaused(**self._envelope(f"{case}:paused", at_ms, case), data=data)

    def resumed(self, case: str, at_ms: int) -> Timed:
        """The clock runs again."""
        data = e.ClockData(service=self.service_id)
        return at_ms, e.CaseResumed(**self._envelope(f"{case}:resumed", at_ms, case), data=data)

    def completed(self, case: str, at_ms: int, channel: str | None, area: str, outcome: e.Outcome, time: int) -> Timed:
        """The case ends for the `time`-th time (1, or more after a reopening)."""
        data = e.CompletedData(service=self.service_id, channel=channel, area=area, outcome=outcome)
        return at_ms, e.CaseCompleted(**self._envelope(f"{case}:completed:{time}", at_ms, case), data=data)

    def reopened(self, case: str, at_ms: int, reason: str) -> Timed:
        """It was not right the first time."""
        data = e.ClockData(service=self.service_id, reason=reason)
        return at_ms, e.CaseReopened(**self._envelope(f"{case}:reopened", at_ms, case), data=data)

    def cost(
        self, id: str, at_ms: int, amount: float, category: e.CostCategory, case: str | None = None
    ) -> list[Timed]:
        """`amount` in units of the currency, rounded to its minor units; nothing for a service without [costs]."""
        if self.costs is None:
            return []
        money = in_minor_units(amount, self.costs)
        data = e.CostData(
            service=self.service_id, amount=money, currency=self.costs.currency, category=category, case=case
        )
        return [(at_ms, e.CostBooked(**self._envelope(id, at_ms, case), data=data))]

    def contact(
        self, id: str, at_ms: int, channel: str | None, reason: e.ContactReason, case: str | None = None
    ) -> Timed:
        """Someone gets in touch, about `case` or about nothing in particular."""
        data = e.ContactData(service=self.service_id, channel=channel, reason=reason, case=case)
        return at_ms, e.ContactReceived(**self._envelope(id, at_ms, case or id), data=data)

    def feedback_offered(self, id: str, at_ms: int, channel: str | None, area: str) -> Timed:
        """Feedback is asked for. Nothing ties it to a case: answers are anonymous."""
        data = e.FeedbackOfferedData(service=self.service_id, channel=channel, area=area)
        return at_ms, e.FeedbackOffered(**self._envelope(id, at_ms, None), data=data)

    def feedback_given(self, id: str, at_ms: int, channel: str | None, area: str, rating: int) -> Timed:
        """Feedback is given, from 1 to 5."""
        data = e.FeedbackGivenData(service=self.service_id, channel=channel, area=area, rating=rating)
        return at_ms, e.FeedbackGiven(**self._envelope(id, at_ms, None), data=data)

    def transaction_started(self, transaction: str, at_ms: int, channel: str | None, area: str) -> Timed:
        """A digital form is opened."""
        data = e.TransactionStartedData(service=self.service_id, channel=channel, area=area)
        return at_ms, e.TransactionStarted(**self._envelope(f"{transaction}:started", at_ms, transaction), data=data)

    def transaction_finished(self, transaction: str, at_ms: int, result: e.TransactionResult) -> Timed:
        """A digital form is left, with its result."""
        data = e.TransactionFinishedData(service=self.service_id, result=result)
        return at_ms, e.TransactionFinished(**self._envelope(f"{transaction}:finished", at_ms, transaction), data=data)

    def changed(self, id: str, at_ms: int, title: str, expected: e.Expectation | None) -> Timed:
        """The service is changed."""
        data = e.ServiceChangedData(service=self.service_id, title=title, expected=expected)
        return at_ms, e.ServiceChanged(**self._envelope(id, at_ms, None), data=data)

    def _envelope(self, id: str, at_ms: int, subject: str | None) -> _Envelope:
        return {"specversion": "1.0", "id": id, "source": self.source, "time": moment(at_ms), "subject": subject}
