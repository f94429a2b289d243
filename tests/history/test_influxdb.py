"""What only a server can do: be away, frozen or busy, refuse a token or some lines, keep points for a while only."""

from __future__ import annotations

import logging
import signal
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from history.influxdb import BATCH_BYTES, MOST_BAD_LINES, InfluxHistory
from history.influxdb_connection import LONGEST_PAUSE_SECONDS, InfluxConnection
from history.open import open_history
from history.sqlite import SQLiteHistory
from kept.errors import KeptError, Retry, Stop
from kept.indicators.point import Amendment, Point
from kept.settings import Settings
from local_stack.ports import LOOPBACK, free_port
from tests.history.charts import change, gap, week
from tests.history.decisions import decided, said
from tests.history.points import NOON, point, unknown
from tests.history.signals import raised, response
from tests.influxd import OwnServer, Server

DAY = 86400
SECRET = "a-token-nobody-should-see"


class Answers:
    """A server of HTTP alone: gives these answers (status, headers) one after the other, the last one for ever."""

    def __init__(self) -> None:
        self.script: list[tuple[int, dict[str, str]]] = [(204, {})]
        self.bytes: list[int] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.bytes.append(len(self.rfile.read(int(self.headers["content-length"]))))
                status, headers = outer.script.pop(0) if len(outer.script) > 1 else outer.script[0]
                self.send_response(status)
                for name, value in {"content-length": "0", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self.url = f"http://{LOOPBACK}:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def asked(self) -> int:
        return len(self.bytes)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def answers() -> Iterator[Answers]:
    answers = Answers()
    yield answers
    answers.stop()


@pytest.fixture
def clock() -> list[float]:
    return [1000.0]


@pytest.fixture
def scripted(answers: Answers, clock: list[float]) -> Iterator[InfluxHistory]:
    """A store before the scripted server, with a clock that stands still."""
    store = InfluxHistory(InfluxConnection(answers.url, "kept", SECRET, clock=lambda: clock[0]), "kept")
    yield store
    store.close()


STATUSES: dict[int, type[KeptError]] = {
    301: Stop, 400: Stop, 401: Stop, 403: Stop, 404: Stop, 405: Stop, 407: Stop,
    408: Retry, 425: Retry, 429: Retry, 500: Retry, 502: Retry, 503: Retry, 504: Retry,
}  # fmt: skip


@pytest.mark.parametrize(("status", "kind"), STATUSES.items())
def test_each_status_has_its_verb_and_no_message_shows_the_token(
    answers: Answers, scripted: InfluxHistory, status: int, kind: type[KeptError]
) -> None:
    answers.script = [(status, {"location": "http://elsewhere.example/"})]
    with pytest.raises(kind) as raised:
        scripted.services()
    assert SECRET not in str(raised.value)
    # Also of 400: without InfluxDB's own word for it, it says nothing of the lines.
    with pytest.raises(kind):
        scripted.write([point()])
    assert dict(scripted.refused()) == {}


def test_a_server_that_wants_to_be_left_alone_is(answers: Answers, scripted: InfluxHistory, clock: list[float]) -> None:
    answers.script = [(503, {"retry-after": "7"}), (204, {})]
    with pytest.raises(Retry):
        scripted.write([point()])
    clock[0] += 6
    with pytest.raises(Retry, match="left alone for 1 s more"):
        scripted.write([point()])
    assert answers.asked == 1
    clock[0] += 1.5
    scripted.write([point()])
    assert answers.asked == 2


@pytest.mark.parametrize("asked_for", ["1000000", "soon", "-5", ""])
def test_a_pause_that_makes_no_sense_is_not_believed(
    answers: Answers, scripted: InfluxHistory, clock: list[float], asked_for: str
) -> None:
    answers.script = [(429, {"retry-after": asked_for}), (204, {})]
    with pytest.raises(Retry):
        scripted.write([point()])
    clock[0] += LONGEST_PAUSE_SECONDS + 1
    scripted.write([point()])


def test_more_points_than_a_request_takes_are_clean_only_when_all_were_taken(
    answers: Answers, scripted: InfluxHistory
) -> None:
    answers.script = [(204, {}), (500, {}), (204, {})]
    points = [point(window_end=NOON + n) for n in range(12_000)]
    with pytest.raises(Retry):
        scripted.write(points)
    assert answers.asked == 2
    scripted.write(points)
    assert answers.asked >= 2 + 3
    assert sum(answers.bytes[2:]) > 3_000_000
    assert max(answers.bytes) <= BATCH_BYTES


def test_a_server_that_is_not_there_is_tried_again_later() -> None:
    store = InfluxHistory(InfluxConnection(f"http://{LOOPBACK}:{free_port()}", "kept", SECRET), "kept")
    for call in (lambda: store.write([point()]), store.services, lambda: store.publish(["x"], NOON)):
        with pytest.raises(Retry, match="try again"):
            call()
    store.close()


def test_a_server_that_speaks_no_tls_is_told_from_one_that_is_away(answers: Answers) -> None:
    store = InfluxHistory(InfluxConnection(answers.url.replace("http:", "https:"), "kept", SECRET), "kept")
    with pytest.raises(Retry, match="it does not speak TLS there; with http in KEPT_INFLUXDB_URL"):
        store.services()
    store.close()


def test_opening_makes_no_contact_and_closing_leaves_no_thread() -> None:
    before = threading.active_count()
    settings = Settings(history="influxdb", influxdb_url=f"http://{LOOPBACK}:{free_port()}", influxdb_token=SECRET)
    store = open_history(settings)
    assert threading.active_count() == before + 1
    store.close()
    assert threading.active_count() == before
    with pytest.raises(Stop, match="closed"):
        store.published()


def test_a_ca_file_that_is_none_is_said_at_once(tmp_path: Path) -> None:
    before = threading.active_count()
    (tmp_path / "ca.pem").write_text("no certificate")
    for file in (tmp_path / "ca.pem", tmp_path / "missing.pem"):
        with pytest.raises(Stop, match="KEPT_SSL_CAFILE"):
            InfluxConnection("https://localhost:1", "kept", SECRET, ca_file=str(file))
    assert threading.active_count() == before


def test_the_settings_choose_the_store(tmp_path: Path) -> None:
    file = open_history(Settings(history_path=str(tmp_path / "history.sqlite")))
    assert isinstance(file, SQLiteHistory)
    file.close()
    with pytest.raises(Stop, match="KEPT_INFLUXDB_TOKEN"):
        open_history(Settings(history="influxdb"))


def test_a_call_under_way_ends_when_the_store_is_closed() -> None:
    with socket.create_server((LOOPBACK, 0)) as silent:  # takes the request and never answers
        url = f"http://{LOOPBACK}:{silent.getsockname()[1]}"
        store = InfluxHistory(InfluxConnection(url, "kept", SECRET, timeout_seconds=60), "kept")
        failed: list[BaseException] = []

        def write() -> None:
            try:
                store.write([point()])
            except KeptError as error:
                failed.append(error)

        writing = threading.Thread(target=write)
        writing.start()
        connected, _ = silent.accept()
        store.close()
        writing.join(10)
        connected.close()
        assert not writing.is_alive()
        assert [type(error) for error in failed] == [Stop]


def test_a_token_or_a_bucket_that_is_not_right_says_what_to_do(influxd: Server) -> None:
    bucket, other = influxd.make_bucket(), influxd.make_bucket()
    reader, writer = influxd.make_token(("read", bucket)), influxd.make_token(("write", bucket))
    tried = [
        (influxd.history(bucket, SECRET), r"token is not valid \(401\).*KEPT_INFLUXDB_TOKEN_FILE", True, True),
        (influxd.history(bucket, reader), r"may not write to bucket .* \(403\).*KEPT_INFLUXDB_TOKEN_FILE", True, False),
        (influxd.history(bucket, writer), r"could not read bucket.*the token may not see it", False, True),
        (influxd.history(other, writer), r"may not write to bucket", True, False),
        (influxd.history("no-such-bucket"), r"could not .*KEPT_INFLUXDB_BUCKET.*kept influx init", True, True),
        (
            InfluxHistory(InfluxConnection(influxd.url, "no-such-org", influxd.token), bucket),
            r"organization.*KEPT_INFLUXDB_ORG", True, True,
        ),
    ]  # fmt: skip
    for store, message, write_fails, read_fails in tried:
        for call, fails in ((lambda store=store: store.write([point()]), write_fails), (store.services, read_fails)):
            if fails:
                with pytest.raises(Stop, match=message) as raised:
                    call()
                assert SECRET not in str(raised.value)
                assert reader not in str(raised.value)
        store.close()


def test_a_reader_cannot_write(influxd: Server) -> None:
    store = InfluxHistory(influxd.connection(), influxd.make_bucket(), read_only=True)
    for call in (lambda: store.write([point()]), lambda: store.publish(["x"], NOON)):
        with pytest.raises(Stop, match="reading only"):
            call()
    assert store.services() == []
    store.close()


def test_points_older_than_the_bucket_keeps_are_counted_and_the_rest_is_stored(
    influxd: Server, caplog: pytest.LogCaptureFixture
) -> None:
    store = influxd.history(influxd.make_bucket(400 * DAY))
    now = int(time.time())
    times = [now - 420 * DAY, now - 399 * DAY, now, now - 500 * DAY]  # a shard, 7 d, goes as a whole
    points = [point(window_end=end, slice=(("area", "North"),)) for end in times]
    with caplog.at_level(logging.WARNING, "kept.history"):
        store.write(points)
    assert [each.window_end for each in store.read("street-repairs")] == [now - 399 * DAY, now]
    assert store.refused() == {"outside_retention": 2}
    assert "2 outside_retention" in caplog.text
    assert "North" not in caplog.text
    store.amend([Amendment(now, each, each) for each in points])
    assert store.refused() == {"outside_retention": 4}
    store.close()


def raw_write(store: InfluxHistory, line: str) -> None:
    store._connection.write(store._bucket, line.encode(), "s")


def test_points_in_conflict_with_what_others_wrote_are_found_one_by_one_and_the_rest_is_stored(
    influxd: Server, caplog: pytest.LogCaptureFixture
) -> None:
    store = influxd.history(influxd.make_bucket())
    # Someone else has written `low` as a text this week: points with a number there are refused.
    raw_write(store, f'indicator,service=foreign low="?" {NOON}')
    cuts = [(("area", f"a{n}"),) for n in range(2000)]
    good = [unknown(slice=cut) for cut in cuts]
    bad = [point(slice=cut, window="7d") for cut in cuts[:3]]
    with caplog.at_level(logging.WARNING, "kept.history"):
        store.write([*good[:900], bad[0], *good[900:], *bad[1:]])
    assert store.read("street-repairs") == sorted(good, key=Point.key)
    assert store.refused() == {"type_conflict": 3}
    assert "a line of street-repairs promise_kept 7d was refused" in caplog.text
    assert "area" not in caplog.text
    assert "0.75" not in caplog.text
    store.close()


def test_what_others_wrote_under_the_name_of_a_number_does_not_change_what_is_read(influxd: Server) -> None:
    store = influxd.history(influxd.make_bucket())
    raw_write(store, f'indicator,service=foreign low="?" {NOON}')
    later = point(window_end=NOON + 30 * DAY)  # in another week, so the number is taken
    store.write([unknown(), later])
    assert store.read("street-repairs") == [unknown(), later]
    store.close()


def test_a_bucket_in_which_nothing_fits_needs_a_person_soon(influxd: Server) -> None:
    store = influxd.history(influxd.make_bucket())
    raw_write(store, f'indicator,service=foreign low="?" {NOON}')
    points = [point(slice=(("area", f"a{n}"),)) for n in range(MOST_BAD_LINES + 50)]
    with pytest.raises(Stop, match="one of its own"):
        store.write(points)
    store.close()


def test_a_line_that_the_server_cannot_read_is_put_aside(influxd: Server) -> None:
    store = influxd.history(influxd.make_bucket())
    endless = point(slice=(("area", "x" * 70_000),))  # longer than the server's limit for a series
    store.write([point(), endless, point(window="7d")])
    assert [each.window for each in store.read("street-repairs")] == ["28d", "7d"]
    assert store.refused() == {"unreadable": 1}
    store.close()


def test_names_and_times_that_this_store_does_not_know_are_refused_before_anything_is_sent(influxd: Server) -> None:
    store = influxd.history(influxd.make_bucket())
    with pytest.raises(Stop, match="empty"):
        store.write([point(), point(service="")])
    with pytest.raises(Stop, match="15 years"):
        store.amend([Amendment(NOON + 16 * 366 * DAY, point(), point())])
    assert store.services() == []
    store.close()


def test_a_frozen_server_is_away_and_what_was_not_written_is_written_when_it_wakes(
    influxd_program: Path, tmp_path: Path
) -> None:
    server = OwnServer(influxd_program, tmp_path / "influxd")
    server.start()
    try:
        server.set_up()
        server.make_org()
        bucket = server.make_bucket()
        store = server.history(bucket, timeout_seconds=0.5)
        store.write([point()])
        server.process.signal(signal.SIGSTOP)
        for call in (lambda: store.write([point(window="7d")]), store.services):
            with pytest.raises(Retry, match="no answer in time"):
                call()
        server.process.signal(signal.SIGCONT)
        deadline = time.monotonic() + 30
        while True:
            try:
                store.write([point(window="7d")])
                break
            except Retry:
                assert time.monotonic() < deadline
        server.process.kill()  # -9
        with pytest.raises(Retry):
            store.services()
        server.start()
        assert [each.window for each in store.read("street-repairs")] == ["28d", "7d"]
        store.close()
    finally:
        server.process.signal(signal.SIGCONT)
        server.process.stop()


def test_the_token_of_readers_reads_signals_and_records_none(influxd: Server) -> None:
    bucket = influxd.make_bucket()
    writer = influxd.history(bucket, influxd.make_token(("read", bucket), ("write", bucket)))
    reader = influxd.history(bucket, influxd.make_token(("read", bucket)))
    writer.record([raised()])
    writer.respond(response())
    assert reader.signals() == reader.open_signals() == [raised()]
    assert reader.responses() == [response()]
    for forbidden in (lambda: reader.record([raised()]), lambda: reader.respond(response())):
        with pytest.raises(Stop, match=f"may not write to bucket {bucket}"):
            forbidden()
    writer.close()
    reader.close()


def test_a_signal_older_than_the_bucket_keeps_is_left_out_and_said(
    influxd: Server, caplog: pytest.LogCaptureFixture
) -> None:
    store = influxd.history(influxd.make_bucket(retention_seconds=30 * DAY))
    now = int(time.time())
    store.record([raised(raised_at=now - 40 * DAY), raised(raised_at=now - DAY)])
    assert [each.raised_at for each in store.signals()] == [now - DAY]
    assert "1 outside_retention" in caplog.text
    assert dict(store.refused()) == {}  # it counts points
    store.close()


def test_tags_of_signals_are_bounded_and_carry_no_id(influxd: Server) -> None:
    bucket = influxd.make_bucket()
    store = influxd.history(bucket)
    store.record([raised(raised_at=NOON + hour * 3600, about="area=North") for hour in range(20)])
    for number in range(20):
        store.respond(response(id=f"{number:08x}"))
    store.close()
    for measurement, tags in (("signal", {"service", "signal", "about"}), ("signal_response", {"says"})):
        connection = influxd.connection()
        rows = connection.query(
            "from(bucket: bucket) |> range(start: 0) |> filter(fn: (r) => r._measurement == measurement) |> first()",
            {"bucket": bucket, "measurement": measurement},
        )
        connection.close()
        fields = {row["_field"] for row in rows}
        assert len(rows) == len(fields)  # one series, however many there are
        names = {name for name in rows[0] if not name.startswith("_")} - {"result", "table"}
        assert names == tags


def newest_fields(influxd: Server, bucket: str, measurement: str) -> list[dict[str, Any]]:
    """What a board sees: one row a time, fields side by side."""
    connection = influxd.connection()
    rows = connection.query(
        "from(bucket: bucket) |> range(start: 0) |> filter(fn: (r) => r._measurement == measurement) "
        '|> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")',
        {"bucket": bucket, "measurement": measurement},
    )
    connection.close()
    return rows


def test_a_week_of_a_chart_has_numbers_and_texts_for_boards(influxd: Server) -> None:
    bucket = influxd.make_bucket()
    store = influxd.history(bucket)
    store.write_charts([week(value=1)])
    (row,) = newest_fields(influxd, bucket, "chart")
    assert int(row["_time"].timestamp()) == NOON
    assert {name: row[name] for name in ("service", "indicator", "state", "limits", "rule", "meaning")} == {
        "service": "street-repairs", "indicator": "promise_kept", "state": "value", "limits": "baseline",
        "rule": "1", "meaning": "concern",
    }  # fmt: skip
    numbers = {name: row[name] for name in ("value", "mark", "mean", "lower", "upper", "p_lower", "n", "target")}
    assert numbers == {
        "value": 1, "mark": 1, "mean": week().mean, "lower": 0.7, "upper": 0.9, "p_lower": 0.68, "n": 100, "target": 0.9
    }  # fmt: skip
    assert {type(number) for number in numbers.values()} == {float}
    # Fields cannot be taken away: the texts say that the numbers left over do not count.
    store.write_charts([gap()])
    (row,) = newest_fields(influxd, bucket, "chart")
    assert (row["state"], row["limits"], row["rule"], row["meaning"]) == ("source_silent", "none", "none", "none")
    store.write_charts([week(baseline=5, mark=None)])
    (row,) = newest_fields(influxd, bucket, "chart")
    assert (row["state"], row["limits"], row["rule"]) == ("value", "trial", "none")
    store.close()


def test_a_change_has_its_title_as_it_is_for_boards_and_one_series_however_many_there_are(influxd: Server) -> None:
    bucket = influxd.make_bucket()
    store = influxd.history(bucket)
    title = '50 % more \\ "staff", said a=b'
    store.write_changes([change(title=title), change(id="0", at=NOON + 7, indicator=None, direction=None)])
    store.close()
    rows = sorted(newest_fields(influxd, bucket, "change"), key=lambda row: row["_time"])
    assert len({row["table"] for row in rows}) == 1
    told = [{name: row[name] for name in ("service", "title", "indicator", "direction", "id")} for row in rows]
    assert told == [
        {"service": "street-repairs", "title": title, "indicator": "delivery_time_p50", "direction": "down",
         "id": change().id},
        {"service": "street-repairs", "title": change().title, "indicator": "none", "direction": "none", "id": "0"},
    ]  # fmt: skip
    assert [int(row["_time"].timestamp()) for row in rows] == [NOON, NOON + 7]


def test_a_signal_has_its_words_as_they_are_for_boards(influxd: Server) -> None:
    bucket = influxd.make_bucket()
    store = influxd.history(bucket)
    words = '61.2 % were "kept"\\'
    store.record([raised(words=words)])
    (row,) = newest_fields(influxd, bucket, "signal")
    assert (row["words"], row["id"]) == (words, raised().id)
    store.close()


def test_weeks_and_changes_older_than_the_bucket_keeps_are_left_out_and_said(
    influxd: Server, caplog: pytest.LogCaptureFixture
) -> None:
    store = influxd.history(influxd.make_bucket(retention_seconds=30 * DAY))
    now = int(time.time())
    store.write_charts([week(week_end=now - age * DAY) for age in (40, 1)])
    store.write_changes([change(at=now - age * DAY) for age in (40, 1)])
    assert [one.week_end for one in store.charts("street-repairs")] == [now - DAY]
    assert [one.at for one in store.changes()] == [now - DAY]
    assert caplog.text.count("1 outside_retention") == 2
    assert dict(store.refused()) == {}  # it counts points
    store.close()


def test_no_retention_takes_a_decision(influxd: Server) -> None:
    store = influxd.history(influxd.make_bucket(retention_seconds=30 * DAY))
    store.decide(decided())  # fourteen years ago
    store.decide(said("closed", NOON + DAY))
    assert store.decision_entries(until=NOON) == [decided()]
    assert store.decision_entries() == [decided(), said("closed", NOON + DAY)]
    store.close()
