"""The invariants: what must hold after each story, whatever happened in it. Each that does not is one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from history.store import HistoryStore
from kept.indicators.point import Point
from kept.marks import Accounts
from kept.signals.raised import Raised, SignalKey
from local_stack.chaos.expected import Expected, timeless
from local_stack.chaos.faults import Target
from local_stack.chaos.log_accounts import LogAccounts
from local_stack.chaos.process import Process
from local_stack.chaos.town import Step

EXPECTED_EXITS: Final[dict[Target, frozenset[int]]] = {"producer": frozenset({2}), "worker": frozenset({2, 70})}
"""With which Kept's own processes may end by themselves: 2 at the start, when what they need is away;
70 when a worker cannot go on, and says why."""


def wrong_indicators(expected: Expected, store: HistoryStore) -> Iterator[str]:
    """Final indicators, to the last digit."""
    for service, points in expected.points.items():
        found = sorted(store.latest(service, at=expected.at), key=Point.key)
        if found == points:
            continue
        wanted, had = ({point.key(): point for point in one} for one in (points, found))
        for what, keys in (
            ("missing", wanted.keys() - had.keys()),
            ("not expected", had.keys() - wanted.keys()),
            ("different", {key for key in wanted.keys() & had.keys() if wanted[key] != had[key]}),
        ):
            if keys:
                first = min(keys)
                yield (
                    f"{service}: {len(keys)} final indicators are {what}, such as {first}: "
                    f"seen {had.get(first)}, expected {wanted.get(first)}"
                )


def wrong_signals(expected: Expected, raised: Iterable[Raised]) -> Iterator[str]:
    """Each signal once, raised, quiet and ended at the same hours, with the same verdict."""
    found = {one.key(): one for one in timeless(raised)}
    wanted = {one.key(): one for one in expected.signals}
    for key in sorted(wanted.keys() - found.keys()):
        yield f"the signal {key} of the calm run is lost"
    for key in sorted(found.keys() - wanted.keys()):
        yield f"the signal {key} is invented: the calm run does not raise it"
    for key in sorted(wanted.keys() & found.keys()):
        if wanted[key] != found[key]:
            yield f"the signal {key} went another way: seen {found[key]}, expected {wanted[key]}"


def wrong_accounts(
    expected: Expected, steps: Sequence[Step], accounts: Accounts, log: LogAccounts, accepted: int
) -> Iterator[str]:
    """Everything told is in the log; everything in the log is accounted for, once, and as what it is.

    `accepted` is how many events producers accepted, resent ones included.
    """
    told = {one.value for step in steps for one in step.told}
    bad = {value for step in steps for value in step.past_producers}
    missing = told | bad
    missing -= log.events.keys()
    if missing:
        yield f"{len(missing)} events were accepted and are not in the topic, such as {min(missing)[:200]!r}"
    strange = log.events.keys() - told - bad
    if strange:
        yield f"{len(strange)} messages are in the topic that nobody sent, such as {min(strange)[:200]!r}"
    good = sum(count for value, count in log.events.items() if value not in bad)
    letters = sum(count for value, count in log.events.items() if value in bad)
    if good < accepted:
        yield f"{accepted} events were accepted and {good} are in the topic"
    if not accounts.reconciles():
        yield f"the accounts do not add up: {accounts}"
    if accounts.received != good + letters:
        yield f"{good + letters} events are in the topic, {accounts.received} were received"
    if accounts.applied != expected.applied:
        yield f"{accounts.applied} events were applied, expected {expected.applied}: each one once"
    old = {one.value for step in steps for one in step.told if one.is_old()}
    beyond = sum(count for value, count in log.events.items() if value in old)
    if (len(old), accounts.beyond_retention) != (expected.beyond_retention, beyond):
        yield (
            f"{beyond} messages in the topic are of {len(old)} events from beyond the retention, "
            f"{accounts.beyond_retention} were counted as such, and {expected.beyond_retention} in the calm run"
        )
    if sum(accounts.dead_lettered.values()) != letters or log.dead_letters != letters:
        yield (
            f"{letters} bad messages are in the topic, {accounts.dead_lettered} were put aside, "
            f"{log.dead_letters} are dead letters"
        )


def wrong_exits(processes: Mapping[Target, Sequence[Process]]) -> Iterator[str]:
    """Kept's own processes end by themselves only with an exit code that says what a supervisor is to do."""
    for target, expected in EXPECTED_EXITS.items():
        for process in processes[target]:
            for code in process.exits:
                if code not in expected:
                    yield f"{process.name} ended by itself with {code}; expected of a {target}: {sorted(expected)}"


def wrong_alerts(expected: Expected, standing: set[SignalKey], told: Iterable[SignalKey]) -> Iterator[str]:
    """At the end exactly the alerts of the open signals stand; on the way nobody was told of any other."""
    for key in sorted(expected.standing() - standing):
        yield f"the alert {key} is lost: its signal is open and Alertmanager does not have it"
    for key in sorted(standing - expected.standing()):
        yield f"the alert {key} stands and its signal is not open"
    for key in sorted(set(told) - expected.heard()):
        yield f"people were told of the alert {key}, which the calm run does not raise"
