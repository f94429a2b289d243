from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

import catalogue
from kept.catalogue import Costs, parse_service, read_catalogue
from kept.errors import ConfigurationError

BENCHMARK = '[[benchmarks]]\nindicator = "backlog"\nsource = "s"\ndate = 2025-01-01\n'
MINIMAL = """
id = "potholes"
name = "Potholes"
owner = "Public Works"
time_zone = "Europe/Amsterdam"
expected_silence = "24h"
"""
CHANNELS = '[channels]\ndigital = ["Web"]\nassisted = ["Phone"]\n'
PROMISE = '[promise]\nwords = "x"\ntarget_share = 0.9\n'
CALENDAR = '[calendar]\ncountry = "NL"\n'


def test_a_service_needs_little_and_the_rest_has_defaults() -> None:
    service = parse_service(MINIMAL + CHANNELS, "potholes.toml")
    assert (service.case_retention, service.duplicate_retention, service.transaction_timeout) == ("35d", "7d", "30m")
    assert (service.keep_resource, service.simulated, service.promise) == (False, False, None)
    assert service.working_calendar() is None


def test_channels_have_kinds() -> None:
    channels = parse_service(MINIMAL + CHANNELS, "potholes.toml").channels
    assert [channels.kind(name) for name in ("Web", "Phone", "Fax")] == ["digital", "assisted", None]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id = 1\nname = x", r"not valid TOML: .*line 2"),
        (CHANNELS, "top level: Object missing required field `id`; valid: id, name, owner"),
        (MINIMAL, "top level: Object missing required field `channels`"),
        (MINIMAL + 'colour = "red"\n' + CHANNELS, "top level: Object contains unknown field `colour`; valid: id, name"),
        (MINIMAL.replace("potholes", "Pot Holes") + CHANNELS, "id: Expected `str` matching regex .*, seen 'Pot Holes'"),
        (MINIMAL.replace("Europe/Amsterdam", "Europe/Atlantis") + CHANNELS, "time_zone: 'Europe/Atlantis'.*IANA"),
        (MINIMAL.replace("24h", "a day") + CHANNELS, "expected_silence: 'a day'.*a whole number above 0 and a unit"),
        (MINIMAL + 'transaction_timeout = "7m"\n' + CHANNELS, "transaction_timeout: '7m'.*multiple of 5 minutes"),
        (MINIMAL + "suppress_below = -1\n" + CHANNELS, "suppress_below: Expected `int` >= 0, seen '-1'"),
        (
            MINIMAL + "annual_budget = nan\n" + CHANNELS,
            "annual_budget: 'NaN' is not valid; valid: an amount of 0 or more",
        ),
        (MINIMAL + "annual_budget = -1.0\n" + CHANNELS, "annual_budget: '-1.0'"),
        (MINIMAL + "[channels]\n", "channels: .* is not valid; valid: at least one channel"),
        (MINIMAL + '[channels]\ndigital = ["Web"]\nstaff = ["Web"]\n', r"channels: \['Web'\].*one list only"),
        (MINIMAL + '[channels]\nunlisted = "maybe"\n', "channels.unlisted: .*seen 'maybe'; valid: accept, reject"),
        (MINIMAL + CHANNELS + '[promise]\nwords = "x"\ntarget_share = 1.5\n', "promise.target_share: .*seen '1.5'"),
        (
            MINIMAL + CHANNELS + '[promise]\nwords = "x"\ntarget_share = 0.9\ntarget_time = "soon"\n',
            "promise.target_time: 'soon'",
        ),
        (
            MINIMAL + CHANNELS + PROMISE + 'due = "by_event"\ncounted_in = "working_time"\n',
            r"promise.counted_in: 'working_time'.*needs a \[calendar\]",
        ),
        (
            MINIMAL
            + CHANNELS
            + CALENDAR
            + '[promise]\nwords = "x"\ntarget_share = 0.9\ncounted_in = "working_time"\ntarget_time = "10d"\n',
            "promise.target_time: '10d'.*such as 40h for five days of 8 hours",
        ),
        (MINIMAL + CHANNELS + PROMISE, "promise.target_time: None is not valid; valid: a time such as 5d; or due = "),
        (
            MINIMAL + CHANNELS + PROMISE + 'target_time = "5d"\ndue = "by_event"\n',
            "promise.due: 'by_event' is not valid; valid: left out",
        ),
        (MINIMAL + CHANNELS + '[calendar]\ncountry = "XX"\n', "calendar.country: 'XX'.*NL"),
        (MINIMAL + CHANNELS + CALENDAR + 'region = "Moon"\n', "calendar.country: 'NL Moon'.*a region of NL"),
        (
            MINIMAL + CHANNELS + CALENDAR + '[calendar.opening_hours]\nmonday = "09:00-17:00"\n',
            "calendar.opening_hours.monday: .*seen 'monday'; valid: fri, mon",
        ),
        (
            MINIMAL + CHANNELS + CALENDAR + '[calendar.opening_hours]\nmon = "17:00-09:00"\n',
            "calendar.opening_hours.mon: '17:00-09:00'.*opening before closing",
        ),
        (MINIMAL + CHANNELS + '[costs]\ncurrency = "euro"\n', "costs.currency: Expected `str` matching regex"),
        (MINIMAL + CHANNELS + '[costs]\ncurrency = "EUR"\nper_contact = inf\n', "costs.per_contact: 'Infinity'"),
        (
            MINIMAL + CHANNELS + '[costs]\ncurrency = "EUR"\n[costs.per_completion]\nFax = 1.0\n',
            "costs.per_completion.Fax: 'Fax' is not valid; valid: a channel of this service: Web, Phone",
        ),
        (
            MINIMAL + CHANNELS + PROMISE + 'target_time = "999999w"\n',
            "promise.target_time: '999999w'.*at most 87360h",
        ),
        (
            MINIMAL + CHANNELS + CALENDAR + PROMISE + 'counted_in = "working_time"\ntarget_time = "99999h"\n',
            "promise.target_time: '99999h'.*at most 20800h",
        ),
        (
            MINIMAL + CHANNELS + CALENDAR + "[calendar.opening_hours]\n",
            "calendar.opening_hours: .*at least one weekday",
        ),
        (
            MINIMAL + CHANNELS + '[costs]\ncurrency = "EUR"\n[costs.per_completion]\nPhone = 1.005\n',
            "costs.per_completion.Phone: '1.005'.*at most 2 decimals",
        ),
        (MINIMAL + CHANNELS + '[improvement]\nhappiness = "up"\n', "improvement.happiness: 'happiness'.*promise_kept"),
        (
            MINIMAL + CHANNELS + '[improvement]\nbacklog = "sideways"\n',
            "improvement.backlog: .*seen 'sideways'; valid: down",
        ),
        (
            MINIMAL + CHANNELS + BENCHMARK + "value = 1\ncomparable = false\n",
            r"benchmarks\[0\].why_not: None.*comparable = false",
        ),
        (
            MINIMAL + CHANNELS + BENCHMARK + "value = nan\ncomparable = true\n",
            r"benchmarks\[0\].value: nan",
        ),
        (
            MINIMAL + CHANNELS + '[[constraints]]\nkind = "habit"\ntext = "t"\n',
            "constraints.0.kind: .*valid: law, policy",
        ),
    ],
)
def test_a_service_that_makes_no_sense_names_file_key_value_and_what_is_valid(text: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says) as refused:
        parse_service(text, "potholes.toml")
    assert str(refused.value).startswith("potholes.toml: ")


def test_two_files_with_one_id_are_refused_with_both_names(tmp_path: Path) -> None:
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text(MINIMAL + CHANNELS)
    with pytest.raises(ConfigurationError, match=r"b\.toml: id: 'potholes' is taken by .*a\.toml"):
        read_catalogue([tmp_path])


def test_a_key_that_is_given_twice_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"\(at line 4, .*: channels is given twice; give it once"):
        parse_service(CHANNELS + CHANNELS, "potholes.toml")
    with pytest.raises(ConfigurationError, match=r"not valid TOML: .*line 1, column 6\)$"):
        parse_service("id = who\n", "potholes.toml")


def test_the_owners_of_a_folder_are_no_service(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(MINIMAL + CHANNELS)
    (tmp_path / "owners.toml").write_text("anything = 1\n")
    assert list(read_catalogue([tmp_path])) == ["potholes"]


def test_a_folder_that_is_missing_or_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such folder"):
        read_catalogue([tmp_path / "absent"])
    with pytest.raises(ConfigurationError, match=r"no \*\.toml found"):
        read_catalogue([tmp_path])


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match=r"a\.toml: cannot be read as UTF-8"):
        read_catalogue([tmp_path])


@pytest.mark.parametrize(
    ("amount", "minor"), [("12.34", 1234), ("12", 1200), ("-0.05", -5), ("1e3", 100_000), ("1.230", 123)]
)
def test_money_becomes_whole_minor_units(amount: str, minor: int) -> None:
    assert Costs(currency="EUR").minor_units(Decimal(amount)) == minor


@pytest.mark.parametrize(
    "amount", ["0.001", "NaN", "sNaN", "Infinity", "1e999999999", "1e20", "10.000000000000000000000000000000001"]
)
def test_money_that_is_no_whole_number_of_minor_units_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match="an amount of EUR has at most 2 decimals"):
        Costs(currency="EUR").minor_units(Decimal(amount))


def test_the_simulated_city_says_everything_a_leader_asks_about_a_service() -> None:
    city = read_catalogue([catalogue.CITY])
    assert len(city) >= 8
    assert len({service.time_zone for service in city.values()}) == 1
    for service in city.values():
        assert service.simulated
        assert service.promise is not None
        assert service.costs is not None
        assert service.objective and service.annual_budget
        assert service.benchmarks and service.constraints and service.improvement
        assert set(service.costs.per_completion) == set(service.channels.names())
    in_working_time = [s.id for s in city.values() if s.promise and s.promise.counted_in == "working_time"]
    assert len(in_working_time) >= 1
    assert any(benchmark.comparable for service in city.values() for benchmark in service.benchmarks)


def test_the_examples_promise_only_what_events_bring() -> None:
    for service in read_catalogue([catalogue.EXAMPLES]).values():
        assert service.promise is not None
        assert (service.promise.target_time, service.promise.due) == (None, "by_event")
        assert not service.simulated
