"""Do Prometheus and Alertmanager, where they are named, know of this pipeline: its workers, its rules, its owners?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import yaml
from msgspec import Struct

from alert_rules.alertmanager import configuration
from alert_rules.options import RuleOptions
from alert_rules.rule_text import AlertRule
from alert_rules.services import service_group
from catalogue import folders_of, services_of
from command_line.checks.answers import asked
from command_line.checks.finding import Finding, mend, note, ok
from kept import metric_names as names
from kept.catalogue import Catalogue, fingerprint
from kept.errors import KeptError
from kept.owners import read_owners
from kept.settings import Settings

SHOWN = 3


class _Sample(Struct):
    metric: dict[str, str]


class _Samples(Struct):
    result: list[_Sample]


class _Query(Struct):
    data: _Samples


class _Rule(Struct):
    name: str
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class _Group(Struct):
    name: str
    rules: list[_Rule]


class _Groups(Struct):
    groups: list[_Group]


class _Rules(Struct):
    data: _Groups


class _Original(Struct):
    original: str


class _Status(Struct):
    config: _Original


def prometheus(settings: Settings) -> list[Finding]:
    """Does it scrape a worker, do the workers count by this catalogue, and are its rules made from it?"""
    if not settings.prometheus_url:
        return [note("alert rules", "not looked at", "set KEPT_PROMETHEUS_URL, and its targets and rules are compared")]
    try:
        services = services_of(settings)
    except (KeptError, OSError):  # that is told by another check
        return []
    try:
        return list(_prometheus(settings, services))
    except KeptError as error:
        return [mend("alert rules", str(error), "start it, or set KEPT_PROMETHEUS_URL")]


def alertmanager(settings: Settings) -> list[Finding]:
    """Has each owner of the catalogue the receivers that its alerts are routed to?"""
    what = "receivers"
    if not settings.alertmanager_url:
        return [note(what, "not looked at", "set KEPT_ALERTMANAGER_URL, and its receivers are compared")]
    try:
        expected = {told["name"]: told for told in configuration(read_owners(folders_of(settings)))["receivers"]}
    except (KeptError, OSError):  # that is told by another check
        return []
    try:
        answer = asked(settings, settings.alertmanager_url, "/api/v2/status", _Status)
    except KeptError as error:
        return [mend(what, str(error), "start it, or set KEPT_ALERTMANAGER_URL")]
    there = {told["name"]: told for told in _receivers(answer.config.original)}
    missing = [name for name, told in expected.items() if len(told) > 1 and len(there.get(name, ())) < 2]
    if missing:
        seen = f"{settings.alertmanager_url} tells nobody as {_some(missing)}"
        fix = "make its configuration anew from owners.toml: kept rules alertmanager; then reload it"
        return [mend(what, seen, fix)]
    return [ok(what, f"{settings.alertmanager_url} has all {len(expected)}")]


def _prometheus(settings: Settings, services: Catalogue) -> Iterator[Finding]:
    url = settings.prometheus_url
    info = names.CATALOGUE
    query = asked(settings, url, f"/api/v1/query?query={info.name}", _Query)
    seen = {sample.metric.get("fingerprint", "") for sample in query.data.result}
    own = fingerprint(services)
    if not seen:
        fix = "let it scrape /metrics of each worker (docs/deployment.md), and see its Targets for the reason"
        yield mend("scraped workers", f"{url} has no sample of any worker", fix)
    elif seen != {own}:
        others = ", ".join(sorted(seen - {own})) or "none"
        fix = "restart them with this catalogue, or name theirs in KEPT_CATALOGUE"
        yield mend("workers' catalogue", f"workers count by {others}, the catalogue here is {own}", fix)
    else:
        yield ok("scraped workers", f"{url} has {len(query.data.result)}, all by the catalogue of here")
    yield _rules(url, services, asked(settings, url, "/api/v1/rules?type=alert", _Rules).data.groups)


def _rules(url: str, services: Catalogue, groups: list[_Group]) -> Finding:
    there = {group.name: {_said(rule.name, rule) for rule in group.rules} for group in groups}
    options = RuleOptions()
    outdated = []
    for service in services.values():
        group = service_group(service, options)
        if there.get(group.name) != {_said(rule.alert, rule) for rule in group.rules}:
            outdated.append(service.id)
    if outdated:
        fix = "make them anew: kept rules generate; then reload Prometheus"
        return mend("alert rules", f"{url} has other rules than the catalogue gives for {_some(outdated)}", fix)
    return ok("alert rules", f"{url} has those of {len(services)} services")


def _said(alert: str, rule: _Rule | AlertRule) -> tuple[Any, ...]:
    """What the catalogue decides of a rule: addresses and waits are the installation's own."""
    told = {name: text for name, text in rule.annotations.items() if name in ("summary", "description")}
    labels = {name: text for name, text in rule.labels.items() if name != "owner" or text}
    return alert, *sorted(labels.items()), *sorted(told.items())


def _receivers(original: str) -> list[dict[str, Any]]:
    read = yaml.safe_load(original)
    return msgspec.convert(read.get("receivers", []), list[dict[str, Any]])


def _some(found: list[str]) -> str:
    more = len(found) - SHOWN
    return ", ".join(found[:SHOWN]) + (f" and {more} more" if more > 0 else "")
