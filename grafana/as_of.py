"""The first panel of a board: up to which event time its figures are known, and how long ago that is."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from grafana import promql
from grafana.board import PIPELINE
from grafana.panels import number
from kept.metric_names import INDICATOR_TIME

TITLE = "Data as of when?"
_AGE = "age"


def as_of(service: str | None = None) -> Stat:
    """Of one service (an id or a variable), or, None, of the service that is furthest behind."""
    chosen = INDICATOR_TIME.name if service is None else promql.series(INDICATOR_TIME, service=service)
    furthest = f"min(max by (service) ({chosen}))"
    whose = "of the service that is furthest behind" if service is None else "of the service"
    return (
        number(
            TITLE,
            f"The event time up to which the figures {whose} are published, and how long ago that is. They are made "
            "from events, not from the clock: when the pipeline stands still, so does this.",
            "dateTimeAsIso",
            [promql.now(f"1000 * {furthest}", "published up to"), promql.now(f"time() - {furthest}", _AGE)],
        )
        .override_by_name(_AGE, [DynamicConfigValue(id_val="unit", value="s")])
        .data_links([builders.DashboardLink("Why is it as old as this?").url(f"/d/{PIPELINE}")])
    )
