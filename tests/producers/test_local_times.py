from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from kept.events import moment
from producers.sources.local_times import LocalTimes

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def read(text: str, **options: str) -> datetime:
    return moment(LocalTimes(AMSTERDAM, **options).read(text))  # type: ignore[arg-type]


def test_a_time_without_offset_is_local_time() -> None:
    assert read("2011-07-01 12:00:00") == datetime(2011, 7, 1, 10, tzinfo=UTC)


def test_a_time_with_offset_says_itself_what_it_is() -> None:
    assert read("2011-07-01T12:00:00.250-04:00") == datetime(2011, 7, 1, 16, 0, 0, 250_000, tzinfo=UTC)
    assert read("2011-07-01T12:00:00Z") == datetime(2011, 7, 1, 12, tzinfo=UTC)


def test_a_time_that_the_clocks_skip_in_spring_moves_forward() -> None:
    # 02:00 became 03:00; 02:30 is read as 03:30 summer time.
    assert read("2011-03-27 02:30") == datetime(2011, 3, 27, 1, 30, tzinfo=UTC)
    assert read("2011-03-27 02:30") == read("2011-03-27 03:30")


def test_a_time_that_occurs_twice_in_autumn_is_the_first() -> None:
    assert read("2011-10-30 02:30") == datetime(2011, 10, 30, 0, 30, tzinfo=UTC)


def test_a_day_without_a_time_is_refused_unless_the_mapping_says_what_it_means() -> None:
    with pytest.raises(ValueError, match="seen in the form '9999-99-99'"):
        read("2011-07-01")
    assert read("2011-07-01", date_only="start_of_day") == datetime(2011, 6, 30, 22, tzinfo=UTC)
    assert read("2011-07-01", date_only="end_of_day") == datetime(2011, 7, 1, 22, tzinfo=UTC)


def test_another_format_is_read_when_it_is_given() -> None:
    assert read("31/07/2011 08:30", time_format="%d/%m/%Y %H:%M") == datetime(2011, 7, 31, 6, 30, tzinfo=UTC)
    with pytest.raises(ValueError, match="valid: %d/%m/%Y"):
        read("2011-07-31 08:30", time_format="%d/%m/%Y %H:%M")


@pytest.mark.parametrize("text", ["20110701", "2011-W26-5", "1309500000", "31/07/2011", "soon", "9999-12-31T00:00"])
def test_what_is_no_time_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time") as refused:
        read(text)
    assert text not in str(refused.value)
