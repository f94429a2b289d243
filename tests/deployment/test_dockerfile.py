"""The points of the Dockerfile, by its parsed instructions; its locks; and the wheel that it builds."""

from __future__ import annotations

import fnmatch
import json
import re
import tomllib
from dataclasses import dataclass

import pytest
from packaging.requirements import Requirement

from command_line.healthz import USAGE
from tests.deployment.compose import ROOT, compose, of_kept

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = ROOT / "requirements.lock"
RUNTIME = ROOT / "deployment/requirements-runtime.lock"
BUILD = ROOT / "deployment/requirements-build.lock"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)(?:\s*;\s*([^\\]+?))?\s*\\?$", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Instruction:
    """One instruction of a stage: its number, the word, and what follows on one line."""

    stage: int
    word: str
    rest: str


def instructions() -> list[Instruction]:
    """The instructions of the Dockerfile; those before the first FROM are of stage -1."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    found, stage = [], -1
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        if not line.strip():
            continue
        word, _, rest = line.partition(" ")
        stage += word == "FROM"
        found.append(Instruction(stage, word, rest.strip()))
    return found


def of(word: str, stage: int | None = None) -> list[str]:
    return [each.rest for each in instructions() if each.word == word and stage in (None, each.stage)]


def pins(lock: object) -> dict[str, set[str]]:
    """Versions by name (one for each Python, at times)."""
    found: dict[str, set[str]] = {}
    for name, version, _ in _PIN.findall(lock.read_text(encoding="utf-8")):  # type: ignore[attr-defined]
        found.setdefault(name, set()).add(version)
    return found


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_image_is_made_in_two_stages_from_the_one_pinned_base() -> None:
    assert of("FROM") == ["${PYTHON_IMAGE} AS build", "${PYTHON_IMAGE}"]
    # No default: there is one place where it is named.
    assert of("ARG", -1) == ["PYTHON_IMAGE"]
    assert compose()["x-images"]["python"].startswith("python:3.11.")
    assert {service["build"]["context"] for service in of_kept().values()} == {"."}


def test_every_installation_is_by_hash_or_from_the_first_stage() -> None:
    installs = [part for run in of("RUN") for part in run.split(" && ") if re.search(r"pip\b.* install\b", part)]
    assert len(installs) == 3
    for install in installs:
        locked = {"--require-hashes", "--no-deps", "--only-binary"} <= set(install.split())
        local = {"--no-index", "--no-deps"} <= set(install.split())
        assert locked or local, install
    (wheel,) = [part for run in of("RUN") for part in run.split(" && ") if "pip wheel " in part]
    assert {"--no-index", "--no-deps", "--no-build-isolation"} <= set(wheel.split())
    assert not re.search(r"apt|curl|wget|git\b|ADD", " ".join([*of("RUN"), *of("ADD")]))


def test_nothing_builds_or_installs_in_the_image_that_runs() -> None:
    (run,) = of("RUN", 1)
    assert run.startswith("python -m pip uninstall --yes --root-user-action=ignore pip setuptools wheel ")
    assert "--without-pip /opt/kept" in of("RUN", 0)[0]
    assert of("COPY", 1) == ["--from=build /opt/kept /opt/kept"]


def test_the_user_is_a_number_and_not_root() -> None:
    assert of("USER") == ["10001:10001"]
    words = [each.word for each in instructions() if each.stage == 1]
    assert words.index("USER") > words.index("RUN")
    assert words.index("USER") < words.index("ENTRYPOINT")
    assert {service["user"] for service in of_kept().values()} == {"10001:10001"}


def test_a_read_only_file_system_is_enough() -> None:
    variables = dict(word.split("=", 1) for word in of("ENV", 1)[0].split())
    assert variables["PYTHONDONTWRITEBYTECODE"] == "1"
    assert variables["HOME"] == "/tmp"
    assert variables["PROMETHEUS_DISABLE_CREATED_SERIES"] == "true"
    assert "compileall -q -j 0 --invalidation-mode unchecked-hash /opt/kept/lib" in of("RUN", 0)[1]


def test_health_is_asked_without_curl_and_the_signal_is_that_of_an_orderly_end() -> None:
    (health,) = of("HEALTHCHECK")
    command = json.loads(health.partition("CMD ")[2])
    assert command[:3] == USAGE.split()[:3]
    (variables,) = of("ENV", 1)
    assert f"KEPT_METRICS_PORT={command[3]}" in variables.split()
    assert of("STOPSIGNAL") == ["SIGTERM"]
    assert json.loads(of("ENTRYPOINT")[0]) == ["kept"]
    assert PYPROJECT["project"]["scripts"]["kept"] == "command_line.main:main"


def test_the_image_says_what_it_is() -> None:
    (labels,) = of("LABEL")
    told = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', labels))
    assert set(told) == {"title", "description", "licenses", "version", "revision"}
    assert told["licenses"] == PYPROJECT["project"]["license"]
    assert PYPROJECT["project"]["description"].startswith(told["description"])


def test_what_the_wheel_is_made_of_is_copied_and_nothing_else_gets_in() -> None:
    packages = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    files = {"pyproject.toml", PYPROJECT["project"]["readme"], *PYPROJECT["project"]["license-files"]}
    locks = {"deployment/requirements-runtime.lock", "deployment/requirements-build.lock"}
    copied = {source for rest in of("COPY", 0) for source in rest.split()[:-1]}
    assert copied == {*packages, *files, *locks}
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert {rule.removeprefix("!") for rule in rules if rule.startswith("!")} == copied


@pytest.mark.parametrize(
    "path", ["deployment/secrets/intake-token", ".env", "backups/x/influxdb.tar", ".git/config", ".venv/bin/python"]
)
def test_no_secret_is_sent_to_the_builder(path: str) -> None:
    kept = False
    for rule in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = rule.removeprefix("!")
        if (
            pattern
            and not pattern.startswith("#")
            and (fnmatch.fnmatch(path, pattern) or path.startswith(f"{pattern}/"))
        ):
            kept = rule.startswith("!")
    assert not kept


@pytest.mark.parametrize("lock", [RUNTIME, BUILD], ids=["runtime", "build"])
def test_the_locks_of_the_image_agree_with_the_lock_of_the_tests(lock: object) -> None:
    everything, found = pins(LOCK), pins(lock)
    assert found
    for name, versions in found.items():
        assert versions <= everything[name], name
    for block in re.split(r"\n(?=\S)", lock.read_text(encoding="utf-8")):  # type: ignore[attr-defined]
        assert block.startswith("#") or _HASH.search(block), block


def test_the_image_has_all_dependencies_and_none_of_the_developers() -> None:
    found = pins(RUNTIME)
    for text in PYPROJECT["project"]["dependencies"]:
        requirement = Requirement(text)
        versions = found[canonical(requirement.name)]
        assert all(requirement.specifier.contains(version) for version in versions), text
    wanted = {canonical(Requirement(text).name) for text in PYPROJECT["project"]["dependencies"]}
    developers = {canonical(Requirement(text).name) for text in PYPROJECT["dependency-groups"]["dev"]}
    assert not (developers - wanted) & set(found)
    for text in PYPROJECT["build-system"]["requires"]:
        requirement = Requirement(text)
        assert all(requirement.specifier.contains(v) for v in pins(BUILD)[canonical(requirement.name)])
        assert canonical(requirement.name) not in found
