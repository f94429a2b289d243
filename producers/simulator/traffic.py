"""What happens at a simulated service outside its cases: enquiries, forms left half-way, fixed costs, trials."""

from __future__ import annotations

import datetime
from random import Random

from kept.durations import MINUTE_MS, SECOND_MS
from kept.events import ContactReason, Expectation, TransactionResult
from producers.simulator import profiles
from producers.simulator.voice import Timed, Voice

_ENQUIRIES: dict[ContactReason, float] = {
    "get_information": 6.0,
    "perform_transaction": 2.0,
    "chase_progress": 1.0,
    "challenge_decision": 0.3,
    "other": 0.7,
}
_LOST: dict[TransactionResult | None, float] = {"abandoned": 4.0, "failed": 1.5, "not_eligible": 2.5, None: 2.0}
"""How forms end that lead to no case; None is a form that is simply never finished."""
_TECHNOLOGY_SHARE = 0.6


def enquiry(voice: Voice, random: Random, id: str, at_ms: int) -> list[Timed]:
    """A contact about no case in particular."""
    channel = random.choice(voice.assisted) if voice.assisted else None
    reason = random.choices(list(_ENQUIRIES), list(_ENQUIRIES.values()))[0]
    return [voice.contact(f"{id}:contact", at_ms, channel, reason)]


def lost_transaction(voice: Voice, random: Random, id: str, channel: str | None, at_ms: int) -> list[Timed]:
    """A digital form that leads to no case."""
    area = random.choices(list(profiles.AREAS), list(profiles.AREAS.values()))[0]
    result = random.choices(list(_LOST), list(_LOST.values()))[0]
    events = [voice.transaction_started(f"{id}:form", at_ms, channel, area)]
    if result is not None:
        after_ms = int(random.lognormvariate(0.8, 0.6) * MINUTE_MS) + SECOND_MS
        events.append(voice.transaction_finished(f"{id}:form", at_ms + after_ms, result))
    return events


def fixed_costs(voice: Voice, per_day: float, day: datetime.date, at_ms: int) -> list[Timed]:
    """A day's technology and premises, booked on no case."""
    prefix = f"{voice.service_id}-{day.isoformat()}"
    return [
        *voice.cost(f"{prefix}:technology", at_ms, per_day * _TECHNOLOGY_SHARE, "technology"),
        *voice.cost(f"{prefix}:premises", at_ms, per_day * (1 - _TECHNOLOGY_SHARE), "premises"),
    ]


def trial_begins_or_ends(voice: Voice, title: str, begins: bool, at_ms: int) -> list[Timed]:
    """A registered change: a trial begins, or ends and the old way is back."""
    words = f"{title} ({'begins' if begins else 'ends'})"
    expected = Expectation(indicator="delivery_time_p50", direction="down" if begins else "up")
    return [voice.changed(f"{voice.service_id}-{at_ms}:changed", at_ms, words, expected)]
