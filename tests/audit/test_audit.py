"""A known vulnerability fails the audit unless somebody has said why not, and until when; silence is not none."""

from __future__ import annotations

import stat
import subprocess
import tomllib
from datetime import date
from pathlib import Path

import pytest

from kept.errors import ConfigurationError, Stop
from tests.audit import leaked_secrets
from tests.audit.allowed import PATH, Allowance, may_be, read_allowed
from tests.audit.dependencies import LOCKS, ROOT, Dependency, Vulnerability, ask, judge
from tests.audit.leaked_secrets import RULES, scan

TODAY = date(2026, 6, 1)
HOLE = Dependency("jinja2", "3.1.2", [Vulnerability("PYSEC-1", ["3.1.3"], ["CVE-2024-1"])])
SOUND = Dependency("msgspec", "0.20")
UNKNOWN = Dependency("faust", skip_reason="Dependency not found")
ALLOWED = Allowance("jinja2", "CVE-2024-1", "no template of a stranger is drawn", date(2026, 7, 1))


def test_what_is_sound_passes() -> None:
    verdict = judge("a.lock", [SOUND], [], TODAY, must_answer=True)
    assert not verdict.failed
    assert verdict.lines == ["a.lock: 1 of 1 distributions are known to the service, 0 are vulnerable"]


def test_a_known_vulnerability_fails_with_its_names_and_the_version_without_it() -> None:
    verdict = judge("a.lock", [SOUND, HOLE], [], TODAY, must_answer=False)
    assert verdict.failed
    assert verdict.lines[0] == "VULNERABLE: jinja2 3.1.2: PYSEC-1 / CVE-2024-1; mended in 3.1.3"


def test_an_allowance_is_for_one_package_and_ends() -> None:
    assert not judge("a.lock", [HOLE], [ALLOWED], TODAY, must_answer=False).failed
    assert judge("a.lock", [HOLE], [ALLOWED], date(2026, 7, 2), must_answer=False).failed
    assert not may_be([ALLOWED], "markupsafe", ["CVE-2024-1"], TODAY)
    assert not may_be([ALLOWED], "jinja2", ["CVE-2024-2"], TODAY)


def test_silence_of_the_service_is_told_and_fails_where_it_must_answer() -> None:
    verdict = judge("a.lock", [SOUND, UNKNOWN], [], TODAY, must_answer=False)
    assert (verdict.failed, verdict.lines[0]) == (False, "NOT AUDITED: 1 of 2; the first: Dependency not found")
    assert judge("a.lock", [SOUND, UNKNOWN], [], TODAY, must_answer=True).failed
    assert judge("a.lock", [], [], TODAY, must_answer=False).failed


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ('package = "a"\nadvisory = "b"\nreason = "short"\nuntil = 2026-07-01', "less than 20 characters"),
        (
            'package = "a"\nadvisory = "b"\nreason = "a reason that is long enough"\nuntil = 2027-07-01',
            "180 days ahead",
        ),
        ('package = "a"\nadvisory = "b"\nreason = "a reason that is long enough"', "until"),
        (
            'package = "a"\nadvisory = "b"\nreason = "a reason that is long enough"\nuntil = 2026-07-01\nwho = "x"',
            "who",
        ),
    ],
    ids=["no reason", "no end in sight", "no end", "another key"],
)
def test_an_allowance_that_says_too_little_is_refused(entry: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        read_allowed(f"[[allowed]]\n{entry}\n", TODAY)


def test_the_allowances_of_the_project_make_sense() -> None:
    today = date.today()
    for one in read_allowed(PATH.read_text(encoding="utf-8"), today):
        assert any(one.package in (ROOT / lock).read_text(encoding="utf-8") for lock in LOCKS), one


def test_all_locks_of_what_is_shipped_are_audited() -> None:
    shipped = {path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.lock"), *ROOT.glob("deployment/*.lock"))}
    assert shipped == set(LOCKS)


def program(folder: Path, text: str) -> str:
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_a_report_is_read_as_pip_audit_writes_it(tmp_path: Path) -> None:
    hole = '{"id": "PYSEC-1", "fix_versions": ["3.1.3"], "aliases": ["CVE-2024-1"], "description": "long"}'
    report = (
        f'{{"dependencies": [{{"name": "jinja2", "version": "3.1.2", "vulns": [{hole}]}}, '
        '{"name": "faust", "skip_reason": "Dependency not found"}, '
        '{"name": "msgspec", "version": "0.20", "vulns": []}], "fixes": []}'
    )
    # It ends with 1 when it has found something.
    assert ask(program(tmp_path, f"echo '{report}'; exit 1"), LOCKS[0], "pypi") == [HOLE, UNKNOWN, SOUND]


def test_a_program_that_gives_no_report_stops_the_audit(tmp_path: Path) -> None:
    with pytest.raises(Stop, match=r"no report on requirements\.lock; its last words: no route to host"):
        ask(program(tmp_path, "echo no route to host >&2; exit 2"), LOCKS[0], "osv")


def repository(folder: Path) -> Path:
    for command in (
        ["init", "-q"],
        ["-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "x", "--allow-empty"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


def test_a_scanner_that_sees_nothing_is_not_believed(tmp_path: Path) -> None:
    with pytest.raises(Stop, match="does not find a token that was put before it"):
        scan(program(tmp_path, "exit 0"), repository(tmp_path))


def test_a_scanner_that_fails_stops_the_audit(tmp_path: Path) -> None:
    with pytest.raises(Stop, match="gitleaks dir ended with 1: no such flag"):
        scan(program(tmp_path, "echo no such flag >&2; exit 1"), repository(tmp_path))


def test_what_it_finds_is_told(tmp_path: Path) -> None:
    found = f'echo "Secret: REDACTED $1"; exit {leaked_secrets.FOUND}'
    assert scan(program(tmp_path, found), repository(tmp_path)) == [
        "a secret is in the files:\nSecret: REDACTED dir\n",
        "a secret is in the history:\nSecret: REDACTED git\n",
    ]


def test_each_finding_that_is_allowed_has_a_reason_and_is_still_there() -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))
    for one in tomllib.loads(RULES.read_text(encoding="utf-8"))["allowlists"]:
        assert len(one["description"]) > 30
        for regex in one["regexes"]:
            assert regex.isalnum() or regex.isidentifier(), regex
            assert regex in tests, regex
