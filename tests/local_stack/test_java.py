"""Java and Maven: found, too old, missing; and Kafka's jars: all or nothing, and only the tested ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from kept.errors import Stop
from local_stack import java, kafka_jars


@pytest.mark.parametrize(
    ("text", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_392"', 8),
        ('openjdk version "21" 2023-09-19', 21),
        ("no such thing", None),
    ],
)
def test_the_major_version_is_read_from_what_java_prints(text: str, major: int | None) -> None:
    assert java.parse_java_version(text) == major


def test_without_java_the_error_names_the_command_that_installs_it() -> None:
    with pytest.raises(Stop, match="apt-get install -y openjdk-17-jre-headless maven"):
        java.require_java({"PATH": "/nowhere"})


def test_without_maven_the_error_names_the_command_that_installs_it() -> None:
    with pytest.raises(Stop, match="apt-get install -y openjdk-17-jre-headless maven"):
        java.require_maven({"PATH": "/nowhere"})


def test_an_old_java_is_refused_with_its_version(tmp_path: Path) -> None:
    old = tmp_path / "java"
    old.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    old.chmod(0o755)
    with pytest.raises(Stop, match=r"is version 11; Kafka needs 17"):
        java.require_java({"PATH": str(tmp_path)})


def test_java_home_comes_before_the_path(tmp_path: Path) -> None:
    chosen = tmp_path / "bin" / "java"
    chosen.parent.mkdir()
    chosen.write_text("#!/bin/sh\necho 'openjdk version \"25\"' >&2\n")
    chosen.chmod(0o755)
    assert java.require_java({"JAVA_HOME": str(tmp_path), "PATH": "/nowhere"}) == str(chosen)


def test_jars_are_fetched_once_and_appear_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = []

    def fetch(folder: Path) -> None:
        fetched.append(folder)
        (folder / "kafka.jar").write_bytes(b"jar")

    known = tmp_path / "checksums"
    (tmp_path / "expected").mkdir()
    (tmp_path / "expected" / "kafka.jar").write_bytes(b"jar")
    known.write_text(kafka_jars.checksums(tmp_path / "expected"))
    monkeypatch.setattr(kafka_jars, "CHECKSUMS", known)
    target = tmp_path / "cache" / "kafka"
    assert kafka_jars.kafka_jars(target, fetch) == target
    assert kafka_jars.kafka_jars(target, fetch) == target
    assert len(fetched) == 1
    assert [file.name for file in target.parent.iterdir()] == ["kafka"]


def test_another_jar_than_the_tested_one_is_not_used(tmp_path: Path) -> None:
    def fetch(folder: Path) -> None:
        (folder / "kafka_2.13-4.3.1.jar").write_bytes(b"something else")

    with pytest.raises(Stop, match="differs from the tested one"):
        kafka_jars.kafka_jars(tmp_path / "kafka", fetch)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_download_leaves_nothing_behind(tmp_path: Path) -> None:
    def fetch(folder: Path) -> None:
        (folder / "half.jar").write_bytes(b"half")
        raise Stop("no network")

    with pytest.raises(Stop, match="no network"):
        kafka_jars.kafka_jars(tmp_path / "kafka", fetch)
    assert list(tmp_path.iterdir()) == []


def test_the_cache_follows_xdg(tmp_path: Path) -> None:
    assert kafka_jars.cache_folder({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "kept" / "kafka-4.3.1"
