"""`python -m local_stack.alert_proof`: run the proof, write its page; exit code 1 when something is not as stated."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from kept.catalogue import Catalogue
from kept.durations import SECOND_MS
from kept.errors import KeptError
from kept.signals.kinds import BY_NAME
from local_stack.alert_proof.back_test import back_test
from local_stack.alert_proof.chain import left_out_rules
from local_stack.alert_proof.judging import Verdicts, judge_proof
from local_stack.alert_proof.live import Observed, run_live
from local_stack.alert_proof.run import Proof
from local_stack.alert_proof.table import Measured, failures, page
from local_stack.counterfactual import figures_at
from local_stack.inbox import Message


def main(arguments: Sequence[str]) -> int:
    """Run what is asked for; the exit code."""
    chosen = _parser().parse_args(arguments)
    proof = Proof(seed=chosen.seed, seconds_per_hour=chosen.seconds_per_hour)
    if chosen.embedded:
        verdicts, wrong = _embedded(proof, chosen.every_hours)
    else:
        verdicts, wrong = _live(proof, chosen.output, chosen.brokers)
    for outcome in verdicts.outcomes:
        alert = "nothing" if outcome.alert is None else f"{outcome.alert.signal} {outcome.alert.about}".strip()
        found = "" if outcome.raised is None else f", raised on day {proof.day(outcome.raised.raised_at):.2f}"
        print(
            f"{'no ' if outcome.wrong else 'yes'}  {outcome.case.row.kind} {outcome.case.row.service}: {alert}{found}"
        )
    for words in wrong:
        print(f"NOT AS STATED: {words}")
    return 1 if wrong else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local_stack.alert_proof", description=__doc__)
    parser.add_argument("--output", type=Path, default=None, help="the page to write, such as docs/alert-proof.md")
    parser.add_argument("--embedded", action="store_true", help="judge the signals only, in one process")
    parser.add_argument("--every-hours", type=int, default=1, help="with --embedded: how often services are judged")
    parser.add_argument("--seconds-per-hour", type=float, default=Proof().seconds_per_hour, help="pace of event time")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same city")
    parser.add_argument("--brokers", default=None, help="host:port of a broker; else one of its own")
    return parser


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
    observed = run_live(proof, _say, brokers=brokers)
    verdicts = judge_proof(
        proof.cases(), observed.raised, proof.standing, until=proof.until_ms // SECOND_MS, heard=observed.heard()
    )
    measured = measure(proof, observed)
    if output is not None:
        output.write_text(page(proof, verdicts, measured), encoding="utf-8")
        _say(f"{output} is written.")
    return verdicts, failures(verdicts, measured)


def measure(proof: Proof, observed: Observed) -> Measured:
    """What the page says of the run itself."""
    steps = [(later - earlier) / 3600 for earlier, later in zip(observed.judged, observed.judged[1:], strict=False)]
    return Measured(
        at=time.time(),
        seconds=observed.seconds,
        step_hours=median(steps) if steps else 0.0,
        left_out=left_out_rules(proof.city()),
        pipeline=_about_the_pipeline(observed.messages),
        kept=_kept(proof, {name: proof.city()[name] for name in proof.standing}),
    )


def _about_the_pipeline(messages: Sequence[Message]) -> list[str]:
    told = (alert.labels for message in messages if message.to != "heartbeat" for alert in message.alerts)
    return sorted({labels.get("alertname", "?") for labels in told if labels.get("signal") not in BY_NAME})


def _kept(proof: Proof, services: Catalogue) -> dict[str, str]:
    """Share of the quarter's promises that were kept, and what was promised."""
    if not services:
        return {}
    play, window = proof.play(), f"{proof.days}d"
    figures = figures_at(
        services,
        [proof.until_ms],
        start_ms=proof.until_ms - (proof.lead_days + proof.days) * 86_400_000,
        seed=proof.seed,
        rate=1.0,
        incidents=[incident for incident in play.incidents if incident.service in services],
        trials=play.trials,
        windows=[window],
    )[proof.until_ms]
    told = {}
    for name, service in services.items():
        share = figures.get((name, "promise_kept", window, ()))
        target = 1.0 if service.promise is None else service.promise.target_share
        told[name] = "unknown" if share is None else f"{share:.1%} of {target:.0%}"
    return told


def _say(words: str) -> None:
    print(words, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeptError as error:
        sys.exit(f"the proof stopped: {error}")
