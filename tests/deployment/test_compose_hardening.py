"""Each hardening point, on every service of docker-compose.yml. What is not so has its reason in a table here."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import kept
from tests.deployment.compose import FILE, ROOT, TEXT, compose, jobs, mounts, of_kept, services

NAMES = sorted(services())
WITHOUT_HEALTHCHECK = {
    **dict.fromkeys(("topics", "influxdb-init", "rules", "alertmanager-config", "grafana-account"), "ends by itself"),
    "annotations": "serves nothing; it ends with a failure when it cannot go on, and is started again",
    "city": "serves nothing; what it could not send waits in its spool",
    "console": "only sleeps",
    "influxdb-tools": "run for one backup",
}
PUBLISHED = {"grafana": "people read it", "board": "people read it"}
EXECUTABLE_TMPFS = {("kafka", "/tmp"): "compression libraries are unpacked there and loaded"}
NEVER_RESTARTED = {"topics", "influxdb-init", "rules", "alertmanager-config", "grafana-account", "influxdb-tools"}
"""Jobs: what fails there needs a person, and whoever waits for it does not start."""
SECRET_WORD = re.compile(r"(password|token|secret|credential|api_?key)", re.IGNORECASE)


def each(name: str) -> dict[str, Any]:
    return services()[name]


def bytes_of(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)([mg])", str(text)).groups()  # type: ignore[union-attr]
    return int(number) * {"m": 2**20, "g": 2**30}[unit]


def schema_check(file: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("check-jsonschema")
    command = [str(program), "--builtin-schema", "vendor.compose-spec", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_the_file_is_valid_by_the_compose_specification(tmp_path: Path) -> None:
    assert schema_check(ROOT / "docker-compose.yml").returncode == 0, schema_check(ROOT / "docker-compose.yml").stdout
    wrong = tmp_path / "compose.yml"
    wrong.write_text("services: {worker: {imagee: kept}}")
    refused = schema_check(wrong)
    assert refused.returncode == 1
    assert "imagee" in refused.stdout


def test_there_is_no_obsolete_version() -> None:
    assert "version" not in compose()


@pytest.mark.parametrize("name", NAMES)
def test_nobody_is_root(name: str) -> None:
    user = each(name)["user"]
    assert re.fullmatch(r"[1-9]\d*:\d+", user), user


@pytest.mark.parametrize("name", NAMES)
def test_the_file_system_is_read_only(name: str) -> None:
    assert each(name)["read_only"] is True


@pytest.mark.parametrize("name", NAMES)
def test_no_capability_and_no_new_privilege(name: str) -> None:
    service = each(name)
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    forbidden = {"cap_add", "privileged", "devices", "pid", "ipc", "userns_mode", "cgroup_parent"}
    assert not forbidden & set(service)


@pytest.mark.parametrize("name", NAMES)
def test_everything_is_limited(name: str) -> None:
    service = each(name)
    assert 0 < service["pids_limit"] <= 512
    assert 2**26 <= bytes_of(service["mem_limit"]) <= 2**31
    assert 0 < service["cpus"] <= 2
    assert service["logging"] == {"driver": "local", "options": {"max-size": "10m", "max-file": "3"}}


@pytest.mark.parametrize("name", NAMES)
def test_what_is_in_memory_is_limited_and_executable_only_for_a_reason(name: str) -> None:
    service = each(name)
    for entry in service["tmpfs"]:
        path, _, options = entry.partition(":")
        size = re.search(r"size=(\d+[mg])", options)
        assert size is not None, entry
        assert bytes_of(size[1]) < bytes_of(service["mem_limit"])
        assert ("exec" in options.split(",")) == ((name, path) in EXECUTABLE_TMPFS)
    assert any(entry.startswith("/tmp:") for entry in service["tmpfs"])


@pytest.mark.parametrize("name", NAMES)
def test_signals_arrive_and_there_is_time_to_end_in_order(name: str) -> None:
    service = each(name)
    assert service["init"] is True
    assert int(service["stop_grace_period"].removesuffix("s")) >= 30


@pytest.mark.parametrize("name", NAMES)
def test_what_runs_is_watched_and_started_again(name: str) -> None:
    service = each(name)
    assert service["restart"] == ("no" if name in NEVER_RESTARTED else "unless-stopped")
    check = service["healthcheck"]
    assert (check == {"disable": True}) == (name in WITHOUT_HEALTHCHECK)
    if name not in WITHOUT_HEALTHCHECK:
        assert check["test"][0] in ("CMD", "CMD-SHELL")
        assert "curl" not in " ".join(check["test"])
        assert {"interval", "timeout", "retries", "start_period", "start_interval"} <= set(check)


def test_jobs_are_those_that_somebody_waits_for() -> None:
    # `up --wait` takes a container that ended for a failure, unless another one waits for its end.
    assert jobs() == NEVER_RESTARTED - {"influxdb-tools"}
    assert {name for name in NEVER_RESTARTED if "profiles" in each(name)} == {"influxdb-tools"}


def test_only_grafana_and_the_board_are_published_and_only_on_loopback() -> None:
    published = {name: service["ports"] for name, service in services().items() if "ports" in service}
    assert set(published) == set(PUBLISHED)
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
    assert not any(service.get("network_mode") == "host" for service in services().values())


def test_a_worker_can_be_scaled() -> None:
    worker = each("worker")
    assert not {"container_name", "hostname", "ports"} & set(worker)
    assert worker["scale"] == 2
    assert compose(WORKERS="6")["services"]["worker"]["scale"] == 6
    # What two replicas would both write to is no volume of theirs.
    assert all(mount.read_only for mount in mounts(worker))


def test_every_image_is_named_in_one_place() -> None:
    data = compose()
    images = data["x-images"]
    assert {service["image"] for service in services().values()} == {*images.values()} - {images["python"]}
    outside = TEXT.split("x-images:\n")[1].split("\n\n", 1)[1]
    assert not [image for image in images.values() if image.split(":")[0] + ":" in outside and "/" in image]
    assert re.findall(r"^ +image: (.*)$", outside, re.MULTILINE) == [
        line for line in re.findall(r"^ +image: (.*)$", outside, re.MULTILINE) if line.startswith("*")
    ]
    assert {service["build"]["args"]["PYTHON_IMAGE"] for service in of_kept().values()} == {images["python"]}


@pytest.mark.parametrize("name", sorted(compose()["x-images"]))
def test_every_image_has_a_whole_version(name: str) -> None:
    reference = compose()["x-images"][name]
    assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+(-[a-z-]+)?(@sha256:[0-9a-f]{64})?", reference), reference


def test_the_image_of_kept_has_the_version_of_kept_and_comes_from_no_registry() -> None:
    assert compose()["x-images"]["kept"] == f"kept:{kept.__version__}"
    assert {service["pull_policy"] for service in of_kept().values()} == {"never"}
    assert f"ARG VERSION={kept.__version__}\n" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_no_variable_and_no_argument_holds_a_secret(name: str) -> None:
    for variable, value in each(name).get("environment", {}).items():
        if SECRET_WORD.search(variable) and not isinstance(value, bool):
            assert variable.endswith("_FILE"), variable
            assert not value or str(value).startswith(("/run/secrets/", "/run/kept/")), variable
    for word in each(name).get("command", []):
        argument, _, value = str(word).partition("=")
        if SECRET_WORD.search(argument) and value:
            assert argument.endswith(("-file", "-folder")), word


def test_the_operators_token_is_given_to_nobody_else() -> None:
    holders = {name for name, service in services().items() if "influxdb-operator-token" in service.get("secrets", [])}
    assert holders == {"influxdb-init", "influxdb-tools"}
    assert each("influxdb-tools")["profiles"] == ["backup"]


def test_who_writes_and_who_reads_the_history_hold_one_token_each() -> None:
    by_volume: dict[str, set[str]] = {"influxdb-write-token": set(), "influxdb-read-token": set()}
    for name, service in services().items():
        for mount in mounts(service):
            if mount.source in by_volume and mount.read_only:
                by_volume[mount.source].add(name)
    assert by_volume == {
        "influxdb-write-token": {"worker", "summary"},
        "influxdb-read-token": {"board", "grafana", "annotations", "console"},
    }


def test_the_file_says_where_it_is_explained() -> None:
    assert "docs/compose.md" in FILE.read_text(encoding="utf-8").splitlines()[0]
