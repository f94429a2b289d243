"""A peer that cannot be installed says why, and leaves nothing half made."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench import environments
from bench.environments import NotInstalled, python_with, streams_class_path


def test_without_java_kafka_streams_is_not_installed_and_the_reason_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    cache = tmp_path / "cache"
    with pytest.raises(NotInstalled, match=r"Java is missing .* install it with: apt-get"):
        streams_class_path(cache)
    assert not cache.exists()


def test_jars_that_are_not_the_tested_ones_are_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fetch(folder: Path) -> None:
        folder.mkdir(parents=True)
        (folder / "kafka-streams-4.3.1.jar").write_bytes(b"something else")

    monkeypatch.setattr(environments, "fetch_streams_jars", fetch)
    monkeypatch.setattr(environments, "_java", lambda: sys.executable)
    monkeypatch.setattr(Path, "exists", lambda path: True)  # as if a compiler were beside it
    with pytest.raises(NotInstalled, match="differs from the tested one"):
        streams_class_path(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_package_that_cannot_be_had_is_told_with_pips_words_and_tried_again_the_next_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[list[str]] = []

    def run(command: list[str], who: str) -> None:
        asked.append(command)
        environments_run([sys.executable, "-c", "print('ERROR: no matching distribution'); exit(3)"], who)

    environments_run = environments._run
    monkeypatch.setattr(environments, "_run", run)
    monkeypatch.setattr(environments.venv, "create", lambda folder, *, with_pip: folder.mkdir(parents=True))
    for _ in range(2):
        with pytest.raises(NotInstalled, match="pip, for bytewax, ended with 3: ERROR: no matching distribution"):
            python_with("bytewax", tmp_path)
    assert len(asked) == 2
    assert "--require-hashes" in asked[0]
