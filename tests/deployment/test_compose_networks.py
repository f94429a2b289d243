"""Who of docker-compose.yml reaches whom, and in which order all of it starts."""

from __future__ import annotations

import re
from graphlib import TopologicalSorter

import pytest

from tests.deployment.compose import ROOT, compose, networks, services

ON_NETWORK = {
    "kafka": {"kafka", "topics", "worker", "intake", "city", "console"},
    "history": {"influxdb", "influxdb-init", "worker", "summary", "influxdb-tools", "console"},
    "readers": {"influxdb", "board", "grafana", "grafana-account", "annotations", "console"},
    "metrics": {"prometheus", "worker", "intake", "summary", "console"},
    "queries": {"prometheus", "grafana", "console"},
    "alerts": {"prometheus", "alertmanager", "console"},
    "senders": {"intake"},
    "front": {"grafana", "board"},
    "outside": {"alertmanager", "summary"},
}
"""All services on each network."""
CANNOT_REACH = [
    ("grafana", "kafka"),
    ("grafana", "worker"),
    ("grafana", "intake"),
    ("grafana", "alertmanager"),
    ("board", "kafka"),
    ("board", "worker"),
    ("board", "prometheus"),
    ("intake", "influxdb"),
    ("prometheus", "kafka"),
    ("prometheus", "influxdb"),
    ("alertmanager", "worker"),
    ("alertmanager", "influxdb"),
    ("alertmanager", "kafka"),
    ("annotations", "kafka"),
    ("annotations", "worker"),
    ("city", "influxdb"),
    ("topics", "influxdb"),
    ("influxdb-init", "kafka"),
    ("influxdb-init", "grafana"),
    ("kafka", "influxdb"),
    ("summary", "kafka"),
    ("summary", "grafana"),
]
NOWHERE = {"rules", "alertmanager-config"}
"""They write files from files."""


def test_each_network_has_the_services_that_need_it() -> None:
    found: dict[str, set[str]] = {name: set() for name in compose()["networks"]}
    for name, service in services().items():
        for network in networks(service):
            found[network].add(name)
    assert found == ON_NETWORK


@pytest.mark.parametrize(("one", "other"), CANNOT_REACH)
def test_who_has_no_business_with_another_does_not_reach_it(one: str, other: str) -> None:
    assert not networks(services()[one]) & networks(services()[other])


def test_who_only_writes_files_has_no_network() -> None:
    assert {name for name, service in services().items() if service.get("network_mode") == "none"} == NOWHERE
    assert {name for name, service in services().items() if not networks(service)} == NOWHERE


def test_only_who_sends_messages_reaches_the_outside() -> None:
    definitions = compose()["networks"]
    open_ones = {name for name, how in definitions.items() if not how.get("internal")}
    assert open_ones == {"front", "outside"}
    # What is published needs a network that is not internal; without masquerading its packets have no way back.
    masquerade = "com.docker.network.bridge.enable_ip_masquerade"
    assert definitions["front"]["driver_opts"] == {masquerade: "false"}
    assert {name for name, service in services().items() if "outside" in networks(service)} == {
        "alertmanager",
        "summary",
    }
    assert {name for name, service in services().items() if "ports" in service} == ON_NETWORK["front"]


def test_the_order_of_starting_has_no_cycle_and_leaves_nothing_to_chance() -> None:
    graph = {name: set(service.get("depends_on", {})) for name, service in services().items()}
    order = list(TopologicalSorter(graph).static_order())
    assert set(order) == set(services())
    for name, service in services().items():
        for dependency, how in service.get("depends_on", {}).items():
            waits = "service_completed_successfully" if services()[dependency]["restart"] == "no" else "service_healthy"
            assert how == {"condition": waits}, (name, dependency)
            if waits == "service_healthy":
                assert "test" in services()[dependency]["healthcheck"], dependency


def test_nobody_starts_before_what_it_needs() -> None:
    needs = {name: set(service.get("depends_on", {})) for name, service in services().items()}
    assert needs["topics"] == {"kafka"}
    assert needs["worker"] >= {"topics", "influxdb-init"}
    assert needs["intake"] >= {"topics"}
    assert needs["board"] >= {"influxdb-init"}
    assert needs["prometheus"] == {"rules"}
    assert needs["alertmanager"] == {"alertmanager-config"}
    assert needs["annotations"] >= {"grafana-account", "influxdb-init"}


def test_profiles_add_to_what_always_runs() -> None:
    by_profile: dict[str, set[str]] = {}
    for name, service in services().items():
        for profile in service.get("profiles", ["default"]):
            by_profile.setdefault(profile, set()).add(name)
    assert set(by_profile) == {"default", "demo", "debug", "backup", "mail"}
    assert by_profile["demo"] == {"city"}
    assert by_profile["mail"] == {"summary"}
    assert by_profile["debug"] == {"console"}
    assert by_profile["backup"] == {"influxdb-tools"}
    for name in by_profile["default"]:
        assert set(services()[name].get("depends_on", {})) <= by_profile["default"], name


def test_the_page_tells_of_each_network_as_it_is() -> None:
    page = (ROOT / "docs/compose.md").read_text(encoding="utf-8").split("## Networks")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \| (?:no|yes)", page, re.MULTILINE))
    assert set(rows) == set(ON_NETWORK)
    for network, told in rows.items():
        named = {name for name in services() if re.search(rf"(?<![\w-]){name}(?![\w-])", told)}
        assert named == {name for name in ON_NETWORK[network] if name not in ("console", "influxdb-tools")}, network
