"""The measurements, in small: every contender runs and computes the same totals. Nothing here asserts on time."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from bench.contenders import Measured, differences
from bench.report import NAMES, Report, markdown
from bench.run import Disagreement, check_agreement, measure
from bench.workload import AREAS, CATEGORIES, CHANNELS, SERVICES, dense, sparse
from kept.events import CaseOpened, encode
from local_stack.broker import Broker


@pytest.mark.slow
def test_all_contenders_agree_on_a_small_stream_and_the_page_is_made(broker: Broker, tmp_path: Path) -> None:
    report = measure(broker.bootstrap, tmp_path, 4000, both=False)

    (stream,) = report.streams
    assert {one.name for one in stream.contenders} == set(NAMES)
    for one in stream.contenders:
        assert sum(counts["opened"] for series, counts in one.totals.items() if series.endswith("|")) > 1000
        assert differences(stream.contenders[0].totals, one.totals) == []  # 4,000 events are all in the prefix
    page = markdown(report)
    assert all(words in page for words in NAMES.values())
    assert f"first {stream.prefix:,} events" in page
    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report


def test_the_stream_is_the_same_every_time_and_in_order_of_publication() -> None:
    assert [encode(event) for event in dense(3000).stream()] == [encode(event) for event in dense(3000).stream()]
    events = list(sparse(3000).stream())
    assert len(events) == 3000
    assert 0 < len(events) - len({event.id for event in events}) < 100  # about 1 % come twice
    opened_first: set[str | None] = set()
    for event in events:
        if isinstance(event, CaseOpened):
            opened_first.add(event.subject)
        assert event.subject in opened_first


def test_the_stream_touches_every_service_and_slice() -> None:
    opened = [event.data for event in dense(6000).stream() if isinstance(event, CaseOpened)]
    assert {data.service for data in opened} == {service.id for service in SERVICES}
    assert {data.channel for data in opened} == set(CHANNELS)
    assert {data.area for data in opened} == set(AREAS)
    assert {data.category for data in opened} == set(CATEGORIES)


def test_a_disagreement_names_both_contenders_and_what_differs() -> None:
    one = Measured("bare", 10, 10, 1.0, 1.0, 50, {"parking-permits|": {"opened": 3}})
    other = Measured("kept_worker", 10, 10, 1.0, 1.0, 50, {"parking-permits|": {"opened": 4}})
    with pytest.raises(Disagreement, match=r"bare and kept_worker disagree.*\n.*parking-permits opened: 3 and 4"):
        check_agreement("dense", [one, other])
    check_agreement("dense", [one, one])
