"""The configuration of Alertmanager, from owners: who is told of which alert, when, and what mutes what. Pure.

Pages go out at once, tickets in the working hours of their owner, infos to nobody. What fits no route is told to the
people who run Kept, never dropped. Valid for Alertmanager 0.25 to 0.28.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Annotated, Any, Final

import yaml
from msgspec import Meta, Struct

from alert_rules.alertmanager_receivers import receiver, secret_path
from alert_rules.inhibition import INHIBITIONS, Inhibition, Labels
from kept.durations import parse_duration
from kept.errors import ConfigurationError
from kept.owners import PLATFORM, Email, Owner, Owners, slug

WATCHDOG: Final = "KeptWatchdog"
"""The alert that always fires: when it no longer arrives, the way of alerts is broken."""
HEADER = (
    "# Generated from the catalogue by `kept rules alertmanager`; do not edit. Change owners.toml and run it again.\n"
)
UNROUTED, NOBODY, HEARTBEAT = "unrouted", "nobody", "heartbeat"
WEEKDAY_NAMES = {
    "mon": "monday", "tue": "tuesday", "wed": "wednesday", "thu": "thursday", "fri": "friday", "sat": "saturday",
    "sun": "sunday",
}  # fmt: skip


class Delivery(Struct, frozen=True, kw_only=True):
    """How one installation sends its messages. Durations are texts such as `30s` or `4h`."""

    secrets_folder: str = "/etc/kept/secrets"
    """Where the files that owners name are, as Alertmanager sees them."""
    templates: str = "templates/*.tmpl"
    """Pattern of the files with the texts, from the configuration's own folder."""
    smtp_smarthost: Annotated[str, Meta(pattern=r"^[^\s:/@]+:[0-9]{1,5}$")] = "localhost:25"
    """`host:port` of the mail server."""
    smtp_from: Annotated[str, Meta(pattern=r"^[^\s@]+@[^\s@]+$")] = "kept@localhost"
    smtp_username: str | None = None
    smtp_password_file: str | None = None
    """Name of a file in the folder of secrets; with `smtp_username`."""
    smtp_tls: bool = True
    """False only for a mail server on the same machine: messages would cross the network unencrypted."""
    page_wait: str = "10s"
    """How long the first page of a service waits for others of the same cause."""
    page_interval: str = "1m"
    """How long news of a service that was paged about waits."""
    page_repeat: str = "4h"
    """After how long a page that still fires is sent again."""
    ticket_wait: str = "5m"
    ticket_interval: str = "10m"
    ticket_repeat: str = "3d"
    heartbeat: str = "1m"
    """How often the receiver outside hears that all of this still works."""


DEFAULT_DELIVERY: Final = Delivery()


def configuration(
    owners: Owners, delivery: Delivery = DEFAULT_DELIVERY, inhibitions: Iterable[Inhibition] = INHIBITIONS
) -> dict[str, Any]:
    """The configuration as data; raises `ConfigurationError` when there are no owners or `delivery` makes no sense."""
    if PLATFORM not in owners:
        raise ConfigurationError(f"no owners: add an owners.toml to the catalogue, with a table [{PLATFORM}]")
    _check_delivery(delivery)
    names = sorted(owners, key=lambda name: (name != PLATFORM, slug(name)))
    secrets = delivery.secrets_folder
    told = [
        receiver(UNROUTED, owners[PLATFORM].pages, secrets),
        {"name": NOBODY},
        receiver(HEARTBEAT, owners[PLATFORM].heartbeat, secrets, resolved=False),
    ]
    for name in names:
        told.append(receiver(_receiver(name, "page"), owners[name].pages, secrets))
        told.append(receiver(_receiver(name, "ticket"), owners[name].tickets, secrets))
    return {
        **({"global": _smtp(delivery)} if _sends_mail(owners) else {}),
        "templates": [delivery.templates],
        "route": _routes(names, delivery),
        "receivers": told,
        "inhibit_rules": [_inhibit_rule(inhibition) for inhibition in inhibitions],
        "time_intervals": [{"name": _hours(name), "time_intervals": list(_intervals(owners[name]))} for name in names],
    }


def as_yaml(data: dict[str, Any]) -> str:
    """The configuration as the text of its file."""
    return HEADER + yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=110)


def _routes(names: list[str], delivery: Delivery) -> dict[str, Any]:
    of_services = [_of_owner(name, [_is("owner", name)], delivery) for name in names]
    return {
        "receiver": UNROUTED,
        "group_by": ["alertname", "service"],
        "group_wait": delivery.page_wait,
        "group_interval": delivery.page_interval,
        "repeat_interval": delivery.page_repeat,
        "routes": [
            {
                "receiver": HEARTBEAT,
                "matchers": [_is("alertname", WATCHDOG)],
                "group_by": ["alertname"],
                "group_wait": "0s",
                "group_interval": delivery.heartbeat,
                # A little less than the interval: what was sent a moment less than that ago would wait another one.
                "repeat_interval": f"{parse_duration(delivery.heartbeat) * 9 // 10}ms",
            },
            {"receiver": NOBODY, "matchers": [_is("severity", "info")]},
            _of_owner(PLATFORM, [_is("component", "pipeline")], delivery),
            {"matchers": [_is("component", "service")], "routes": of_services},
        ],
    }


def _of_owner(name: str, matchers: list[str], delivery: Delivery) -> dict[str, Any]:
    """Of a severity that is none of ours, the route above tells."""
    page = {
        "receiver": _receiver(name, "page"),
        "matchers": [_is("severity", "page")],
        "group_by": ["service"],
    }
    ticket = {
        "receiver": _receiver(name, "ticket"),
        "matchers": [_is("severity", "ticket")],
        "group_by": ["service"],
        "group_wait": delivery.ticket_wait,
        "group_interval": delivery.ticket_interval,
        "repeat_interval": delivery.ticket_repeat,
        "active_time_intervals": [_hours(name)],
    }
    return {"matchers": matchers, "routes": [page, ticket]}


def _intervals(owner: Owner) -> Iterable[dict[str, Any]]:
    """Days with the same hours are one interval."""
    days_by_hours: dict[str, list[str]] = {}
    for day, name in WEEKDAY_NAMES.items():
        hours = {str(of): text for of, text in owner.working_hours.items()}.get(day)
        if hours is not None:
            days_by_hours.setdefault(hours, []).append(name)
    for hours, days in days_by_hours.items():
        start, _, end = hours.partition("-")
        yield {
            "times": [{"start_time": start, "end_time": end}],
            "weekdays": days,
            "location": owner.time_zone,
        }


def _inhibit_rule(inhibition: Inhibition) -> dict[str, Any]:
    """Labels that must be equal must be there: two alerts that both lack one would be equal in it."""
    present = [f'{label}=~".+"' for label in inhibition.equal]
    return {
        "source_matchers": [*_matchers(inhibition.source), *present],
        "target_matchers": [*_matchers(inhibition.target), *present],
        "equal": list(inhibition.equal),
    }


def _matchers(labels: Labels) -> list[str]:
    return [
        _is(label, values[0]) if len(values) == 1 else f"{label}=~{_quoted('|'.join(map(re.escape, values)))}"
        for label, values in labels.items()
    ]


def _is(label: str, value: str) -> str:
    return f"{label}={_quoted(value)}"


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _receiver(owner: str, severity: str) -> str:
    return f"{slug(owner)}-{severity}"


def _hours(owner: str) -> str:
    return f"{slug(owner)}-working-hours"


def _sends_mail(owners: Owners) -> bool:
    return any(isinstance(address, Email) for owner in owners.values() for address in (*owner.pages, *owner.tickets))


def _smtp(delivery: Delivery) -> dict[str, Any]:
    login: dict[str, Any] = {}
    if delivery.smtp_username is not None and delivery.smtp_password_file is not None:
        login["smtp_auth_username"] = delivery.smtp_username
        login["smtp_auth_password_file"] = secret_path(delivery.smtp_password_file, delivery.secrets_folder)
    return {
        "smtp_smarthost": delivery.smtp_smarthost,
        "smtp_from": delivery.smtp_from,
        "smtp_require_tls": delivery.smtp_tls,
        **login,
    }


def _check_delivery(delivery: Delivery) -> None:
    for name in (
        "page_wait", "page_interval", "page_repeat", "ticket_wait", "ticket_interval", "ticket_repeat", "heartbeat",
    ):  # fmt: skip
        try:
            parse_duration(getattr(delivery, name))
        except ValueError as error:
            raise ConfigurationError(f"{name}: {getattr(delivery, name)!r} is not valid; valid: {error}") from error
    if (delivery.smtp_username is None) != (delivery.smtp_password_file is None):
        raise ConfigurationError("smtp_username and smtp_password_file go together; give both or neither")
