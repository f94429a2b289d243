from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from alert_rules.inhibition import INHIBITIONS, Inhibition
from tests.alert_rules import alerts
from tests.alert_rules.alerts import LATER, STARTED
from tests.alertmanager import Inbox, Running, inbox, running
from tests.waiting import eventually

SHARED = ("service", "topic", "about", "instance")
"""Labels that a rule may compare; every alert of a test has all of them, unless it is about their absence."""


def of(labels: Mapping[str, tuple[str, ...]], which: int, run: str, **more: str) -> dict[str, str]:
    """Labels that fit `labels`, by its value of number `which`, and are those of no other test."""
    chosen = {label: values[which % len(values)] for label, values in labels.items()}
    # A name or a severity of its own would make the alert fit other rows of the table too.
    plain = {"alertname": f"Other{run}", "severity": "info", "component": "other", "run": run}
    return {**plain, **{label: f"{label}-{run}" for label in SHARED}, **chosen, **more}


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with inbox() as arrived, running(tmp_path_factory.mktemp("inhibition"), _owners(arrived)) as started:
        yield started


def _owners(arrived: Inbox) -> Any:
    return alerts.owners(alerts.platform(arrived.url("")))


def inhibited(alertmanager: Running, alertname_labels: Mapping[str, str]) -> list[str]:
    """Who mutes the alert with these labels: `inhibitedBy` of the real thing."""
    [found] = [one for one in alertmanager.alerts() if one["labels"] == dict(alertname_labels)]
    return list(found["status"]["inhibitedBy"])


def fingerprint(alertmanager: Running, labels: Mapping[str, str]) -> str:
    [found] = [one for one in alertmanager.alerts() if one["labels"] == dict(labels)]
    return str(found["fingerprint"])


def post(alertmanager: Running, *labels: Mapping[str, str], ended: str = LATER) -> None:
    alertmanager.post(*({"labels": one, "annotations": {}, "startsAt": STARTED, "endsAt": ended} for one in labels))


def target_rows() -> list[Any]:
    """Each value of each row's target, with each value of its source at least once."""
    return [
        pytest.param(row, which, id=f"{number}-{which}")
        for number, row in enumerate(INHIBITIONS)
        for which in range(max(len(values) for side in (row.source, row.target) for values in side.values()))
    ]


@pytest.fixture
def cleared(alertmanager: Running) -> Iterator[list[Mapping[str, str]]]:
    """Alerts to be resolved after a test: one that fires mutes in other tests too."""
    fired: list[Mapping[str, str]] = []
    yield fired
    post(alertmanager, *fired, ended=alerts.ENDED)


@pytest.mark.parametrize(("row", "which"), target_rows())
def test_what_the_table_mutes_is_muted_and_its_neighbours_are_not(
    alertmanager: Running, cleared: list[Mapping[str, str]], row: Inhibition, which: int
) -> None:
    run = f"r{INHIBITIONS.index(row)}x{which}"
    source, target = of(row.source, which, run), of(row.target, which, run)
    strangers = {label: {**target, label: f"another-{run}"} for label in row.equal}
    without = {label: {key: value for key, value in target.items() if key != label} for label in row.equal}
    unlike = {**target, **dict.fromkeys(row.target, f"none-of-{run}")}
    everyone = [source, target, unlike, *strangers.values(), *without.values()]
    cleared.extend(everyone)
    post(alertmanager, *everyone)
    eventually(
        lambda: fingerprint(alertmanager, source) in inhibited(alertmanager, target), f"muted: {row.why}", seconds=30
    )
    assert row.mutes(source, target)
    for other in (unlike, *strangers.values(), *without.values()):
        assert inhibited(alertmanager, other) == []


@pytest.mark.parametrize("row", [row for row in INHIBITIONS if row.equal], ids=lambda row: row.why[:30])
def test_two_alerts_that_both_lack_a_label_are_not_alike_in_it(
    alertmanager: Running, cleared: list[Mapping[str, str]], row: Inhibition
) -> None:
    run = f"lacks{INHIBITIONS.index(row)}"
    pairs = []
    for label in row.equal:
        source, target = (of(side, 0, run, missing=label) for side in (row.source, row.target))
        pairs.append(({k: v for k, v in source.items() if k != label}, {k: v for k, v in target.items() if k != label}))
    whole_source, whole_target = of(row.source, 0, run), of(row.target, 0, run)
    everyone = [whole_source, whole_target, *(one for pair in pairs for one in pair)]
    cleared.extend(everyone)
    post(alertmanager, *everyone)
    eventually(lambda: bool(inhibited(alertmanager, whole_target)), "that which has all labels is muted", seconds=30)
    assert [inhibited(alertmanager, target) for _, target in pairs] == [[]] * len(pairs)


def test_a_service_that_is_silent_mutes_its_own_alerts_only_and_not_its_own_page(
    alertmanager: Running, cleared: list[Mapping[str, str]]
) -> None:
    def of_service(service: str, signal: str, severity: str, topic: str) -> dict[str, str]:
        return {
            "alertname": f"Kept-{signal}",
            "severity": severity,
            "component": "service",
            "service": service,
            "signal": signal,
            "topic": topic,
            "owner": "Public Works",
            "simulated": "true",
        }

    silent = of_service("street-lights", "source_silent", "page", "source")
    muted = [
        of_service("street-lights", "promise_budget_fast", "page", "promise"),
        of_service("street-lights", "promise_budget_slow", "ticket", "promise"),
        of_service("street-lights", "area_gap", "ticket", "area"),
    ]
    told = [
        of_service("waste-pickup", "promise_budget_fast", "page", "promise"),
        of_service("waste-pickup", "area_gap", "ticket", "area"),
        of_service("street-lights", "definition_drift", "ticket", "definition"),
    ]
    cleared.extend([silent, *muted, *told])
    post(alertmanager, silent, *muted, *told)
    for one in muted:
        eventually(lambda one=one: bool(inhibited(alertmanager, one)), "muted", seconds=30)  # type: ignore[misc]
    assert [inhibited(alertmanager, one) for one in (silent, *told)] == [[]] * 4
