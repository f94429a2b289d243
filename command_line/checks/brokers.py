"""Do the brokers answer this user, and are the topics as they are needed?"""

from __future__ import annotations

import time

from command_line.checks.finding import Finding, mend, note, ok
from command_line.topics_check import compare
from kept.errors import KeptError, Stop
from kept.settings import Settings
from kept.topic_needs import Verdict
from producers.connection import greet

CONNECT_SECONDS = 4.0


def brokers(settings: Settings) -> list[Finding]:
    """Is there a broker, with the configured security? And if so, are the topics right?"""
    started = time.monotonic()
    refused = greet(settings)
    if refused is not None:
        fix = "change what it says"
        if not isinstance(refused, Stop):
            # A broker that closes the connection is not always heard out by the client: then the reason is a guess.
            fix += ", or start it, or set KEPT_BROKERS; or try: kept demo"
        return [mend("broker", str(refused), fix)]
    seen = (
        f"{settings.brokers} answers in {(time.monotonic() - started) * 1000:.0f} ms over {settings.security_protocol}"
    )
    return [ok("broker", seen), *topics(settings)]


def topics(settings: Settings) -> list[Finding]:
    """A summary of `kept topics check`: what must be mended one by one, the rest together."""
    try:
        verdicts = compare(settings, CONNECT_SECONDS)
    except KeptError as error:
        return [mend("topics", str(error), "grant the rights that `kept topics rights --role observer` lists")]
    bad = [_finding(verdict) for verdict in verdicts if verdict.level == "mend"]
    notes = sum(verdict.level == "note" for verdict in verdicts)
    if bad:
        return bad
    if notes:
        return [note("topics", f"{notes} of {len(verdicts)} things differ harmlessly", "see: kept topics check")]
    return [ok("topics", f"{len(verdicts)} things compared, all as needed")]


def _finding(verdict: Verdict) -> Finding:
    return mend(
        f"topic {verdict.topic}",
        f"{verdict.what} is {verdict.seen}, needed is {verdict.needed}: {verdict.why}",
        verdict.command or "see: kept topics check",
    )
