"""Alerts as the rules make them, and owners of tests."""

from __future__ import annotations

from typing import Any

from kept.owners import Owner, parse_owners

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ALWAYS = dict.fromkeys(DAYS, "00:00-24:00")
STARTED, ENDED, LATER = "2024-03-04T09:15:00Z", "2024-03-04T11:45:00Z", "2099-01-01T00:00:00Z"


def owners(text: str) -> dict[str, Owner]:
    """Owners of a TOML text."""
    return parse_owners(text, "owners.toml")


def table(name: str, pages: str, tickets: str, hours: dict[str, str] = ALWAYS, more: str = "") -> str:
    """The table of one owner."""
    hours_text = ", ".join(f'{day} = "{times}"' for day, times in hours.items())
    return (
        f'["{name}"]\ntime_zone = "Europe/Amsterdam"\npeople = 2\nworking_hours = {{ {hours_text} }}\n'
        f"pages = [{pages}]\ntickets = [{tickets}]\n{more}\n"
    )


def webhook(url: str, more: str = "") -> str:
    """A receiver that takes JSON."""
    return f'{{ kind = "webhook", url = "{url}"{more} }}'


def platform(url: str) -> str:
    """The table of those who run Kept, all of whose receivers are below `url`."""
    heartbeat = f"heartbeat = [{webhook(url + '/heartbeat')}]"
    return table("platform", webhook(url + "/platform-page"), webhook(url + "/platform-ticket"), more=heartbeat)


def alert(ended: str = LATER, annotations: dict[str, str] | None = None, **labels: str) -> dict[str, Any]:
    """An alert about the service street-lights that started on 4 March 2024; labels that are empty are left out."""
    of_a_service = {
        "alertname": "KeptPromiseBudgetBurnsFast",
        "severity": "page",
        "component": "service",
        "service": "street-lights",
        "owner": "Public Works",
        "signal": "promise_budget_fast",
        "topic": "promise",
    }
    return {
        "labels": {label: value for label, value in {**of_a_service, **labels}.items() if value},
        "annotations": annotations or {},
        "startsAt": STARTED,
        "endsAt": ended,
    }
