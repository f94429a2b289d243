"""Load that hurts, in small: one worker, a hot service with an area for each case, and a history that is slow."""

from __future__ import annotations

import asyncio
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

from bench.backlog import Backlog, WorkedOff, worked_off
from bench.delays import Delay
from bench.live_pipeline import live_pipeline
from bench.load import hot_service, overload, slice_values, slow_history
from bench.load.alerts_told import MISSING, AlertTold, alerts_told
from bench.load.findings import Check, Part, Run
from bench.load.nothing_lost import Stations, stations
from bench.load.page import Load, page
from bench.load.slice_values import tallied
from bench.load.slow_store import slow_store
from bench.load.telling import Telling
from bench.paced_producer import CityClock, service_of
from bench.scrapes import Scrape
from bench.workload import catalogue_text, city
from kept.catalogue import MOST_SLICE_VALUES, parse_service
from kept.durations import HOUR_MS
from kept.errors import Retry
from kept.marks import Accounts
from local_stack.broker import Broker
from local_stack.replay import history_of
from tests.history.points import point
from tests.influxd import Server

ROOT = Path(__file__).resolve().parents[2]
PARTITIONS = 2
EVENTS = 5_000
SERVICES = 3
HOT = city(1)[0].id
BEGINS_MS = 1_700_000_400_000 // HOUR_MS * HOUR_MS
SPEED = 60.0


@pytest.mark.timeout(120)
def test_a_hot_service_with_an_area_a_case_on_a_slow_history_costs_no_event_and_starves_no_other(
    broker: Broker, influxd: Server
) -> None:
    bucket = influxd.make_bucket()
    token = influxd.make_token(("read", bucket), ("write", bucket))
    store = {"history": "influxdb", "influxdb_org": influxd.org, "influxdb_bucket": bucket, "influxdb_token": token}
    services = city(SERVICES)
    backlog = Backlog(events=EVENTS, partitions=PARTITIONS, services=SERVICES, hot_share=0.9, an_area_each=True)
    with (
        slow_store(influxd.url, 0.05) as way,
        live_pipeline(
            workers=1,
            partitions=PARTITIONS,
            brokers=broker.bootstrap,
            services=services,
            begun=False,
            live=False,
            publishing_pause=0.0,
            influxdb_url=way.url,
            **store,
        ) as pipeline,
    ):
        worked = worked_off(pipeline, backlog)
        now = time.time()
        telling = Telling(pipeline, CityClock(now, int(now * 1000) + HOUR_MS, SPEED), services=SERVICES, hot_share=0.9)
        told = EVENTS + telling.tell(1_000, 1.0).events
        found = stations(pipeline, told, telling.end_ms(), [service.id for service in services], 60)
        values, series, apart = asyncio.run(tallied(pipeline))
        with history_of(pipeline.settings) as history:
            assert history is not None
            published = history.published()
    assert told > EVENTS
    assert found.whole, found.in_words()
    assert set(published) == {service.id for service in services}
    assert len(set(published.values())) == 1
    assert worked.areas > (MOST_SLICE_VALUES + 50) * PARTITIONS
    assert values == MOST_SLICE_VALUES + 1
    assert series > values
    assert apart == []
    assert list(worked.folded) == [f"{HOT} area"]
    assert way.writes > 0


def test_a_write_that_hangs_is_to_be_repeated_and_then_done_once(influxd: Server) -> None:
    bucket = influxd.make_bucket()
    with slow_store(influxd.url) as way:
        server = Server(way.url)
        server.org = influxd.org
        history = server.history(bucket, timeout_seconds=0.5)
        try:
            with way.hang(), pytest.raises(Retry, match="no answer in time"):
                history.write([point()])
            assert (way.hung, way.writes) == (1, 0)
            history.write([point()])
            assert history.read(point().service) == [point()]
            assert way.hung == 1
        finally:
            history.close()


def look(minute: float, waiting: float, published: float | None = None) -> Scrape:
    ruled = {
        'up{job="kept-worker",instance="1"}': 1.0,
        'kept_lag_records{topic="service-events",partition="0",instance="1"}': waiting,
        'kept_events_total{account="received",partition="0",instance="1"}': 1000 * minute,
        'kept_indicator_timestamp_seconds{service="lights",instance="1"}': (
            BEGINS_MS / 1000 + 60 * (minute if published is None else published)
        ),
    }
    return Scrape(BEGINS_MS / 1000 + minute * 60 / SPEED, {}, {}, {}, {}, 0, ruled=ruled)


def fires(course: list[Scrape], folder: Path) -> list[AlertTold]:
    if shutil.which("promtool") is None:
        pytest.skip(MISSING)
    clock = CityClock(BEGINS_MS / 1000, BEGINS_MS, SPEED)
    services = {"lights": parse_service(catalogue_text(city(1)[0]._replace(id="lights")), "lights.toml")}
    return alerts_told(course, clock, services, folder)[0]


def test_a_course_tells_when_the_lag_was_said_to_grow_and_that_it_ended(tmp_path: Path) -> None:
    grows = [look(minute, 0 if minute < 30 else 5000 * (minute - 30)) for minute in range(330)]
    falls = [look(minute, max(0, 1_500_000 - 20_000 * (minute - 330))) for minute in range(330, 420)]
    (told,) = fires([*grows, *falls], tmp_path)
    assert told.alert == "KeptLagGrowing"
    assert 45 <= told.first <= 47
    assert 330 <= told.last <= 335  # it fell from minute 330 on
    assert told.minutes == told.last - told.first + 1
    assert fires([look(minute, 900) for minute in range(60)], tmp_path) == []


def test_what_stands_still_while_events_wait_is_told_too(tmp_path: Path) -> None:
    course = [look(minute, 50, published=min(minute, 20)) for minute in range(60)]
    (told,) = fires(course, tmp_path)
    assert (told.alert, dict(told.about)["service"]) == ("KeptWatermarkStuck", "lights")
    assert told.first >= 40


@pytest.mark.parametrize("lost", ["in_topic", "received", "applied", "in_history"])
def test_an_event_that_is_missing_at_any_station_is_found(lost: str) -> None:
    whole = Stations(told=5, in_topic=5, received=5, applied=5, otherwise=0, in_history=5, after_seconds=1)
    assert whole.whole
    assert not msgspec.structs.replace(whole, **{lost: 4}).whole
    assert not msgspec.structs.replace(whole, received=6, otherwise=1).whole


WORKED = WorkedOff(events=5, areas=0, per_second=5.0, resident_mib=9, accounts=Accounts(received=5), folded={})
ALL_TOLD = Stations(told=5, in_topic=5, received=5, applied=5, otherwise=0, in_history=5, after_seconds=1)


def spread(hot_share: float, *seconds: float) -> hot_service.Spread:
    delays = [Delay(1.0, one, 1) for one in seconds]
    return hot_service.Spread(
        hot_share=hot_share,
        backlog=WORKED,
        rate=5.0,
        first=delays,
        others=delays,
        all_told=ALL_TOLD,
        most_resident_mib=9,
    )


def stored(*seconds: float) -> slow_history.Stored:
    delays = [Delay(1.0, one, 1) for one in seconds]
    return slow_history.Stored(
        backlog=WORKED, rate=5.0, counted=5.0, shown=delays, writes=1, hung=1, longest_waiting=1.0, all_told=ALL_TOLD
    )


def test_where_no_delay_is_known_none_is_said_to_be_short() -> None:
    assert hot_service.judged(spread(0.0, 1.0), spread(0.9, 1.0)).problems() == []
    assert slow_history.judged(stored(1.0), stored(1.0), stored(1.0)).problems() == []
    for even, hot in (((), ()), ((1.0,), ()), ((), (1.0,))):
        (words,) = hot_service.judged(spread(0.0, *even), spread(0.9, *hot)).problems()
        assert "shown no later" in words
    fresh, waits = slow_history.judged(stored(1.0), stored(), stored()).problems()
    assert fresh.startswith("the gauges stay fresh")
    assert waits.startswith("and none waits")


def test_a_hot_service_has_its_share_and_all_others_have_the_rest() -> None:
    services = city(50)
    told = [service_of(number, 900, services) for number in range(20_000)]
    assert told.count(HOT) == pytest.approx(18_000, rel=0.02)
    assert len(set(told)) == 50
    evenly = [service_of(number, 0, services) for number in range(20_000)]
    assert evenly.count(HOT) < 600


def test_the_page_says_what_does_not_hold_and_what_was_not_run() -> None:
    run = Run(at=datetime(2026, 1, 5, 10, tzinfo=UTC), machine="a machine", command="a command", took_seconds=90)
    checks = [Check("a | b", "as told", True), Check("c", "d", False)]
    part = Part(title="A load", done="It was done.", checks=checks, run=run)
    text = page(Load(parts=[part], absent=[("Another", "there is no store")]))
    assert "**1 of 2 expectations hold; what does not is at the end.**" in text
    assert "Run on 2026-01-05 10:00 UTC by `a command`, in 1.5 minutes: a machine." in text
    assert "| a \\| b | as told | yes |" in text
    assert "* A load: c: d" in text
    assert "* Another: there is no store" in text


@pytest.mark.parametrize("part", [overload, hot_service, slice_values, slow_history], ids=lambda part: part.__name__)
def test_every_test_that_the_page_names_is_there(part: ModuleType) -> None:
    for named in part.TESTS:
        file, _, name = named.partition("::")
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), named
