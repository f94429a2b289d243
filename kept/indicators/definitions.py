"""Every indicator: its name and version, formula, unit, direction, source and trap. docs/indicators.md is made of this."""

from __future__ import annotations

from kept.indicators.definition import Better as Better
from kept.indicators.definition import Definition as Definition
from kept.indicators.near_due_definitions import DEFINITIONS as NEAR_DUE

MATURE_WINDOWS = ("28d", "90d", "all")
"""Windows long enough for the survival-corrected delivery time."""
COST_WINDOWS = ("28d", "90d", "365d", "all")
"""Windows long enough for a cost per case: fixed cost makes shorter ones jump."""

WASTE_WINDOWS = ("7d", "week", *COST_WINDOWS)
"""Windows long enough for an amount a week."""

AGE_BANDS: tuple[tuple[str, int, int | None], ...] = (
    ("0_1d", 0, 1),
    ("1_3d", 1, 3),
    ("3_7d", 3, 7),
    ("7_30d", 7, 30),
    ("30_90d", 30, 90),
    ("over_90d", 90, None),
)
"""(name, from, below) in days; the last band is open."""

QUANTILES: tuple[tuple[str, float], ...] = (("p50", 0.50), ("p75", 0.75), ("p90", 0.90), ("p95", 0.95))
REPEAT_CONTACT_DAYS = 28
"""A contact about the same case within so many days of the previous one is a repeat."""
RISK_SHARE_DIVISOR = 5
"""At risk: less than 1/5 (20 %) of the promised time is left."""


def _age_in_words(low: int, high: int | None) -> str:
    if high is None:
        return f"{low} days or more"
    return f"less than {high} day{'s' if high > 1 else ''}" if low == 0 else f"{low} to less than {high} days"


def _flow() -> list[Definition]:
    return [
        Definition(
            name="arrivals",
            family="flow",
            formula="cases opened in W",
            unit="cases",
            source="queueing theory",
            trap="compare like weekdays",
        ),
        Definition(
            name="completions",
            family="flow",
            formula="cases completed in W (the last completion not followed by a reopening; withdrawals apart)",
            unit="cases",
            source="queueing theory",
            trap="compare like weekdays",
        ),
        Definition(
            name="withdrawals",
            family="flow",
            formula="cases withdrawn in W",
            unit="cases",
            source="queueing theory",
            trap="not a completion; before its due no failure of the promise either, after it the promise was broken",
        ),
        Definition(
            name="net_flow",
            family="flow",
            formula="arrivals - completions",
            unit="cases",
            source="queueing theory",
            trap="withdrawals and reopenings are in the backlog, not here",
            better="down",
        ),
    ]


def _backlog() -> list[Definition]:
    bands = [
        Definition(
            name=f"backlog_age_{name}",
            family="flow",
            formula=f"open cases opened {_age_in_words(low, high)} ago",
            unit="cases",
            source="311 dashboards",
            trap="age at bucket resolution; pauses only by explicit events",
            better="down" if low >= 30 else "neutral",
            stock=True,
            amended=False,
        )
        for name, low, high in AGE_BANDS
    ]
    return [
        Definition(
            name="backlog",
            family="flow",
            formula="cases open at the end of W = opened - completed - withdrawn + reopened",
            unit="cases",
            source="311 dashboards",
            trap="paused cases are counted, and shown apart as `paused`",
            better="down",
            stock=True,
        ),
        Definition(
            name="paused",
            family="flow",
            formula="open cases whose clock is stopped at the end of W",
            unit="cases",
            source="311 dashboards",
            trap="pauses only by explicit events",
            stock=True,
        ),
        *bands,
        Definition(
            name="oldest_open",
            family="flow",
            formula="age of the oldest open case at the end of W",
            unit="days",
            source="311 dashboards",
            trap="age at bucket resolution",
            better="down",
            stock=True,
            amended=False,
        ),
        Definition(
            name="backlog_days",
            family="flow",
            formula="backlog / completions per day of the last 28 d since the first event",
            unit="days",
            source="queueing theory",
            version=2,
            trap="not applicable without a completion",
            better="down",
            stock=True,
        ),
    ]


def _delivery() -> list[Definition]:
    closed = [
        Definition(
            name=f"delivery_time_closed_{name}",
            family="delivery",
            formula=f"{share:.0%} quantile (nearest rank) of completed - opened over cases completed in W",
            unit="seconds",
            source="pm4py; most dashboards",
            trap="flatters: open cases are missing; read it beside delivery_time",
            better="down",
        )
        for name, share in QUANTILES
    ]
    survival = [
        Definition(
            name=f"delivery_time_{name}",
            family="delivery",
            formula=f"least t with S(t) <= {1 - share:.2f}; S(t) = product over t_j <= t of (1 - d_j/n_j), cases opened in W, open ones censored at the end of W",
            unit="seconds",
            source="Kaplan and Meier (1958)",
            trap="never extrapolated; W of 28 d, 90 d and all, else immature",
            better="down",
            windows=MATURE_WINDOWS,
            amended=False,
        )
        for name, share in QUANTILES
    ]
    return closed + survival


def _promises() -> list[Definition]:
    return [
        Definition(
            name="promise_kept_closed",
            family="promises",
            formula="(completed in W, by its due) / (completed in W with a promise)",
            unit="share",
            source="most dashboards",
            trap="drops what is late and still open; read it beside promise_kept",
            better="up",
        ),
        Definition(
            name="promise_kept",
            family="promises",
            formula="(due in W, completed by its due) / (due in W)",
            unit="share",
            source="Canada, service standards",
            trap="no promise or no volume is not applicable, never missed; withdrawn before its due is left out",
            better="up",
        ),
        Definition(
            name="at_risk",
            family="promises",
            formula="open, not paused, not overdue, less than 20 % of the promised time left",
            unit="cases",
            source="Kept",
            trap="a leading signal, not a failure",
            better="down",
            stock=True,
        ),
        Definition(
            name="overdue",
            family="promises",
            formula="open, not paused, due at or before the end of W",
            unit="cases",
            source="311 dashboards",
            trap="due = kept + late + overdue + withdrawn after the due; a paused case is none of them",
            better="down",
            stock=True,
        ),
    ]


def _cost() -> list[Definition]:
    waste = [
        ("rework_modelled", "repeated steps x cost of a repeated step (catalogue)"),
        ("failure_demand_modelled", "contacts that chase or challenge x cost of a contact (catalogue)"),
        (
            "wrong_channel_modelled",
            "sum over assisted channels of (channel cost - cheapest digital cost) x completions (catalogue, at opening)",
        ),
        ("rework_booked", "cost booked in category rework"),
        ("failure_demand_booked", "cost booked in category failure_demand"),
    ]
    return [
        Definition(
            name="cost_per_transaction",
            family="cost",
            formula="cost booked in W / cases completed in W",
            unit="money",
            source="GOV.UK Transactions Explorer",
            trap="fixed cost makes short windows jump: 28 d and longer; unlike services are not ranked",
            better="down",
            windows=COST_WINDOWS,
        ),
        Definition(
            name="cost_per_outcome",
            family="cost",
            formula="cost booked in W / cases completed with the intended outcome in W",
            unit="money",
            source="GDS service performance",
            trap="read it beside cost_per_transaction: the gap is waste",
            better="down",
            windows=COST_WINDOWS,
        ),
        *(
            Definition(
                name=f"cost_of_waste_{kind}",
                family="cost",
                formula=f"{formula}, a week of W since the first event",
                unit="money a week",
                source="lean; GDS",
                version=2,
                trap="modelled means a catalogue rate, booked means an event; never add the two",
                better="down",
                windows=WASTE_WINDOWS,
            )
            for kind, formula in waste
        ),
    ]


def _experience() -> list[Definition]:
    return [
        Definition(
            name="satisfaction_score",
            family="satisfaction",
            formula="(0 n1 + 25 n2 + 50 n3 + 75 n4 + 100 n5) / n",
            unit="points",
            source="GOV.UK",
            trap="from counts, never from percentages; not the satisfied share",
            better="up",
        ),
        Definition(
            name="satisfied_share",
            family="satisfaction",
            formula="(n4 + n5) / n",
            unit="share",
            source="GOV.UK Service Manual",
            trap="3-5 points above the score on real data: never mix the two",
            better="up",
        ),
        Definition(
            name="response_rate",
            family="satisfaction",
            formula="feedback given / feedback offered",
            unit="share",
            source="US OMB A-11 s.280",
            trap="a low rate hides bias",
            better="up",
        ),
        Definition(
            name="completion_rate",
            family="digital",
            formula="(completed + not eligible) / (completed + not eligible + failed + abandoned), transactions started in W, unresolved past the time-out = abandoned",
            unit="share",
            source="GOV.UK Service Manual",
            trap="being told that one is not eligible is a completion",
            better="up",
            amended=False,
        ),
        Definition(
            name="digital_take_up",
            family="digital",
            formula="completed in digital channels / completed in all but staff channels",
            unit="share",
            source="GOV.UK Service Manual",
            trap="staff-generated cases are excluded; the catalogue says which",
            better="up",
        ),
    ]


def _work() -> list[Definition]:
    return [
        Definition(
            name="first_time_right",
            family="work",
            formula="completed in W without reopening, rejection or repeated step / completed in W",
            unit="share",
            source="lean",
            trap="legal loops are declared in the catalogue",
            better="up",
        ),
        Definition(
            name="rework_share",
            family="work",
            formula="repeated steps / steps, started in W",
            unit="share",
            source="pm4py",
            trap="legal loops are declared in the catalogue",
            better="down",
        ),
        Definition(
            name="failure_demand",
            family="work",
            formula=f"contacts that chase, challenge, concern a case closed as duplicate, or repeat within {REPEAT_CONTACT_DAYS} d / contacts, each once",
            unit="share",
            source="J. Seddon; UK NI 14",
            trap="repeats need a case id, else not provided",
            better="down",
        ),
        Definition(
            name="flow_efficiency",
            family="work",
            formula="sum of step work (union per case) / sum of (completed - opened), cases completed in W with work recorded",
            unit="share",
            source="lean; pm4py",
            trap="needs step start and end, else not provided",
            better="up",
        ),
        Definition(
            name="waiting_by_step_p50",
            family="work",
            formula="median time from the end of the previous step (or the opening) to the start of this one, steps started in W",
            unit="seconds",
            source="pm4py (sojourn time)",
            trap="published by step only",
            better="down",
        ),
    ]


DEFINITIONS: tuple[Definition, ...] = (
    *_flow(),
    *_backlog(),
    *_delivery(),
    *_promises(),
    *_cost(),
    *_experience(),
    *_work(),
    *NEAR_DUE,
)
BY_NAME: dict[str, Definition] = {definition.name: definition for definition in DEFINITIONS}
INDICATOR_NAMES: frozenset[str] = frozenset(BY_NAME)
