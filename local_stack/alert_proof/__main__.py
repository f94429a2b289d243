"""`python -m local_stack.alert_proof`: run the proof, write its page; exit code 1 when something is not as stated."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from kept.durations import SECOND_MS
from kept.errors import KeptError
from local_stack.alert_proof.back_test import back_test
from local_stack.alert_proof.judging import Verdicts, judge_proof
from local_stack.alert_proof.live import run_live
from local_stack.alert_proof.measured import measure
from local_stack.alert_proof.run import Proof
from local_stack.alert_proof.table import failures, page

USUAL = Proof()


def main(
    output: Annotated[Path | None, typer.Option(help="The page to write, such as docs/alert-proof.md.")] = None,
    embedded: Annotated[bool, typer.Option("--embedded", help="Judge the signals only, in one process.")] = False,
    every_hours: Annotated[int, typer.Option(min=1, max=168, help="With --embedded: how often to judge.")] = 1,
    seconds_per_hour: Annotated[
        float, typer.Option(min=0.001, help="Pace of event time; slower where the machine is.")
    ] = USUAL.seconds_per_hour,
    seed: Annotated[int, typer.Option(help="The same seed gives the same city.")] = USUAL.seed,
    brokers: Annotated[str | None, typer.Option(help="host:port of a broker; else one of its own.")] = None,
) -> None:
    """Play a quarter of incidents through the real chain, and say whether exactly the right alerts came, in time."""
    proof = Proof(seed=seed, seconds_per_hour=seconds_per_hour)
    verdicts, wrong = _embedded(proof, every_hours) if embedded else _live(proof, output, brokers)
    for outcome in verdicts.outcomes:
        alert = "nothing" if outcome.alert is None else f"{outcome.alert.signal} {outcome.alert.about}".strip()
        found = "" if outcome.raised is None else f", raised on day {proof.day(outcome.raised.raised_at):.2f}"
        typer.echo(
            f"{'no ' if outcome.wrong else 'yes'}  {outcome.case.row.kind} {outcome.case.row.service}: {alert}{found}"
        )
    for words in wrong:
        typer.echo(f"NOT AS STATED: {words}")
    raise typer.Exit(1 if wrong else 0)


def _embedded(proof: Proof, every_hours: int) -> tuple[Verdicts, list[str]]:
    raised = back_test(
        proof.city(),
        proof.events(),
        judged_from_ms=proof.judged_from_ms,
        until_ms=proof.until_ms,
        every_hours=every_hours,
    )
    verdicts = judge_proof(proof.cases(), raised, proof.standing, until=proof.until_ms // SECOND_MS)
    return verdicts, verdicts.failures()


def _live(proof: Proof, output: Path | None, brokers: str | None) -> tuple[Verdicts, list[str]]:
    observed = run_live(proof, typer.echo, brokers=brokers)
    verdicts = judge_proof(
        proof.cases(), observed.raised, proof.standing, until=proof.until_ms // SECOND_MS, heard=observed.heard()
    )
    measured = measure(proof, observed)
    if output is not None:
        output.write_text(page(proof, verdicts, measured), encoding="utf-8")
        typer.echo(f"{output} is written.")
    return verdicts, failures(verdicts, measured)


if __name__ == "__main__":
    try:
        typer.run(main)
    except KeptError as error:
        sys.exit(f"the proof stopped: {error}")
