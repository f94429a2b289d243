"""Each answer of the intake, over real sockets: what is accepted is on its way, what is refused says why and how."""

from __future__ import annotations

import gzip
import http.client
import socket
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from kept.settings import Settings
from producers.intake.bodies import _unzipped
from producers.intake.problems import Problem
from tests.kept.test_intake import REFUSED
from tests.producers.broker_double import BrokerDouble
from tests.producers.intake.conftest import BATCH, SINGLE, TOKEN, RunningIntake, batch, raw, running
from tests.waiting import eventually


def problem(answer: Any, status: int, name: str) -> dict[str, Any]:
    """The body of a refusal, checked for what all of them have in common."""
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.body["type"] == f"urn:kept:problem:{name}"
    assert answer.body["status"] == status
    assert answer.body["title"] and answer.body["detail"]
    assert "SECRET" not in str(answer.body)
    body: dict[str, Any] = answer.body
    return body


@pytest.mark.parametrize(
    "kind", [SINGLE, "application/json", f"{SINGLE}; charset=UTF-8", "Application/CloudEvents+JSON"]
)
def test_one_event_is_accepted_and_goes_to_the_topic_as_it_was_sent(intake: RunningIntake, kind: str) -> None:
    sent = raw(1, traceparent="00-of-the-sender")
    answer = intake.post(sent, kind)
    assert (answer.status, answer.body) == (202, {"accepted": 1})
    eventually(lambda: intake.broker.values() == [sent], "it is delivered", seconds=10)


@pytest.mark.parametrize("kind", [BATCH, "application/json"])
def test_a_batch_is_accepted_and_keeps_its_order(intake: RunningIntake, kind: str) -> None:
    events = [raw(number) for number in range(30)]
    answer = intake.post(batch(*events), kind)
    assert (answer.status, answer.body) == (202, {"accepted": 30})
    eventually(lambda: intake.broker.values() == events, "all are delivered", seconds=10)


def test_an_empty_batch_is_accepted(steady: RunningIntake) -> None:
    assert steady.post(b"[]", BATCH).body == {"accepted": 0}


def test_gzip_is_read(steady: RunningIntake) -> None:
    answer = steady.post(gzip.compress(batch(raw(1), raw(2))), BATCH, Content_Encoding="gzip")
    assert (answer.status, answer.body) == (202, {"accepted": 2})


def test_a_batch_with_bad_events_is_refused_whole_and_each_is_named(intake: RunningIntake) -> None:
    events = [raw(0), raw(1, data={"service": "ferries"}), raw(2), raw(3, type="case.vanished"), b'{"id": 7}']
    body = problem(intake.post(batch(*events), BATCH), 400, "bad_events")
    assert [(bad["index"], bad["reason"]) for bad in body["events"]] == [
        (1, "unknown_service"),
        (3, "unknown_type"),
        (4, "invalid"),
    ]
    assert body["detail"].startswith("3 of 5 events cannot be counted; none was accepted")
    assert intake.publisher.accepted == 0
    assert intake.metric("kept_intake_events_total", account="refused") == 5
    assert intake.metric("kept_intake_bad_events_total", reason="unknown_service") == 1


def test_many_bad_events_are_counted_but_not_all_told(steady: RunningIntake) -> None:
    body = problem(steady.post(batch(*[b"{}"] * 1000), BATCH), 400, "bad_events")
    assert len(body["events"]) == 100
    assert body["detail"].startswith("1000 of 1000")


@pytest.mark.parametrize(
    ("reason", "value"),
    [
        (reason, value)
        for reason, values in REFUSED.items()
        for value in values
        if value is not None and reason != "future"  # the test's clock is not that of the intake
    ],
)
def test_whatever_cannot_be_counted_is_refused_with_its_reason(
    steady: RunningIntake, reason: str, value: bytes
) -> None:
    accepted = steady.publisher.accepted
    body = problem(steady.post(value, SINGLE), 400, "bad_events")
    assert [(bad["index"], bad["reason"]) for bad in body["events"]] == [(0, reason)]
    assert steady.publisher.accepted == accepted


def test_what_lies_ahead_of_the_clock_is_refused(steady: RunningIntake) -> None:
    body = problem(steady.post(raw(1, time=time.time() + 400)), 400, "bad_events")
    assert body["events"][0]["reason"] == "future"
    assert steady.post(raw(1, time=time.time() + 200)).status == 202


def test_a_tick_is_refused(steady: RunningIntake) -> None:
    tick = b'{"specversion":"1.0","type":"kept.tick","source":"kept","id":"t","time":0,"data":{}}'
    assert problem(steady.post(tick), 400, "bad_events")["events"][0]["reason"] == "unknown_type"


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"null", b'[{"id": 1}', b"[1,]", b"[" * 5000, b"\xff", b'"[]"', b"[\xff]"]
)
def test_what_is_no_array_of_events_is_refused(steady: RunningIntake, body: bytes) -> None:
    answer = steady.post(body, BATCH)
    assert answer.status == 400
    assert answer.body["type"] in ("urn:kept:problem:bad_body", "urn:kept:problem:bad_events")


@pytest.mark.parametrize("subject", [b'"\\ud800"', b'"\\u0000"', b'"\xed\xa0\x80"', '"Zoë-日本"'.encode(), b'"x\\ny"'])
def test_odd_text_never_brings_the_intake_down(steady: RunningIntake, subject: bytes) -> None:
    body = raw(1).replace(b'"SECRET-1"', subject)
    assert steady.post(body).status in (202, 400)
    assert steady.post(raw(2)).status == 202


@pytest.mark.parametrize(
    "given",
    [
        None,
        "Basic abc",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Basic {TOKEN}",
        TOKEN,
        "Bearer ü",
    ],
)
def test_without_a_valid_token_nothing_is_read(steady: RunningIntake, given: str | None) -> None:
    accepted = steady.publisher.accepted
    headers = {"Content-Type": SINGLE} | ({} if given is None else {"Authorization": given})
    answer = steady.ask("POST", "/events", raw(1), {k: v.encode().decode("latin-1") for k, v in headers.items()})
    problem(answer, 401, "unauthorized")
    expected = 'Bearer realm="kept"' + ("" if given is None else ', error="invalid_token"')
    assert answer.headers["www-authenticate"] == expected
    assert steady.publisher.accepted == accepted


def test_the_scheme_of_the_token_is_read_in_any_case(steady: RunningIntake) -> None:
    answer = steady.ask("POST", "/events", raw(1), {"Content-Type": SINGLE, "Authorization": f"bearer {TOKEN}"})
    assert answer.status == 202


@pytest.mark.parametrize("kind", [None, "text/plain", "application/xml", "application/cloudevents+avro", ""])
def test_another_content_type_is_refused_with_those_that_are_read(steady: RunningIntake, kind: str | None) -> None:
    body = problem(steady.post(raw(1), kind), 415, "wrong_type")
    assert "valid: application/cloudevents+json" in body["detail"]


def test_another_charset_and_binary_mode_are_refused(steady: RunningIntake) -> None:
    problem(steady.post(raw(1), f"{SINGLE}; charset=latin-1"), 415, "wrong_type")
    answer = steady.post(b'{"service": "street-lights"}', "application/json", ce_specversion="1.0")
    assert "binary mode" in problem(answer, 415, "wrong_type")["detail"]


def test_another_encoding_is_refused_with_the_one_that_is_read(steady: RunningIntake) -> None:
    answer = steady.post(raw(1), Content_Encoding="br")
    problem(answer, 415, "wrong_encoding")
    assert answer.headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    "body",
    [b"not gzip", gzip.compress(raw(1))[:-4], gzip.compress(raw(1)) + b"x", gzip.compress(raw(1))[:8], b""],
    ids=["no gzip", "without its end", "with something behind it", "its head only", "nothing"],
)
def test_gzip_that_is_none_or_cut_off_is_refused(steady: RunningIntake, body: bytes) -> None:
    problem(steady.post(body, Content_Encoding="gzip"), 400, "bad_body")


def padded(size: int) -> bytes:
    return raw(1, note="x" * (size - len(raw(1, note=""))))


def test_a_body_may_be_as_large_as_the_limit_and_no_larger(steady: RunningIntake) -> None:
    assert steady.post(padded(20_000)).status == 202
    problem(steady.post(padded(20_001)), 413, "too_large")


@pytest.mark.parametrize("size", [20_001, 79_000, 3_000_000])
def test_a_streamed_body_is_held_to_the_limit_too(steady: RunningIntake, size: int) -> None:
    accepted = steady.publisher.accepted

    def pieces() -> Iterator[bytes]:
        body = padded(size)
        for start in range(0, size, 10_000):
            yield body[start : start + 10_000]

    try:
        answer = steady.post(pieces())
    except (ConnectionError, http.client.HTTPException):
        assert size > 4 * 20_000, "an answer is only cut off when far too much is sent"
    else:
        problem(answer, 413, "too_large")
    assert steady.publisher.accepted == accepted
    assert steady.post(raw(1)).status == 202


def test_a_small_body_that_becomes_a_large_one_is_refused(steady: RunningIntake) -> None:
    assert len(gzip.compress(padded(2_000_000))) < 20_000
    problem(steady.post(gzip.compress(padded(2_000_000)), Content_Encoding="gzip"), 413, "too_large")
    assert steady.post(gzip.compress(padded(20_000)), Content_Encoding="gzip").status == 202


def test_a_bomb_is_never_in_memory_as_a_whole() -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    tracemalloc.start()
    with pytest.raises(Problem, match="at most 20000 bytes, also when it is decompressed"):
        _unzipped(bomb, 20_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_other_paths_and_methods_are_problems_too(steady: RunningIntake) -> None:
    problem(steady.ask("GET", "/"), 404, "not_found")
    problem(steady.ask("GET", "/events"), 405, "method_not_allowed")


def test_a_full_spool_says_when_to_come_again_and_takes_events_when_the_broker_is_back(intake: RunningIntake) -> None:
    intake.broker.there = False
    intake.publisher.delivery.stop(5)  # the connection is gone, and none will be made
    accepted = 0
    while (answer := intake.post(padded(15_000))).status == 202:
        accepted += 1
        assert accepted < 100
    problem(answer, 429, "spool_full")
    assert answer.headers["retry-after"] == "10"
    assert str(accepted) in answer.body["detail"]
    health = intake.ask("GET", "/healthz")
    assert health.body["spool"]["events"] == accepted
    assert health.body["broker_connected"] is False
    intake.publisher.spool.delivered(accepted)
    assert intake.post(padded(15_000)).status == 202


def test_a_disk_that_takes_nothing_is_told_without_its_folder(
    intake: RunningIntake, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("producers.spool.spool.os.write", full)
        answer = intake.post(raw(1))
    assert str(intake.publisher.spool.folder) not in str(problem(answer, 503, "spool_unwritable"))
    assert answer.headers["retry-after"] == "10"
    assert "No space left on device" in caplog.text
    assert intake.post(raw(1)).status == 202


def test_too_many_requests_under_way_are_told_to_come_again(intake: RunningIntake) -> None:
    with intake.publisher.spool._writing, ThreadPoolExecutor(8) as posters:  # a disk that hangs
        waiting = [posters.submit(intake.post, raw(number)) for number in range(8)]
        eventually(lambda: intake.metric("kept_intake_requests_under_way") == 8, "eight requests under way", seconds=10)
        answer = intake.post(raw(9))
        problem(answer, 429, "busy")
        assert answer.headers["retry-after"] == "1"
        assert intake.ask("GET", "/healthz").status == 200
        intake.publisher.spool._writing.release()
        try:
            assert [each.result(20).status for each in waiting] == [202] * 8
        finally:
            intake.publisher.spool._writing.acquire()
    assert intake.metric("kept_intake_requests_under_way") == 0


def test_while_it_stops_new_requests_are_told_to_come_again(intake: RunningIntake) -> None:
    intake.intake.stopping = True
    answer = intake.post(raw(1))
    problem(answer, 503, "stopping")
    assert answer.headers["retry-after"] == "5"
    health = intake.ask("GET", "/healthz")
    assert (health.status, health.body["status"]) == (503, "stopping")


def test_a_failure_that_is_not_foreseen_says_nothing_of_itself(
    steady: RunningIntake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("SECRET")

    with monkeypatch.context() as patch:
        patch.setattr("producers.intake.app.read", broken)
        problem(steady.post(raw(1)), 500, "internal")
    assert steady.post(raw(1)).status == 202


def test_a_body_that_does_not_come_is_not_waited_for(steady: RunningIntake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producers.intake.bodies.BODY_SECONDS", 0.3)
    head = f"POST /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: {SINGLE}\r\n"
    with socket.create_connection(("127.0.0.1", steady.port), timeout=10) as slow:
        slow.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        answer = b""
        while piece := slow.recv(4096):  # until it is closed
            answer += piece
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_a_head_without_end_is_refused(steady: RunningIntake) -> None:
    with socket.create_connection(("127.0.0.1", steady.port), timeout=10) as endless:
        endless.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 30_000)
        assert endless.recv(4096).startswith(b"HTTP/1.1 400 ")


def test_a_sender_that_hangs_up_holds_no_place(steady: RunningIntake) -> None:
    head = f"POST /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: {SINGLE}\r\n"
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", steady.port), timeout=10) as gone:
            gone.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
    # Nothing says when the server has noticed the last of them; had they kept their places, it would stay at 429.
    eventually(lambda: steady.post(raw(1)).status == 202, "a request is taken again", seconds=10)
    eventually(lambda: steady.metric("kept_intake_requests_under_way") == 0, "no request under way", seconds=10)


def test_many_at_once_are_all_accepted_each_in_its_order(intake: RunningIntake) -> None:
    def post_some(sender: int) -> list[int]:
        statuses = []
        for number in range(25):
            body = raw(number, subject=f"case-{sender}", id=f"{sender}-{number}")
            while (answer := intake.post(body)).status == 429:
                time.sleep(0.01)
            statuses.append(answer.status)
        return statuses

    with ThreadPoolExecutor(16) as posters:
        assert list(posters.map(post_some, range(16))) == [[202] * 25] * 16
    eventually(lambda: len(intake.broker.values()) == 400, "all 400 are delivered", seconds=10)
    arrived = [msgspec.json.decode(value) for value in intake.broker.values()]
    for sender in range(16):
        ids = [event["id"] for event in arrived if event["subject"] == f"case-{sender}"]
        assert ids == [f"{sender}-{number}" for number in range(25)]


def test_connections_are_used_again(steady: RunningIntake) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", steady.port, timeout=10)
    headers = {"Content-Type": SINGLE, "Authorization": f"Bearer {TOKEN}"}
    ends = set()
    for number in range(3):
        connection.request("POST", "/events", raw(number), headers)
        response = connection.getresponse()
        assert (response.status, response.read()) == (202, b'{"accepted":1}')
        ends.add(connection.sock.getsockname())
    connection.close()
    assert len(ends) == 1


def test_who_tries_tokens_out_is_not_looked_at_for_a_while_and_senders_go_on(intake: RunningIntake) -> None:
    assert intake.post(raw(1)).status == 202
    tried = [intake.post(raw(2), token=f"wrong-{number:020d}") for number in range(15)]
    assert [answer.status for answer in tried[:10]] == [401] * 10
    body = problem(tried[-1], 429, "too_many_failures")
    assert "wrong" not in str(body)
    assert 1 <= int(tried[-1].headers["retry-after"]) <= 6
    assert intake.post(raw(3)).status == 202
    assert intake.post(raw(4), token=None).status == 401
    assert intake.metric("kept_intake_refused_requests_total", problem="too_many_failures") >= 4


def test_a_sender_of_too_many_requests_is_told_when_to_come_again(settings: Settings) -> None:
    with running(replace(settings, intake_requests_per_second=0.5), BrokerDouble()) as intake:
        answers = [intake.post(raw(number)) for number in range(6)]
        assert [answer.status for answer in answers[:5]] == [202] * 5
        problem(answers[5], 429, "too_many_requests")
        assert answers[5].headers["retry-after"] == "2"
        assert intake.ask("GET", "/metrics").status == 429


def test_behind_a_trusted_proxy_each_sender_has_limits_of_its_own(settings: Settings) -> None:
    limited = replace(settings, intake_requests_per_second=0.1, trusted_proxies="127.0.0.1")
    with running(limited, BrokerDouble()) as intake:
        assert intake.post(raw(1), X_Forwarded_For="192.0.2.1").status == 202
        assert intake.post(raw(2), X_Forwarded_For="192.0.2.2").status == 202
        # What stands before the proxy's own word was written by the sender.
        problem(intake.post(raw(3), X_Forwarded_For="192.0.2.9, 192.0.2.1"), 429, "too_many_requests")


def test_health_says_how_the_spool_and_the_broker_stand(intake: RunningIntake) -> None:
    answer = intake.ask("GET", "/healthz")
    assert answer.status == 200
    assert answer.body == {
        "status": "ok",
        "broker_connected": True,
        "spool": {"events": 0, "bytes": 0, "limit_bytes": 200_000},
    }


def test_a_broker_that_is_away_is_told_but_events_are_accepted(settings: Settings) -> None:
    broker = BrokerDouble()
    broker.there = False
    with running(settings, broker) as intake:
        assert intake.post(raw(1)).status == 202
        answer = intake.ask("GET", "/healthz")
        assert (answer.status, answer.body["status"]) == (200, "broker_away")
        assert set(answer.body) == {"status", "broker_connected", "spool"}  # where the broker is, is nobody's business


def test_no_id_is_in_the_metrics_or_the_log(
    intake: RunningIntake, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG", logger="kept")
    caplog.set_level("DEBUG", logger="uvicorn")
    intake.post(raw(1))
    intake.post(raw(2, data={"service": "ferries"}))
    metrics = intake.ask("GET", "/metrics")
    assert metrics.status == 200
    assert 'kept_intake_events_total{account="accepted"} 1.0' in metrics.body
    assert "kept_spool_limit_bytes 200000.0" in metrics.body
    said = metrics.body + caplog.text + "".join(capfd.readouterr())
    assert "SECRET" not in said
    assert TOKEN not in said


def test_the_accounts_reconcile(intake: RunningIntake) -> None:
    intake.post(batch(raw(1), raw(2)), BATCH)
    intake.post(batch(raw(3), b"{}"), BATCH)
    counts = {
        account: intake.metric("kept_intake_events_total", account=account)
        for account in ("received", "accepted", "refused")
    }
    assert counts == {"received": 4, "accepted": 2, "refused": 2}
