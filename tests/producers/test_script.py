"""Incident scripts as people write them: what is read, and what is refused with what is valid."""

from __future__ import annotations

from pathlib import Path

import pytest

from kept import events as e
from kept.catalogue import parse_service
from kept.errors import ConfigurationError
from producers.simulator import built_in_scripts, read_script
from producers.simulator.incident import Incident
from producers.simulator.incidents import (
    KINDS,
    AreaGap,
    DefinitionChange,
    ImprovementThatWorks,
    ImprovementWithoutEffect,
    SilentSource,
    SlowDown,
)
from producers.simulator.script import parse_script
from tests.producers.incident_city import CITY, MONDAY_MS, at, days_of, script

SLOW = 'kind = "slow_down"; service = "parking-permits"; start = "+3d"; size = 2'
WITH_ALL_KINDS = {"alert_proof", "month_of_trouble"}
IMPROVEMENTS = {"improvement_that_works", "improvement_without_effect"}
WITHOUT_TRIALS = {"alert_proof", "did_it_work"}
EARLIER_STAGE = 'kind = "definition_change"; books = "completion_at_an_earlier_stage"'
UNPRICED = parse_service(
    'id = "ferries"\nname = "F"\nowner = "O"\ntime_zone = "America/New_York"\nexpected_silence = "1d"\n'
    '[channels]\nunlisted = "accept"\n',
    "ferries.toml",
)


def refusal(*incidents: str) -> str:
    with pytest.raises(ConfigurationError) as refused:
        script(*incidents)
    return str(refused.value)


def test_every_kind_has_a_built_in_script_and_two_have_them_all() -> None:
    kinds = {str(kind.__struct_config__.tag) for kind in KINDS}
    assert set(built_in_scripts()) == kinds | WITH_ALL_KINDS | {"did_it_work"}
    several = {"did_it_work": IMPROVEMENTS} | dict.fromkeys(WITH_ALL_KINDS, kinds)
    for name in built_in_scripts():
        play = read_script(name, CITY, start_ms=MONDAY_MS, end_ms=at(days_of(name)))
        assert {incident.kind for incident in play.incidents} == several.get(name, {name})
        assert play.trials == (name not in WITHOUT_TRIALS)


def test_a_month_of_trouble_leaves_two_services_alone() -> None:
    incidents = read_script("month_of_trouble", CITY, start_ms=MONDAY_MS, end_ms=at(28)).incidents
    assert CITY.keys() - {incident.service for incident in incidents} == {"building-permits", "noise-complaints"}


def test_the_alert_proof_leaves_three_services_alone_and_its_first_twelve_weeks() -> None:
    incidents = read_script("alert_proof", CITY, start_ms=MONDAY_MS, end_ms=at(175)).incidents
    left = CITY.keys() - {incident.service for incident in incidents}
    assert left == {"building-permits", "identity-cards", "noise-complaints"}
    assert min(incident.start_ms for incident in incidents) > at(84)


@pytest.mark.parametrize("seen", ["0", '"no"', "[]"])
def test_trials_are_on_or_off(seen: str) -> None:
    text = f"trials = {seen}\n[[incident]]\n" + SLOW.replace("; ", "\n")
    with pytest.raises(ConfigurationError, match=r"x\.toml: trials: .* is not valid; valid: true, false"):
        parse_script(text, "x.toml", CITY, start_ms=MONDAY_MS, end_ms=None)


def test_moments_count_from_the_start_or_are_local_time_or_have_an_offset() -> None:
    def start(text: str) -> int:
        return script(f'kind = "slow_down"; service = "parking-permits"; start = "{text}"; size = 2')[0].start_ms

    assert start("+0") == MONDAY_MS
    assert start("+36h") == at(1.5)
    assert start("2026-01-06T00:00") == start("2026-01-05T23:00Z") == start("2026-01-06T00:00:00+01:00") == at(1)


def test_every_parameter_is_read() -> None:
    assert script(SLOW) == (SlowDown(service="parking-permits", start_ms=at(3), end_ms=None, size=2.0),)
    where = 'service = "street-lights"; start = "+1d"; end = "+2d"'
    known = {"service": "street-lights", "start_ms": at(1), "end_ms": at(2)}
    read: dict[str, Incident] = {
        'kind = "silent_source"; afterwards = "lost"': SilentSource(**known, afterwards="lost"),
        'kind = "area_gap"; area = "East"; size = 1.5; grows_over = "12h"': AreaGap(
            **known, area="East", size=1.5, grows_over="12h"
        ),
        'kind = "definition_change"; books = "due_later"; size = 1.5; announced = true': DefinitionChange(
            **known, books="due_later", size=1.5, announced=True
        ),
        'kind = "improvement_that_works"; indicator = "cost_per_transaction"; size = 0.9; effect_after = "3h"': (
            ImprovementThatWorks(**known, indicator="cost_per_transaction", size=0.9, effect_after="3h")
        ),
        'kind = "improvement_without_effect"; indicator = "backlog"; direction = "down"': ImprovementWithoutEffect(
            **known, indicator="backlog", direction="down"
        ),
    }
    for lines, incident in read.items():
        assert script(f"{where}; {lines}") == (incident,)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ('kind = "slow"', "incident[0]: kind: 'slow' is not known; valid: slow_down, cost_jump, silent_source"),
        ('service = "ferries"', "service: 'ferries' is not simulated here; valid: birth-certificates, build"),
        ("size = 1", "size: Expected `float` > 1.0, seen '1'"),
        ("size = nan", "size: Expected `float`"),
        ('size = "big"', "size: Expected `float`, got `str`, seen 'big'"),
        ('start = "soon"', "start: 'soon' is not valid; valid: \"+10d\" after the start of the simulation, or"),
        ('start = "+3"', "start: '+3' is not valid"),
        ("start = 2026-01-06T00:00:00", "start: '2026-01-06 00:00:00' is not valid"),
        ('start = "+14d"', "start: '2026-01-18T23:00:00+00:00' is not valid; valid: from 2026-01-04T23:00:00+00:00 on, "
         "before 2026-01-18T23:00:00+00:00; or simulate more days"),
        ('start = "2026-01-04T12:00"', "start: '2026-01-04T11:00:00+00:00' is not valid; valid: from 2026-01-04"),
        ('end = "+3d"', "end: '2026-01-07T23:00:00+00:00' is not valid; valid: after its start"),
        ('area = "North"', "Object contains unknown field `area`; valid: service, start, end, size"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_with_what_is_valid(changed: str, says: str) -> None:
    key = changed.split(" = ")[0]
    lines = [line for line in SLOW.split("; ") if not line.startswith(key)]
    message = refusal("; ".join([*lines, changed]))
    assert message.startswith("test.toml: incident[0]")
    assert says in message


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ('kind = "silent_source"; afterwards = "catches_up"', "end: None is not valid; valid: the moment at which it"),
        ('kind = "silent_source"; afterwards = "later"', "afterwards: Invalid enum value 'later'"),
        ('kind = "silent_source"', "missing required field `afterwards`"),
        ('kind = "area_gap"; area = "Mars"; size = 2; grows_over = "9d"', "area: 'Mars' is not valid; valid: Centre, "),
        ('kind = "area_gap"; area = "East"; size = 2; grows_over = "9"', "grows_over: '9' is not valid; valid: a "),
        ('kind = "improvement_that_works"; indicator = "backlog"; size = 0.5', "valid: cost_per_transaction, delivery"),
        ('kind = "improvement_that_works"; indicator = "failure_demand"; size = 1', "size: Expected `float` < 1.0"),
        ('kind = "improvement_that_works"; indicator = "failure_demand"; size = 0.5; effect_after = "x"', "effect_aft"),
        ('kind = "improvement_without_effect"; indicator = "joy"; direction = "up"', "indicator: 'joy' is not valid"),
        ('kind = "definition_change"; books = "due_later"; size = 1; announced = true', "valid: more than 1"),
        ('kind = "definition_change"; books = "refusals_as_intended"; size = 2; announced = true', "valid: at most 1"),
        (f"{EARLIER_STAGE}; size = 1; announced = true", "valid: less than 1"),
    ],
)  # fmt: skip
def test_each_kind_refuses_what_it_cannot_be(lines: str, says: str) -> None:
    assert says in refusal(f'service = "street-lights"; start = "+1d"; {lines}')


def test_a_bad_incident_is_named_by_its_place() -> None:
    assert refusal(SLOW, SLOW.replace("size = 2", "size = 0").replace("+3d", "+9d")).startswith(
        "test.toml: incident[1]"
    )


def test_two_incidents_at_once_at_one_service_are_refused_and_one_after_the_other_are_not() -> None:
    again = SLOW.replace("+3d", "+5d")
    assert "incident[1]: start: incident[0] of parking-permits is not over by 2026-01-09" in refusal(SLOW, again)
    assert "give that one an end" in refusal(SLOW, again)
    assert "an earlier end than" in refusal(f'{SLOW}; end = "+6d"', again)
    assert len(script(f'{SLOW}; end = "+5d"', again)) == 2
    assert len(script(SLOW, again.replace("parking-permits", "street-lights"))) == 2


def test_incidents_come_in_the_order_of_their_start() -> None:
    later = SLOW.replace("+3d", "+4d").replace("parking-permits", "street-lights")
    assert [incident.service for incident in script(later, SLOW)] == ["parking-permits", "street-lights"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "incident: none found; valid: one or more tables headed [[incident]]"),
        ("incident = 3", "incident: none found"),
        ("incidents = []", "incidents: not known; valid: about, trials, incident"),
        ("[[incident]", "not valid TOML"),
    ],
)
def test_a_script_without_incidents_is_refused(text: str, says: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse_script(text, "test.toml", CITY, start_ms=MONDAY_MS, end_ms=None)
    assert str(refused.value).startswith("test.toml: ")
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ('kind = "cost_jump"\nsize = 2', "a service with [costs]"),
        ('kind = "definition_change"\nbooks = "due_later"\nsize = 2\nannounced = true', "a service with a [promise]"),
    ],
)
def test_a_service_must_have_what_the_incident_changes(lines: str, says: str) -> None:
    text = f'[[incident]]\nservice = "ferries"\nstart = "+0"\n{lines}'
    with pytest.raises(ConfigurationError, match="service: 'ferries' is not valid") as refused:
        parse_script(text, "test.toml", {"ferries": UNPRICED}, start_ms=MONDAY_MS, end_ms=None)
    assert says in str(refused.value)


def test_a_moment_without_an_offset_is_local_time_of_its_own_service() -> None:
    text = '[[incident]]\nkind = "slow_down"\nservice = "ferries"\nstart = "2026-01-06T00:00"\nsize = 2\n'
    (incident,) = parse_script(text, "test.toml", {"ferries": UNPRICED}, start_ms=MONDAY_MS, end_ms=None).incidents
    assert e.moment(incident.start_ms).isoformat() == "2026-01-06T05:00:00+00:00"


def test_a_script_of_ones_own_is_read_by_its_path_and_an_unknown_name_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[[incident]]\n" + SLOW.replace("; ", "\n"))
    assert read_script(str(file), CITY, start_ms=MONDAY_MS, end_ms=None).incidents == script(SLOW)
    with pytest.raises(
        ConfigurationError, match=r"--script: 'mine' is not known; valid: alert_proof, .* or the path of"
    ):
        read_script("mine", CITY, start_ms=MONDAY_MS, end_ms=None)
    with pytest.raises(ConfigurationError, match=r"none\.toml: the script cannot be read"):
        read_script(str(tmp_path / "none.toml"), CITY, start_ms=MONDAY_MS, end_ms=None)
