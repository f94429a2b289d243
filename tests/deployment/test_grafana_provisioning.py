"""grafana/provisioning agrees with docker-compose.yml, with Prometheus and with the names all parts use."""

from __future__ import annotations

import re
from typing import Any

import yaml

from history.influxdb_setup import READ_TOKEN
from kept.settings import read_settings
from tests.deployment.compose import ROOT, environment, mounts, networks, services

FOLDER = ROOT / "grafana/provisioning"
TEXT = (FOLDER / "datasources/kept.yaml").read_text(encoding="utf-8")
DATASOURCES = yaml.safe_load(TEXT)
DASHBOARDS = yaml.safe_load((FOLDER / "dashboards/kept.yaml").read_text(encoding="utf-8"))
PROMETHEUS = yaml.safe_load((ROOT / "deployment/prometheus.yml").read_text(encoding="utf-8"))
GRAFANA = services()["grafana"]


def datasource(uid: str) -> dict[str, Any]:
    (found,) = [each for each in DATASOURCES["datasources"] if each["uid"] == uid]
    return dict(found)


def test_only_what_is_meant_is_provisioned() -> None:
    assert {str(file.relative_to(FOLDER)) for file in FOLDER.rglob("*") if file.is_file()} == {
        "datasources/kept.yaml",
        "dashboards/kept.yaml",
    }
    assert [each["uid"] for each in DATASOURCES["datasources"]] == ["kept-prometheus", "kept-influxdb"]
    assert DATASOURCES["apiVersion"] == DASHBOARDS["apiVersion"] == 1


def test_nobody_changes_a_data_source_in_grafana_and_grafana_asks_for_the_reader() -> None:
    for each in DATASOURCES["datasources"]:
        assert each["editable"] is False
        assert each["access"] == "proxy"
        assert not {"user", "basicAuth", "password", "database"} & set(each)
    assert [each["uid"] for each in DATASOURCES["datasources"] if each.get("isDefault")] == ["kept-prometheus"]


def test_every_variable_of_the_files_is_in_grafanas_environment_and_every_other_is_grafanas_own() -> None:
    told = set(environment(GRAFANA))
    used = set(re.findall(r"\$\{(\w+)\}", TEXT))
    assert used == {name for name in told if not name.startswith("GF_")}
    # A bare $ would be taken for a variable.
    assert not re.findall(r"\$(?!\{\w+\}|__file\{)", re.sub(r"^#.*$", "", TEXT, flags=re.MULTILINE))


def test_the_history_is_the_one_that_workers_write() -> None:
    worker = read_settings(environment(services()["worker"]), lambda _: "a-token")
    told = environment(GRAFANA)
    assert (told["INFLUXDB_URL"], told["INFLUXDB_ORG"], told["INFLUXDB_BUCKET"]) == (
        worker.influxdb_url,
        worker.influxdb_org,
        worker.influxdb_bucket,
    )
    influxdb = datasource("kept-influxdb")
    assert influxdb["jsonData"] == {
        "version": "Flux",
        "organization": "${INFLUXDB_ORG}",
        "defaultBucket": "${INFLUXDB_BUCKET}",
    }
    assert influxdb["url"] == "${INFLUXDB_URL}"
    assert networks(GRAFANA) & networks(services()["influxdb"])


def test_grafana_has_the_readers_token_from_its_file_alone() -> None:
    assert set(datasource("kept-influxdb")["secureJsonData"]) == {"token"}
    file = re.fullmatch(r"\$__file\{(.*)\}", datasource("kept-influxdb")["secureJsonData"]["token"])
    assert file is not None
    folder, _, name = file[1].rpartition("/")
    assert name == READ_TOKEN
    (mount,) = [mount for mount in mounts(GRAFANA) if mount.target == folder]
    assert (mount.source, mount.read_only) == ("influxdb-read-token", True)


def test_prometheus_is_asked_as_often_as_it_asks() -> None:
    prometheus = datasource("kept-prometheus")
    assert prometheus["url"] == "${PROMETHEUS_URL}"
    assert environment(GRAFANA)["PROMETHEUS_URL"] == "http://prometheus:9090"
    assert prometheus["jsonData"]["timeInterval"] == PROMETHEUS["global"]["scrape_interval"]
    assert networks(GRAFANA) & networks(services()["prometheus"])


def test_dashboards_are_read_from_where_they_are_mounted_and_changed_nowhere_else() -> None:
    (provider,) = DASHBOARDS["providers"]
    assert (provider["folder"], provider["folderUid"]) == ("Kept", "kept")
    assert provider["allowUiUpdates"] is False
    assert provider["disableDeletion"] is True
    by_target = {mount.target: mount.source for mount in mounts(GRAFANA)}
    assert by_target[provider["options"]["path"]] == "./grafana/city"
    assert by_target["/etc/grafana/provisioning"] == "./grafana/provisioning"


def test_nobody_gets_in_without_a_password_and_grafana_calls_nobody() -> None:
    told = environment(GRAFANA)
    switched_off = (
        "GF_AUTH_ANONYMOUS_ENABLED", "GF_USERS_ALLOW_SIGN_UP", "GF_USERS_ALLOW_ORG_CREATE",
        "GF_ANALYTICS_REPORTING_ENABLED", "GF_ANALYTICS_CHECK_FOR_UPDATES", "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES",
        "GF_ANALYTICS_ENABLED", "GF_NEWS_NEWS_FEED_ENABLED", "GF_SNAPSHOTS_EXTERNAL_ENABLED",
        "GF_PLUGINS_PLUGIN_ADMIN_ENABLED", "GF_UNIFIED_ALERTING_EXECUTE_ALERTS",
    )  # fmt: skip
    assert {name: told[name] for name in switched_off} == dict.fromkeys(switched_off, "false")
    assert told["GF_PLUGINS_PREINSTALL_DISABLED"] == told["GF_SECURITY_DISABLE_GRAVATAR"] == "true"
    assert told["GF_SECURITY_ADMIN_PASSWORD__FILE"] == "/run/secrets/grafana-admin-password"
    assert told["GF_SECURITY_SECRET_KEY__FILE"] == "/run/secrets/grafana-secret-key"
    assert "GF_SECURITY_ADMIN_PASSWORD" not in told
