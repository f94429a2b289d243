"""A replay's own pipeline: what reaches its workers, and what of the shell does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kept.settings import Settings
from local_stack import replay
from local_stack.environment import environment_of
from local_stack.replay import WorkerGroup, history_of
from tests.producers.conftest import SERVICE


class NoBroker:
    bootstrap = "127.0.0.1:19999"

    def __init__(self, folder: Path) -> None: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...


class NoWorkers:
    def __init__(self, settings: Settings, folder: Path, count: int) -> None: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...


def settings_of_pipeline(monkeypatch: pytest.MonkeyPatch, brokers: str | None) -> tuple[Settings, list[Settings]]:
    deleted: list[Settings] = []
    for name, fake in (("Broker", NoBroker), ("WorkerGroup", NoWorkers)):
        monkeypatch.setattr(replay, name, fake)
    monkeypatch.setattr(replay, "create_topics", lambda settings: set())
    monkeypatch.setattr(replay, "delete_topics", deleted.append)
    with replay.replay_pipeline(SERVICE, brokers=brokers) as pipeline:
        return pipeline.settings, deleted


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    for name, value in {
        "REPLICATION": "3",
        "SECURITY_PROTOCOL": "SASL_SSL",
        "SASL_USERNAME": "kept",
        "SASL_PASSWORD_FILE": str(secret),
        "METRICS_HOST": "0.0.0.0",
    }.items():
        monkeypatch.setenv(f"KEPT_{name}", value)
    return secret


def test_a_private_broker_is_not_spoken_to_as_the_shell_says_of_brokers_elsewhere(
    monkeypatch: pytest.MonkeyPatch, production: Path
) -> None:
    settings, deleted = settings_of_pipeline(monkeypatch, brokers=None)
    assert (settings.brokers, settings.replication, settings.security_protocol) == (NoBroker.bootstrap, 1, "PLAINTEXT")
    assert (settings.metrics_host, settings.sasl_password) == ("127.0.0.1", None)
    assert deleted == []  # the broker goes with all it holds


def test_a_broker_of_others_is_spoken_to_as_the_shell_says_and_left_as_it_was(
    monkeypatch: pytest.MonkeyPatch, production: Path
) -> None:
    settings, deleted = settings_of_pipeline(monkeypatch, brokers="kafka:9092")
    assert (settings.brokers, settings.replication, settings.security_protocol) == ("kafka:9092", 3, "SASL_SSL")
    assert settings.metrics_host == "127.0.0.1"
    assert deleted == [settings]


def test_a_secret_reaches_the_workers_as_the_name_of_its_file(production: Path, tmp_path: Path) -> None:
    settings = Settings(security_protocol="SASL_SSL", sasl_username="kept", sasl_password="s3cret")
    (worker,) = WorkerGroup(settings, tmp_path, 1).workers
    environment: dict[str, Any] = dict(worker._environment or {})
    assert environment["KEPT_SASL_PASSWORD_FILE"] == str(production)
    assert "s3cret" not in environment.values()
    assert environment["KEPT_SASL_USERNAME"] == "kept"


def test_what_a_file_of_the_shell_says_does_not_win_over_what_the_workers_are_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KEPT_BROKERS_FILE", str(tmp_path / "brokers"))
    environment = environment_of(Settings(brokers="other:9092"))
    assert environment["KEPT_BROKERS"] == "other:9092"
    assert "KEPT_BROKERS_FILE" not in environment


def test_a_history_that_is_just_being_made_is_not_there_yet(tmp_path: Path) -> None:
    settings = Settings(history_path=str(tmp_path / "history.sqlite"))
    for make in (lambda: None, (tmp_path / "history.sqlite").touch):
        make()
        with history_of(settings) as store:
            assert store is None
