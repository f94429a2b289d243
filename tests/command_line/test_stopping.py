"""A signal to stop is seen between two events, and never in the middle of something."""

from __future__ import annotations

import os
import signal

import pytest

from command_line.stopping import asked_to_stop, ended_at_once, sleep_until, until


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_what_is_under_way_is_finished_and_the_next_one_is_not_begun(number: signal.Signals) -> None:
    begun: list[int] = []
    finished: list[int] = []
    with asked_to_stop() as stop, pytest.raises(KeyboardInterrupt):
        for item in until(stop, range(10)):
            begun.append(item)
            if item == 3:
                os.kill(os.getpid(), number)
            finished.append(item)
    assert begun == finished == [0, 1, 2, 3]


def test_a_sleep_ends_at_once() -> None:
    with asked_to_stop() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            sleep_until(stop)(3600)


def test_a_second_signal_is_raised_wherever_the_program_is() -> None:
    with asked_to_stop() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.is_set()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_afterwards_signals_are_what_they_were() -> None:
    before = signal.getsignal(signal.SIGINT)
    with asked_to_stop():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with asked_to_stop() as stop:
            os.kill(os.getpid(), signal.SIGINT)
            assert not stop.is_set()
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_where_exceptions_are_swallowed_the_process_ends_all_the_same(number: signal.Signals) -> None:
    child = os.fork()
    if child == 0:
        with ended_at_once():
            try:
                os.kill(os.getpid(), number)
            except BaseException:
                os._exit(1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 128 + number
