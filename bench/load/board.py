"""What the board says of a service while the workers are behind: the real pages, from a process of their own."""

from __future__ import annotations

import html
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from bench.live_pipeline import LivePipeline
from kept.catalogue import Service
from kept.errors import Stop
from local_stack.child import Child
from local_stack.environment import environment_of
from local_stack.ports import LOOPBACK, free_port, wait_until_answers
from local_stack.replay import history_of
from summaries.wording import moment

START_SECONDS = 60.0


@contextmanager
def board(pipeline: LivePipeline) -> Iterator[int]:
    """A running board on the pipeline's history; its port."""
    port = free_port()
    command = [sys.executable, "-m", "local_stack.page_process", str(port)]
    child = Child("board", command, pipeline.folder / "board.log", environment=environment_of(pipeline.settings))
    child.start()
    try:
        if not wait_until_answers(port, time.monotonic() + START_SECONDS):
            raise Stop(f"the board does not answer; its log ends:\n{child.log_tail()}")
        yield port
    finally:
        child.stop()


def says_as_of(pipeline: LivePipeline, port: int, service: Service) -> tuple[bool, str]:
    """Whether the page of a service says the moment that is published and that it is behind; and what it says."""
    before = _published(pipeline, service.id)
    with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/service/{service.id}", timeout=30) as answer:
        text = html.unescape(answer.read().decode())
    after = _published(pipeline, service.id)
    said = text.partition("Data as of ")[2].partition("</p>")[0]
    words = " ".join(said.replace("<strong>", "").replace("</strong>", "").partition(". The same")[0].split())
    moments = range(before, after + 1, 300)
    true = any(said.startswith(moment(one, service.zone)) for one in moments)
    return true and "behind the clock" in said, f"Data as of {words}"


def _published(pipeline: LivePipeline, service: str) -> int:
    with history_of(pipeline.settings) as store:
        found = {} if store is None else store.published()
    if service not in found:
        raise Stop(f"nothing of {service} is published yet; tell it for longer before the board is asked")
    return found[service]
