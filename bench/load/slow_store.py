"""A slow way to a real InfluxDB: every write takes so much longer, or hangs; all else goes through as it comes."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from local_stack.ports import LOOPBACK

WRITE = "/api/v2/write"
STORE_SECONDS = 60.0
LEFT_OUT = frozenset({"connection", "content-length", "host", "keep-alive", "transfer-encoding"})
"""Headers about one connection; each of the two has its own."""


class SlowStore:
    """`url` stands for the store behind it; `writes` were answered, `hung` were not."""

    def __init__(self, seconds: float) -> None:
        """`seconds` that a write waits before it goes on; may be changed while running."""
        self.seconds = seconds
        self.url = ""
        self.writes = 0
        self.hung = 0
        self.hanging = False
        self._released = threading.Event()

    @contextmanager
    def hang(self) -> Iterator[None]:
        """Writes that come meanwhile get no answer and are not done; at the end their connections are cut."""
        self._released.clear()
        self.hanging = True
        try:
            yield
        finally:
            self.hanging = False
            self._released.set()

    def wait_to_write(self) -> bool:
        """Wait as long as a write does here; whether it is to be done."""
        if not self.hanging:
            time.sleep(self.seconds)
            return True
        self.hung += 1
        self._released.wait()
        return False


@contextmanager
def slow_store(behind: str, seconds: float = 0.0) -> Iterator[SlowStore]:
    """A running way to the store at the address `behind`, on loopback."""
    store, address = SlowStore(seconds), urlsplit(behind)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            writes = self.path.startswith(WRITE)
            if writes and not store.wait_to_write():
                self.close_connection = True
                return
            headers = {name: value for name, value in self.headers.items() if name.lower() not in LEFT_OUT}
            way = http.client.HTTPConnection(str(address.hostname), address.port, timeout=STORE_SECONDS)
            try:
                way.request(self.command, self.path, body or None, headers)
                answer = way.getresponse()
                said = answer.read()
            finally:
                way.close()
            store.writes += writes
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in LEFT_OUT | {"date", "server"}:
                    self.send_header(name, value)
            if answer.status != http.client.NO_CONTENT:
                self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST  # noqa: N815 - the name is that of http.server

        def log_message(self, *_: object) -> None:
            """Nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that did not wait for its answer is what this is for."""

    server = Server((LOOPBACK, 0), Handler)
    server.daemon_threads = True
    store.url = f"http://{LOOPBACK}:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, name="slow store", daemon=True)
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
