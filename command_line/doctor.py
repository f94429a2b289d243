"""`kept doctor`: what is installed, reachable and configured, and how to mend what is not. Changes nothing.

Every check runs in a thread of its own and is given up when it hangs, so that the answer comes within `SECONDS`.
"""

from __future__ import annotations

import datetime
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.markup import escape

from command_line.checks import brokers, configured, installed, machine, watchers
from command_line.checks.finding import Finding, mend
from command_line.output import output
from kept.settings import Settings

SECONDS = 14.0
STYLES = {"ok": "green", "note": "yellow", "mend": "bold red"}
Check = Callable[[], list[Finding]]

ALWAYS: dict[str, Callable[[Mapping[str, str]], list[Finding]]] = {
    "Python": lambda _: installed.python(),
    "local broker": installed.local_broker,
    "programs": installed.programs,
    "clock": lambda _: machine.clock(datetime.datetime.now(datetime.UTC)),
    "secrets": configured.secrets,
}
"""Checks that need no settings, by name, in the order of their rows."""

WITH_SETTINGS: dict[str, Callable[[Settings], list[Finding]]] = {
    "security": configured.security,
    "catalogue": configured.services,
    "history": machine.history,
    "work folder": machine.work_folder,
    "spool folder": machine.spool,
    "metrics port": machine.metrics_port,
    "clocks": machine.clocks,
    "state format": configured.state_format,
    "broker": brokers.brokers,
    "alert rules": watchers.prometheus,
    "receivers": watchers.alertmanager,
}
"""Checks of what the settings name. To add one: a function that returns findings, and a line here."""


def doctor(json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Say what is installed, reachable and configured, and how to mend what is not; exit 1 when something must be."""
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # what matters of it is in the findings
    findings = examine(os.environ)
    wrong = [finding for finding in findings if finding.level == "mend"]
    with output():
        if json_output:
            typer.echo(json.dumps({"ok": not wrong, "findings": msgspec.to_builtins(findings)}))
        else:
            _print(findings)
    if wrong:
        raise typer.Exit(1)


def examine(environment: Mapping[str, str], seconds: float = SECONDS) -> list[Finding]:
    """Everything found, in order, within about `seconds`; raises nothing."""
    said, settings = configured.settings(environment)
    checks: dict[str, Check] = {name: _bound(check, environment) for name, check in ALWAYS.items()}
    if settings is not None:
        checks |= {name: _bound(check, settings) for name, check in WITH_SETTINGS.items()}
    refused = "".join(finding.seen for finding in said if finding.level == "mend")
    return [*said, *(finding for finding in run(checks, seconds) if finding.what not in refused)]


def run(checks: Mapping[str, Check], seconds: float) -> list[Finding]:
    """The findings of all checks, run side by side; one that fails or hangs becomes a finding itself."""
    found: dict[str, list[Finding]] = {}

    def work(name: str, check: Check) -> None:
        try:
            found[name] = check()
        except Exception as error:
            found[name] = [mend(name, f"the check itself failed: {type(error).__name__}: {error}", "report it")]

    deadline = time.monotonic() + seconds
    threads = [threading.Thread(target=work, args=each, daemon=True) for each in checks.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    late = f"no answer within {seconds:g} s"
    fix = "something hangs: a stopped process, a network folder, or a firewall that drops what it does not let through"
    return [finding for name in checks for finding in found.get(name, [mend(name, late, fix)])]


def _bound(check: Callable[..., list[Finding]], argument: object) -> Check:
    return lambda: check(argument)


def _print(findings: list[Finding]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    width = max(len(finding.what) for finding in findings)
    for finding in findings:
        row = f"{escape(finding.what):<{width}}  {escape(finding.seen)}"
        console.print(f"[{STYLES[finding.level]}]{finding.level:<4}[/]  {row}")
        if finding.fix:
            console.print(f"      {'':<{width}}  → {escape(finding.fix)}")
    wrong = sum(finding.level == "mend" for finding in findings)
    console.print("\nNothing to mend." if not wrong else f"\n{wrong} to mend.")
    sys.stdout.flush()
