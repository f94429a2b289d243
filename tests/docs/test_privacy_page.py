"""The table of docs/privacy.md says what is done with each field of the contract, and what a run of all parts shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kept.case_hashing import TREATMENT
from tests.canaries.planted import PUBLISHED
from tests.canaries.test_canaries import OF_EVENTS

PAGE = (Path(__file__).parents[2] / "docs" / "privacy.md").read_text(encoding="utf-8")
PLANTED_IN = {
    "CaseId": "subject", "EventId": "id", "BookedCase": "data.case", "Resource": "data.resource",
    "PauseReason": "data.reason", "DueReason": "data.reason", "ReopenReason": "data.reason", "AreaName": "data.area",
    "CategoryName": "data.category", "StepName": "data.step", "ChangeTitle": "data.title",
}  # fmt: skip
"""Words of the canaries, and the field that each is planted in."""
OF_NO_FIELD = {"UnknownField", "UnknownData", "DeskName", "DeskOwner"}


def rows() -> list[list[str]]:
    table = PAGE.split("## Field by field")[1].split("\n\n")[1]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def of_field(name: str) -> list[list[str]]:
    return [row for row in rows() if f"`{name}`" in row[0]]


def test_it_names_each_field_of_the_contract_and_no_other() -> None:
    named = {name for row in rows() for name in re.findall(r"`([\w.]+)`", row[0])}
    assert named == set(TREATMENT)


@pytest.mark.parametrize("name", TREATMENT)
def test_it_says_what_is_done_with_a_field_when_case_ids_are_hashed(name: str) -> None:
    said = {row[3] for row in of_field(name)}
    assert said == {TREATMENT[name]} | ({"as it is"} if name == "data.reason" else set())


def test_each_planted_word_of_an_event_has_its_field() -> None:
    assert set(PLANTED_IN) | OF_NO_FIELD == {*OF_EVENTS, *PUBLISHED}


@pytest.mark.parametrize(("place", "name"), PLANTED_IN.items(), ids=list(PLANTED_IN))
def test_what_it_calls_shown_is_what_a_run_shows(place: str, name: str) -> None:
    shown = of_field(name)[0][2]
    assert (shown != "never") is (place in PUBLISHED)
