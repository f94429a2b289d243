"""A real server and real sockets: whoever is slow, greedy or silent is cut off, and the others are answered."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from kept.errors import ConfigurationError
from web_server.clients import LOOPBACK
from web_server.connections import ConnectionLimits, LimitedConfig, LimitedServer, listen

SHORT = ConnectionLimits(head_seconds=0.4, request_seconds=0.8, of_one_client=5, endless=frozenset({"/endless"}))
LARGE = b"x" * 50_000_000
WITHIN_SECONDS = 8.0


async def hello(_: Request) -> Response:
    return PlainTextResponse("hello")


async def length(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def large(_: Request) -> Response:
    return Response(LARGE)


async def endless(_: Request) -> Response:
    async def words() -> AsyncIterator[bytes]:
        while True:
            yield b"."
            await asyncio.sleep(0.05)

    return StreamingResponse(words())


def application() -> Starlette:
    return Starlette(
        routes=[
            Route("/", hello),
            Route("/length", length, methods=["POST"]),
            Route("/large", large),
            Route("/endless", endless),
        ]
    )


@contextmanager
def serving(limits: ConnectionLimits) -> Iterator[int]:
    with listen("KEPT_TEST_PORT", "127.0.0.1", 0) as listener:
        server = LimitedServer(LimitedConfig(application(), limits))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(20)
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(SHORT) as port:
        yield port


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=WITHIN_SECONDS)


def get(port: int, path: str = "/") -> bytes:
    with connect(port) as asking:
        asking.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        return everything(asking)


def everything(asking: socket.socket) -> bytes:
    said = b""
    while piece := asking.recv(65_536):
        said += piece
    return said


def seconds_until_cut_off(port: int, begin: bytes, go_on: Callable[[socket.socket], None]) -> float:
    began = time.monotonic()
    with connect(port) as slow:
        slow.sendall(begin)
        with pytest.raises(ConnectionError):
            while time.monotonic() - began < WITHIN_SECONDS:
                go_on(slow)
    return time.monotonic() - began


def dribble(slow: socket.socket) -> None:
    """A byte now and then, which sets no clock back."""
    slow.sendall(b"X")
    time.sleep(0.02)


def listen_only(slow: socket.socket) -> None:
    if slow.recv(1) == b"":
        raise ConnectionResetError


HEAD = b"POST /length HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    ("begin", "go_on"),
    [
        (b"", listen_only),
        (HEAD, dribble),
        (HEAD + b"Content-Length: 1000000\r\n\r\n", listen_only),
        (HEAD + b"Content-Length: 1000000\r\n\r\n", dribble),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", listen_only),
    ],
    ids=["silence", "half a head", "no body", "a dribbled body", "no chunk"],
)
def test_who_does_not_come_to_an_end_is_cut_off(
    port: int, begin: bytes, go_on: Callable[[socket.socket], None]
) -> None:
    assert seconds_until_cut_off(port, begin, go_on) < WITHIN_SECONDS
    assert get(port).endswith(b"hello")


def test_who_does_not_read_its_answer_is_cut_off(port: int) -> None:
    with connect(port) as slow:
        slow.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        # Nothing is read for longer than the limit: what is then read ends before the answer does.
        time.sleep(1.2)
        received = 0
        with pytest.raises(ConnectionError):
            while True:
                piece = slow.recv(1_000_000)
                received += len(piece)
                if not piece:
                    raise ConnectionResetError
    assert received < len(LARGE)
    assert get(port).endswith(b"hello")


def test_a_stream_without_end_goes_on(port: int) -> None:
    with connect(port) as viewer:
        viewer.sendall(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
        began = time.monotonic()
        while time.monotonic() - began < 2 * SHORT.request_seconds:
            assert viewer.recv(4096)


def test_each_request_of_a_connection_has_the_whole_time(port: int) -> None:
    with connect(port) as keeping:
        for _ in range(8):  # together longer than a head or a request may take
            time.sleep(0.15)
            keeping.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            said = b""
            while not said.endswith(b"hello"):
                piece = keeping.recv(4096)
                assert piece
                said += piece


def test_requests_sent_at_once_are_all_answered(port: int) -> None:
    with connect(port) as eager:
        eager.sendall(
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 4 + b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        assert everything(eager).count(b"hello") == 5


def test_a_head_without_end_is_refused(port: int) -> None:
    with connect(port) as endless_head:
        endless_head.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 30_000)
        assert endless_head.recv(4096).startswith(b"HTTP/1.1 400 ")


def test_one_client_does_not_take_all_connections() -> None:
    patient = ConnectionLimits(of_one_client=5)
    with serving(patient) as port, ExitStack() as holding:
        held = [holding.enter_context(connect(port)) for _ in range(5)]
        for one in held:
            one.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        with connect(port) as sixth:
            said = everything(sixth)
        assert said.startswith(b"HTTP/1.1 429 ") and b"retry-after: 5" in said
        head, _, body = said.partition(b"\r\n\r\n")
        assert f"content-length: {len(body)}".encode() in head
        held[0].sendall(b"Connection: close\r\n\r\n")
        assert everything(held[0]).endswith(b"hello")
        assert get(port).endswith(b"hello")


def test_a_trusted_proxy_brings_as_many_as_it_has_but_not_more_than_there_are() -> None:
    with serving(ConnectionLimits(of_one_client=2, connections=8, proxies=LOOPBACK)) as port, ExitStack() as holding:
        for _ in range(6):
            holding.enter_context(connect(port)).sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        assert get(port).endswith(b"hello")
        for _ in range(2):
            holding.enter_context(connect(port)).sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        assert get(port).startswith(b"HTTP/1.1 503 ")


def test_a_port_that_is_taken_is_refused_by_its_setting() -> None:
    with (
        listen("KEPT_TEST_PORT", "127.0.0.1", 0) as taken,
        pytest.raises(ConfigurationError, match=r"KEPT_TEST_PORT: 127\.0\.0\.1:.* cannot be used"),
    ):
        listen("KEPT_TEST_PORT", "127.0.0.1", taken.getsockname()[1])
