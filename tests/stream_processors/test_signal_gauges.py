"""What alerts are made of: 1 while raised, 0 while watched, numbers only of what is raised, nothing after a move."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kept import metric_names
from kept.signals.kinds import BY_NAME
from kept.signals.raised import Raised, SignalKey
from kept.signals.verdict import Verdict
from stream_processors.sinks.metrics import Metrics
from stream_processors.sinks.signal_gauges import SeriesBudget, SignalGauges
from tests.history.points import NASTY, TEXTS
from tests.history.signals import NOON, raised, verdict
from tests.stream_processors.test_metrics import point, samples

SERVICE = "street-repairs"
LABELS = {"service": SERVICE, "signal": "promise_budget_fast", "about": ""}
OF_RAISED = (
    "kept_signal_since_timestamp_seconds",
    "kept_signal_value",
    "kept_signal_expected",
    "kept_signal_cases",
    "kept_signal_chance_ratio",
)


def by_key(*signals: Raised) -> dict[SignalKey, Raised]:
    return {one.verdict.key(): one for one in signals}


def test_a_raised_signal_shows_its_numbers_and_a_watched_one_only_that_it_is_watched() -> None:
    metrics = Metrics()
    watched = verdict(signal="source_silent", active=False, since=None)
    metrics.signals.show(SERVICE, [verdict(), watched], by_key(raised()))
    seen = samples(metrics)
    assert seen["kept_signal_active"] == [
        ({**LABELS, "severity": "page"}, 1),
        ({**LABELS, "signal": "source_silent", "severity": "page"}, 0),
    ]
    assert {name: seen[name] for name in OF_RAISED} == {
        name: [(LABELS, number)]
        for name, number in zip(OF_RAISED, (NOON - 3 * 86400, 0.3, 0.1, 40, 1.7e-05), strict=True)
    }


def test_a_signal_stays_up_with_the_numbers_of_its_raising_until_it_has_been_quiet_for_long_enough() -> None:
    metrics = Metrics()
    metrics.signals.show(SERVICE, [verdict(value=0.5, since=NOON)], by_key(raised()))
    seen = samples(metrics)
    assert seen["kept_signal_value"] == [(LABELS, 0.5)]  # as it is now
    assert seen["kept_signal_since_timestamp_seconds"] == [(LABELS, NOON - 3 * 86400)]  # as it was raised
    for now in ([verdict(active=False, since=None, value=0.02, chance=None)], []):
        metrics.signals.show(SERVICE, now, by_key(raised()))
        seen = samples(metrics)
        assert seen["kept_signal_active"] == [({**LABELS, "severity": "page"}, 1)]
        assert seen["kept_signal_value"] == [(LABELS, 0.3)]
    metrics.signals.show(SERVICE, [verdict(active=False, since=None)], {})
    seen = samples(metrics)
    assert seen["kept_signal_active"] == [({**LABELS, "severity": "page"}, 0)]
    assert not seen.keys() & set(OF_RAISED)


def test_a_number_that_a_verdict_lacks_has_no_series() -> None:
    metrics = Metrics()
    bare = {"value": None, "expected": None, "cases": None, "chance": None, "since": None}
    metrics.signals.show(SERVICE, [verdict(**bare)], by_key(raised(**bare)))
    seen = samples(metrics)
    assert [value for _, value in seen["kept_signal_active"]] == [1]
    assert not seen.keys() & set(OF_RAISED)


def test_gauges_of_signals_and_freshness_go_with_the_service() -> None:
    metrics = Metrics()
    metrics.signals.show(SERVICE, [verdict()], by_key(raised()))
    metrics.signals.show_freshness(SERVICE, NOON, stale=True)
    metrics.signals.show_freshness("parking", None, stale=False)
    metrics.signals.show_freshness("births", None, stale=None)
    seen = samples(metrics)
    assert seen["kept_service_last_event_timestamp_seconds"] == [({"service": SERVICE}, NOON)]
    assert seen["kept_service_stale"] == [({"service": "parking"}, 0), ({"service": SERVICE}, 1)]
    metrics.forget([SERVICE, "parking", "births"])
    assert not {name for name in samples(metrics) if name.startswith(("kept_signal", "kept_service"))}


@given(about=st.text(st.characters(exclude_categories=["Cs"])) | TEXTS | NASTY)
def test_whatever_a_signal_is_about_comes_through_as_a_label(about: str) -> None:
    metrics = Metrics()
    metrics.signals.show(SERVICE, [verdict(about=about)], by_key(raised(about=about)))
    (family,) = [family for family in metrics.collect() if family.name == "kept_signal_active"]
    assert [sample.labels["about"] for sample in family.samples] == [about]
    if not set(about) & set("\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"):  # the parser, not Prometheus, cuts lines there
        assert samples(metrics)["kept_signal_active"][0][0]["about"] == about


def test_what_is_raised_comes_first_when_the_budget_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = Metrics()
    metrics.signals.show("a-quiet-one", [verdict(service="a-quiet-one", active=False)], {})
    metrics.signals.show(SERVICE, [verdict()], by_key(raised()))
    metrics.show(SERVICE, [point("promise_kept", 0.5)])
    monkeypatch.setattr(metric_names, "SERIES_BUDGET", 6)
    seen = samples(metrics)
    assert [labels["service"] for labels, _ in seen["kept_signal_active"]] == [SERVICE]
    assert "kept_promise_kept_ratio" not in seen
    assert seen["kept_series_over_budget"][0][1] == 3


def test_of_a_kind_that_this_release_does_not_know_nothing_is_shown() -> None:
    metrics = Metrics()
    metrics.signals.show(SERVICE, [], by_key(raised(signal="retired_kind")))
    assert "kept_signal_active" not in samples(metrics)


def test_every_severity_that_is_shown_is_that_of_the_kind() -> None:
    gauges = SignalGauges()
    every = [Verdict(service=SERVICE, signal=name, at=NOON, active=False) for name in BY_NAME]
    gauges.show(SERVICE, every, {})
    families = {family.name: family for family in gauges.families(SeriesBudget(100))}
    told = {one.labels["signal"]: one.labels["severity"] for one in families["kept_signal_active"].samples}
    assert told == {name: kind.severity for name, kind in BY_NAME.items()}


def test_how_long_the_history_has_refused_is_shown() -> None:
    metrics = Metrics()
    assert samples(metrics)["kept_history_waiting_seconds"] == [({}, 0)]
    metrics.history_waiting = lambda: 12.5
    assert samples(metrics)["kept_history_waiting_seconds"] == [({}, 12.5)]
