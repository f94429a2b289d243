from __future__ import annotations

from pathlib import Path

import pytest

from kept.errors import ConfigurationError
from producers.mapping import built_in_mappings, read_mapping
from tests.producers.conftest import CASE_TABLE, PROCESS_LOG, SERVICE, Workbench


@pytest.mark.parametrize("name", built_in_mappings())
def test_every_built_in_mapping_names_a_service_of_the_built_in_examples(name: str) -> None:
    mapping = read_mapping(name)
    assert mapping.service().id == mapping.service_id
    assert mapping.service().time_zone == mapping.time_zone


def test_the_built_in_mappings_are_the_reference_files_and_a_model_of_each_kind() -> None:
    assert built_in_mappings() == ["boston_311", "coselog_permits", "coselog_permits_xes", "open311"]
    assert {read_mapping(name).kind for name in built_in_mappings()} == {"case_table", "process_log", "xes", "open311"}


def test_a_mapping_of_ones_own_finds_its_catalogue_beside_it(workbench: Workbench) -> None:
    assert read_mapping(workbench.mapping(CASE_TABLE)).service().name == "Potholes"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            CASE_TABLE.replace("case_table", "case_tabel"),
            "kind: Invalid enum value.*seen 'case_tabel'; valid: case_table",
        ),
        (CASE_TABLE + 'colour = "red"\n', "columns: Object contains unknown field `colour`; valid: case, opened, due"),
        (CASE_TABLE.replace('case = "id"\n', ""), "columns: Object missing required field `case`"),
        (
            CASE_TABLE.replace("Europe/Amsterdam", "Mars/Base"),
            "time_zone: 'Mars/Base' is not valid; valid: an IANA name",
        ),
        (CASE_TABLE + 'step = "s"\n', "columns.step: 's' is not valid; valid: only with kind = \"process_log\""),
        (PROCESS_LOG.replace('step = "step"\n', ""), "columns.step: None is not valid; valid: the column that names"),
        (PROCESS_LOG.replace('step_time = "at"\n', ""), "columns.step_time"),
        (CASE_TABLE + '[constants]\narea = "North"\n', "constants.area: 'North'.*columns.area is set"),
        (CASE_TABLE + '[constants]\nweather = "rain"\n', "constants.weather: .*seen 'weather'; valid: .*area"),
        (CASE_TABLE + '[constants]\noutcome = "done"\n', "constants.outcome: 'done' is not valid; valid: intended"),
        (
            CASE_TABLE + '[values.outcome]\ndefault = "x"\n',
            "values.outcome: .*valid: a field with a column: channel, area",
        ),
        (
            CASE_TABLE + 'outcome = "code"\n[values.outcome.map]\nfixed = "done"\n',
            "values.outcome.map.fixed: 'done' is not valid; valid: intended, not_intended",
        ),
        (CASE_TABLE.replace("kind =", 'delimiter = "/"\nkind ='), "delimiter: Invalid enum value.*seen '/'"),
        (CASE_TABLE.replace("kind =", 'folder = "/tmp"\nkind ='), "folder: .*leave it out"),
        ("kind = case_table", "not valid TOML: .*line 1"),
    ],
)
def test_a_mapping_that_makes_no_sense_names_file_key_value_and_what_is_valid(
    workbench: Workbench, text: str, says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says) as refused:
        read_mapping(workbench.mapping(text))
    assert "mapping.toml" in str(refused.value)


def test_an_unknown_name_lists_the_built_in_ones() -> None:
    with pytest.raises(
        ConfigurationError,
        match="'boston' is not known; valid: boston_311, coselog_permits, coselog_permits_xes, open311, or the path",
    ):
        read_mapping("boston")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"absent\.toml: the mapping cannot be read"):
        read_mapping(str(tmp_path / "absent.toml"))


def test_a_catalogue_of_another_service_is_refused(workbench: Workbench) -> None:
    workbench.write("potholes_service.toml", SERVICE.replace('"potholes"', '"bridges"'))
    mapping = read_mapping(workbench.mapping(CASE_TABLE))
    with pytest.raises(ConfigurationError, match="id: 'bridges' is not the service of the mapping; valid: 'potholes'"):
        mapping.service()
