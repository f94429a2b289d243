"""What is counted of the work, in words for those who do it: what each event does, and what is kept of it. Pure."""

from __future__ import annotations

from typing import Final, get_type_hints

from msgspec import Struct

from kept.catalogue import Service
from kept.durations import in_words, parse_duration
from kept.events import PUBLIC_EVENTS

WHAT_EVENTS_DO: Final[dict[str, tuple[str, str]]] = {
    "case.opened": (
        "Somebody asked for something.",
        "Starts the wait, and the clock of the promise. Adds one to the open cases.",
    ),
    "case.due_changed": (
        "The promise to this person was moved.",
        "The case is counted by the new date. A promise is never moved without such an event.",
    ),
    "case.step": (
        "A step of the work was done.",
        "Counts steps, and steps that were done again. With start and end it tells work from waiting.",
    ),
    "case.paused": (
        "We wait for somebody else.",
        "Stops the clock of the promise. The case stays open, and is shown as paused.",
    ),
    "case.resumed": (
        "The wait for somebody else is over.",
        "The clock of the promise runs on, and the due date moves by the pause.",
    ),
    "case.completed": (
        "The case was ended, with an outcome.",
        "Ends the wait. By the due date it is a promise kept, else a promise broken.",
    ),
    "case.reopened": (
        "The case was taken up again.",
        "The case is open again. It was not right the first time.",
    ),
    "cost.booked": (
        "Money was spent.",
        "Adds to the cost of the service, by category. A negative amount corrects an earlier one.",
    ),
    "contact.received": (
        "Somebody got in touch, with a reason.",
        "Counts contacts. To ask how far it is, or to object, is demand that a better service would not have.",
    ),
    "feedback.offered": (
        "Somebody was asked how it went.",
        "Counts who was asked, so that the share of answers is known.",
    ),
    "feedback.given": (
        "Somebody answered, from 1 to 5.",
        "Adds one answer to the satisfaction of the service.",
    ),
    "transaction.started": (
        "Somebody began an online form.",
        "Counts beginnings. Without an end in time it counts as given up.",
    ),
    "transaction.finished": (
        "An online form was ended, with a result.",
        "Counts results. “Not eligible” is an answer, no failure.",
    ),
    "service.changed": (
        "The service was improved.",
        "Marks the day on charts, and is judged later: did it help?",
    ),
}
"""CloudEvents type -> (what it says, what it does to the figures)."""
FIELD_WORDS: Final[dict[str, str]] = {
    "service": "the service",
    "channel": "the channel",
    "area": "the area, where it is told",
    "due": "the date promised",
    "category": "the category",
    "reason": "the reason",
    "step": "the name of the step",
    "started": "its start",
    "ended": "its end",
    "resource": "who did it",
    "outcome": "the outcome",
    "amount": "the amount",
    "currency": "the currency",
    "case": "the case it is about",
    "rating": "the answer",
    "result": "the result",
    "title": "a title",
    "expected": "what it should move",
}
"""Field of an event's data -> words."""
COUNTED: Final = (
    "Cases: when they were opened, due, paused, completed and reopened, and how they ended.",
    "Steps of the work, by the name of the step, and how long cases waited for them.",
    "Contacts by reason, answers to “how did it go?”, online forms begun and ended, and money booked.",
    "All of it in sums: for the service, a channel, an area, a category or a step. A sum has no names.",
)
NOT_COUNTED: Final = (
    "No person is counted. There is no figure for an employee, a desk or a shift, and nobody is put on a list by rank.",
    "Who did a step is not taken over from the event. Only where the catalogue asks for it is it kept with the case, "
    "while the case is remembered. It is never in a figure, on a page or in an alert. The event itself stays in the "
    "stream for as long as those who run the stream keep it: ask them.",
    "No names of those who asked, no addresses, no texts. A case number stays in the register, and is on no page.",
    "There is no event for hours of presence, breaks, keystrokes or a person's telephone calls.",
    "A target for a person does not exist here. Promises are made by a service.",
)
CHECKS: Final = (
    "A page may say “check”: that something should be looked at. It says so of a service, never of a person.",
    "A figure goes up and down by chance. Only what is beyond chance is called a change.",
)


class EventRow(Struct, frozen=True):
    """One type of event: what it says, what it carries, what it does to the figures."""

    type: str
    says: str
    carries: str
    does: str


class ServiceRow(Struct, frozen=True):
    """What one service's catalogue entry says of those who work there."""

    name: str
    owner: str
    resource: str
    small_numbers: str
    kept_for: str
    legal_repeats: str


def event_rows() -> list[EventRow]:
    """Every type of event, in the order of the contract."""
    rows = []
    for kind in PUBLIC_EVENTS:
        tag = str(kind.__struct_config__.tag)
        says, does = WHAT_EVENTS_DO[tag]
        fields = get_type_hints(kind)["data"].__struct_fields__
        rows.append(EventRow(tag, says, ", ".join(FIELD_WORDS[name] for name in fields), does))
    return rows


def service_row(service: Service) -> ServiceRow:
    """One service, by its catalogue entry."""
    resource = "kept with the case, shown nowhere" if service.keep_resource else "not taken over from the event"
    below = service.suppress_below
    small = f"hidden below {below} people" if below > 1 else "not hidden: the catalogue says so"
    return ServiceRow(
        name=service.name,
        owner=service.owner,
        resource=resource,
        small_numbers=small,
        kept_for=in_words(parse_duration(service.case_retention)),
        legal_repeats=", ".join(service.legal_repeats) or "none",
    )
