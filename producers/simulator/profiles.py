"""How each simulated service behaves, as data. All numbers are invented; they are chosen to differ between services."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from kept.durations import DAY_MS, HOUR_MS

AREAS: Mapping[str, float] = {"Centre": 3.0, "North": 2.0, "East": 2.0, "South": 1.5, "Harbour": 1.0, "Villages": 0.5}
"""Areas of the city by their share of demand."""
CHANNEL_WEIGHTS: Mapping[str, float] = {"digital": 6.0, "assisted": 3.0, "staff": 1.0}
"""Demand by kind of channel, shared by the channels of that kind."""
DIGITAL_HOURS = (3, 2, 1, 1, 1, 2, 4, 8, 12, 14, 14, 13, 12, 12, 12, 12, 12, 12, 13, 14, 14, 12, 9, 6)
"""Demand by local hour of the day on the web."""
OFFICE_HOURS = (0, 0, 0, 0, 0, 0, 0, 1, 8, 14, 16, 14, 10, 12, 13, 12, 8, 2, 0, 0, 0, 0, 0, 0)
"""Demand by local hour of the day at desks and on the telephone."""
DIGITAL_WEEKDAYS = (1.15, 1.1, 1.05, 1.05, 0.95, 0.75, 0.95)
OFFICE_WEEKDAYS = (1.6, 1.4, 1.35, 1.35, 1.3, 0.0, 0.0)
"""Demand by weekday, Monday first; a mean of 1."""


class Profile(Struct, frozen=True, kw_only=True):
    """One service: daily volumes, delivery times and how often things take another turn (shares from 0 to 1)."""

    cases_per_day: float = 40.0
    enquiries_per_day: float = 15.0
    lost_transactions_per_day: float = 12.0
    median_of_target: float = 0.55
    """Median delivery time as a share of the promised time."""
    spread: float = 0.6
    """Standard deviation of the logarithm of the delivery time."""
    own_due_ms: Mapping[str, int] = {}
    """Promised time by category, for a service whose events bring their own due."""
    steps: tuple[str, ...] = ("Intake", "Assessment", "Decision")
    categories: tuple[str, ...] = ("Standard", "Urgent")
    repeated_step: float = 0.05
    paused: float = 0.05
    pause_reason: str = "waiting for the applicant"
    due_changed: float = 0.02
    withdrawn: float = 0.03
    duplicate: float = 0.02
    rejected: float = 0.04
    not_intended: float = 0.03
    reopened: float = 0.03
    chase: float = 0.10
    """Contacts that chase progress, per promised time of waiting."""
    satisfaction: float = 0.75
    """How content people are when the promise is kept, from 0 to 1."""
    staff_cost: float = 40.0
    """Median staff cost booked on a completed case, in units of the currency."""
    fixed_cost_per_day: float = 400.0
    trial: str = "Simulated trial: a shorter form"
    trial_factor: float = 0.8
    """Delivery times are multiplied by this while the trial runs."""


DEFAULT = Profile()
"""For a service of somebody's own catalogue."""

PROFILES: Mapping[str, Profile] = {
    "building-permits": Profile(
        cases_per_day=14,
        enquiries_per_day=18,
        lost_transactions_per_day=8,
        median_of_target=0.72,
        spread=0.35,
        steps=("Intake", "Completeness check", "Neighbour notice", "Technical review", "Decision"),
        categories=("Extension", "New building", "Change of use", "Demolition"),
        repeated_step=0.22,
        paused=0.35,
        pause_reason="waiting for documents of the applicant",
        due_changed=0.12,
        rejected=0.09,
        chase=0.5,
        satisfaction=0.6,
        staff_cost=290,
        fixed_cost_per_day=1300,
        trial="Simulated trial: one reviewer from intake to decision",
    ),
    "parking-permits": Profile(
        cases_per_day=110,
        enquiries_per_day=25,
        lost_transactions_per_day=45,
        median_of_target=0.12,
        spread=1.1,
        steps=("Address check", "Payment", "Issue"),
        categories=("Resident", "Visitor", "Business"),
        rejected=0.06,
        satisfaction=0.85,
        staff_cost=6,
        fixed_cost_per_day=700,
        trial="Simulated trial: the address is checked while the form is filled in",
    ),
    "street-lights": Profile(
        cases_per_day=60,
        enquiries_per_day=8,
        lost_transactions_per_day=6,
        median_of_target=0.45,
        spread=0.8,
        steps=("Triage", "Repair"),
        categories=("Lamp out", "Lamp flickers", "Pole damaged"),
        repeated_step=0.09,
        duplicate=0.12,
        rejected=0.01,
        due_changed=0.05,
        reopened=0.06,
        satisfaction=0.75,
        staff_cost=110,
        fixed_cost_per_day=900,
        trial="Simulated trial: repairs are planned by street instead of by date",
    ),
    "waste-pickup": Profile(
        cases_per_day=120,
        enquiries_per_day=20,
        lost_transactions_per_day=18,
        median_of_target=0.62,
        spread=0.4,
        steps=("Route planning", "Pickup"),
        categories=("Furniture", "Appliances", "Garden waste"),
        repeated_step=0.05,
        rejected=0.02,
        satisfaction=0.8,
        staff_cost=27,
        fixed_cost_per_day=1500,
        trial="Simulated trial: a second afternoon route",
    ),
    "housing-benefit": Profile(
        cases_per_day=55,
        enquiries_per_day=40,
        lost_transactions_per_day=30,
        median_of_target=0.78,
        spread=0.5,
        steps=("Intake", "Income check", "Rent check", "Decision"),
        categories=("New", "Change", "Renewal"),
        repeated_step=0.18,
        paused=0.28,
        pause_reason="waiting for missing papers",
        due_changed=0.04,
        rejected=0.14,
        reopened=0.07,
        chase=0.7,
        satisfaction=0.5,
        staff_cost=68,
        fixed_cost_per_day=1900,
        trial="Simulated trial: income is taken from the tax office instead of from papers",
        trial_factor=0.7,
    ),
    "identity-cards": Profile(
        cases_per_day=75,
        enquiries_per_day=22,
        lost_transactions_per_day=15,
        median_of_target=0.5,
        spread=0.35,
        steps=("Application", "Production", "Handover"),
        categories=("Passport", "Identity card"),
        repeated_step=0.02,
        withdrawn=0.01,
        rejected=0.01,
        satisfaction=0.82,
        staff_cost=31,
        fixed_cost_per_day=1000,
        trial="Simulated trial: handover at the neighbourhood desk",
    ),
    "noise-complaints": Profile(
        cases_per_day=40,
        enquiries_per_day=6,
        lost_transactions_per_day=5,
        median_of_target=0.8,
        spread=0.9,
        own_due_ms={"Party": 4 * HOUR_MS, "Building site": 3 * DAY_MS, "Bar or terrace": 3 * DAY_MS},
        steps=("Call-out", "Measurement"),
        categories=("Party", "Building site", "Bar or terrace"),
        duplicate=0.1,
        not_intended=0.12,
        reopened=0.08,
        satisfaction=0.45,
        staff_cost=52,
        fixed_cost_per_day=350,
        trial="Simulated trial: a shared night shift with the neighbouring city",
    ),
    "birth-certificates": Profile(
        cases_per_day=45,
        enquiries_per_day=6,
        lost_transactions_per_day=10,
        median_of_target=0.3,
        spread=0.45,
        steps=("Search", "Dispatch"),
        categories=("Certificate", "International extract"),
        repeated_step=0.01,
        withdrawn=0.01,
        satisfaction=0.88,
        staff_cost=4,
        fixed_cost_per_day=180,
        trial="Simulated trial: dispatch twice a day",
    ),
}
"""By service id."""
