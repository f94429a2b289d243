"""Draws docs/live-page.png, the README's picture: the live board of six weeks of the simulated city, in Chromium.

`python docs/draw_live_page.py`: takes some 20 seconds. What is drawn depends on Chromium's fonts, so no test compares it.
"""

from __future__ import annotations

import datetime
import shutil
import tempfile
import threading
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from catalogue import services_of
from history.sqlite import SQLiteHistory
from kept.settings import Settings
from kept.signals.raised import advance
from local_stack.ports import LOOPBACK, free_port, wait_until_answers
from producers.simulator.city import simulate
from stream_processors.embedded import EmbeddedPipeline
from summaries.application import application
from summaries.server import Server

PICTURE = Path(__file__).with_name("live-page.png")
AT = int(datetime.datetime(2026, 11, 16, 9, 0, tzinfo=datetime.UTC).timestamp())
DAYS = 42
RATE = 0.5


def fill(path: Path) -> None:
    """A history with the city's figures and signals at `AT`."""
    services = services_of(Settings())
    pipeline = EmbeddedPipeline(services)
    events = simulate(services.values(), start_ms=(AT - DAYS * 86400) * 1000, end_ms=AT * 1000, seed=1, rate=RATE)
    pipeline.apply(event for _, event in events)
    pipeline.tick(AT * 1000)
    store = SQLiteHistory(path)
    store.write(pipeline.indicators(AT))
    store.record(advance({}, pipeline.verdicts(AT), AT, AT)[1])
    store.publish(services, AT)
    store.close()


def draw(path: Path) -> None:
    """The picture, from the history at `path`."""
    port = free_port()
    app = application(services_of(Settings()), lambda: SQLiteHistory(path, read_only=True), clock=lambda: AT + 60)
    server = Server(app, LOOPBACK, port)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        if not wait_until_answers(port, time.monotonic() + 20):
            raise SystemExit("the board does not answer")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
            page.goto(f"http://{LOOPBACK}:{port}/")
            page.screenshot(path=PICTURE)
            browser.close()
    finally:
        server.should_exit = True
        thread.join()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder) / "history.sqlite")
        draw(Path(folder) / "history.sqlite")
