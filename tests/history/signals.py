"""Raised signals for tests of stores: one by hand, and any."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from kept.signals.kinds import KINDS
from kept.signals.raised import Raised, Response
from kept.signals.verdict import Verdict
from tests.history.points import NASTY, NOON, TEXTS

HOUR = 3600
EVIDENCE = {
    "points": [[NOON, 0.1 + 0.2], [NOON + 3600, None]],
    "windows": {"3d": {"bad": 2**53 + 1, "n": 40}},
    "trial": False,
    "words": 'a "b" \\ c\nd é🏛',
}


def verdict(**changes: Any) -> Verdict:
    """A plain active verdict; `changes` replace its fields."""
    fields: dict[str, Any] = {
        "service": "street-repairs", "signal": "promise_budget_fast", "about": "", "at": NOON, "active": True,
        "since": NOON - 3 * 86400, "value": 0.3, "expected": 0.1, "cases": 40, "chance": 1.7e-05,
        "words": "12 of 40 cases were late", "test": "exact binomial, alpha 0.001", "evidence": EVIDENCE,
    }  # fmt: skip
    return Verdict(**(fields | changes))


def raised(*, raised_at: int = NOON, ended_at: int | None = None, told_at: int = NOON + 7, **changes: Any) -> Raised:
    """A plain raised signal; `changes` replace fields of its verdict."""
    quiet = ended_at
    return Raised(
        verdict=verdict(at=raised_at, **changes),
        raised_at=raised_at,
        told_at=told_at,
        quiet_since=quiet,
        ended_at=ended_at,
    )


NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS | NASTY,
    lambda held: st.lists(held, max_size=3) | st.dictionaries(TEXTS | NASTY, held, max_size=3),
    max_leaves=6,
)  # fmt: skip


def any_signals(service: str) -> st.SearchStrategy[list[Raised]]:
    """Lists of raised signals of one service, each key at most once."""
    verdicts = st.builds(
        Verdict,
        service=st.just(service),
        signal=st.sampled_from([kind.name for kind in KINDS[:3]]),
        about=st.just("") | st.sampled_from(["area=North", "backlog"]) | TEXTS | NASTY,
        at=st.just(NOON),
        active=st.just(True),
        since=st.none() | st.integers(0, NOON),
        value=NUMBERS,
        expected=NUMBERS,
        cases=st.none() | st.integers(0, 2**63 - 1),
        chance=NUMBERS,
        words=st.just("") | TEXTS | NASTY,
        test=st.just("") | NASTY,
        evidence=st.dictionaries(TEXTS, JSON_VALUES, max_size=3),
    )
    one = st.builds(
        Raised,
        verdict=verdicts,
        raised_at=st.integers(0, 5).map(lambda hours: NOON + hours * HOUR),
        told_at=st.integers(0, 2**33),
        quiet_since=st.none() | st.integers(NOON, NOON + 86400),
        ended_at=st.none() | st.integers(NOON, NOON + 86400),
        course=st.lists(st.integers(NOON, NOON + 86400), max_size=4).map(lambda turns: tuple(sorted(turns))),
    )
    return st.lists(one, max_size=12, unique_by=Raised.key)


def response(**changes: Any) -> Response:
    """A plain response; `changes` replace its fields."""
    return Response(**({"id": raised().id, "says": "useful", "at": NOON + 600} | changes))
