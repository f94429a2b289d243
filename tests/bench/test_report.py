"""The page tells medians, spread, and each target as met or missed."""

from __future__ import annotations

import msgspec
import pytest

from bench.contenders import BARE, KAFKA_STREAMS, KEPT_CASES, QUIX_STREAMS, STOCK_FAUST
from bench.embedded import EmbeddedReport
from bench.measured import Measured
from bench.memory import MemoryReport, StateMemory
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


def page(
    kept: Measured, *others: Measured, stream: str = "dense", memory: MemoryReport | None = None,
    restore: RestoreReport | None = None, embedded: EmbeddedReport | None = None,
) -> str:  # fmt: skip
    section = StreamReport(stream, 7, 1500, {1500: 0.4}, 249, [kept, *others], [])
    return markdown(Report("a machine", 3, [section], memory, restore, embedded))


def test_medians_and_spread_are_of_the_rounds() -> None:
    one = measured(KEPT_CASES, 100, 300, 200, cpu_rate=150)
    assert one.per_second == pytest.approx(200)
    assert one.spread == pytest.approx(1.0)
    assert one.drift == pytest.approx(1.2)
    assert "| kept_cases | 1,500 | 200 | 100% | 150 | 100 |  |  | +20% | 42 |" in page(one)


@pytest.mark.parametrize(("stock", "words"), [(5, "40.00 times"), (6, "33.33 times")])
def test_the_target_against_stock_faust_is_met_or_missed(stock: float, words: str) -> None:
    text = page(measured(KEPT_CASES, 200, cpu_rate=200), measured(STOCK_FAUST, stock, cpu_rate=stock))
    verdict = "met" if stock == 5 else "**missed**"
    assert f"* {words} stock Faust per CPU-second; the target is 40 times: {verdict}." in text


def test_the_targets_against_kafka_streams_are_told_by_the_clock_and_per_cpu_second() -> None:
    text = page(measured(KEPT_CASES, 200, cpu_rate=200), measured(KAFKA_STREAMS, 101, cpu_rate=50))
    assert "* 4.00 times Kafka Streams per CPU-second; the target is 3 times: met." in text
    assert "* 1.98 times Kafka Streams by the clock; the target is 2 times: **missed**." in text


@pytest.mark.parametrize(("cases", "seconds", "verdict"), [(10**6, 9.9, "met"), (10**6, 10.1, "**missed**")])
def test_the_target_of_restoring_is_for_a_million_cases(cases: int, seconds: float, verdict: str) -> None:
    restored = RestoreReport(cases, 4, Restored(cases, cases, 4.0, 4.0, 500), 10**8, seconds, 600)
    one = measured(KEPT_CASES, 100, cpu_rate=100)
    assert f"The target is less than 10 s: {verdict}." in page(one, restore=restored)
    smaller = msgspec.structs.replace(restored, cases=1000)
    assert "The target is less" not in page(one, restore=smaller)


def test_the_targets_against_quix_streams_and_the_bare_loop_are_per_cpu_second() -> None:
    others = measured(QUIX_STREAMS, 10, cpu_rate=41), measured(BARE, 10, cpu_rate=400)
    text = page(measured(KEPT_CASES, 200, cpu_rate=200), *others)
    assert "* 4.88 times Quix Streams per CPU-second; the target is 5 times: **missed**." in text
    assert "* 0.50 times the bare loop per CPU-second; the target is 0.5 times: met." in text


@pytest.mark.parametrize(("rate", "verdict"), [(200_000, "met"), (199_999, "**missed**")])
def test_the_light_stream_has_a_target_of_its_own(rate: float, verdict: str) -> None:
    text = page(measured(KEPT_CASES, rate, cpu_rate=rate), measured(KAFKA_STREAMS, 1, cpu_rate=1), stream="light")
    assert f"is 200,000 events a second here: {verdict}." in text
    assert "times Kafka Streams" not in text


@pytest.mark.parametrize(("size", "verdict"), [(249, "met"), (250, "**missed**")])
def test_the_target_of_memory_is_that_of_plain_open_cases(size: int, verdict: str) -> None:
    states = [StateMemory("open", 1000, size * 1000, 200_000, 90_000), StateMemory("stepped", 250, 10**6, 10**6, 10**5)]
    text = page(measured(KEPT_CASES, 100, cpu_rate=100), memory=MemoryReport(states))
    assert f"without steps: {verdict}." in text


@pytest.mark.parametrize(("seconds", "verdict"), [(1.0, "met"), (1.001, "**missed**")])
def test_the_target_without_a_broker_is_by_the_clock(seconds: float, verdict: str) -> None:
    report = EmbeddedReport(300_000, seconds, 0.5)
    text = page(measured(KEPT_CASES, 100, cpu_rate=100), embedded=report)
    assert f"300,000: {verdict}." in text and "600,000 a CPU-second" in text
