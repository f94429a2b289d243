"""Ctrl-C and SIGTERM as something to look at.

Python raises a signal's exception wherever the program is, also while it takes a lock: then nobody ever releases it.
Who shares locks with other threads looks at an event instead.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

_T = TypeVar("_T")
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def asked_to_stop() -> Iterator[threading.Event]:
    """Within it, the event is set by the first signal to stop; a second one is raised as usual.

    A signal that is ignored stays so: a shell starts jobs in the background that way.
    """
    stop = threading.Event()
    former = {number: signal.getsignal(number) for number in _SIGNALS}

    def heard(number: int, frame: FrameType | None) -> None:
        for each, handler in former.items():
            signal.signal(each, handler)
        stop.set()

    for number, handler in former.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, heard)
    try:
        yield stop
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def until(stop: threading.Event, items: Iterable[_T]) -> Iterator[_T]:
    """The items; raises `KeyboardInterrupt` once `stop` is set."""
    for item in items:
        if stop.is_set():
            raise KeyboardInterrupt
        yield item


def sleep_until(stop: threading.Event) -> Callable[[float], None]:
    """A sleep of so many seconds that raises `KeyboardInterrupt` once `stop` is set."""

    def sleep(seconds: float) -> None:
        if stop.wait(seconds):
            raise KeyboardInterrupt

    return sleep
