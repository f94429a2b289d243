"""The indicators of places around the due; `kept.indicators.near_due` counts them."""

from __future__ import annotations

from typing import Final

from kept import target_margins as m
from kept.indicators.definition import Definition

WINDOWS: Final = ("28d", "90d")
_SOURCE: Final = "McCrary (2008); studies of the four-hour target of the NHS"
DEFINITIONS: Final = (
    Definition(
        name="closings_by_margin",
        family="near_due",
        formula=(
            f"(closed in W at this distance from the due, in bands of {m.BAND_PERCENT} % of the promised time) / "
            "(closed in W with a promise); each closing counts, also one reopened later; withdrawals do not"
        ),
        unit="share",
        source=_SOURCE,
        trap="much honest work is done just before a deadline; read a band beside the next ones",
        windows=WINDOWS,
        amended=False,
    ),
    Definition(
        name="reopened_by_margin",
        family="near_due",
        formula=f"(closed in W at this distance and reopened within {m.REOPENED_SOON_DAYS} d) / (closed in W there)",
        unit="share",
        source=_SOURCE,
        trap="closings of the last days may still be reopened",
        windows=WINDOWS,
        amended=False,
    ),
    Definition(
        name="promises_moved_by_margin",
        family="near_due",
        formula="cases whose promise was moved to later, in W, in this part of the promised time",
        unit="cases",
        source=_SOURCE,
        trap="a move after the due changes nothing here: broken stays broken",
        windows=WINDOWS,
        amended=False,
    ),
    Definition(
        name="clocks_stopped_by_margin",
        family="near_due",
        formula="cases whose clock was stopped, in W, in this part of the promised time",
        unit="cases",
        source=_SOURCE,
        trap="waiting for the applicant is a good reason at any time",
        windows=WINDOWS,
        amended=False,
    ),
)
