"""Hashed case ids by the commands: the key that `kept doctor` looks at, and runs that come to the same figures."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import catalogue
from command_line.checks import configured
from command_line.checks.finding import Finding
from command_line.main import app
from kept import events as e
from kept.case_hashing import CaseKey
from kept.catalogue import read_catalogue
from kept.errors import ConfigurationError
from kept.settings import Settings, read_settings
from local_stack.broker import Broker
from local_stack.ports import LOOPBACK, free_port
from stream_processors.embedded import EmbeddedPipeline
from tests.kept.test_case_hashing import KEY
from tests.producers.conftest import CASE_TABLE, SERVICE, Workbench

HASHED = '[privacy]\ncase_ids = "hashed"\n'
AS_OF = "2024-06-10T00:00"
NOWHERE = f"{LOOPBACK}:1"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    file = tmp_path / "case-key"
    file.write_text(f"{KEY}\n", encoding="utf-8")
    file.chmod(0o600)
    return file


def row_of(settings: Settings, what: str = "case ids") -> Finding | None:
    return next((found for found in configured.services(settings) if found.what == what), None)


@pytest.fixture
def workbench(tmp_path: Path) -> Workbench:
    return Workbench(tmp_path)


@pytest.fixture
def entries(workbench: Workbench, tmp_path: Path) -> str:
    (tmp_path / "entries").mkdir()
    (tmp_path / "entries" / "potholes.toml").write_text(SERVICE + HASHED, encoding="utf-8")
    return str(tmp_path / "entries")


def test_the_doctor_shows_a_fingerprint_that_is_that_of_the_key_and_not_the_key(entries: str, key: Path) -> None:
    settings = read_settings({"KEPT_CATALOGUE": entries, "KEPT_CASE_KEY_FILE": str(key)})
    found = row_of(settings)
    assert found is not None
    assert (found.level, KEY in found.seen) == ("ok", False)
    assert f"hashed for 1 service; fingerprint {CaseKey(KEY).fingerprint}" in found.seen
    other = row_of(Settings(catalogue=entries, case_key=KEY[::-1]))
    assert other is not None
    assert CaseKey(KEY).fingerprint not in other.seen


def test_the_doctor_says_who_needs_a_key_where_there_is_none_and_nothing_where_nobody_asks(
    entries: str, tmp_path: Path
) -> None:
    found = row_of(Settings(catalogue=entries))
    assert found is not None
    assert found.level == "note"
    assert "KEPT_CASE_KEY_FILE is not set" in found.seen
    assert "only what publishes events needs the key" in found.fix
    (tmp_path / "entries" / "potholes.toml").write_text(SERVICE, encoding="utf-8")
    assert row_of(Settings(catalogue=entries)) is None


def test_the_doctor_has_a_key_that_is_none_mended_without_showing_it(entries: str) -> None:
    found = row_of(Settings(catalogue=entries, case_key="short-secret"))
    assert found is not None
    assert found.level == "mend"
    assert "valid: one line of 32 to 512" in found.seen
    assert "short-secret" not in found.seen + found.fix


def test_the_doctor_has_a_key_that_others_may_read_mended(key: Path) -> None:
    key.chmod(0o644)
    (found,) = configured.secrets({"KEPT_CASE_KEY_FILE": str(key)})
    assert (found.level, found.fix) == ("mend", f"chmod o= {key}")
    assert "every user of this machine may read" in found.seen
    (plain,) = configured.secrets({"KEPT_CASE_KEY": KEY})
    assert (plain.level, KEY in plain.seen + plain.fix) == ("note", False)


def test_a_key_s_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"KEPT_CASE_KEY_FILE: .*absent.* cannot be read: .*No such file"):
        read_settings({"KEPT_CASE_KEY_FILE": str(tmp_path / "absent")})


def ran(*arguments: str, **environment: str) -> str:
    result = CliRunner().invoke(app, list(arguments), env=environment, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def figures(path: Path) -> tuple[Any, ...]:
    """The indicators of a file of events of the simulated city, and what became of each event."""
    pipeline = EmbeddedPipeline(read_catalogue([catalogue.CITY]))
    pipeline.apply(e.decode(line) for line in path.read_bytes().splitlines())
    at_ms = 1_767_826_800_000
    pipeline.tick(at_ms)
    return pipeline.indicators(at_ms // 1000), pipeline.accounts


def test_a_simulated_file_with_hashed_case_ids_comes_to_the_same_figures(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("--as-of", "2026-01-08T00:00", "--days", "2", "--rate", "0.3", "--services", "street-lights")
    ran("simulate", "--output", str(tmp_path / "clear.jsonl"), *arguments)
    private = tmp_path / "city"
    shutil.copytree(catalogue.CITY, private)
    entry = private / "street_lights.toml"
    entry.write_text(entry.read_text(encoding="utf-8") + HASHED, encoding="utf-8")
    monkeypatch.setattr(catalogue, "CITY", private)
    with pytest.raises(ConfigurationError, match=r"KEPT_CASE_KEY_FILE: not set.* of street-lights; nothing was sent"):
        ran("simulate", "--output", str(tmp_path / "never.jsonl"), *arguments)
    assert not (tmp_path / "never.jsonl").exists()
    ran("simulate", "--output", str(tmp_path / "hashed.jsonl"), *arguments, KEPT_CASE_KEY_FILE=str(key))
    clear, hashed = tmp_path / "clear.jsonl", tmp_path / "hashed.jsonl"
    ids = {one["subject"] for one in map(json.loads, clear.read_text().splitlines()) if "subject" in one}
    assert len(ids) > 20
    assert not [one for one in ids if one in hashed.read_text()]
    assert figures(hashed) == figures(clear)


@pytest.fixture
def tables(workbench: Workbench) -> dict[str, list[str]]:
    """The options of a replay of the same table, with a clear and with a hashed catalogue."""
    rows = "".join(
        f"SECRET{n},2024-06-0{1 + n % 7}T09:{n:02}:00,,2024-06-0{2 + n % 7}T{10 + n % 9}:00:00,Web,North\n"
        for n in range(40)
    )
    path = workbench.write("t.csv", f"id,opened,due,closed,channel,area\n{rows}")
    options = {}
    for name, entry in (("clear", SERVICE), ("hashed", SERVICE + HASHED)):
        workbench.write(f"{name}_service.toml", entry)
        mapping = workbench.write(f"{name}.toml", CASE_TABLE.replace("potholes_service", f"{name}_service"))
        options[name] = ["replay", str(path), "--mapping", str(mapping), "--as-of", AS_OF, "--json"]
    return options


def test_a_replay_in_this_process_sends_nothing_and_needs_no_key(tables: dict[str, list[str]]) -> None:
    assert ran(*tables["hashed"], "--embedded") == ran(*tables["clear"], "--embedded")


def test_a_replay_through_kafka_without_the_key_ends_before_it_begins(tables: dict[str, list[str]]) -> None:
    for where in ([], ["--brokers", f"{LOOPBACK}:{free_port()}"]):
        with pytest.raises(ConfigurationError, match=r"KEPT_CASE_KEY_FILE: not set.* of potholes; nothing was sent"):
            ran(*tables["hashed"], *where)


@pytest.mark.timeout(120)
def test_a_replay_through_kafka_with_hashed_case_ids_comes_to_the_same_figures(
    broker: Broker, tables: dict[str, list[str]], key: Path
) -> None:
    through = ["--brokers", broker.bootstrap, "--workers", "1", "--partitions", "2"]
    said = ran(*tables["hashed"], *through, KEPT_CASE_KEY_FILE=str(key))
    assert sorted(said.splitlines()) == sorted(ran(*tables["clear"], "--embedded").splitlines())


@pytest.mark.parametrize(
    ("text", "says"),
    [(None, "not set"), ("", "its file is empty"), ("short-secret", "what is in it is no key")],
    ids=["none", "an empty one", "a short one"],
)
def test_without_a_key_no_letter_is_sent_again_and_no_intake_begins(
    text: str | None, says: str, entries: str, tmp_path: Path
) -> None:
    environment = {"KEPT_CATALOGUE": entries, "KEPT_BROKERS": NOWHERE, "KEPT_SPOOL_FOLDER": str(tmp_path / "spool")}
    (tmp_path / "token").write_text("a-token-of-16-or-more", encoding="utf-8")
    environment["KEPT_INTAKE_TOKEN_FILE"] = str(tmp_path / "token")
    if text is not None:
        (tmp_path / "bad-key").write_text(text, encoding="utf-8")
        environment["KEPT_CASE_KEY_FILE"] = str(tmp_path / "bad-key")
    for command in (["dead-letters", "redrive", "--yes"], ["intake"]):
        with pytest.raises(ConfigurationError, match=f"KEPT_CASE_KEY_FILE: {says}") as refused:
            ran(*command, **environment)
        assert "short-secret" not in str(refused.value)
    assert not (tmp_path / "spool").exists()
