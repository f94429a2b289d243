"""How tests read queries: variables as Grafana replaces them, names as Prometheus and InfluxDB read them."""

from __future__ import annotations

import pytest

from tests.grafana import flux_names, grafana_variables, promql_names
from tests.grafana.grafana_variables import All, Asked
from tests.grafana.history_names import measurements

HOUR = Asked(1_700_000_000, 1_700_003_600)
MONTH = Asked(1_700_000_000, 1_700_000_000 + 28 * 86_400)
CHOSEN = {"service": "parking-permits", "odd": 'a "b" \\ c', "window": "28d", "all": All(".*")}


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ('up{s="$service"}', 'up{s="parking-permits"}'),
        ('up{s="${service}"}', 'up{s="parking-permits"}'),
        ('up{s="[[service]]"}', 'up{s="parking-permits"}'),
        ('up{s=~"${service:regex}"}', 'up{s=~"parking-permits"}'),
        ('up{s=~"${all:regex}"}', 'up{s=~".*"}'),
        ("${service:json}", "parking-permits"),
        ("${odd:doublequote}", '"a \\"b\\" \\ c"'),
        ("rate(x[$__rate_interval])", "rate(x[20s])"),
        ("x[$__range]", "x[3600s]"),
    ],
)
def test_variables_in_promql(text: str, sent: str) -> None:
    assert grafana_variables.promql(text, CHOSEN, HOUR) == sent


def test_what_grafana_calls_v_in_flux() -> None:
    text = "from(bucket: v.bucket) |> range(start: v.timeRangeStart) "
    text += "|> x(every: v.windowPeriod, s: ${service:doublequote})"
    assert grafana_variables.flux(text, CHOSEN, MONTH, "kept", "kept") == (
        'from(bucket: "kept") |> range(start: 2023-11-14T22:13:20Z) |> x(every: 1800000ms, s: "parking-permits")'
    )


def test_an_unknown_variable_is_an_error() -> None:
    with pytest.raises(KeyError, match="region"):
        grafana_variables.promql('up{r="$region"}', CHOSEN, HOUR)


@pytest.mark.parametrize(("asked", "interval", "rate"), [(HOUR, 5000, 20), (MONTH, 1_800_000, 1805)])
def test_intervals(asked: Asked, interval: int, rate: int) -> None:
    assert (asked.interval_ms, asked.rate_interval_seconds) == (interval, rate)


@pytest.mark.parametrize(
    ("query", "metrics", "grouped"),
    [
        ("sum(a)", {"a": set()}, set()),
        ('sum by (p, q) (rate(a_total{x="1", y=~"by|z"}[$__rate_interval]))', {"a_total": {"x", "y"}}, {"p", "q"}),
        ("sum(a) by (p) / on (p) group_left (q) b", {"a": set(), "b": set()}, {"p", "q"}),
        ("count without (p) (a unless b offset 5m) > bool 1e3", {"a": set(), "b": set()}, {"p"}),
        ("min_over_time(sum(a)[15m:1m]) and on () vector(1)", {"a": set()}, set()),
        ('topk(3, a{b!="}", c!~"\\"by (z)\\""})', {"a": {"b", "c"}}, set()),
        ("histogram_quantile(0.9, sum(rate(a_bucket[5m])) by (le))", {"a_bucket": set()}, {"le"}),
        ("time() - max(a) # by (comment)", {"a": set()}, set()),
    ],
)
def test_names_in_promql(query: str, metrics: dict[str, set[str]], grouped: set[str]) -> None:
    read = promql_names.names_of(query)
    assert {selector.metric: set(selector.labels) for selector in read.selectors} == metrics
    assert read.grouped == grouped


def test_a_label_that_a_query_makes() -> None:
    query = 'sum by (made) (label_replace(max by (a) (x{b="1"}), "made", "$1", "a", "(.*)"))'
    assert promql_names.names_of(query).made == {"made"}


@pytest.mark.parametrize("query", ["sum by (p", 'a{b="1"', "a ? b", 'a{b="1}'])
def test_what_is_no_promql_is_an_error(query: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        promql_names.names_of(query)


def test_a_selector_without_a_metric_is_an_error() -> None:
    with pytest.raises(ValueError, match="without a metric"):
        promql_names.names_of('{job="x"}')


def test_names_in_flux() -> None:
    read = flux_names.names_of(
        "from(bucket: v.defaultBucket) // r.comment\n"
        '|> filter(fn: (r) => r._measurement == "signal" and r["signal"] == "area_gap" and exists r.words)\n'
        '|> map(fn: (r) => ({r with when: r._time, "how bad": r.value}))\n'
        '|> keep(columns: ["when", "how bad"]) |> rename(columns: {when: "at", words: "r.no_column"})'
    )
    assert read.compared == {"_measurement": {"signal"}, "signal": {"area_gap"}}
    assert {"words", "when", "how bad", "value", "_time"} <= read.columns
    assert "comment" not in read.columns
    assert {"how bad", "at", "r.no_column"} <= read.made
    assert "words" not in read.made


def test_what_the_history_has_is_read_off_its_own_lines() -> None:
    found = measurements()
    assert set(found) == {
        "indicator", "indicator_amendment", "indicator_day", "published",
        "signal", "signal_response", "chart", "change",
    }  # fmt: skip
    assert found["indicator"].tags == {"service", "slice", "indicator", "window"}
    assert found["indicator"].fields == {
        "point", "state", "definition", "value", "numerator", "denominator", "n", "low", "high",
    }  # fmt: skip
    assert found["signal"].fields == {"point", "id", "words", "severity", "open"}
    assert found["published"] == (frozenset({"service"}), frozenset({"window_end"}))
