"""Who mutes whom: one cause is told once. Data for the configuration of Alertmanager; a test posts them to a real one.

`equal` names only labels that every alert on both sides carries: Alertmanager takes two alerts that both lack a label
for equal in it, and would mute the wrong ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

Labels = Mapping[str, tuple[str, ...]]
"""Label -> the values it may have; all labels must fit."""

NO_WORKER: Final = ("KeptWorkersDown", "KeptWorkersAbsent")
"""Nothing is counted while one of these fires."""


class Inhibition(Struct, frozen=True, kw_only=True):
    """While an alert that fits `source` fires, those that fit `target`, and have the same `equal` labels, are muted."""

    why: str
    source: Labels
    target: Labels
    equal: tuple[str, ...] = ()

    def mutes(self, source: Mapping[str, str], target: Mapping[str, str]) -> bool:
        """Whether an alert with the labels `source` mutes one with the labels `target`, as Alertmanager sees it."""
        return (
            _fits(self.source, source)
            and _fits(self.target, target)
            and all(source.get(label, "") == target.get(label, "") for label in self.equal)
        )


INHIBITIONS: Final[tuple[Inhibition, ...]] = (
    Inhibition(
        why="No worker counts: what services seem to do is what was known before",
        source={"alertname": NO_WORKER},
        target={"component": ("service",)},
    ),
    Inhibition(
        why="No worker counts: the rest of the pipeline stands still because of that",
        source={"alertname": NO_WORKER},
        target={
            "alertname": (
                "KeptTargetDown",
                "KeptLagUnknown",
                "KeptLagGrowing",
                "KeptWatermarkStuck",
                "KeptNothingPublished",
                "KeptStreamSilent",
            )
        },
    ),
    Inhibition(
        why="The history takes nothing: what is not written waits for it, and so does a worker that starts",
        source={"alertname": ("KeptHistoryNotAccepting",)},
        target={"alertname": ("KeptWatermarkStuck", "KeptLagGrowing", "KeptStreamSilent")},
    ),
    Inhibition(
        why="The figures of this service stand still while events wait: what it seems to do is what was known before",
        source={"alertname": ("KeptWatermarkStuck",)},
        target={"component": ("service",)},
        equal=("service",),
    ),
    Inhibition(
        why="The whole stream is silent: that is one cause, not one a service",
        source={"alertname": ("KeptStreamSilent",)},
        target={"signal": ("source_silent",)},
    ),
    Inhibition(
        why="The service's system tells nothing: every figure of it is stale",
        source={"signal": ("source_silent",)},
        target={
            "signal": (
                "promise_budget_fast",
                "promise_budget_slow",
                "promise_breached",
                "promise_breach_old",
                "cases_at_risk",
                "special_cause",
                "unexplained_improvement",
                "chart_signal",
                "backlog_breach_ahead",
                "area_gap",
                "gap_changed",
                "target_integrity",
            )
        },
        equal=("service",),
    ),
    Inhibition(
        why="Who was woken for it needs no ticket about the same",
        source={"component": ("service",), "severity": ("page",)},
        target={"component": ("service",), "severity": ("ticket",)},
        equal=("service", "topic"),
    ),
    Inhibition(
        why="The ticket says of the figure what its chart says",
        source={"signal": ("special_cause", "unexplained_improvement")},
        target={"signal": ("chart_signal",)},
        equal=("service", "about"),
    ),
    Inhibition(
        why="A spool that is nearly full has been filling",
        source={"alertname": ("KeptSpoolNearlyFull",)},
        target={"alertname": ("KeptSpoolFilling",)},
        equal=("instance",),
    ),
)
"""The order means nothing: an alert is muted when one of them mutes it."""


def muted_by(target: Mapping[str, str], firing: list[Mapping[str, str]]) -> list[str]:
    """Why the alert with the labels `target` is muted while the `firing` ones fire; empty when it is told."""
    return [one.why for one in INHIBITIONS if any(one.mutes(source, target) for source in firing if source != target)]


def _fits(wanted: Labels, labels: Mapping[str, str]) -> bool:
    return all(labels.get(label) in values for label, values in wanted.items())
