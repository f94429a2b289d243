"""What is installed. Only Python is needed everywhere; Java runs a local broker, the rest completes the demo."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from command_line.checks.finding import Finding, mend, note, ok
from local_stack.java import INSTALL_COMMAND, MINIMUM_JAVA, java_command, java_version, maven_command
from local_stack.kafka_jars import KAFKA_VERSION, cache_folder

MINIMUM_PYTHON = (3, 11)
CLIENTS = ("aiokafka", "faust-streaming", "kafka-python")
OPTIONAL = {
    "Prometheus": (("prometheus",), "scrapes the workers", "apt-get install -y prometheus"),
    "Alertmanager": (
        ("prometheus-alertmanager", "alertmanager"),
        "sends alerts",
        "apt-get install -y prometheus-alertmanager",
    ),
    "InfluxDB": (("influxd",), "a history store for many readers", "install InfluxDB 2, or keep the SQLite history"),
    "Chromium": (("chromium", "chromium-browser", "google-chrome"), "tests of pages", "apt-get install -y chromium"),
}


def python(running: tuple[int, ...] = sys.version_info[:3]) -> list[Finding]:
    """Python itself and the clients of Kafka."""
    seen = ".".join(map(str, running))
    needed = ".".join(map(str, MINIMUM_PYTHON))
    if running[:2] < MINIMUM_PYTHON:
        return [mend("Python", seen, f"install Python {needed} or newer")]
    found = [ok("Python", f"{seen} on {platform.system()} {platform.machine()}")]
    try:
        found.append(ok("Kafka clients", ", ".join(f"{name} {version(name)}" for name in CLIENTS)))
    except PackageNotFoundError as error:
        found.append(mend("Kafka clients", f"{error.name} is not installed", "pip install kept"))
    return found


def local_broker(environment: Mapping[str, str]) -> list[Finding]:
    """Java, Maven and Kafka's jars: what `kept demo` and `kept replay` need to start a broker of their own."""
    return [*_java(environment), *_jars(environment)]


def programs(environment: Mapping[str, str]) -> list[Finding]:
    """Programs that the demo and the tests use when they are there."""
    return list(_programs(environment))


def _java(environment: Mapping[str, str]) -> Iterator[Finding]:
    java = java_command(environment)
    fix = f"for a broker on this machine: {INSTALL_COMMAND}"
    if java is None:
        yield note("Java", "not there", fix)
        return
    seen = java_version(java)
    if seen is None or seen < MINIMUM_JAVA:
        yield note("Java", f"{java} is {'of unknown version' if seen is None else seen}; {MINIMUM_JAVA} is needed", fix)
    else:
        yield ok("Java", f"{seen} ({java})")


def _jars(environment: Mapping[str, str]) -> Iterator[Finding]:
    folder: Path = cache_folder(environment)
    if folder.is_dir():
        yield ok("Kafka's jars", f"{KAFKA_VERSION} in {folder}")
    elif maven_command(environment) is None:
        yield note(
            "Kafka's jars", "not fetched yet, and no Maven to fetch them", f"for a local broker: {INSTALL_COMMAND}"
        )
    else:
        yield ok("Kafka's jars", "not fetched yet; Maven fetches them at the first start of a local broker")


def _programs(environment: Mapping[str, str]) -> Iterator[Finding]:
    for name, (commands, purpose, fix) in OPTIONAL.items():
        path = next(filter(None, (shutil.which(each, path=environment.get("PATH")) for each in commands)), None)
        yield ok(name, path) if path else note(name, f"not there ({purpose})", fix)
