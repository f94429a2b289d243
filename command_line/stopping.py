"""Ctrl-C and SIGTERM as something to look at.

Python raises a signal's exception wherever the program is, also while it takes a lock: then nobody ever releases it.
Who shares locks with other threads looks at an event instead.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

_T = TypeVar("_T")
_LOOK_SECONDS = 0.2
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def asked_to_stop(event: threading.Event | None = None) -> Iterator[threading.Event]:
    """Within it, the event (that given, or a new one) is set by the first signal to stop; a second is raised as usual.

    A signal that is ignored stays so: a shell starts jobs in the background that way.
    """
    stop = event or threading.Event()
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


@contextmanager
def ended_at_once() -> Iterator[None]:
    """Within it, a signal to stop ends the process where it is: nothing may be under way.

    For a client that connects: an exception raised in the middle of it may be taken for its own, and swallowed.
    """
    former = {number: signal.getsignal(number) for number in _SIGNALS}

    def end(number: int, frame: FrameType | None) -> None:
        os._exit(128 + number)

    for number, handler in former.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, end)
    try:
        yield
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


def within_grace(stop: threading.Event, work: Callable[[], _T], seconds: float) -> _T:
    """What `work` returns; once `stop` is set it has `seconds` to end, then this raises `KeyboardInterrupt`.

    The work is done in a thread of its own, which ends with the process: for what waits on a server that says nothing.
    """
    done: Future[_T] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    while not stop.is_set() and not done.done():
        wait([done], _LOOK_SECONDS)
    wait([done], seconds)
    if not done.done():
        raise KeyboardInterrupt
    return done.result()
