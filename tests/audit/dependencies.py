"""Known vulnerabilities of the locked dependencies, by pip-audit. A service that does not answer is no clean bill."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.json import decode

from kept.errors import Stop
from tests.audit.allowed import Allowance, may_be

ROOT: Final = Path(__file__).resolve().parents[2]
LOCKS: Final = ("requirements.lock", "deployment/requirements-runtime.lock", "deployment/requirements-build.lock")
SECONDS: Final = 300


class Vulnerability(Struct, frozen=True):
    """What pip-audit tells of one."""

    id: str
    fix_versions: list[str] = []
    aliases: list[str] = []


class Dependency(Struct, frozen=True):
    """One locked distribution; `skip_reason` says why nothing is known of it."""

    name: str
    version: str = ""
    vulns: list[Vulnerability] = []
    skip_reason: str = ""


class Report(Struct, frozen=True):
    """The answer of pip-audit for one lock."""

    dependencies: list[Dependency]


class Verdict(Struct, frozen=True):
    """What must be said, and whether the audit fails."""

    lines: list[str]
    failed: bool


def ask(pip_audit: str, lock: str, service: str) -> list[Dependency]:
    """What the `service` (pypi or osv) knows of a lock; raises `Stop` when pip-audit does not come to an end."""
    command = [
        pip_audit, "--vulnerability-service", service, "--requirement", lock, "--require-hashes", "--disable-pip",
        "--format", "json", "--progress-spinner", "off", "--timeout", "15",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS)
    try:
        return decode(done.stdout, type=Report).dependencies
    except (json.JSONDecodeError, ValueError) as error:
        last = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise Stop(f"pip-audit gave no report on {lock}; its last words: {last}") from error


def judge(
    lock: str, found: Sequence[Dependency], allowed: Sequence[Allowance], today: date, *, must_answer: bool
) -> Verdict:
    """Vulnerabilities fail unless allowed; what nothing is known of fails when the service `must_answer`."""
    lines: list[str] = []
    failed = not found
    for one in found:
        for vulnerability in one.vulns:
            names = [vulnerability.id, *vulnerability.aliases]
            fixed = ", ".join(vulnerability.fix_versions) or "no version yet"
            if may_be(allowed, one.name, names, today):
                lines.append(f"allowed: {one.name} {one.version}: {vulnerability.id}")
            else:
                failed = True
                lines.append(f"VULNERABLE: {one.name} {one.version}: {' / '.join(names)}; mended in {fixed}")
    unknown = [one for one in found if one.skip_reason]
    if unknown:
        failed = failed or must_answer
        lines.append(f"NOT AUDITED: {len(unknown)} of {len(found)}; the first: {unknown[0].skip_reason}")
    known = len(found) - len(unknown)
    vulnerable = sum(bool(one.vulns) for one in found)
    lines.append(f"{lock}: {known} of {len(found)} distributions are known to the service, {vulnerable} are vulnerable")
    return Verdict(lines, failed)
