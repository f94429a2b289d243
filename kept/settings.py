"""Settings from the environment: `KEPT_NAME`, or `KEPT_NAME_FILE` with the value in a file (for secrets).

Pure: the environment and the file reader are arguments. A setting that makes no sense is refused with its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from kept.errors import ConfigurationError
from kept.loopback import is_loopback
from kept.toml_tables import valid_values

PREFIX = "KEPT_"
BROKERS_PATTERN = r"^\s*[^\s,:]+:[0-9]{1,5}\s*(,\s*[^\s,:]+:[0-9]{1,5}\s*)*$"
"""`host:port`, comma separated."""
MOST_PARTITIONS = 1024
URL_PATTERN = r"^https?://[^\s/@?#]+(/[^\s@?#]*)?$"
"""http or https, without a name and password in it."""
MOST_BODY_BYTES = 7 * 1024 * 1024
"""So that an event that is a whole body fits into a message of the topic."""
URL_OR_NOTHING = rf"^(?:{URL_PATTERN[1:-1]})?$"
HEADER_PATTERN = r"^([A-Za-z0-9-]+)?$"
"""The name of a header of HTTP, or nothing."""
VISIBLE_ASCII = r"^[!-~]+$"
"""What a header may carry; a client that refuses anything else says the whole of it in its error."""
SECRETS = frozenset(
    {
        "sasl_password",
        "ssl_key_password",
        "influxdb_token",
        "intake_token",
        "grafana_token",
        "board_token",
        "smtp_password",
        "case_key",
    }
)
"""Settings whose value is shown nowhere."""
Port = Annotated[int, Meta(ge=0, le=65535)]
Seconds = Annotated[float, Meta(gt=0, le=86400)]


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every process of Kept may be told. The defaults are those of one machine, bound to loopback."""

    brokers: Annotated[str, Meta(pattern=BROKERS_PATTERN)] = "127.0.0.1:9092"
    """Kafka bootstrap servers, comma separated."""
    topic_prefix: str = ""
    """Put before every topic name and transactional id; lets several pipelines share a broker."""
    partitions: Annotated[int, Meta(ge=1, le=MOST_PARTITIONS)] = 16
    """Partitions of each topic; fixed once the topics are made."""
    replication: Annotated[int, Meta(ge=1, le=9)] = 1
    """Copies of each partition; 3 on a cluster."""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """How to speak to the brokers: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."""
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    """How to log in with SASL: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512."""
    sasl_username: str | None = None
    """Needed with SASL."""
    sasl_password: str | None = None
    """Give it in a file: `KEPT_SASL_PASSWORD_FILE`."""
    ssl_cafile: str | None = None
    """PEM file with the authorities to trust; empty means those of the system."""
    ssl_certfile: str | None = None
    """PEM file with the client's own certificate, where the brokers ask for one."""
    ssl_keyfile: str | None = None
    """PEM file with the private key of `ssl_certfile`; empty when the key is in that file too."""
    ssl_key_password: str | None = None
    """Of an encrypted private key. Give it in a file: `KEPT_SSL_KEY_PASSWORD_FILE`."""
    catalogue: str = ""
    """Folders with one TOML file a service, separated by `:`; empty means the simulated city."""
    case_key: str | None = None
    """Hashes case ids for services that ask for it (docs/privacy.md); the same for all producers. Give it in a file:
    `KEPT_CASE_KEY_FILE`."""
    history: Literal["sqlite", "influxdb"] = "sqlite"
    """Where indicators are kept: sqlite (one file) or influxdb."""
    history_path: str = "kept-history.sqlite"
    """SQLite file of the embedded history store."""
    influxdb_url: Annotated[str, Meta(pattern=URL_PATTERN)] = "http://127.0.0.1:8086"
    """InfluxDB 2 server; with https, `KEPT_SSL_CAFILE` names the certificates to trust."""
    influxdb_org: Annotated[str, Meta(min_length=1)] = "kept"
    """Organization that owns the buckets."""
    influxdb_bucket: Annotated[str, Meta(min_length=1)] = "kept"
    """Bucket of the indicators."""
    influxdb_token: str | None = None
    """Give it in a file: `KEPT_INFLUXDB_TOKEN_FILE`. `kept influx init` makes one for workers and one for readers."""
    grafana_url: Annotated[str, Meta(pattern=URL_PATTERN)] = "http://127.0.0.1:3000"
    """Grafana server, with the path it is under; with https, `KEPT_SSL_CAFILE` names the certificates to trust."""
    grafana_token: Annotated[str, Meta(pattern=VISIBLE_ASCII)] | None = None
    """Of a service account with the role Editor. Give it in a file: `KEPT_GRAFANA_TOKEN_FILE`."""
    prometheus_url: Annotated[str, Meta(pattern=URL_OR_NOTHING)] = ""
    """Prometheus, for `kept doctor`: does it scrape the workers, are its rules of this catalogue? Empty: not asked."""
    alertmanager_url: Annotated[str, Meta(pattern=URL_OR_NOTHING)] = ""
    """Alertmanager, for `kept doctor`: has it a receiver for each owner? Empty: not asked."""
    worker_id: str = "worker-1"
    """Distinct for each worker of a pipeline, stable over its restarts; `hostname` takes that of the container."""
    metrics_host: str = "127.0.0.1"
    """Where /metrics and /healthz listen."""
    metrics_port: Port = 0
    """Port of /metrics and /healthz; 0 takes a free one and prints it."""
    work_folder: str = ""
    """Where a worker keeps its scratch files; empty means a temporary folder."""
    live: bool = True
    """False for a replay: events ahead of the wall clock are not refused."""
    idle_seconds: Seconds = 30.0
    """A partition without events for so long no longer holds back the published time."""
    log_format: Literal["text", "json"] = "text"
    """How commands that run for long write their log to standard error: text, or json (one object a line)."""
    stall_seconds: Seconds = 120.0
    """/healthz fails when there is work and nothing moved for so long."""
    session_seconds: Annotated[float, Meta(ge=1, le=300)] = 10.0
    """A worker that says nothing for so long loses its partitions to the others; the broker bounds what is valid."""
    publishing_pause: Annotated[float, Meta(ge=0, le=100)] = 5.0
    """After publishing, a partition's services wait so many times as long as it took: counting events comes first."""
    max_batch_records: Annotated[int, Meta(ge=1, le=100_000)] = 20_000
    """Records fetched, and applied in one transaction, at most."""
    state_format: Annotated[int, Meta(ge=0)] = 0
    """Format in which workers write their state, for upgrades (docs/upgrading.md); 0 means the release's own choice."""
    brake_share: Annotated[float, Meta(gt=0, le=1)] = 0.5
    """Stop when more than this share of the last events of a source partition was refused; 1 never stops."""
    brake_events: Annotated[int, Meta(ge=100, le=100_000)] = 1000
    """How many of the last events of a source partition the brake looks at."""
    spool_folder: str = "kept-spool"
    """Where events wait that the broker has not yet acknowledged: one folder for each topic, one process each."""
    spool_bytes: Annotated[int, Meta(ge=65_536)] = 1024 * 1024 * 1024
    """What the spool takes of the disk, at most; when it is full nothing is accepted, and nothing is dropped."""
    intake_host: str = "127.0.0.1"
    """Where `kept intake` listens; beyond loopback, put a proxy with TLS before it."""
    intake_port: Port = 8090
    """Port of `kept intake`; 0 takes a free one and prints it."""
    intake_token: str | None = None
    """Tokens of the senders, one a line; give them in a file: `KEPT_INTAKE_TOKEN_FILE`."""
    intake_body_bytes: Annotated[int, Meta(ge=1024, le=MOST_BODY_BYTES)] = 1024 * 1024
    """A request's body, also after decompression, at most."""
    intake_requests: Annotated[int, Meta(ge=1, le=10_000)] = 64
    """Requests under way at once, at most; more are told to come again."""
    intake_requests_per_second: Annotated[float, Meta(gt=0, le=1_000_000)] = 500.0
    """Requests of one sender in the long run, ten times as many at once; more are told to come again."""
    trusted_proxies: str = ""
    """Addresses or networks of proxies before intake and board whose X-Forwarded-For says who asks, comma separated."""
    board_host: str = "127.0.0.1"
    """Where `kept board` listens. Beyond loopback it needs a login (docs/board.md), and TLS by a proxy."""
    board_port: Port = 8400
    """Port of `kept board`."""
    board_names: str = ""
    """Names under which the board answers beside localhost and 127.0.0.1, comma separated: those of a proxy."""
    board_decisions: bool = False
    """Whether decisions may be recorded from the board: by whom a login names, or on this machine alone by anyone."""
    board_token: str | None = None
    """Tokens that let people and programs see the board, one a line; give them in a file: `KEPT_BOARD_TOKEN_FILE`."""
    board_user_header: Annotated[str, Meta(pattern=HEADER_PATTERN)] = ""
    """Header in which a proxy says who has logged in, such as X-Forwarded-User; empty means none is believed."""
    board_proxies: str = ""
    """Addresses or networks of the proxies whose header is believed, comma separated; empty means loopback."""
    board_access: Literal["login", "open"] = "login"
    """`open`: everybody who reaches the board beyond loopback sees all of it, without a login."""
    board_requests_per_second: Annotated[float, Meta(gt=0, le=1_000_000)] = 50.0
    """Requests of one viewer in the long run, ten times as many at once; more are told to come again."""
    board_url: Annotated[str, Meta(pattern=URL_PATTERN)] = "http://127.0.0.1:8400"
    """Where readers of the weekly summary reach the board; its links begin so."""
    smtp_server: Annotated[str, Meta(pattern=r"^[^\s:/@]+:[0-9]{1,5}$")] = "127.0.0.1:25"
    """`host:port` of the server that takes the weekly summary."""
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    """How to speak to it: starttls, tls, or none (without a login only)."""
    smtp_username: str | None = None
    """Name to log in with; empty means no login."""
    smtp_password: str | None = None
    """Give it in a file: `KEPT_SMTP_PASSWORD_FILE`."""
    summary_from: str = "kept@localhost"
    """Sender of the weekly summary."""
    summary_to: str = ""
    """Who gets the weekly summary, comma separated."""
    summary_hour: Annotated[int, Meta(ge=0, le=23)] = 7
    """It is sent on Monday at this hour."""
    summary_time_zone: str = ""
    """In this time zone, such as Europe/Amsterdam; empty means that of the services, which must then have one."""

    def __repr__(self) -> str:
        """What differs from the defaults; secrets as dots."""
        said = [
            f"{name}={'…' if name in SECRETS else repr(value)}"
            for name, value in msgspec.structs.asdict(self).items()
            if value != _DEFAULTS[name]
        ]
        return f"Settings({', '.join(said)})"

    def broker_list(self) -> list[str]:
        """`host:port` of each bootstrap server."""
        return [broker.strip() for broker in self.brokers.split(",")]

    def uses_tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.security_protocol.endswith("SSL")

    def uses_sasl(self) -> bool:
        """Whether a name and a password are sent."""
        return self.security_protocol.startswith("SASL")

    def trusts_somebody(self) -> bool:
        """Whether any connection is encrypted, so that `ssl_cafile` means something."""
        addresses = (self.influxdb_url, self.grafana_url, self.prometheus_url, self.alertmanager_url)
        mails = bool(self.summary_to) and self.smtp_security != "none"
        return self.uses_tls() or mails or any(address.startswith("https:") for address in addresses)

    def refuse_password_in_clear(self) -> None:
        """Raise `ConfigurationError` when the password would go over a network for all to read.

        SCRAM never sends it; PLAIN does, and without TLS only this machine's own broker may get it so.
        """
        if self.security_protocol != "SASL_PLAINTEXT" or self.sasl_mechanism != "PLAIN":
            return
        elsewhere = [broker for broker in self.broker_list() if not is_loopback(broker.rsplit(":", 1)[0])]
        if elsewhere:
            raise ConfigurationError(
                f"{PREFIX}SASL_MECHANISM: PLAIN without TLS would send the password of {PREFIX}SASL_USERNAME to "
                f"{elsewhere[0]} for all to read; valid there: {PREFIX}SECURITY_PROTOCOL=SASL_SSL, or a mechanism that "
                "does not send it: SCRAM-SHA-256, SCRAM-SHA-512"
            )


_DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(Settings)}


def read_settings(
    environment: Mapping[str, str],
    read_file: Callable[[str], str] = lambda path: Path(path).read_text(encoding="utf-8"),
) -> Settings:
    """Settings from `KEPT_*` variables; raises `ConfigurationError` naming the variable and what is valid."""
    known = {f"{PREFIX}{name.upper()}": name for name in Settings.__struct_fields__}
    values: dict[str, str] = {}
    for variable, name in known.items():
        file_variable = f"{variable}_FILE"
        if variable in environment and file_variable in environment:
            raise ConfigurationError(f"{variable} and {file_variable} are both set; set one of them")
        if variable in environment:
            values[name] = environment[variable]
        elif environment.get(file_variable):  # an empty one names no file
            try:
                values[name] = read_file(environment[file_variable]).rstrip("\n")
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigurationError(
                    f"{file_variable}: {environment[file_variable]!r} cannot be read: {error}"
                ) from error
    unknown = sorted(
        name
        for name in environment
        if name.startswith(PREFIX)
        and not name.startswith((f"{PREFIX}TEST_", f"{PREFIX}BENCH_"))
        and name not in known
        and name.removesuffix("_FILE") not in known
    )
    if unknown:
        raise ConfigurationError(f"{unknown[0]}: no such setting; valid: {', '.join(sorted(known))}")
    try:
        settings = msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$.")
        name = path.rstrip("`")
        # A secret that is not valid is still a secret, and an address with an @ has one in it.
        hidden = name in SECRETS or (name.endswith("_url") and "@" in values.get(name, ""))
        shown = "" if hidden else f", seen {values.get(name)!r}"
        closed_set = valid_values(Settings, name)
        valid = f"; valid: {closed_set}" if closed_set else ""
        raise ConfigurationError(f"{PREFIX}{name.upper()}: {what}{shown}{valid}") from error
    _check_security(settings)
    return settings


def _check_security(settings: Settings) -> None:
    settings.refuse_password_in_clear()
    if settings.sasl_password and not settings.uses_sasl():
        raise ConfigurationError(
            f"{PREFIX}SASL_PASSWORD is set, but {PREFIX}SECURITY_PROTOCOL is {settings.security_protocol}: nobody "
            "would log in with it; valid with a password: SASL_SSL, SASL_PLAINTEXT"
        )
    if settings.ssl_cafile and not settings.trusts_somebody():
        raise ConfigurationError(
            f"{PREFIX}SSL_CAFILE is set, but {PREFIX}SECURITY_PROTOCOL is {settings.security_protocol} and no address "
            "begins with https: nothing would be encrypted; valid with it: SSL, SASL_SSL"
        )
    if settings.uses_sasl():
        for name in ("sasl_username", "sasl_password"):
            if not getattr(settings, name):
                raise ConfigurationError(
                    f"{PREFIX}{name.upper()}: not set, but {PREFIX}SECURITY_PROTOCOL is {settings.security_protocol}"
                )
    if settings.ssl_keyfile and not settings.ssl_certfile:
        raise ConfigurationError(
            f"{PREFIX}SSL_KEYFILE is set without {PREFIX}SSL_CERTFILE; name the file with the key's certificate too"
        )
    if settings.ssl_certfile and not settings.uses_tls():
        raise ConfigurationError(
            f"{PREFIX}SSL_CERTFILE is set, but {PREFIX}SECURITY_PROTOCOL is {settings.security_protocol}: no "
            "certificate would be shown and nothing encrypted; valid with one: SSL, SASL_SSL"
        )
    if settings.smtp_username and settings.smtp_security == "none":
        raise ConfigurationError(
            f"{PREFIX}SMTP_SECURITY: 'none' would send the password of {PREFIX}SMTP_USERNAME for all to read; valid "
            "with a login: starttls, tls"
        )
    if settings.smtp_username and not settings.smtp_password:
        raise ConfigurationError(
            f"{PREFIX}SMTP_PASSWORD: not set, but {PREFIX}SMTP_USERNAME is; name its file in {PREFIX}SMTP_PASSWORD_FILE"
        )
    if settings.history == "influxdb" and not settings.influxdb_token:
        raise ConfigurationError(
            f"{PREFIX}INFLUXDB_TOKEN: not set, but {PREFIX}HISTORY is influxdb; name a token's file in "
            f"{PREFIX}INFLUXDB_TOKEN_FILE (`kept influx init` makes one)"
        )
