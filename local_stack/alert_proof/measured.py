"""What a run was like: how long it took, how often services were judged, what else was heard."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from msgspec import Struct

from kept.catalogue import Catalogue
from kept.indicators.windows import ROLLING
from kept.signals.kinds import BY_NAME
from local_stack.alert_proof.chain import left_out_rules
from local_stack.alert_proof.live import Observed
from local_stack.alert_proof.run import BEGINS_MS, Proof
from local_stack.counterfactual import figures_at
from local_stack.inbox import Message

HOUR = ROLLING["1h"]


class Measured(Struct, frozen=True, kw_only=True):
    """What the page says of the run itself."""

    at: float
    """Wall clock (s) of its end."""
    seconds: float
    step_hours: float
    """Typical event time between two judgements of a service."""
    left_out: Sequence[str]
    """Alerts whose rules were not loaded."""
    pipeline: Sequence[str]
    """Alerts about the pipeline itself that reached someone."""
    kept: dict[str, str]
    """Share of the quarter's promises that were kept, in words, of services that miss theirs."""


def measure(proof: Proof, observed: Observed) -> Measured:
    """What a run was like."""
    city = proof.city()
    steps = [(later - earlier) / HOUR for earlier, later in pairwise(observed.judged)]
    return Measured(
        at=time.time(),
        seconds=observed.seconds,
        step_hours=median(steps) if steps else 0.0,
        left_out=left_out_rules(city),
        pipeline=_about_the_pipeline(observed.messages),
        kept=_kept(proof, {name: city[name] for name in proof.standing}),
    )


def _about_the_pipeline(messages: Sequence[Message]) -> list[str]:
    told = (alert.labels for message in messages if message.to != "heartbeat" for alert in message.alerts)
    return sorted({labels.get("alertname", "?") for labels in told if labels.get("signal") not in BY_NAME})


def _kept(proof: Proof, services: Catalogue) -> dict[str, str]:
    if not services:
        return {}
    play, window = proof.play(), f"{proof.days}d"
    figures = figures_at(
        services,
        [proof.until_ms],
        start_ms=BEGINS_MS,
        seed=proof.seed,
        rate=1.0,
        incidents=[incident for incident in play.incidents if incident.service in services],
        trials=play.trials,
        windows=[window],
    )[proof.until_ms]
    told = {}
    for name, service in services.items():
        share = figures.get((name, "promise_kept", window, ()))
        if service.promise is not None and share is not None:
            told[name] = f"{share:.1%}, promised {service.promise.target_share:.0%}"
    return told
