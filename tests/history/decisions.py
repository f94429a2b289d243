"""Entries of decisions and deliveries of summaries for tests: one by hand, and any."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from kept.decisions import EFFECTS, SAYS, DecisionEntry
from kept.deliveries import Delivery
from tests.history.points import NASTY, NOON, TEXTS

ID = "0badcafe"


def decided(**changes: Any) -> DecisionEntry:
    """A decision is made; `changes` replace its fields."""
    fields: dict[str, Any] = {
        "decision": ID, "at": NOON, "says": "decided", "by": "Head of streets", "service": "street-repairs",
        "signal": "00c0ffee", "text": "A second van on Mondays", "owner": "Depot North", "due": "2012-02-01",
        "objective": "Safe streets",
    }  # fmt: skip
    return DecisionEntry(**(fields | changes))


def said(says: str, at: int, **changes: Any) -> DecisionEntry:
    """Something is said of it later; `changes` replace its fields."""
    fields: dict[str, Any] = {
        "decision": ID, "at": at, "says": says, "by": "Depot North", "service": "street-repairs",
    }  # fmt: skip
    plain: dict[str, dict[str, Any]] = {"moved": {"due": "2012-03-01"}, "effect": {"effect": "helped"}}
    return DecisionEntry(**(fields | plain.get(says, {}) | changes))


def delivery(**changes: Any) -> Delivery:
    """A summary was delivered; `changes` replace its fields."""
    fields: dict[str, Any] = {"week": "2011-W52", "as_of": NOON, "at": NOON + 60, "to": 3, "sha256": "0f" * 32}
    return Delivery(**(fields | changes))


def any_entries(decision: st.SearchStrategy[str]) -> st.SearchStrategy[list[DecisionEntry]]:
    """Lists of entries of such decisions, contradicting ones too, many within one second."""
    one = st.builds(
        DecisionEntry,
        decision=decision,
        at=st.integers(NOON, NOON + 5),
        says=st.sampled_from(SAYS),
        by=TEXTS | NASTY,
        service=st.sampled_from(["parking", "street-repairs"]) | NASTY,
        signal=st.none() | st.just("00c0ffee"),
        text=st.just("") | TEXTS | NASTY,
        owner=st.none() | TEXTS | NASTY,
        due=st.none() | st.dates().map(lambda date: date.isoformat()),
        effect=st.none() | st.sampled_from(EFFECTS),
        objective=st.none() | TEXTS,
    )
    return st.lists(one, max_size=8, unique_by=DecisionEntry.key)
