"""`kept influx init` on a real, empty server: what it makes, who may do what, that it is free to run again."""

from __future__ import annotations

import datetime as dt
import json
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from typer.testing import CliRunner

from command_line.main import app
from history.influxdb import InfluxHistory
from kept.errors import ConfigurationError, Retry, Stop
from local_stack.ports import LOOPBACK, free_port
from tests.history.points import point
from tests.influxd import OwnServer
from tests.kept.city import LIGHTS

DAY = 86400
CATALOGUE = """
id = "street-lights"
name = "Street lights"
owner = "Public works"
time_zone = "Europe/Amsterdam"
expected_silence = "1h"
[channels]
unlisted = "accept"
"""


class Init:
    """The command, for one server, with a catalogue of one service and a folder for tokens."""

    def __init__(self, server: OwnServer, folder: Path, org: str = "kept") -> None:
        self.server = server
        self.folder = folder / "secrets"
        self.catalogue = folder / "catalogue"
        self.catalogue.mkdir()
        (self.catalogue / "lights.toml").write_text(CATALOGUE)
        self.token_file, self.password_file = folder / "operator.token", folder / "password"
        self.password_file.write_text("a-long-password\n")
        self.server.org = org
        self.printed = ""
        self.first_steps: list[dict[str, Any]] = []

    def __call__(self, *more: str, url: str | None = None) -> list[dict[str, Any]]:
        environment = {
            "KEPT_INFLUXDB_URL": url or self.server.url,
            "KEPT_INFLUXDB_ORG": self.server.org,
            "KEPT_CATALOGUE": str(self.catalogue),
            "KEPT_HISTORY": "influxdb",
            "KEPT_INFLUXDB_TOKEN_FILE": str(self.folder / "kept-write.token"),
            **({"KEPT_SSL_CAFILE": str(self.server.tls.authority)} if self.server.tls else {}),
        }
        command = ["influx", "init", "--token-file", str(self.token_file), "--folder", str(self.folder), *more]
        result = CliRunner().invoke(app, [*command, "--json"], env=environment)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        self.printed += result.output
        return [json.loads(line) for line in result.output.splitlines()]

    def states(self, *more: str) -> list[tuple[str, str]]:
        return [(step["kind"], step["state"]) for step in self(*more)]

    def token(self, name: str) -> str:
        return (self.folder / name).read_text().strip()

    def history(self, token: str, bucket: str = "kept") -> InfluxHistory:
        return self.server.history(bucket, self.token(token))


ALL = ["organization", "bucket", "bucket", "token", "token", "task"]


@pytest.fixture(scope="module")
def empty_server(influxd_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServer]:
    server = OwnServer(influxd_program, tmp_path_factory.mktemp("empty-influxd"))
    server.start()
    yield server
    server.process.stop()


@pytest.fixture(scope="module")
def ready(empty_server: OwnServer, tmp_path_factory: pytest.TempPathFactory) -> Init:
    """A server that the command has set up, and the command."""
    init = Init(empty_server, tmp_path_factory.mktemp("init"))
    init.first_steps = init("--setup", "--password-file", str(init.password_file))
    init.server.token = init.token_file.read_text().strip()
    init.server.org_id = init.server.ask("GET", "/api/v2/orgs?org=kept")["orgs"][0]["id"]
    return init


def test_an_empty_server_is_set_up_with_all_that_kept_needs(ready: Init) -> None:
    assert [step["kind"] for step in ready.first_steps] == ["server", *ALL]
    buckets = ready.server.ask("GET", "/api/v2/buckets?org=kept")["buckets"]
    kept = {each["name"]: [rule["everySeconds"] for rule in each["retentionRules"]] for each in buckets}
    assert kept["kept"] == [400 * DAY]
    assert kept["kept_daily"] in ([], [0])


def test_tokens_are_in_files_for_their_owner_alone_and_printed_nowhere(ready: Init) -> None:
    files = [ready.token_file, *sorted(ready.folder.iterdir())]
    assert [file.name for file in files] == ["operator.token", "kept-read.token", "kept-write.token"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(ready.folder.stat().st_mode) == 0o700
    for file in files:
        assert len(file.read_text().strip()) > 40
        assert file.read_text().strip() not in ready.printed


def test_the_worker_s_token_writes_and_reads_the_points_and_nothing_else(ready: Init) -> None:
    now = int(time.time())
    history = ready.history("kept-write.token")
    history.write([point(window_end=now)])
    assert history.services() == ["street-repairs"]
    history.close()
    daily = ready.history("kept-write.token", "kept_daily")
    for call in (lambda: daily.write([point()]), daily.services):
        with pytest.raises(Stop):
            call()
    daily.close()


def test_the_reader_s_token_reads_both_buckets_and_writes_none(ready: Init) -> None:
    for bucket in ("kept", "kept_daily"):
        history = ready.history("kept-read.token", bucket)
        history.services()
        with pytest.raises(Stop, match="may not write"):
            history.write([point()])
        history.close()


def test_running_it_again_makes_nothing_and_leaves_the_tokens(ready: Init) -> None:
    before = {file.name: file.read_text() for file in ready.folder.iterdir()}
    assert ready.states() == [(kind, "is there") for kind in ALL]
    assert ready.states("--setup", "--password-file", str(ready.password_file)) == [(kind, "is there") for kind in ALL]
    assert {file.name: file.read_text() for file in ready.folder.iterdir()} == before
    assert len(ready.server.ask("GET", "/api/v2/authorizations?org=kept")["authorizations"]) == 3


def test_only_a_token_that_is_lost_or_does_not_work_is_made_anew(ready: Init) -> None:
    read, write = ready.folder / "kept-read.token", ready.folder / "kept-write.token"
    kept = read.read_text()
    write.write_text(kept)  # a token that may less than it should
    write.chmod(0o644)
    read.unlink()
    steps = {step["name"]: step for step in ready() if step["kind"] == "token"}
    assert {step["state"] for step in steps.values()} == {"made"}
    assert "did not work" in steps[str(write)]["remark"]
    assert "did not work" not in steps[str(read)]["remark"]
    assert stat.S_IMODE(write.stat().st_mode) == 0o600
    assert ready.states() == [(kind, "is there") for kind in ALL]


def test_a_token_that_may_more_than_it_should_is_replaced(ready: Init) -> None:
    read = ready.folder / "kept-read.token"
    for stronger in (ready.server.token, ready.token("kept-write.token")):
        read.write_text(stronger)
        (step,) = [step for step in ready() if step["name"] == str(read)]
        assert step["state"] == "made"
        assert read.read_text().strip() != stronger
    assert "did not work" in step["remark"]  # the writer's sees no day
    read.write_text(ready.server.token)
    (step,) = [step for step in ready() if step["name"] == str(read)]
    assert step["remark"] == "may read kept, read kept_daily; the one that was in the file could do more"
    assert ready.states() == [(kind, "is there") for kind in ALL]


def test_a_new_service_brings_the_tasks_up_to_date(ready: Init) -> None:
    file = ready.catalogue / "parks.toml"
    file.write_text(CATALOGUE.replace("street-lights", "parks"))
    elsewhere = ready.catalogue / "tokyo.toml"
    elsewhere.write_text(CATALOGUE.replace("street-lights", "tokyo").replace("Europe/Amsterdam", "Asia/Tokyo"))
    tasks = {step["name"]: step["state"] for step in ready() if step["kind"] == "task"}
    assert tasks == {"kept_daily Asia/Tokyo": "made", "kept_daily Europe/Amsterdam": "brought up to date"}
    file.unlink()
    elsewhere.unlink()


def test_another_retention_is_left_and_told(ready: Init, tmp_path: Path) -> None:
    server = ready.server
    org = server.ask("POST", "/api/v2/orgs", {"name": "other"})["id"]
    rules = [{"type": "expire", "everySeconds": 30 * DAY}]
    server.ask("POST", "/api/v2/buckets", {"orgID": org, "name": "kept", "retentionRules": rules})
    init = Init(server, tmp_path, "other")
    init.token_file.write_text(server.token)
    try:
        steps = init()
    finally:
        server.org = "kept"
    remarks = {step["name"]: (step["state"], step["remark"]) for step in steps if step["kind"] == "bucket"}
    assert remarks["kept"] == ("is there", "keeps 30 d instead of 400 d: left as it is")
    assert remarks["kept_daily"] == ("made", "keeps for ever")


def test_the_task_fills_the_daily_bucket_when_the_server_runs_it(ready: Init) -> None:
    ready()
    today = dt.datetime.now(LIGHTS.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    midnight = int(today.timestamp())
    history = ready.history("kept-write.token")
    history.write([point(service="street-lights", window="24h", window_end=midnight, numerator=7, denominator=9)])
    history.close()
    task = next(
        each for each in ready.server.ask("GET", "/api/v2/tasks?org=kept")["tasks"] if "Amsterdam" in each["name"]
    )
    run = ready.server.ask("POST", f"/api/v2/tasks/{task['id']}/runs", {})
    deadline = time.monotonic() + 60

    def run_status() -> str:
        try:
            return str(ready.server.ask("GET", f"/api/v2/tasks/{task['id']}/runs/{run['id']}")["status"])
        except HTTPError as error:
            assert error.code == 404  # for a moment, while the server files a run that has ended
            return "being filed"

    while (status := run_status()) != "success":
        assert status != "failed", ready.server.ask("GET", f"/api/v2/tasks/{task['id']}/runs/{run['id']}/logs")
        assert time.monotonic() < deadline
        time.sleep(0.1)
    daily = ready.server.connection(ready.token("kept-read.token"))
    rows = daily.query(
        'from(bucket: bucket) |> range(start: -3d) |> filter(fn: (r) => r._measurement == "indicator_day") '
        '|> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")',
        {"bucket": "kept_daily"},
    )
    daily.close()
    found = [(row["service"], row["indicator"], row["numerator"], row["denominator"]) for row in rows]
    assert found == [("street-lights", "promise_kept", 7, 9)]
    assert int(rows[0]["_time"].timestamp()) == midnight


def test_a_token_that_may_not_is_told_what_to_do(ready: Init, tmp_path: Path) -> None:
    init = Init(ready.server, tmp_path)
    init.token_file.write_text("nobody-s-token")
    with pytest.raises(Stop, match=r"\(401\); give an operator's in --token-file") as raised:
        init()
    assert "nobody-s-token" not in str(raised.value)


def test_an_operator_s_token_that_is_not_at_hand_cannot_be_made_up(ready: Init, tmp_path: Path) -> None:
    init = Init(ready.server, tmp_path)
    with pytest.raises(ConfigurationError, match="set up already"):
        init("--setup", "--password-file", str(init.password_file))
    assert not init.token_file.exists()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        init()
    with pytest.raises(ConfigurationError, match="--password-file"):
        init("--setup")


def test_a_server_that_is_away_is_asked_again_later(ready: Init, tmp_path: Path) -> None:
    init = Init(ready.server, tmp_path)
    init.token_file.write_text(ready.server.token)
    with pytest.raises(Retry, match="does not answer"):
        init(url=f"http://{LOOPBACK}:{free_port()}")


def test_kept_indicators_reads_with_the_reader_s_token(ready: Init) -> None:
    now = int(time.time())
    history = ready.history("kept-write.token")
    history.write([point(service="street-lights", window_end=now)])
    history.close()
    environment = {
        "KEPT_HISTORY": "influxdb",
        "KEPT_INFLUXDB_URL": ready.server.url,
        "KEPT_INFLUXDB_TOKEN_FILE": str(ready.folder / "kept-read.token"),
        "KEPT_CATALOGUE": str(ready.catalogue),
    }
    command = ["indicators", "street-lights", "--json", "--window", "28d"]
    result = CliRunner().invoke(app, command, env=environment, catch_exceptions=False)
    (line,) = [json.loads(line) for line in result.output.splitlines()]
    assert (line["indicator"], line["value"], line["numerator"]) == ("promise_kept", 0.75, 75)
