"""Token buckets let through what they promise, and remember a bounded number of clients."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web_server.buckets import Buckets
from web_server.failed_logins import FailedLogins


def test_a_client_may_send_some_at_once_and_then_so_many_a_second() -> None:
    buckets = Buckets(per_second=2, at_once=3)
    assert [buckets.take("a", 0.0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert buckets.take("b", 0.0) == 0
    assert buckets.take("a", 0.25) == 0.25
    assert buckets.take("a", 0.5) == 0
    assert buckets.take("a", 100.0) == 0
    assert [buckets.take("a", 100.0) for _ in range(3)] == [0, 0, 0.5]


@given(
    st.floats(0.1, 50), st.floats(1, 20), st.lists(st.floats(0, 10), min_size=1, max_size=60)
)  # steps of time between two requests
def test_never_more_than_the_bucket_and_what_came_back(per_second: float, at_once: float, steps: list[float]) -> None:
    buckets = Buckets(per_second, at_once)
    now, taken = 0.0, 0
    for step in steps:
        now += step
        waits = buckets.wait("a", now)
        wait = buckets.take("a", now)
        assert wait == waits
        taken += not wait
        assert taken <= at_once + now * per_second + 1e-6
        assert wait == 0 or buckets.wait("a", now + wait + 1e-6) == 0


def test_a_clock_that_goes_back_gives_nothing() -> None:
    buckets = Buckets(per_second=1, at_once=1)
    assert buckets.take("a", 10.0) == 0
    assert buckets.take("a", 5.0) == 1
    assert buckets.take("a", 11.0) == 0


def test_only_so_many_clients_are_remembered() -> None:
    buckets = Buckets(per_second=1, at_once=1, most_clients=100)
    for number in range(1000):
        buckets.take(str(number), 0.0)
    assert len(buckets) == 100
    assert buckets.take("999", 0.0) == 1


@pytest.mark.parametrize("right", [True, False])
def test_after_ten_failures_nothing_is_told_of_what_was_not_right_before(right: bool) -> None:
    logins = FailedLogins()
    assert logins.wait("a", "known", True, 0.0) == 0
    assert [logins.wait("a", f"guess {number}", False, 0.0) for number in range(10)] == [0] * 10
    assert logins.wait("a", "another", right, 0.0) == pytest.approx(6)
    assert logins.wait("a", "known", True, 0.0) == 0
    assert logins.wait("b", "another", right, 0.0) == 0
    assert logins.wait("a", "another", right, 6.001) == 0
    assert logins.wait("a", "one more", False, 6.001) == pytest.approx(6 if not right else 0, abs=0.01)


def test_what_was_right_before_is_not_once_it_was_replaced() -> None:
    logins = FailedLogins(at_once=1)
    assert logins.wait("a", "old", True, 0.0) == 0
    assert logins.wait("a", "old", False, 0.0) == 0
    assert logins.wait("a", "old", False, 0.0) > 0


def test_right_credentials_of_another_place_do_not_help() -> None:
    logins = FailedLogins(at_once=1)
    assert logins.wait("a", "known", True, 0.0) == 0
    assert logins.wait("b", "guess", False, 0.0) == 0
    assert logins.wait("b", "known", True, 0.0) > 0
