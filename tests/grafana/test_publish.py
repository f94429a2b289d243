"""Publishing dashboards: only what differs, only what is Kept's, nothing over what somebody has just saved."""

from __future__ import annotations

import json
from typing import Any

import pytest

from grafana.connection import PAGE, GrafanaConnection
from grafana.publish import Publisher, State, canonical, in_words, read_wanted
from kept.errors import ConfigurationError, Retry, Stop
from tests.grafana.server import Answer, Asked, Grafana

OVERVIEW = {"uid": "kept-overview", "title": "Overview", "panels": [{"id": 1, "title": "Kept?"}], "schemaVersion": 42}
SERVICE = {"uid": "kept-service", "title": "Service", "panels": [], "refresh": "30s", "id": None}


def publisher(connection: GrafanaConnection, *models: dict[str, Any], prune: bool = False) -> Publisher:
    files = {f"{model['uid']}.json": json.dumps(model) for model in models}
    return Publisher(connection, read_wanted(files), prune=prune)


def publish(connection: GrafanaConnection, *models: dict[str, Any], **options: bool) -> dict[str, State]:
    prune = options.pop("prune", False)
    changes = publisher(connection, *models, prune=prune).publish(**options)
    return {change.uid: change.state for change in changes}


def test_an_empty_grafana_gets_the_folder_and_the_dashboards(grafana: Grafana, connection: GrafanaConnection) -> None:
    assert publish(connection, OVERVIEW, SERVICE) == {"kept-overview": "create", "kept-service": "create"}
    assert grafana.folders == {"kept": "Kept"}
    assert grafana.folder_of == {"kept-overview": "kept", "kept-service": "kept"}
    assert grafana.dashboards["kept-overview"]["panels"] == OVERVIEW["panels"]


def test_the_second_time_nothing_is_written(grafana: Grafana, connection: GrafanaConnection) -> None:
    publish(connection, OVERVIEW, SERVICE)
    grafana.asked.clear()
    assert publish(connection, OVERVIEW, SERVICE) == {"kept-overview": "unchanged", "kept-service": "unchanged"}
    assert grafana.writes() == []
    assert grafana.dashboards["kept-overview"]["version"] == 1


def test_only_what_differs_is_saved_over_the_version_that_was_read(
    grafana: Grafana, connection: GrafanaConnection
) -> None:
    publish(connection, OVERVIEW, SERVICE)
    grafana.asked.clear()
    states = publish(connection, {**OVERVIEW, "title": "All services"}, SERVICE)
    assert states == {"kept-overview": "update", "kept-service": "unchanged"}
    (write,) = grafana.writes()
    assert write.body["overwrite"] is False
    assert write.body["dashboard"]["version"] == 1
    assert write.body["folderUid"] == "kept"
    assert grafana.dashboards["kept-overview"]["title"] == "All services"
    assert grafana.dashboards["kept-overview"]["version"] == 2


def test_what_was_changed_by_hand_before_is_put_back_and_shown(grafana: Grafana, connection: GrafanaConnection) -> None:
    publish(connection, OVERVIEW)
    grafana.put("kept-overview", {**OVERVIEW, "title": "Mine"}, "kept")
    (change,) = publisher(connection, OVERVIEW).plan()
    assert '-  "title": "Mine",' in change.diff
    assert '+  "title": "Overview",' in change.diff
    assert "Grafana, version 2" in change.diff
    assert publish(connection, OVERVIEW) == {"kept-overview": "update"}


def saved_meanwhile(grafana: Grafana, model: dict[str, Any]) -> None:
    """Somebody saves `model` just before the next write."""

    def before(asked: Asked) -> Answer | None:
        if asked.method == "POST" and asked.path.endswith("/dashboards/db"):
            grafana.before = lambda asked: None
            grafana.put(model["uid"], model, "kept")
        return None

    grafana.before = before


def test_what_somebody_saves_meanwhile_is_left_and_told(grafana: Grafana, connection: GrafanaConnection) -> None:
    publish(connection, OVERVIEW)
    saved_meanwhile(grafana, {**OVERVIEW, "title": "Mine"})
    (change,) = publisher(connection, {**OVERVIEW, "title": "Ours"}).publish()
    assert change.state == "changed_meanwhile"
    assert "somebody saved version 2" in in_words(change, done=True)
    assert '-  "title": "Mine",' in change.diff
    assert grafana.dashboards["kept-overview"]["title"] == "Mine"
    assert publish(connection, {**OVERVIEW, "title": "Ours"}) == {"kept-overview": "update"}, "read again, and saved"


def test_what_somebody_makes_meanwhile_is_left_too(grafana: Grafana, connection: GrafanaConnection) -> None:
    publish(connection, SERVICE)
    saved_meanwhile(grafana, {**OVERVIEW, "title": "Mine"})
    assert publish(connection, OVERVIEW, SERVICE)["kept-overview"] == "changed_meanwhile"
    assert grafana.dashboards["kept-overview"]["title"] == "Mine"


def test_overwrite_takes_it_over(grafana: Grafana, connection: GrafanaConnection) -> None:
    publish(connection, OVERVIEW)
    saved_meanwhile(grafana, {**OVERVIEW, "title": "Mine"})
    assert publish(connection, {**OVERVIEW, "title": "Ours"}, overwrite=True) == {"kept-overview": "update"}
    assert grafana.dashboards["kept-overview"]["title"] == "Ours"
    assert grafana.dashboards["kept-overview"]["version"] == 3


def test_two_who_publish_the_same_do_not_get_into_each_others_way(
    grafana: Grafana, connection: GrafanaConnection
) -> None:
    publish(connection, OVERVIEW)
    saved_meanwhile(grafana, {**OVERVIEW, "title": "Ours"})
    assert publish(connection, {**OVERVIEW, "title": "Ours"}) == {"kept-overview": "unchanged"}


def test_a_dashboard_that_was_moved_comes_back(grafana: Grafana, connection: GrafanaConnection) -> None:
    publish(connection, OVERVIEW)
    grafana.folders["mine"] = "Mine"
    grafana.folder_of["kept-overview"] = "mine"
    (change,) = publisher(connection, OVERVIEW).plan()
    assert change.diff == "folder: mine -> kept\n"
    publish(connection, OVERVIEW)
    assert grafana.folder_of["kept-overview"] == "kept"


def test_only_dashboards_of_kept_in_its_folder_are_reported_and_pruned(
    grafana: Grafana, connection: GrafanaConnection
) -> None:
    publish(connection, OVERVIEW, SERVICE)
    grafana.put("made-by-hand", {"title": "By hand"}, "kept")
    grafana.put("kept-elsewhere", {"title": "Elsewhere"}, "")
    assert publish(connection, OVERVIEW) == {"kept-overview": "unchanged", "kept-service": "not_wanted"}
    assert "kept-service" in grafana.dashboards
    assert publish(connection, OVERVIEW, prune=True) == {"kept-overview": "unchanged", "kept-service": "delete"}
    assert set(grafana.dashboards) == {"kept-overview", "made-by-hand", "kept-elsewhere"}


def test_the_folder_is_read_to_its_last_page(grafana: Grafana, connection: GrafanaConnection) -> None:
    publish(connection, OVERVIEW)
    for number in range(2 * PAGE):
        grafana.put(f"by-hand-{number}", {"title": "x"}, "kept")
    grafana.put("kept-the-last", {"title": "x"}, "kept")
    assert publish(connection, OVERVIEW)["kept-the-last"] == "not_wanted"


def test_a_provisioned_dashboard_is_not_tried_and_told_with_what_to_do(
    grafana: Grafana, connection: GrafanaConnection
) -> None:
    publish(connection, OVERVIEW)
    grafana.provisioned.add("kept-overview")
    assert publish(connection, OVERVIEW) == {"kept-overview": "unchanged"}
    grafana.asked.clear()
    (change,) = publisher(connection, {**OVERVIEW, "title": "Ours"}).publish()
    assert change.state == "provisioned"
    assert "take it out of the provisioning" in in_words(change, done=True)
    assert grafana.writes() == []


def test_a_dashboard_that_is_provisioned_meanwhile_stops_with_what_to_do(
    grafana: Grafana, connection: GrafanaConnection
) -> None:
    publish(connection, OVERVIEW)
    planned = publisher(connection, {**OVERVIEW, "title": "Ours"})

    def before(asked: Asked) -> Answer | None:
        if asked.method == "POST":
            grafana.provisioned.add("kept-overview")
        return None

    grafana.before = before
    with pytest.raises(Stop, match="take it out of the provisioning"):
        list(planned.publish())


def test_what_grafana_makes_of_a_dashboard_is_told(grafana: Grafana, connection: GrafanaConnection) -> None:
    grafana.alter = lambda model: {**model, "refresh": "1m"}
    (change,) = publisher(connection, SERVICE).publish()
    assert change.state == "altered"
    assert '-  "refresh": "1m",' in change.diff


def test_numbers_and_keys_without_a_value_do_not_count_as_a_difference() -> None:
    assert canonical({"a": 1.0, "gnetId": None, "id": 7, "version": 3, "iteration": 1}) == canonical({"a": 1})
    assert canonical({"a": True}) != canonical({"a": 1})
    assert canonical({"panels": [{"id": 1}]}) != canonical({"panels": [{"id": 2}]}), "the id of a panel is ours"


def test_an_equal_title_in_the_folder_is_told_by_an_older_grafana(
    grafana: Grafana, connection: GrafanaConnection
) -> None:
    grafana.unique_titles = True
    grafana.folders["kept"] = "Kept"
    grafana.put("by-hand", {"title": "Overview"}, "kept")
    with pytest.raises(Stop, match="another dashboard of this title"):
        publish(connection, OVERVIEW)


def test_an_equal_title_of_another_folder_is_told_by_an_older_grafana(
    grafana: Grafana, connection: GrafanaConnection
) -> None:
    grafana.unique_titles = True
    grafana.folders["by-hand"] = "Kept"
    with pytest.raises(Stop, match="another folder has the title 'Kept'"):
        publish(connection, OVERVIEW)


def test_a_folder_that_another_run_makes_meanwhile_is_as_good(grafana: Grafana, connection: GrafanaConnection) -> None:
    def before(asked: Asked) -> Answer | None:
        if asked.method == "POST" and asked.path == "/api/folders":
            grafana.folders["kept"] = "Kept"
        return None

    grafana.before = before
    assert publish(connection, OVERVIEW) == {"kept-overview": "create"}


def test_a_save_whose_answer_was_lost_is_found_done(grafana: Grafana, connection: GrafanaConnection) -> None:
    def before(asked: Asked) -> Answer | None:
        if asked.path.endswith("/dashboards/db"):
            grafana.before = lambda asked: None
            grafana.put("kept-overview", asked.body["dashboard"], "kept")
            return Answer(0)
        return None

    grafana.before = before
    with pytest.raises(Retry):
        publish(connection, OVERVIEW)
    assert publish(connection, OVERVIEW) == {"kept-overview": "unchanged"}


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"a.json": "{"}, "a.json: not JSON"),
        ({"a.json": "[]"}, "a.json: uid: seen None"),
        ({"a.json": '{"title": "x"}'}, "a.json: uid: seen None"),
        ({"a.json": '{"uid": "overview"}'}, "a.json: uid: seen 'overview'; valid: kept-"),
        ({"a.json": '{"uid": "kept-a/../b"}'}, "a.json: uid: seen"),
        ({"a.json": json.dumps({"uid": "kept-" + "x" * 36})}, "a.json: uid: seen"),
        (
            {"a.json": '{"uid": "kept-a"}', "b.json": '{"uid": "kept-a"}'},
            "b.json: uid: 'kept-a' is also that of a.json",
        ),
    ],
    ids=["no JSON", "list", "no uid", "another's", "path", "long", "twice"],
)
def test_files_that_make_no_sense_are_named(files: dict[str, str], why: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read_wanted(files)
    assert why in str(raised.value)
