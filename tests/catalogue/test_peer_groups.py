"""Peer groups: who may be compared, why others may not, and entries that claim it in vain."""

from __future__ import annotations

from pathlib import Path

import pytest

import catalogue
from kept.catalogue import Service, parse_service, read_catalogue
from kept.errors import ConfigurationError
from kept.peer_groups import peers_of, why_unlike

PROMISE = '[promise]\nwords = "Soon"\ntarget_share = 0.9\n'
OFFICE = '[calendar]\ncountry = "NL"\n[calendar.opening_hours]\n'


def text(
    identity: str, *, group: str | None = "permit-desks", promise: str = 'target_time = "5d"', more: str = ""
) -> str:
    return f"""
    id = "{identity}"
    name = "Desk {identity}"
    owner = "Town hall"
    time_zone = "Europe/Lisbon"
    expected_silence = "1d"
    {"" if group is None else f'peer_group = "{group}"'}
    [channels]
    unlisted = "accept"
    {more}
    {PROMISE + promise if promise else ""}
    """


def service(identity: str, **changes: str | None) -> Service:
    return parse_service(text(identity, **changes), f"{identity}.toml")  # type: ignore[arg-type]


def written(folder: Path, *texts: str) -> Path:
    for number, one in enumerate(texts):
        (folder / f"{number}.toml").write_text(one, encoding="utf-8")
    return folder


def test_services_of_a_group_that_promise_the_same_may_be_compared() -> None:
    north, south, other = service("north"), service("south"), service("other", group=None)
    assert why_unlike(north, south) == []
    services = {one.id: one for one in (south, other, north)}
    assert peers_of(north, services) == [north, south]
    assert peers_of(other, services) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"group": None}, "Another unit of work: the catalogue does not put them into one peer group."),
        ({"promise": ""}, "No promise to compare: Desk south promises no time."),
        ({"promise": 'target_time = "2d"'}, "Another promise: Desk north promises 5 days, Desk south promises 2 days."),
        (
            {"promise": 'due = "by_event"'},
            "Another promise: Desk north promises 5 days, Desk south promises a time of its own for each case.",
        ),
    ],
)
def test_why_two_services_are_not_compared(changes: dict[str, str | None], reason: str) -> None:
    if not changes.get("promise", "x"):
        changes = changes | {"group": None}
    north, south = service("north"), service("south", **changes)
    assert reason in why_unlike(north, south)
    assert why_unlike(north, south) == why_unlike(south, north)


def test_another_clock_and_other_opening_hours_are_another_promise() -> None:
    worked = 'target_time = "40h"\ncounted_in = "working_time"'
    by_hours = {
        hours: service("south", promise=worked, more=f'{OFFICE}mon = "{hours}"\n')
        for hours in ("09:00-17:00", "08:00-17:00")
    }
    north = service("north", promise=worked, more=f'{OFFICE}mon = "09:00-17:00"\n')
    assert why_unlike(north, by_hours["09:00-17:00"]) == []
    [reason] = why_unlike(north, by_hours["08:00-17:00"])
    assert reason == "Another clock: the opening hours or holidays of Desk north are not those of Desk south."
    [reason] = why_unlike(service("south", promise='target_time = "40h"'), north)
    assert reason == "Another clock: Desk north counts in working time, Desk south in elapsed time."


def test_a_group_of_unlike_promises_is_refused_with_both_files_and_why(tmp_path: Path) -> None:
    folder = written(tmp_path, text("north"), text("south", promise='target_time = "2d"'))
    with pytest.raises(ConfigurationError) as refused:
        read_catalogue([folder])
    first, second = folder / "0.toml", folder / "1.toml"
    assert str(refused.value) == (
        f"{second}: peer_group: 'permit-desks' is not valid: {first} has it too. "
        "Another promise: Desk north promises 5 days, Desk south promises 2 days. "
        "Valid: a group of services that promise the same time by the same clock, or none"
    )


def test_a_group_without_a_promise_and_a_group_with_a_strange_name_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"north.toml: peer_group: 'permit-desks' .* no \[promise\]"):
        service("north", promise="")
    with pytest.raises(ConfigurationError, match=r"peer_group"):
        service("north", group="Permit desks")


def test_a_group_may_wait_for_its_second_service(tmp_path: Path) -> None:
    assert set(read_catalogue([written(tmp_path, text("north"))])) == {"north"}


def test_no_two_services_of_the_simulated_city_do_the_same_work() -> None:
    city = read_catalogue([catalogue.CITY])
    assert [one.id for one in city.values() if peers_of(one, city)] == []
    assert why_unlike(city["birth-certificates"], city["parking-permits"]) == [
        "Another unit of work: the catalogue does not put them into one peer group.",
        "Another promise: Birth certificates (simulated) promises 24 hours, "
        "Parking permits (simulated) promises 2 days.",
        "Another clock: Birth certificates (simulated) counts in working time, "
        "Parking permits (simulated) in elapsed time.",
    ]
