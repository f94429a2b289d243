"""The files that come beside docker-compose.yml: what they change, and that nothing else changes."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from kept.errors import ConfigurationError
from kept.rights import ROLE_HELP
from kept.settings import read_settings
from tests.deployment.compose import ROOT, environment, filled, networks, services

PAGE = (ROOT / "docs/compose.md").read_text(encoding="utf-8")
BROKER_USERS = {name for name, each in services().items() if "KEPT_BROKERS" in environment(each)}


def overlay(name: str, **variables: str) -> dict[str, Any]:
    text = (ROOT / "deployment" / name).read_text(encoding="utf-8")
    data: dict[str, Any] = yaml.safe_load(filled(text, variables))
    return data


def env_of_the_page() -> dict[str, str]:
    (block,) = re.findall(r"```\n(COMPOSE_FILE=.*?)```", PAGE, re.DOTALL)
    return dict(line.split("=", 1) for line in block.splitlines())


@pytest.mark.parametrize("name", sorted(BROKER_USERS))
def test_brokers_elsewhere_are_reached_with_tls_and_a_login(name: str) -> None:
    told = overlay("kafka-elsewhere.yml", **env_of_the_page())["services"][name]
    merged = {**environment(services()[name]), **environment(told)}
    settings = read_settings(merged, lambda path: "a-secret-of-16-characters")
    assert settings.uses_tls()
    assert settings.uses_sasl()
    assert settings.broker_list() == ["broker-1.example.org:9093", "broker-2.example.org:9093"]
    assert settings.replication == 3
    assert {f"/run/secrets/{secret}" for secret in told["secrets"]} == {
        merged["KEPT_SASL_PASSWORD_FILE"],
        merged["KEPT_SSL_CAFILE"],
    }
    assert networks(told) == {"brokers"}


WORK = {"topics": "operator", "worker": "worker", "intake": "producer", "city": "producer", "console": "operator"}


def test_brokers_elsewhere_are_given_a_login_for_each_kind_of_work() -> None:
    """An intake that was taken over must not have the password of those who read."""
    told = overlay("kafka-elsewhere.yml", **env_of_the_page())["services"]
    assert set(WORK) == BROKER_USERS
    for name, role in WORK.items():
        assert role in ROLE_HELP
        assert environment(told[name])["KEPT_SASL_USERNAME"] == f"kept-{role}"
        assert set(told[name]["secrets"]) == {f"kafka-{role}-password", "kafka-authorities"}


def test_without_an_address_nothing_starts() -> None:
    told = overlay("kafka-elsewhere.yml")["services"]["worker"]
    merged = {**environment(services()["worker"]), **environment(told)}
    with pytest.raises(ConfigurationError, match="KEPT_BROKERS"):
        read_settings(merged, lambda path: "a-secret-of-16-characters")


def test_brokers_elsewhere_change_nothing_else() -> None:
    data = overlay("kafka-elsewhere.yml")
    assert set(data["services"]) == {*BROKER_USERS, "kafka"}
    assert data["services"]["kafka"] == {"scale": 0}
    for name in BROKER_USERS:
        assert set(data["services"][name]) == {"environment", "networks", "secrets"}
    for secret, entry in data["secrets"].items():
        assert entry == {"file": f"./deployment/secrets/{secret}"}
        assert f"deployment/secrets/{secret}" in PAGE


def test_the_intake_is_published_on_loopback_alone() -> None:
    data = overlay("intake-on-host.yml")
    assert data == {"services": {"intake": {"networks": ["front"], "ports": ["127.0.0.1:8090:8090"]}}}


def test_the_page_names_each_file() -> None:
    files = {file.name for file in (ROOT / "deployment").glob("*-*.yml")}
    assert files == {"kafka-elsewhere.yml", "intake-on-host.yml"}
    assert all(f"COMPOSE_FILE=docker-compose.yml:deployment/{name}" in PAGE for name in files)
