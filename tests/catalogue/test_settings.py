from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

import producers.connection
import stream_processors.connection
from kept.errors import ConfigurationError
from kept.settings import Settings, read_settings


def test_nothing_set_means_one_machine_on_loopback() -> None:
    assert read_settings({"PATH": "/bin"}) == Settings()
    assert read_settings({}).brokers == "127.0.0.1:9092"


def test_settings_are_read_from_the_environment() -> None:
    settings = read_settings({"KEPT_PARTITIONS": "4", "KEPT_LIVE": "false", "KEPT_IDLE_SECONDS": "1.5"})
    assert (settings.partitions, settings.live, settings.idle_seconds) == (4, False, 1.5)


def test_a_secret_comes_from_a_file() -> None:
    environment = {
        "KEPT_SECURITY_PROTOCOL": "SASL_SSL", "KEPT_SASL_USERNAME": "kept",
        "KEPT_SASL_PASSWORD_FILE": "/run/secrets/kafka",
    }  # fmt: skip
    assert read_settings(environment, {"/run/secrets/kafka": "hunter2\n"}.__getitem__).sasl_password == "hunter2"


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"KEPT_PARTITIONS": "many"}, "KEPT_PARTITIONS: .*seen 'many'"),
        ({"KEPT_PARTITIONS": "0"}, "KEPT_PARTITIONS: Expected `int` >= 1, seen '0'"),
        ({"KEPT_STALL_SECONDS": "nan"}, "KEPT_STALL_SECONDS: .*seen 'nan'"),
        ({"KEPT_LIVE": "perhaps"}, "KEPT_LIVE: .*seen 'perhaps'"),
        ({"KEPT_SECURITY_PROTOCOL": "TLS"}, "KEPT_SECURITY_PROTOCOL: .*seen 'TLS'; valid: PLAINTEXT, SASL_PLAINTEXT"),
        (
            {"KEPT_BROKER": "x:1"},
            "KEPT_BROKER: no such setting; valid: KEPT_ALERTMANAGER_URL, KEPT_BOARD_ACCESS, KEPT_BOARD_DECISIONS",
        ),
        ({"KEPT_BROKERS": "x:1", "KEPT_BROKERS_FILE": "/f"}, "are both set; set one of them"),
        ({"KEPT_SECURITY_PROTOCOL": "SASL_SSL"}, "KEPT_SASL_USERNAME: not set, but KEPT_SECURITY_PROTOCOL is SASL_SSL"),
        (
            {"KEPT_SECURITY_PROTOCOL": "SASL_SSL", "KEPT_SASL_USERNAME": "kept"},
            "KEPT_SASL_PASSWORD: not set, but KEPT_SECURITY_PROTOCOL is SASL_SSL",
        ),
        ({"KEPT_HISTORY": "postgres"}, "KEPT_HISTORY: .*seen 'postgres'; valid: influxdb, sqlite"),
        (
            {"KEPT_HISTORY": "influxdb"},
            "KEPT_INFLUXDB_TOKEN: not set, but KEPT_HISTORY is influxdb; .*influx init",
        ),
        ({"KEPT_INFLUXDB_URL": "localhost:8086"}, "KEPT_INFLUXDB_URL: .*seen 'localhost:8086'"),
        ({"KEPT_INFLUXDB_BUCKET": ""}, "KEPT_INFLUXDB_BUCKET: .*seen ''"),
        ({"KEPT_GRAFANA_URL": "localhost:3000"}, "KEPT_GRAFANA_URL: .*seen 'localhost:3000'"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_by_name(environment: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        read_settings(environment)


@pytest.mark.parametrize("variable", ["KEPT_INFLUXDB_URL", "KEPT_GRAFANA_URL"])
def test_no_message_shows_a_password_in_an_address(variable: str) -> None:
    with pytest.raises(ConfigurationError, match=variable) as raised:
        read_settings({variable: "http://kept:hunter2@server:8086"})
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    "text", ["two\nhunter2", "with hunter2", "hunter2\r\n", ""], ids=["two", "blank", "CR", "none"]
)
def test_a_token_that_no_header_can_carry_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(ConfigurationError, match="KEPT_GRAFANA_TOKEN: ") as raised:
        read_settings({"KEPT_GRAFANA_TOKEN_FILE": "/t"}, {"/t": text}.__getitem__)
    assert "hunter2" not in str(raised.value)


def test_grafanas_token_comes_from_a_file_and_is_shown_as_dots() -> None:
    settings = read_settings({"KEPT_GRAFANA_TOKEN_FILE": "/t"}, {"/t": "glsa_hunter2\n"}.__getitem__)
    assert settings.grafana_token == "glsa_hunter2"
    assert repr(settings) == "Settings(grafana_token=…)"


@pytest.mark.parametrize("url", ["http://127.0.0.1:8086", "https://influx.example", "https://proxy.example/influx/"])
def test_an_influxdb_server_is_named_by_its_address(url: str) -> None:
    environment = {"KEPT_HISTORY": "influxdb", "KEPT_INFLUXDB_URL": url, "KEPT_INFLUXDB_TOKEN_FILE": "/t"}
    settings = read_settings(environment, {"/t": "secret\n"}.__getitem__)
    assert (settings.influxdb_url, settings.influxdb_token) == (url, "secret")


def test_settings_of_tests_and_benchmarks_are_not_ours() -> None:
    assert read_settings({"KEPT_TEST_FORBID_SKIPS": "1", "KEPT_BENCH_EVENTS": "9"}) == Settings()


def test_a_secret_file_that_cannot_be_read_is_named() -> None:
    def refuse(path: str) -> str:
        raise PermissionError(path)

    with pytest.raises(ConfigurationError, match="KEPT_SASL_PASSWORD_FILE: '/secret' cannot be read"):
        read_settings({"KEPT_SASL_PASSWORD_FILE": "/secret"}, refuse)


@pytest.mark.parametrize("brokers", ["foo:bar", "", "host", "a:1,,b:2", "host:9092 other:9092"])
def test_brokers_are_hosts_with_ports(brokers: str) -> None:
    with pytest.raises(ConfigurationError, match="KEPT_BROKERS: "):
        read_settings({"KEPT_BROKERS": brokers})
    assert read_settings({"KEPT_BROKERS": "a:9092, b:9093"}).brokers == "a:9092, b:9093"


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"KEPT_SSL_KEYFILE": "/k"}, "KEPT_SSL_KEYFILE is set without KEPT_SSL_CERTFILE"),
        ({"KEPT_SSL_CERTFILE": "/c"}, "KEPT_SSL_CERTFILE is set, but KEPT_SECURITY_PROTOCOL is PLAINTEXT"),
        (
            {"KEPT_SSL_CAFILE": "/ca"},
            "KEPT_SSL_CAFILE is set, but KEPT_SECURITY_PROTOCOL is PLAINTEXT and no address begins with https",
        ),
        ({"KEPT_SASL_PASSWORD": "hunter2"}, "KEPT_SASL_PASSWORD is set, but KEPT_SECURITY_PROTOCOL is PLAINTEXT"),
        (
            {"KEPT_SASL_PASSWORD": "hunter2", "KEPT_SECURITY_PROTOCOL": "SSL"},
            "KEPT_SASL_PASSWORD is set, but KEPT_SECURITY_PROTOCOL is SSL: nobody would log in",
        ),
    ],
)
def test_security_that_would_not_be_used_is_refused(environment: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says) as raised:
        read_settings(environment)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    "used",
    [
        {"KEPT_SECURITY_PROTOCOL": "SSL"},
        {"KEPT_INFLUXDB_URL": "https://history.example:8086"},
        {"KEPT_GRAFANA_URL": "https://grafana.example"},
        {"KEPT_PROMETHEUS_URL": "https://prometheus.example"},
        {"KEPT_SUMMARY_TO": "leaders@city.example"},
    ],
    ids=lambda used: next(iter(used)),
)
def test_an_authority_is_for_whatever_is_encrypted(used: dict[str, str]) -> None:
    assert read_settings({"KEPT_SSL_CAFILE": "/ca", **used}).ssl_cafile == "/ca"


LOGIN = {
    "KEPT_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KEPT_SASL_USERNAME": "kept", "KEPT_SASL_PASSWORD": "hunter2",
    "KEPT_SASL_MECHANISM": "PLAIN",
}  # fmt: skip


@pytest.mark.parametrize("brokers", ["kafka.example:9092", "localhost:9092,10.0.0.7:9092"])
def test_a_password_is_not_sent_in_the_clear_beyond_this_machine(brokers: str) -> None:
    with pytest.raises(ConfigurationError, match=r"PLAIN without TLS would send the password .*SASL_SSL") as raised:
        read_settings({**LOGIN, "KEPT_BROKERS": brokers})
    assert "hunter2" not in str(raised.value)
    assert read_settings({**LOGIN, "KEPT_BROKERS": brokers, "KEPT_SECURITY_PROTOCOL": "SASL_SSL"}).uses_tls()
    scram = read_settings({**LOGIN, "KEPT_BROKERS": brokers, "KEPT_SASL_MECHANISM": "SCRAM-SHA-512"})
    assert not scram.uses_tls()


@pytest.mark.parametrize("brokers", ["127.0.0.1:9092", "localhost:9092, 127.0.0.2:9092"])
def test_a_broker_of_this_machine_may_be_given_it(brokers: str) -> None:
    assert read_settings({**LOGIN, "KEPT_BROKERS": brokers}).sasl_mechanism == "PLAIN"


@pytest.mark.parametrize("options", [producers.connection.client_options, stream_processors.connection.client_settings])
def test_no_client_is_made_that_would_send_it_whatever_an_option_has_replaced(options: Callable[..., object]) -> None:
    settings = msgspec.structs.replace(read_settings(LOGIN), brokers="kafka.example:9092")
    with pytest.raises(ConfigurationError, match="PLAIN without TLS"):
        options(settings)


def test_settings_printed_by_accident_show_no_secret() -> None:
    said = repr(Settings(brokers="a:1", sasl_password="hunter2", ssl_key_password="hunter3"))
    assert "hunter" not in said
    assert "brokers='a:1'" in said
