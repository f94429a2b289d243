"""`python -m tests.audit --pip-audit … --gitleaks …`: exit 1 when something is vulnerable, secret or unreadable."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from kept.errors import KeptError
from tests.audit.allowed import PATH, read_allowed
from tests.audit.dependencies import LOCKS, ask, judge
from tests.audit.leaked_secrets import is_cut_off, scan


def main(arguments: list[str]) -> int:
    """Exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.audit", description=__doc__)
    parser.add_argument("--pip-audit", type=_program, required=True)
    parser.add_argument("--gitleaks", type=_program, required=True)
    parser.add_argument("--service", choices=("pypi", "osv"), default="pypi", help="who is asked for vulnerabilities")
    parser.add_argument("--must-answer", action="store_true", help="fail where something cannot be asked or seen")
    told = parser.parse_args(arguments)
    failed = False
    try:
        today = datetime.now(UTC).date()
        allowed = read_allowed(PATH.read_text(encoding="utf-8"), today)
        for lock in LOCKS:
            verdict = judge(lock, ask(told.pip_audit, lock, told.service), allowed, today, must_answer=told.must_answer)
            print("\n".join(verdict.lines))
            failed = failed or verdict.failed
        leaks = scan(told.gitleaks)
        if is_cut_off():
            print("NOT AUDITED: the older history, which is cut off here; fetch all of it: git fetch --unshallow")
            failed = failed or told.must_answer
    except KeptError as error:
        print(f"the audit stopped: {error}")
        return 1
    print("\n".join(leaks) or "no secret in the files and their history")
    return int(failed or bool(leaks))


def _program(text: str) -> str:
    """The whole path: the scanner runs in other folders."""
    path = Path(text).resolve()
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"{text!r} is not there; `make audit` installs it")
    return str(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
