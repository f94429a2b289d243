"""`kept rules`: writes what the catalogue gives, and says what differs and what can never fire."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from command_line.main import app
from kept.errors import ConfigurationError, Stop

ENTRY = """
id = "library"
name = "Library"
owner = "Culture"
time_zone = "Europe/Amsterdam"
expected_silence = "3d"
channels = { digital = ["Website"] }
"""


def kept(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["rules", *arguments], catch_exceptions=True)


@pytest.fixture
def entries(tmp_path: Path) -> Path:
    folder = tmp_path / "catalogue"
    folder.mkdir()
    (folder / "library.toml").write_text(ENTRY, encoding="utf-8")
    return folder


def test_the_rules_that_come_with_kept_are_those_of_the_simulated_city() -> None:
    result = kept("check")
    assert result.exit_code == 0, result.output
    assert "2 files are what the catalogue gives" in result.stdout


def test_what_is_written_is_found_equal_and_what_was_edited_is_shown(tmp_path: Path, entries: Path) -> None:
    where = ("--catalogue", str(entries), "--hold", "30s", "--wait", "0s", "--intake-job", "in")
    made = kept("generate", "--output", str(tmp_path / "rules"), *where)
    assert made.exit_code == 0, made.output
    assert kept("check", "--rules", str(tmp_path / "rules"), *where).exit_code == 0
    services = tmp_path / "rules" / "services.rules.yml"
    services.write_text(
        services.read_text(encoding="utf-8").replace("severity: page", "severity: info"), encoding="utf-8"
    )
    found = kept("check", "--rules", str(tmp_path / "rules"), *where)
    assert found.exit_code == 1
    assert "-      severity: info" in found.stdout
    assert "+      severity: page" in found.stdout
    assert "services.rules.yml: not what the catalogue gives" in found.stdout
    assert "pipeline.rules.yml: not" not in found.stdout


def test_other_options_are_a_difference(tmp_path: Path, entries: Path) -> None:
    kept("generate", "--output", str(tmp_path), "--catalogue", str(entries))
    assert kept("check", "--rules", str(tmp_path), "--catalogue", str(entries)).exit_code == 0
    assert kept("check", "--rules", str(tmp_path), "--catalogue", str(entries), "--hold", "1h").exit_code == 1


def test_rules_as_objects_of_kubernetes_are_one_file_and_are_checked_alike(tmp_path: Path, entries: Path) -> None:
    where = ("--catalogue", str(entries), "--format", "prometheus-rule")
    made = kept("generate", "--output", str(tmp_path / "objects"), *where)
    assert made.exit_code == 0, made.output
    assert [file.name for file in (tmp_path / "objects").iterdir()] == ["prometheus-rules.yml"]
    assert kept("check", "--rules", str(tmp_path / "objects"), *where).exit_code == 0
    assert isinstance(kept("check", "--format", "prometheus-rule").exception, ConfigurationError)


def test_a_service_that_cannot_name_an_object_of_kubernetes_is_refused(tmp_path: Path, entries: Path) -> None:
    (entries / "library.toml").write_text(ENTRY.replace('"library"', '"library-"'), encoding="utf-8")
    result = kept("generate", "--output", str(tmp_path), "--catalogue", str(entries), "--format", "prometheus-rule")
    assert "'kept-service-library-' cannot be the name of an object of Kubernetes" in str(result.exception)


def test_a_missing_file_is_a_difference(tmp_path: Path, entries: Path) -> None:
    assert kept("check", "--rules", str(tmp_path), "--catalogue", str(entries)).exit_code == 1


def test_what_can_never_fire_is_told_with_the_reason(entries: Path, tmp_path: Path) -> None:
    told = kept("generate", "--output", str(tmp_path), "--catalogue", str(entries)).stdout
    assert "library: no KeptPromiseBudgetBurnsFast: the catalogue has no promise for it" in told
    assert "library: no KeptDefinitionDrift: no published figure to compare with ([[published]])" in told
    assert "library: no KeptSourceSilent" not in told


@pytest.mark.parametrize(
    ("line", "changed", "words"),
    [
        (
            'time_zone = "Europe/Amsterdam"',
            'time_zone = "Europe/Atlantis"',
            "library.toml: time_zone: 'Europe/Atlantis'",
        ),
        ('expected_silence = "3d"', 'expected_silence = "3 days"', "library.toml: expected_silence: '3 days'"),
        ("channels", '[promise]\nwords = "x"\ntarget_share = 0\n[channels]\n#', "library.toml: promise.target_share"),
    ],
)
def test_an_entry_that_makes_no_sense_is_refused_with_file_and_key(
    line: str, changed: str, words: str, entries: Path, tmp_path: Path
) -> None:
    file = entries / "library.toml"
    file.write_text(file.read_text(encoding="utf-8").replace(line, changed), encoding="utf-8")
    result = kept("generate", "--output", str(tmp_path / "rules"), "--catalogue", str(entries))
    assert isinstance(result.exception, ConfigurationError)
    assert words in str(result.exception)
    assert not (tmp_path / "rules").exists()


@pytest.mark.parametrize(("option", "text"), [("--hold", "-1s"), ("--wait", "soon"), ("--hold", "5"), ("--wait", "")])
def test_a_duration_that_is_none_is_refused_with_its_option(option: str, text: str, tmp_path: Path) -> None:
    result = kept("generate", "--output", str(tmp_path / "rules"), f"{option}={text}")
    assert isinstance(result.exception, ConfigurationError)
    assert str(result.exception).startswith(f"{option}: {text!r} is not valid; valid: 0s, or ")
    assert not (tmp_path / "rules").exists()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    result = kept("generate", "--output", str(tmp_path / "file" / "rules"))
    assert isinstance(result.exception, Stop)
    assert "the rules cannot be written" in str(result.exception)


def test_rules_of_another_catalogue_are_not_looked_for_among_those_of_the_city(entries: Path) -> None:
    refused = kept("check", "--catalogue", str(entries))
    assert refused.exit_code != 0
    assert isinstance(refused.exception, ConfigurationError)
    assert str(refused.exception).startswith("--rules: name the folder")


def test_alerts_lead_to_the_boards_of_a_grafana(tmp_path: Path, entries: Path) -> None:
    there = ("--catalogue", str(entries), "--grafana", "https://grafana.example.org/metrics/")
    assert kept("generate", "--output", str(tmp_path), *there).exit_code == 0
    assert kept("check", "--rules", str(tmp_path), *there).exit_code == 0
    services, pipeline = (
        (tmp_path / f"{name}.rules.yml").read_text(encoding="utf-8") for name in ("services", "pipeline")
    )
    assert "dashboard_url: https://grafana.example.org/metrics/d/kept-service?var-service=library\n" in services
    assert "dashboard_url: https://grafana.example.org/metrics/d/kept-pipeline\n" in pipeline
    assert "8400" not in services + pipeline


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--grafana", "grafana.example.org"), "'grafana.example.org' is not valid"),
        (("--grafana", "https://grafana.example.org/?orgId=1"), "is not valid"),
        (("--grafana", "https://grafana.example.org", "--dashboards", "https://b.example.org/"), "leave out"),
    ],
    ids=["no-scheme", "query", "both"],
)
def test_an_address_of_grafana_that_leads_nowhere_is_refused(
    tmp_path: Path, entries: Path, options: tuple[str, ...], said: str
) -> None:
    result = kept("generate", "--output", str(tmp_path), "--catalogue", str(entries), *options)
    assert isinstance(result.exception, ConfigurationError)
    assert said in str(result.exception)
