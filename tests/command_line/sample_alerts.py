"""One raised signal of each family of evidence, in the shapes in which they are made, for lists and golden texts."""

from __future__ import annotations

from typing import Any

from kept.events import moment
from kept.signals.raised import Raised
from tests.kept.signals.raised_signals import DAY, HOUR, MONDAY, NOW, WEEK, raised


def window(hours: int, cases: int, missed: int, burn: float) -> dict[str, Any]:
    return {"hours": hours, "cases": cases, "missed": missed, "burn": burn}


BUDGET = raised(
    "promise_budget_fast",
    NOW - 3 * HOUR,
    since=NOW - 9 * HOUR,
    value=0.7092,
    expected=0.9,
    cases=141,
    chance=0.00000173,
    words="100 of 141 promises due in the last 3 days were kept (70.9 %, promised 90 %): the error budget of four "
    "weeks would be gone in 9.6 days; chance 2e-06 if all were well",
    test="exact binomial, alpha 0.00023, 72 h and 6 h",
    evidence={
        "period": "28d",
        "expected_cases_a_year": 17160.5,
        "windows": [
            {
                "long": window(72, 141, 41, 2.908), "short": window(6, 12, 5, 4.167),
                "chance": 0.00000173, "alpha": 0.00023, "factor": 1.867, "fired": True,
            },
            {
                "long": window(168, 329, 52, 1.581), "short": window(14, 27, 9, 3.333),
                "chance": 0.00081, "alpha": 0.00023, "factor": 1.6, "fired": False,
            },
        ],
    },
)  # fmt: skip


def weeks(*values: float | str) -> list[dict[str, Any]]:
    """Points up to Sunday 1 March 2026: values, or why there is none."""
    days = [moment((MONDAY - DAY - (len(values) - 1 - n) * WEEK) * 1000).date().isoformat() for n in range(len(values))]
    return [
        {"week_to": day, "gap": value} if isinstance(value, str) else {"week_to": day, "value": value, "n": 1204}
        for day, value in zip(days, values, strict=True)
    ]


CHART = raised(
    "special_cause",
    MONDAY + HOUR,
    about="promise_kept",
    since=MONDAY - WEEK,
    value=0.681,
    expected=0.7216,
    cases=1204,
    words="promise_kept was 68.1 % in the week to 2026-03-01 (n 1204): 3.1 half-widths below the mean 79.5 % of 9 "
    "weeks (half-width 3.7 %)",
    test="one week 2 half-widths from the mean",
    evidence={
        "points": weeks(
            0.951, 0.947, 0.791, 0.804, "no_data", 0.782, 0.810, 0.799, 0.775, "short_week", 0.808, 0.790, 0.801, 0.681
        ),
        "unit": "share",
        "segment_start": "2025-12-08",
        "xmr": {"mean": 0.7952, "lower": 0.7216, "upper": 0.8688, "near_lower": 0.7461, "near_upper": 0.8443},
        "baseline_weeks": 9,
        "trial": True,
        "assurance": "hit or miss",
        "p_prime": {"mean": 0.7949, "lower": 0.7102, "upper": 0.8796, "near_lower": 0.7385, "near_upper": 0.8514},
        "mean": 0.7952,
        "half_width": 0.0368,
        "half_widths_away": 3.1,
        "weeks_compared": 9,
        "direction": "down",
    },
)  # fmt: skip

COST = raised(
    "chart_signal",
    MONDAY + HOUR,
    about="cost_per_transaction",
    value=11.42,
    expected=10.9,
    words="cost_per_transaction was 11.42 EUR in the week to 2026-03-01 (n 1204): above the upper limit 10.90 EUR",
    test="XmR of 12 weeks, rule 1: outside a limit",
    evidence={"points": weeks(*[9.5, 9.9, 10.1] * 18, 11.42), "unit": "EUR", "rules": [1], "direction": "up"},
)

FRESHNESS = raised(
    "source_silent",
    NOW - 5 * HOUR,
    service="parking-permits",
    since=NOW - 6 * HOUR,
    value=7500,
    expected=3600,
    words="Nothing was heard for 2.1 hours, since 2026-03-04 18:55 (CET); an event is expected at least every 1 hour",
    test="silence in wall time against the expected silence of the catalogue",
    evidence={"last_event": NOW - 7 * HOUR - 300, "resolution_seconds": 300, "expected_silence_seconds": 3600},
)

FORECAST = raised(
    "backlog_breach_ahead",
    NOW - 2 * DAY,
    since=NOW - 2 * DAY,
    value=412,
    expected=500,
    cases=412,
    chance=0.04,
    words="At present rates the backlog of 412 cases reaches its limit of 500 in 11.4 days (6.1 to 23 days)",
    test="net flow of the last 28 days, 95 % prediction interval",
    evidence={
        "limit": 500, "limit_is": "catalogue", "backlog": 412, "paused": 3, "window_days": 28,
        "entered": 1716, "left": 1501, "dispersion": 1.31,
        "entered_by_day": [52, 55, 60, 58, 61, 12, 8, 63, 66, 64, 70, 69, 15, 9, 71, 75, 74, 80, 78, 14, 11],
        "left_by_day": [54, 53, 55, 50, 57, 0, 0, 56, 51, 55, 54, 52, 0, 0, 53, 56, 50, 52, 55, 0, 0],
        "growth_per_day": {"value": 7.68, "low": 4.02, "high": 11.3},
        "days_to_breach": {"earliest": 7.8, "central": 11.5, "latest": 21.9},
        "horizon_days": 28.0,
    },
)  # fmt: skip

DRIFT = raised(
    "definition_drift",
    MONDAY,
    service="use-a-permit",
    about="satisfaction_score",
    value=88.9,
    expected=85.7,
    words="The figure published for 2026-02 (88.9) is the satisfied share, and no longer the score of 85.7",
    test="published against recomputed, tolerance 1 point",
    evidence={
        "definitions": {
            "satisfaction_score": "(0 n1 + 25 n2 + 50 n3 + 75 n4 + 100 n5) / n",
            "satisfied_share": "(n4 + n5) / n",
        },
        "figures": [
            {
                "period": "2026-01", "published": 86.0,
                "recomputed": {"satisfaction_score": 85.9, "satisfied_share": 89.2},
                "finding": "agrees", "definition": "satisfaction_score",
            },
            {
                "period": "2026-02", "published": 88.9,
                "recomputed": {"satisfaction_score": 85.7, "satisfied_share": 88.89},
                "finding": "new_definition", "definition": "satisfied_share",
            },
        ],
        "breaks": ["2026-02"],
    },
)  # fmt: skip

GAP = raised(
    "area_gap",
    NOW - 30 * HOUR,
    about="area=Noord\x1b[2J",
    value=0.58,
    expected=0.84,
    cases=96,
    chance=0.00042,
    words="56 of 96 kept in this area, 1,411 of 1,680 in the rest",
    test="two-proportion exact test, alpha 0.001 over all areas",
    evidence={
        "window_days": 28,
        "window_start": NOW - 28 * DAY,
        "area": {"due": 96, "kept": 56},
        "rest": {"due": 1680, "kept": 1411},
        "alpha": 0.00083,
    },
)

OF_ANOTHER_VERSION = raised(
    "queue_jumping",
    NOW - 40 * HOUR,
    value=3.25,
    evidence={"new": {"deeper": [{"a": 1, "b": None}, {"a": 2.5, "c": True}]}, "odd": [1, "two\x07", None], "none": {}},
)

QUIET = raised("promise_budget_slow", NOW - 20 * HOUR, value=0.88, expected=0.9, quiet=NOW - 4 * HOUR)

ENDED = raised(
    "promise_budget_slow",
    NOW - 6 * DAY,
    service="parking-permits",
    value=0.86,
    expected=0.9,
    cases=301,
    chance=0.011,
    ended=NOW - 2 * DAY,
)
LONG_AGO = raised("promise_budget_slow", NOW - 30 * DAY, value=0.86, expected=0.9, ended=NOW - 20 * DAY)

RAISED: tuple[Raised, ...] = (
    BUDGET, CHART, COST, FRESHNESS, FORECAST, DRIFT, GAP, OF_ANOTHER_VERSION, QUIET, ENDED, LONG_AGO,
)  # fmt: skip
