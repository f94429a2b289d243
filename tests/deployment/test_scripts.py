"""What `make secrets up down reload backup restore images` do: run on a copy of the folder, with a double of docker."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.deployment import fake_docker
from tests.deployment.compose import ROOT, mounts, services

SCRIPTS = ("make-secrets", "images", "up", "down", "reload", "backup", "restore")
SECRETS = (
    "influxdb-operator-password",
    "influxdb-operator-token",
    "intake-token",
    "case-key",
    "board-token",
    "grafana-admin-password",
    "grafana-secret-key",
)
GID = 4242
pytestmark = pytest.mark.skipif(os.name != "posix", reason="the scripts are for a POSIX shell")


class Place:
    """A copy of what the scripts need, with docker replaced."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "kept"
        self.fake = folder / "fake"
        self.bin = folder / "bin"
        for each in (self.folder, self.fake, self.bin):
            each.mkdir()
        shutil.copytree(ROOT / "deployment", self.folder / "deployment", ignore=shutil.ignore_patterns("secrets"))
        for name in ("docker-compose.yml", "Makefile"):
            shutil.copy2(ROOT / name, self.folder / name)
        docker = self.bin / "docker"
        docker.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {fake_docker.__file__} "$@"\n')
        docker.chmod(0o755)

    def run(self, *command: str, with_docker: bool = True) -> subprocess.CompletedProcess[str]:
        path = f"{self.bin}:/usr/bin:/bin" if with_docker else self._without_docker()
        environment = {"PATH": path, "FAKE_DOCKER": str(self.fake), "LC_ALL": "C", "HOME": str(self.folder)}
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    def make(self, *arguments: str) -> str:
        done = self.run("make", "--no-print-directory", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def refused(self, *arguments: str) -> str:
        done = self.run("make", "--no-print-directory", *arguments)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def tell(self, name: str, *words: str) -> None:
        (self.fake / name).write_text(" ".join(words))

    def calls(self) -> list[str]:
        file = self.fake / "calls"
        return file.read_text().splitlines() if file.exists() else []

    def secret(self, name: str) -> Path:
        return self.folder / "deployment/secrets" / name

    def _without_docker(self) -> str:
        """A folder with links to every program that the scripts use."""
        only = self.folder.parent / "only"
        only.mkdir(exist_ok=True)
        for name in ("bash", "dirname", "make", "sh", "sed", "id", "grep", "mktemp", "cp", "rm"):
            found = shutil.which(name)
            assert found is not None
            if not (only / name).exists():
                (only / name).symlink_to(found)
        return str(only)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("name", [*SCRIPTS, "needs.sh", "volumes.sh"])
def test_bash_reads_the_script(name: str) -> None:
    file = ROOT / "deployment" / name
    done = subprocess.run(["bash", "-n", file], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    if name in SCRIPTS:
        assert os.access(file, os.X_OK)
        assert file.read_text().startswith("#!/usr/bin/env bash\n")
        assert "\nset -euo pipefail\n" in file.read_text()


def test_the_script_for_the_container_is_plain_sh() -> None:
    file = ROOT / "deployment/influxdb-tools.sh"
    done = subprocess.run(["sh", "-n", file], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "--token" not in file.read_text()


def test_secrets_are_long_distinct_and_shown_nowhere(place: Place) -> None:
    said = place.make("secrets")
    values = [place.secret(name).read_text() for name in SECRETS]
    assert len(set(values)) == len(SECRETS)
    assert all(re.fullmatch(r"[0-9a-f]{64}", value) for value in values)
    assert not [value for value in values if value in said]
    assert {file.name for file in place.secret("").iterdir()} == {*SECRETS, "receivers"}


def test_the_files_are_for_one_group_and_the_folder_for_one_user(place: Place) -> None:
    if os.getuid() == 0:  # a group of its own, as for an operator's account
        (place.folder / ".env").write_text(f"WORKERS=3\nSECRETS_GID={GID}\n")
    gid = GID if os.getuid() == 0 else os.getgid()
    place.make("secrets")
    assert mode(place.secret("")) == 0o700
    for name in SECRETS:
        assert mode(place.secret(name)) == 0o440
        assert place.secret(name).stat().st_gid == gid
    assert mode(place.secret("receivers")) == 0o750
    assert f"SECRETS_GID={gid}\n" in (place.folder / ".env").read_text()


def test_containers_are_told_the_group_and_nothing_of_the_users_is_lost(place: Place) -> None:
    (place.folder / ".env").write_text("WORKERS=3")
    place.make("secrets")
    lines = (place.folder / ".env").read_text().splitlines()
    expected = 10001 if os.getuid() == 0 else os.getgid()
    assert lines == ["WORKERS=3", f"SECRETS_GID={expected}"]
    place.make("secrets")
    assert (place.folder / ".env").read_text().splitlines() == lines


def test_what_is_there_is_never_overwritten(place: Place) -> None:
    place.make("secrets")
    before = {name: place.secret(name).read_text() for name in SECRETS}
    place.secret("intake-token").unlink()
    place.secret("receivers/pager-token").write_text("put in by hand")
    place.secret("receivers/pager-token").chmod(0o644)
    said = place.make("secrets")
    after = {name: place.secret(name).read_text() for name in SECRETS}
    assert {name for name in SECRETS if before[name] != after[name]} == {"intake-token"}
    assert said.count("is there") == len(SECRETS) - 1
    assert place.secret("receivers/pager-token").read_text() == "put in by hand"
    assert mode(place.secret("receivers/pager-token")) == 0o440


def test_an_empty_secret_is_refused(place: Place) -> None:
    place.make("secrets")
    place.secret("intake-token").chmod(0o600)
    place.secret("intake-token").write_text("")
    assert "deployment/secrets/intake-token is empty; remove it" in place.refused("secrets")


@pytest.mark.parametrize("target", ["up", "down", "reload", "backup", "images"])
def test_without_docker_it_says_what_is_missing(place: Place, target: str) -> None:
    done = place.run("make", "--no-print-directory", target, with_docker=False)
    assert done.returncode == 2
    assert done.stderr.startswith("Docker is not on this machine")


@pytest.mark.parametrize(
    ("failing", "words"),
    [("compose version", "'docker compose' does not work"), ("info", "the Docker daemon does not answer")],
)
def test_what_does_not_work_of_docker_is_said(place: Place, failing: str, words: str) -> None:
    place.tell("fails", failing.split()[-1])
    assert words in place.refused("up")
    assert not [call for call in place.calls() if " up " in call]


def test_up_checks_before_it_touches_what_runs(place: Place) -> None:
    said = place.make("up", "PROFILES=demo", "ARGS=--scale worker=4")
    calls = [call for call in place.calls() if call not in ("compose version", "info")]
    assert calls == [
        "compose config --quiet",
        "compose build worker",
        "compose run --rm --no-deps -T rules catalogue check /etc/kept/catalogue",
        "compose up --detach --no-build --remove-orphans --wait --wait-timeout 300 --scale worker=4",
        "compose exec -T prometheus kill -HUP 1",
        "compose exec -T alertmanager kill -HUP 1",
        "compose port grafana 3000",
        "compose port board 8400",
    ]
    assert place.secret("intake-token").exists()
    assert "http" not in place.secret("grafana-admin-password").read_text()
    assert "password in deployment/secrets/grafana-admin-password" in said


@pytest.mark.parametrize("failing", ["config", "build", "catalogue"])
def test_up_stops_at_the_first_thing_that_is_wrong(place: Place, failing: str) -> None:
    place.tell("fails", failing)
    place.refused("up")
    assert not [call for call in place.calls() if " up " in call]


def test_down_keeps_the_volumes(place: Place) -> None:
    place.make("down")
    assert place.calls()[-1] == "compose --profile * down --remove-orphans"
    assert not [call for call in place.calls() if "--volumes" in call or " -v" in call]


@pytest.mark.parametrize("summary", [False, True])
def test_reload_makes_anew_what_is_made_of_the_catalogue(place: Place, summary: bool) -> None:
    place.make("secrets")
    (place.bin / "docker").write_text(
        (place.bin / "docker").read_text().replace("exec", '[ "$1" != inspect ] || echo healthy\nexec')
    )
    place.tell("containers", "w1", "w2")
    place.tell("running", "worker", "board", *(["summary"] if summary else []))
    place.make("reload")
    calls = [call for call in place.calls() if not call.startswith(("inspect", "compose version", "info"))]
    assert calls == [
        "compose ps --quiet influxdb",
        "compose run --rm --no-deps -T rules catalogue check /etc/kept/catalogue",
        "compose run --rm --no-deps -T rules",
        "compose run --rm --no-deps -T alertmanager-config",
        "compose run --rm --no-deps -T influxdb-init",
        "compose exec -T prometheus kill -HUP 1",
        "compose exec -T alertmanager kill -HUP 1",
        "compose ps --quiet worker",
        "restart w1",
        "restart w2",
        "compose ps --services --status running",
        f"compose restart intake board annotations{' summary' if summary else ''}",
    ]


RUNNING = (
    "kafka", "influxdb", "worker", "intake", "board", "summary", "grafana", "prometheus", "alertmanager", "annotations",
)  # fmt: skip


@pytest.fixture
def filled(place: Place) -> Place:
    """A place with data in every volume, secrets, and everything running."""
    place.make("secrets")
    place.tell("running", *RUNNING)
    for volume in fake_docker_paths().values():
        folder = place.fake / "volumes" / volume / "deep"
        folder.mkdir(parents=True)
        (folder / "file").write_text(f"what {volume} holds")
    (place.fake / "influxdb.content").write_text("what influxdb holds")
    return place


def fake_docker_paths() -> dict[str, str]:
    return dict(fake_docker.PATHS)


def backup_of(place: Place) -> Path:
    place.make("backup")
    (made,) = (place.folder / "backups").iterdir()
    return made


def contents(place: Place) -> dict[str, str]:
    root = place.fake / "volumes"
    return {
        **{str(file.relative_to(root)): file.read_text() for file in root.rglob("*") if file.is_file()},
        "influxdb": (place.fake / "influxdb.content").read_text(),
    }


def test_a_backup_is_of_every_volume_that_is_not_made_anew() -> None:
    made_anew = {
        "influxdb-write-token", "influxdb-read-token", "prometheus-rules", "alertmanager-config", "grafana-token",
        "city-spool", "influxdb-scratch",
    }  # fmt: skip
    text = (ROOT / "deployment/volumes.sh").read_text()
    told = {tuple(line.split()) for line in re.findall(r'^    "(.*)"$', text, re.MULTILINE)}
    expected = {
        (name, mount.target, mount.source)
        for name, service in services().items()
        for mount in mounts(service)
        if mount.kind == "volume" and not mount.read_only and mount.source not in made_anew | {"influxdb-data"}
    }
    assert told == expected
    assert {path: name for _, path, name in told} == fake_docker_paths()


def test_a_backup_can_be_read_by_its_owner_alone_and_has_no_secret(filled: Place) -> None:
    made = backup_of(filled)
    assert {file.name for file in made.iterdir()} == {
        "influxdb.tar", "kafka-data.tar", "intake-spool.tar", "prometheus-data.tar", "alertmanager-data.tar",
        "grafana-data.tar", "images", "SHA256SUMS",
    }  # fmt: skip
    assert mode(made) == 0o700
    assert {mode(file) for file in made.iterdir()} == {0o600}
    token = filled.secret("influxdb-operator-token").read_bytes()
    assert not [file for file in made.iterdir() if token in file.read_bytes()]


def test_writers_stop_first_and_what_ran_runs_again(filled: Place) -> None:
    filled.tell("running", *(name for name in RUNNING if name != "annotations"))
    backup_of(filled)
    calls = [call.removeprefix("compose ") for call in filled.calls() if call.startswith("compose")]
    order = [call for call in calls if call.startswith(("stop", "start", "run"))]
    assert order[:4] == ["stop intake", "stop worker", "stop summary", "run --rm --no-deps -T influxdb-tools backup"]
    kafka = next(index for index, call in enumerate(order) if "tar kafka" in call)
    assert order.index("stop kafka") < kafka
    assert order[-1] == "start kafka influxdb worker intake board summary grafana prometheus alertmanager"
    assert "stop city" not in order
    assert "stop influxdb" not in order


@pytest.mark.parametrize("failing", ["influxdb-tools", "/prometheus"])
def test_a_backup_that_fails_leaves_nothing_and_starts_everything_again(filled: Place, failing: str) -> None:
    filled.tell("fails", failing)
    said = filled.refused("backup")
    assert "no backup was made" in said
    assert list((filled.folder / "backups").iterdir()) == []
    assert filled.calls()[-1].startswith("compose start kafka influxdb worker")


def test_what_was_backed_up_is_restored(filled: Place) -> None:
    before = contents(filled)
    made = backup_of(filled)
    shutil.rmtree(filled.fake / "volumes")
    (filled.fake / "influxdb.content").unlink()
    filled.tell("running")
    filled.make("restore", f"FROM=backups/{made.name}")
    assert contents(filled) == before
    calls = [call for call in filled.calls() if call.startswith("compose")]
    # A server must be set up before it takes a backup.
    tail = [call for call in calls if "influxdb" in call][-3:]
    assert tail == [
        "compose up --detach --wait influxdb",
        "compose run --rm --no-deps -T influxdb-init",
        "compose run --rm --no-deps -T influxdb-tools restore",
    ]


def damaged(place: Place, made: Path) -> None:
    (made / "kafka-data.tar").write_bytes(b"something else")


def running(place: Place, made: Path) -> None:
    place.tell("running", "kafka")


def has_data(place: Place, made: Path) -> None:
    place.tell("existing", "kept_kafka-data")


def has_data_of_another_name(place: Place, made: Path) -> None:
    (place.folder / ".env").write_text("COMPOSE_PROJECT_NAME=city\n")
    place.tell("existing", "city_kafka-data")


def no_backup(place: Place, made: Path) -> None:
    (made / "SHA256SUMS").unlink()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (damaged, "is damaged; nothing was changed"),
        (no_backup, "is no backup"),
        (running, "end it first: make down"),
        (has_data, "volume kept_kafka-data has data already, and is not overwritten"),
        (has_data_of_another_name, "volume city_kafka-data has data already, and is not overwritten"),
    ],
)
def test_a_restore_overwrites_nothing(filled: Place, spoil: Callable[[Place, Path], None], words: str) -> None:
    made = backup_of(filled)
    filled.tell("running")
    spoil(filled, made)
    before = contents(filled)
    assert words in filled.refused("restore", f"FROM=backups/{made.name}")
    assert contents(filled) == before


def test_a_restore_asks_for_the_name_of_a_backup(place: Place) -> None:
    assert "name the backup: make restore FROM=backups/TIME" in place.refused("restore")


def test_other_versions_than_those_of_the_backup_are_told(filled: Place) -> None:
    made = backup_of(filled)
    filled.tell("running")
    compose = filled.folder / "docker-compose.yml"
    compose.write_text(compose.read_text().replace("influxdb:2.9.1", "influxdb:2.9.2"))
    said = filled.make("restore", f"FROM=backups/{made.name}")
    assert "made with other versions" in said
    assert "influxdb:2.9.2" in said


def image_lines(text: str) -> Sequence[str]:
    return re.findall(r"^  \w+: &\w+-image (.*)$", text, re.MULTILINE)


def test_images_are_pinned_by_digest_in_their_one_place(place: Place) -> None:
    file = place.folder / "docker-compose.yml"
    before = file.read_text()
    refused = place.refused("images", "ARGS=--check")
    assert "images without the digest above" in refused
    assert file.read_text() == before
    place.make("images")
    asked = [call.split()[-1] for call in place.calls() if "imagetools" in call]
    tags = [line.partition("@")[0] for line in image_lines(before) if not line.startswith("kept:")]
    assert len(tags) == 6
    assert asked == [*tags, *tags]
    after = file.read_text()
    assert [line for line in image_lines(after) if not line.startswith("kept:")] == [
        f"{tag}@{fake_docker.DIGEST}" for tag in tags
    ]
    assert re.sub(r"@sha256:[0-9a-f]{64}", "", after) == re.sub(r"@sha256:[0-9a-f]{64}", "", before)
    place.make("images", "ARGS=--check")
    assert file.read_text() == after


def test_a_newer_tag_takes_the_place_of_an_old_digest(place: Place) -> None:
    place.make("images")
    file = place.folder / "docker-compose.yml"
    stale = file.read_text().replace(fake_docker.DIGEST, "sha256:" + "0" * 64)
    file.write_text(stale.replace("influxdb:2.9.1", "influxdb:2.9.2"))
    place.make("images")
    assert f"influxdb:2.9.2@{fake_docker.DIGEST}" in file.read_text()
    assert "0" * 64 not in file.read_text()


def test_a_registry_that_does_not_answer_changes_nothing(place: Place) -> None:
    file = place.folder / "docker-compose.yml"
    before = file.read_text()
    place.tell("fails", "grafana/grafana")
    assert "its registry does not answer" in place.refused("images")
    assert file.read_text() == before


def test_shellcheck_finds_nothing_in_any_script() -> None:
    files = [file for file in sorted((ROOT / "deployment").iterdir()) if file.is_file()]
    scripts = [file for file in files if file.read_text(encoding="utf-8").startswith("#!")]
    assert {"make-secrets", "up", "down", "backup", "restore"} <= {file.name for file in scripts}
    sourced = [file for file in files if file.suffix == ".sh"]
    program = Path(sys.executable).with_name("shellcheck")
    command = [str(program), "--shell=bash", "--external-sources", f"--source-path={ROOT / 'deployment'}"]
    found = subprocess.run(
        [*command, *map(str, [*scripts, *sourced])], capture_output=True, text=True, check=False, timeout=60
    )
    assert found.returncode == 0, found.stdout
