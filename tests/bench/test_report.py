"""The page tells medians, spread, and each target as met or missed."""

from __future__ import annotations

import msgspec
import pytest

from bench.contenders import KAFKA_STREAMS, KEPT_CASES, STOCK_FAUST
from bench.measured import Measured
from bench.report import Report, StreamReport, markdown
from bench.restore import Restored, RestoreReport
from bench.stopwatch import Result


def measured(name: str, *rates: float, cpu_rate: float) -> Measured:
    results = [
        Result(
            events=1000,
            seconds=1000 / rate,
            cpu_seconds=1000 / cpu_rate,
            peak_mib=100,
            first_half_rate=rate,
            second_half_rate=rate * 1.2,
        )
        for rate in rates
    ]
    return Measured(name, name, 1500, 42, results, [])


def page(kept: Measured, *others: Measured, restore: RestoreReport | None = None) -> str:
    stream = StreamReport("dense", 7, 1500, {1500: 0.4}, 249, [kept, *others], [])
    return markdown(Report("a machine", 3, [stream], None, restore))


def test_medians_and_spread_are_of_the_rounds() -> None:
    one = measured(KEPT_CASES, 100, 300, 200, cpu_rate=150)
    assert one.per_second == pytest.approx(200)
    assert one.spread == pytest.approx(1.0)
    assert one.drift == pytest.approx(1.2)
    assert "| kept_cases | 1,500 | 200 | 100% | 150 | 100 |  |  | +20% | 42 |" in page(one)


@pytest.mark.parametrize(("stock", "words"), [(10, "20.00 times"), (11, "18.18 times")])
def test_the_target_against_stock_faust_is_met_or_missed(stock: float, words: str) -> None:
    text = page(measured(KEPT_CASES, 200, cpu_rate=200), measured(STOCK_FAUST, stock, cpu_rate=stock))
    verdict = "met" if stock == 10 else "**missed**"
    assert f"* {words} stock Faust per CPU-second; the target is 20 times: {verdict}." in text


def test_the_targets_against_kafka_streams_are_told_by_the_clock_and_per_cpu_second() -> None:
    text = page(measured(KEPT_CASES, 200, cpu_rate=200), measured(KAFKA_STREAMS, 201, cpu_rate=100))
    assert "* 2.00 times Kafka Streams per CPU-second; the target is 1.5 times: met." in text
    assert "* 1.00 times Kafka Streams by the clock; the target is 1 times: **missed**." in text


@pytest.mark.parametrize(("cases", "seconds", "verdict"), [(10**6, 14.9, "met"), (10**6, 15.1, "**missed**")])
def test_the_target_of_restoring_is_for_a_million_cases(cases: int, seconds: float, verdict: str) -> None:
    restored = RestoreReport(cases, 4, Restored(cases, cases, 4.0, 4.0, 500), 10**8, seconds, 600)
    one = measured(KEPT_CASES, 100, cpu_rate=100)
    assert f"The target is less than 15 s: {verdict}." in page(one, restore=restored)
    smaller = msgspec.structs.replace(restored, cases=1000)
    assert "The target is less" not in page(one, restore=smaller)
