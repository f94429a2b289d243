"""Secrets in what is committed, now and ever, by gitleaks. Its sight is tested first, on what is put before it."""

from __future__ import annotations

import secrets
import string
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from kept.errors import Stop

ROOT: Final = Path(__file__).resolve().parents[2]
RULES: Final = Path(__file__).with_name("secrets.toml")
SECONDS: Final = 600
FOUND: Final = 42
"""gitleaks' exit code for a finding, so that none is taken for a failure of its own."""


def scan(gitleaks: str, root: Path = ROOT) -> list[str]:
    """What is wrong, in words; raises `Stop` when gitleaks fails or sees nothing."""
    with tempfile.TemporaryDirectory() as folder:
        planted = Path(folder) / "planted.py"
        token = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(36))
        planted.write_text(f'token = "ghp_{token}"\n', encoding="utf-8")
        if not _finds(gitleaks, "dir", planted.parent)[0]:
            raise Stop("gitleaks does not find a token that was put before it; another version, or other rules?")
    with tempfile.TemporaryDirectory() as folder:
        _git(root, "checkout-index", "--all", f"--prefix={folder}/")
        return [
            f"a secret is in {where}:\n{said}"
            for where, (found, said) in (
                ("the files", _finds(gitleaks, "dir", Path(folder))),
                ("the history", _finds(gitleaks, "git", root)),
            )
            if found
        ]


def is_cut_off(root: Path = ROOT) -> bool:
    """Whether a part of the history is missing here."""
    return _git(root, "rev-parse", "--is-shallow-repository").strip() != "false"


def _finds(gitleaks: str, what: str, where: Path) -> tuple[bool, str]:
    command = [
        gitleaks, what, "--config", str(RULES), "--exit-code", str(FOUND), "--no-banner", "--no-color", "--redact",
        "--verbose", "--ignore-gitleaks-allow", ".",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=where, capture_output=True, text=True, timeout=SECONDS)
    if done.returncode not in (0, FOUND):
        raise Stop(f"gitleaks {what} ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return done.returncode == FOUND, done.stdout


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, timeout=SECONDS)
    if done.returncode:
        raise Stop(f"git {arguments[0]} failed in {root}: {done.stderr.strip()[-300:]}")
    return done.stdout
