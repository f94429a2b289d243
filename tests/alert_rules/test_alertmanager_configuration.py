from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import catalogue
from alert_rules.alertmanager import WATCHDOG, Delivery, as_yaml, configuration
from alert_rules.inhibition import Inhibition
from command_line.alertmanager_config import checked, write_config
from kept.calendars import parse_opening_hours
from kept.catalogue import read_catalogue
from kept.errors import ConfigurationError
from kept.owners import Owner, read_owners, slug
from kept.signals.kinds import KINDS
from tests.alert_rules import alerts
from tests.alertmanager import amtool

CITY_FOLDER = Path(__file__).parents[2] / "alert_rules" / "city"
CITY_OWNERS = read_owners([catalogue.CITY])
CITY_DELIVERY = Delivery(templates="../templates/*.tmpl")
WEEKDAYS = dict(
    zip(alerts.DAYS, ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"), strict=True)
)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The city's configuration with the texts beside it."""
    return write_config(tmp_path_factory.mktemp("config"), as_yaml(configuration(CITY_OWNERS)))


def test_the_configuration_of_the_city_is_the_one_that_its_owners_give(request: pytest.FixtureRequest) -> None:
    file, text = CITY_FOLDER / "alertmanager.yml", as_yaml(configuration(CITY_OWNERS, CITY_DELIVERY))
    if request.config.getoption("--update-golden"):
        file.write_text(text, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == text, f"{file} differs from its owners; --update-golden writes it anew"
    assert text.startswith("# Generated from the catalogue by `kept rules alertmanager`; do not edit.")


@pytest.mark.parametrize("file", ["committed", "written"])
def test_alertmanager_takes_the_configuration_and_its_templates(config: Path, file: str) -> None:
    checked_file = CITY_FOLDER / "alertmanager.yml" if file == "committed" else config
    told = amtool("check-config", checked_file)
    assert told.returncode == 0, told.stdout + told.stderr
    # amtool counts the patterns, and says nothing when one finds no file.
    pattern = yaml.safe_load(checked_file.read_text())["templates"][0]
    assert sorted(file.name for file in checked_file.parent.glob(pattern)) == [
        "mail_html.tmpl", "mail_text.tmpl", "parts.tmpl", "slack.tmpl"
    ]  # fmt: skip


def route(config: Path, labels: dict[str, str]) -> str:
    """The receiver of an alert with these labels, by amtool."""
    shown = (f"{label}={json.dumps(value, ensure_ascii=False)}" for label, value in labels.items())
    told = amtool("config", "routes", "test", f"--config.file={config}", *shown)
    assert told.returncode == 0, told.stderr
    return told.stdout.strip()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_of_signal_of_every_service_goes_to_its_owner(config: Path, kind: Any) -> None:
    for service in read_catalogue([catalogue.CITY]).values():
        labels = {
            "alertname": kind.alert,
            "severity": kind.severity,
            "component": "service",
            "service": service.id,
            "signal": kind.name,
            "owner": service.owner,
        }
        expected = "nobody" if kind.severity == "info" else f"{slug(service.owner)}-{kind.severity}"
        assert route(config, labels) == expected


PUBLIC_WORKS = "Public Works, simulated city"
ROUTES = [
    ({"component": "service", "owner": PUBLIC_WORKS, "severity": "page"}, "public-works-simulated-city-page"),
    ({"component": "service", "owner": PUBLIC_WORKS, "severity": "ticket"}, "public-works-simulated-city-ticket"),
    ({"component": "service", "owner": PUBLIC_WORKS, "severity": "info"}, "nobody"),
    ({"component": "service", "owner": PUBLIC_WORKS, "severity": "PAGE"}, "unrouted"),
    ({"component": "service", "owner": PUBLIC_WORKS}, "unrouted"),
    ({"component": "service", "owner": "Public Works", "severity": "page"}, "unrouted"),
    ({"component": "service", "severity": "ticket"}, "unrouted"),
    ({"owner": PUBLIC_WORKS, "severity": "page"}, "unrouted"),
    ({"component": "service", "owner": "platform", "severity": "page"}, "platform-page"),
    ({"component": "pipeline", "severity": "page"}, "platform-page"),
    ({"component": "pipeline", "severity": "ticket", "owner": PUBLIC_WORKS}, "platform-ticket"),
    ({"component": "pipeline", "severity": "info"}, "nobody"),
    ({"component": "pipeline", "severity": "none"}, "unrouted"),
    ({"component": "pipeline", "severity": "none", "alertname": WATCHDOG}, "heartbeat"),
    ({"component": "service", "owner": PUBLIC_WORKS, "severity": "page", "alertname": WATCHDOG}, "heartbeat"),
    ({"alertname": "SomethingElse"}, "unrouted"),
]


@pytest.mark.parametrize(("labels", "receiver"), ROUTES)
def test_an_alert_goes_where_its_labels_say_and_never_nowhere(
    config: Path, labels: dict[str, str], receiver: str
) -> None:
    assert route(config, {"alertname": "KeptX", **labels}) == receiver


def is_open(intervals: list[dict[str, Any]], day: str, minute: int) -> bool:
    """Whether Alertmanager takes a minute of a weekday to be within `intervals`."""

    def minutes(text: str) -> int:
        return int(text[:2]) * 60 + int(text[3:])

    return any(
        WEEKDAYS[day] in one["weekdays"]
        and any(minutes(time["start_time"]) <= minute < minutes(time["end_time"]) for time in one["times"])
        for one in intervals
    )


hours = st.tuples(st.integers(0, 95), st.integers(1, 96)).filter(lambda pair: pair[0] < pair[1])


@given(st.dictionaries(st.sampled_from(alerts.DAYS), hours, min_size=1))
def test_tickets_have_the_hours_of_their_owner_on_every_day(by_day: dict[str, tuple[int, int]]) -> None:
    def clock(quarter: int) -> str:
        return f"{quarter // 4:02}:{quarter % 4 * 15:02}"

    texts = {day: f"{clock(opens)}-{clock(closes)}" for day, (opens, closes) in by_day.items()}
    url = "http://127.0.0.1:1"
    owners = alerts.owners(
        alerts.platform(url) + alerts.table("Depot", alerts.webhook(url), alerts.webhook(url), texts)
    )
    data = configuration(owners)
    [intervals] = [one["time_intervals"] for one in data["time_intervals"] if one["name"] == "depot-working-hours"]
    assert {one["location"] for one in intervals} == {"Europe/Amsterdam"}
    for day in alerts.DAYS:
        opens, closes = parse_opening_hours(texts[day]) if day in texts else (0, 0)
        for minute in range(0, 24 * 60, 15):
            assert is_open(intervals, day, minute) == (opens <= minute < closes)


def test_only_tickets_wait_for_working_hours() -> None:
    def routes(route: dict[str, Any]) -> list[dict[str, Any]]:
        return [route, *(inner for one in route.get("routes", ()) for inner in routes(one))]

    for one in routes(configuration(CITY_OWNERS)["route"]):
        receiver = one.get("receiver", "")
        if receiver.endswith("-ticket"):
            assert one["active_time_intervals"] == [receiver.removesuffix("-ticket") + "-working-hours"]
        else:
            assert "active_time_intervals" not in one and "mute_time_intervals" not in one


def test_nothing_secret_is_in_the_configuration_and_all_that_is_stands_in_files() -> None:
    delivery = Delivery(smtp_username="kept", smtp_password_file="smtp-password")

    def keys(data: Any) -> set[str]:
        if isinstance(data, dict):
            return set(data) | {key for value in data.values() for key in keys(value)}
        return {key for value in data for key in keys(value)} if isinstance(data, list) else set()

    found = keys(configuration(CITY_OWNERS, delivery))
    assert found & {"smtp_auth_password", "api_url", "credentials", "password", "bearer_token"} == set()
    assert {"smtp_auth_password_file", "api_url_file", "credentials_file"} <= found
    assert (
        configuration(CITY_OWNERS, delivery)["global"]["smtp_auth_password_file"] == "/etc/kept/secrets/smtp-password"
    )


def test_names_with_quotes_commas_and_other_scripts_are_routed(tmp_path: Path) -> None:
    url, name = "http://127.0.0.1:1", "Dienst 'Wegen', \\ 25 % Größe"
    told = alerts.webhook(url)
    quoted = name.replace("\\", "\\\\")
    config = write_config(
        tmp_path, as_yaml(configuration(alerts.owners(alerts.platform(url) + alerts.table(quoted, told, told))))
    )
    checks = amtool("check-config", config)
    assert checks.returncode == 0, checks.stdout
    labels = {"alertname": "KeptX", "component": "service", "severity": "page", "owner": name}
    assert route(config, labels) == f"{slug(name)}-page"


def test_labels_that_must_be_equal_must_be_there_on_both_sides() -> None:
    row = Inhibition(why="w", source={"a": ("1",)}, target={"b": ("2", "3.4")}, equal=("service",))
    [rule] = configuration(CITY_OWNERS, inhibitions=[row])["inhibit_rules"]
    assert rule == {
        "source_matchers": ['a="1"', 'service=~".+"'],
        "target_matchers": ['b=~"2|3\\\\.4"', 'service=~".+"'],
        "equal": ["service"],
    }


def test_a_receiver_whose_address_is_a_secret_names_its_file() -> None:
    told = '{ kind = "webhook", url_file = "hook" }, { kind = "slack", url_file = "/run/chat", channel = "#duty" }'
    owners = alerts.owners(alerts.platform("http://127.0.0.1:1") + alerts.table("Depot", told, told))
    receivers = {one["name"]: one for one in configuration(owners)["receivers"]}
    assert receivers["depot-page"]["webhook_configs"] == [{"send_resolved": True, "url_file": "/etc/kept/secrets/hook"}]
    [slack] = receivers["depot-page"]["slack_configs"]
    assert (slack["api_url_file"], slack["channel"]) == ("/run/chat", "#duty")


def test_without_owners_there_is_no_configuration() -> None:
    with pytest.raises(ConfigurationError, match=r"no owners: add an owners\.toml"):
        configuration({})
    some: dict[str, Owner] = {name: owner for name, owner in CITY_OWNERS.items() if name != "platform"}
    with pytest.raises(ConfigurationError, match=r"with a table \[platform\]"):
        configuration(some)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"smtp_smarthost": "mail"}, "--smtp-smarthost: Expected .*seen 'mail'"),
        ({"smtp_smarthost": "user:pw@mail:25"}, "--smtp-smarthost"),
        ({"smtp_from": "kept"}, "--smtp-from: .*seen 'kept'"),
        ({"page_wait": "soon"}, "page_wait: 'soon' is not valid; valid: a whole number above 0 and a unit"),
        ({"heartbeat": "0s"}, "heartbeat: '0s'"),
        ({"smtp_username": "kept"}, "smtp_username and smtp_password_file go together"),
    ],
)
def test_settings_of_delivery_that_make_no_sense_are_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        configuration(CITY_OWNERS, checked(msgspec.structs.replace(Delivery(), **changes)))


def test_every_alert_that_there_is_has_somebody_who_is_told(config: Path) -> None:
    otherwise = {"page": "platform-page", "ticket": "platform-ticket", "info": "nobody", "none": "heartbeat"}
    told = set()
    for file in sorted(CITY_FOLDER.glob("*.rules.yml")):
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                labels = rule["labels"]
                severity, of_owner = labels["severity"], f"{slug(labels['owner'])}-{labels['severity']}"
                is_told = labels["component"] == "service" and severity != "info"
                receiver = route(config, {"alertname": rule["alert"], **labels})
                assert receiver == (of_owner if is_told else otherwise[severity]), rule["alert"]
                told.add(receiver)
    assert told == {one["name"] for one in configuration(CITY_OWNERS)["receivers"]} - {"unrouted"}
