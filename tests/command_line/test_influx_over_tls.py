"""InfluxDB over TLS with an authority of one's own, and the tokens that `kept influx init` made there: what each may.

The server is real, the command is that of docker-compose.yml, and what is forbidden is tried at the server itself.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.error import HTTPError

import pytest

from history.influxdb import InfluxHistory
from history.influxdb_connection import InfluxConnection
from kept.errors import Retry, Stop
from local_stack.environment import ROOT, plain_environment
from local_stack.ports import LOOPBACK, wait_until_answers
from tests.certificates import MISSING, Authority
from tests.command_line.test_influx_command import ALL, Init
from tests.deployment.compose import command, services
from tests.history.points import point
from tests.influxd import OwnServer, Server, Tls

pytestmark = [
    pytest.mark.influxdb,
    pytest.mark.skipif(MISSING is not None, reason=str(MISSING)),
    # aiohttp leaves the socket of a refused connection to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
WRITER, READER = "kept-write.token", "kept-read.token"
LONG_AGO = {"start": "1970-01-01T00:00:00Z", "stop": "1970-01-02T00:00:00Z"}
OF_COMPOSE = [word for word in command(services()["influxdb-init"]) if word == "--setup"]


class Secured:
    """The server, who signed its certificate, and what `kept influx init` has made."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.authority, self.other = Authority(folder, "authority"), Authority(folder, "other")
        certificate, key = self.authority.issue("influxdb", f"IP:{LOOPBACK}")
        self.server = OwnServer(program, folder / "influxd", Tls(certificate, key, self.authority.certificate))
        self.server.start()
        self.init = Init(self.server, folder)
        self.steps = self.init(*OF_COMPOSE, "--password-file", str(self.init.password_file))
        self.server.token = self.init.token_file.read_text().strip()
        self.server.org_id = self.server.ask("GET", "/api/v2/orgs?org=kept")["orgs"][0]["id"]
        found = self.server.ask("GET", "/api/v2/buckets?org=kept")["buckets"]
        self.ids = {bucket["name"]: bucket["id"] for bucket in found}
        self.ids["other"] = self.server.ask("POST", "/api/v2/buckets", {"orgID": self.server.org_id, "name": "other"})[
            "id"
        ]

    def status(self, token: str, method: str, path: str, body: object = None) -> int:
        """What the server answers to the bearer of `token`; names in braces are those of organization and buckets."""
        bearer = Server(self.server.url, self.init.token(token))
        bearer.tls = self.server.tls
        text = json.dumps(body).replace("{org}", self.server.org_id)
        try:
            bearer.ask(method, path.format(org=self.server.org_id, **self.ids), json.loads(text))
        except HTTPError as error:
            with error:
                return error.code
        return 200

    def kept(self, *arguments: str, token: str = READER, **settings: str) -> subprocess.CompletedProcess[str]:
        """A command as a process of its own, with the readers' token."""
        environment = plain_environment() | {
            "KEPT_HISTORY": "influxdb", "KEPT_INFLUXDB_URL": self.server.url,
            "KEPT_CATALOGUE": str(self.init.catalogue),
            "KEPT_INFLUXDB_TOKEN_FILE": str(self.init.folder / token),
            "KEPT_SSL_CAFILE": str(self.authority.certificate), **settings,
        }  # fmt: skip
        return subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "command_line.main", *arguments],
            env=environment, capture_output=True, text=True, cwd=ROOT, timeout=60,
        )  # fmt: skip

    def show(self, certificate: Path, key: Path) -> None:
        """Start the server anew with another certificate, which may be one that nobody accepts."""
        assert self.server.tls is not None
        self.server.process.stop()
        shutil.copy(certificate, self.server.tls.certificate)
        shutil.copy(key, self.server.tls.key)
        self.server.process.start()
        assert wait_until_answers(self.server.port, time.monotonic() + 60), self.server.process.log_tail()


@pytest.fixture(scope="module")
def secured(influxd_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    secured = Secured(influxd_program, tmp_path_factory.mktemp("influxd-tls"))
    yield secured
    secured.server.process.stop()


def test_an_empty_server_is_set_up_over_tls_with_the_step_that_compose_takes(secured: Secured) -> None:
    assert OF_COMPOSE == ["--setup"]
    made_with_the_server = ["is there", "is there"]
    states = ["made", *made_with_the_server, *(["made"] * 4)]
    assert [(step["kind"], step["state"]) for step in secured.steps] == list(zip(["server", *ALL], states, strict=True))
    assert secured.init.states() == [(kind, "is there") for kind in ALL]


def test_what_the_writer_writes_over_tls_commands_read_with_the_readers_token(secured: Secured) -> None:
    with closing(secured.init.history(WRITER)) as history:
        history.write([point(service="street-lights", window_end=int(time.time()))])
    read = secured.kept("indicators", "street-lights", "--json", "--window", "28d")
    assert read.returncode == 0, read.stderr
    assert json.loads(read.stdout)["indicator"] == "promise_kept"


EVERYBODY = {
    "make a bucket": ("POST", "/api/v2/buckets", {"orgID": "{org}", "name": "mine"}),
    "make a token": (
        "POST",
        "/api/v2/authorizations",
        {"orgID": "{org}", "permissions": [{"action": "write", "resource": {"type": "buckets"}}]},
    ),
    "make a user": ("POST", "/api/v2/users", {"name": "me"}),
    "make an organization": ("POST", "/api/v2/orgs", {"name": "mine"}),
    "rename the organization": ("PATCH", "/api/v2/orgs/{org}", {"name": "mine"}),
    "make a task": ("POST", "/api/v2/tasks", {"orgID": "{org}", "flux": 'option task = {name: "x", every: 1h}'}),
    "take a backup": ("GET", "/api/v2/backup/metadata", None),
    "read the server's settings": ("GET", "/api/v2/config", None),
    "write to a bucket of others": ("POST", "/api/v2/write?org=kept&bucket=other", "m f=1"),
    "delete points of others": ("POST", "/api/v2/delete?org=kept&bucket=other", LONG_AGO),
    "delete a bucket of others": ("DELETE", "/api/v2/buckets/{other}", None),
    "write days": ("POST", "/api/v2/write?org=kept&bucket=kept_daily", "m f=1"),
    "delete days": ("POST", "/api/v2/delete?org=kept&bucket=kept_daily", LONG_AGO),
    "change the bucket of days": ("PATCH", "/api/v2/buckets/{kept_daily}", {"description": "mine"}),
    "delete the bucket of days": ("DELETE", "/api/v2/buckets/{kept_daily}", None),
}
"""What neither token may."""
WRITER_ALONE = {
    "write": ("POST", "/api/v2/write?org=kept&bucket=kept", "m f=1"),
    "delete points": ("POST", "/api/v2/delete?org=kept&bucket=kept", LONG_AGO),
    # InfluxDB knows no smaller right than this: who may write to a bucket may also change and delete it.
    "change its bucket": ("PATCH", "/api/v2/buckets/{kept}", {"description": "mine"}),
}
REFUSED = {401, 403, 404, 500}
"""A task that may not be made is an internal error, by InfluxDB 2.7."""


@pytest.mark.parametrize("what", EVERYBODY)
@pytest.mark.parametrize("token", [WRITER, READER])
def test_neither_token_may_do_what_is_not_its_work(secured: Secured, token: str, what: str) -> None:
    method, path, body = EVERYBODY[what]
    assert secured.status(token, method, path, body) in REFUSED


@pytest.mark.parametrize("what", WRITER_ALONE)
def test_the_reader_changes_nothing_that_the_writer_may(secured: Secured, what: str) -> None:
    method, path, body = WRITER_ALONE[what]
    assert secured.status(READER, method, path, body) in REFUSED
    assert secured.status(READER, "DELETE", "/api/v2/buckets/{kept}") in REFUSED
    written_as_json = what == "write"  # which is no line, and refused for that alone: the right was there
    assert secured.status(WRITER, method, path, body) == (400 if written_as_json else 200)


@pytest.mark.parametrize(("token", "sees"), [(WRITER, {"kept"}), (READER, {"kept", "kept_daily"})])
def test_each_token_sees_its_buckets_and_nothing_else(secured: Secured, token: str, sees: set[str]) -> None:
    bearer = Server(secured.server.url, secured.init.token(token))
    bearer.tls = secured.server.tls
    assert {each["name"] for each in bearer.ask("GET", "/api/v2/buckets?org=kept")["buckets"]} == sees
    for kind in ("authorizations", "users", "tasks", "dashboards"):
        assert bearer.ask("GET", f"/api/v2/{kind}")[kind] == []
    for bucket in {"kept", "kept_daily", "other", "_monitoring"} - sees:
        with (
            closing(secured.init.history(token, bucket)) as history,
            pytest.raises(Stop, match="the token may not see it"),
        ):
            history.services()


# What a command says of a server that it must not trust, and what is wrong there.
DISTRUSTED = {
    "another authority": ({"KEPT_SSL_CAFILE": "{other}"}, "authority that is not trusted .*KEPT_SSL_CAFILE"),
    "the system's authorities": ({"KEPT_SSL_CAFILE": ""}, "trusted are those of the system"),
    "another host": ({"KEPT_INFLUXDB_URL": "https://localhost:{port}"}, "is for another host .*KEPT_INFLUXDB_URL"),
    "http": (
        {"KEPT_INFLUXDB_URL": "http://127.0.0.1:{port}", "KEPT_SSL_CAFILE": ""},
        "it speaks TLS there; let KEPT_INFLUXDB_URL begin with https",
    ),
    "http, although an authority is named": (
        {"KEPT_INFLUXDB_URL": "http://127.0.0.1:{port}"},
        "KEPT_SSL_CAFILE is set, but .* no address begins with https",
    ),
}


@pytest.mark.parametrize("what", DISTRUSTED)
def test_a_server_that_is_not_to_be_trusted_is_given_no_token(secured: Secured, what: str) -> None:
    told, says = DISTRUSTED[what]
    filled = {
        name: value.format(other=secured.other.certificate, port=secured.server.port) for name, value in told.items()
    }
    assert_refused(secured, says, **filled)


def test_a_certificate_that_has_expired_is_told(secured: Secured) -> None:
    assert secured.server.tls is not None
    right = [secured.server.tls.certificate.read_bytes(), secured.server.tls.key.read_bytes()]
    secured.show(*secured.authority.issue("late", f"IP:{LOOPBACK}", expired=True))
    try:
        assert_refused(secured, "its certificate is out of date .*renew it")
    finally:
        secured.server.process.stop()
        secured.server.tls.certificate.write_bytes(right[0])
        secured.server.tls.key.write_bytes(right[1])
        secured.server.start()


def assert_refused(secured: Secured, says: str, **settings: str) -> None:
    """Reading and setting up each end with 2 and one line."""
    init = ["influx", "init", "--token-file", str(secured.init.token_file), "--folder", str(secured.init.folder)]
    for words in (["indicators", "street-lights"], init):
        ended = secured.kept(*words, **settings)
        assert ended.returncode == 2
        assert re.search(f"^kept: .*{says}", ended.stderr.splitlines()[-1]), ended.stderr
        assert "Traceback" not in ended.stderr
        for token in (secured.init.token(READER), secured.server.token):
            assert token not in ended.stderr + ended.stdout


def test_points_for_a_port_that_asks_for_tls_are_not_put_aside_as_unreadable(secured: Secured) -> None:
    """The server answers 400, as it does to a line that is none."""
    connection = InfluxConnection(f"http://{LOOPBACK}:{secured.server.port}", "kept", secured.init.token(WRITER))
    with closing(InfluxHistory(connection, "kept")) as history:
        with pytest.raises(Stop, match="it speaks TLS there"):
            history.write([point()])
        assert dict(history.refused()) == {}


def test_a_server_that_speaks_no_tls_is_tried_again(influxd: Server) -> None:
    url = influxd.url.replace("http:", "https:")
    with (
        closing(InfluxConnection(url, influxd.org, influxd.token)) as connection,
        pytest.raises(Retry, match="it does not speak TLS there"),
    ):
        connection.query("buckets()", {"bucket": "kept"})


@pytest.mark.parametrize("how", ["revoked", "deleted"])
def test_a_token_that_was_taken_back_is_told_and_a_new_one_takes_its_place(secured: Secured, how: str) -> None:
    points = [point(window_end=int(time.time()))]
    with closing(secured.init.history(WRITER)) as history:
        history.write(points)
        held = secured.server.ask("GET", "/api/v2/authorizations?org=kept")["authorizations"]
        (own,) = [each["id"] for each in held if each["token"] == secured.init.token(WRITER)]
        if how == "revoked":
            secured.server.ask("PATCH", f"/api/v2/authorizations/{own}", {"status": "inactive"})
        else:
            secured.server.ask("DELETE", f"/api/v2/authorizations/{own}")
        says = r"was taken back \(403\)" if how == "revoked" else r"is not valid \(401\)"
        with pytest.raises(Stop, match=rf"the token {says}; give .* KEPT_INFLUXDB_TOKEN_FILE"):
            history.write(points)
        with pytest.raises(Stop, match=r"the token may not see it|is not valid"):
            history.services()
        assert dict(history.refused()) == {}
    (step,) = [step for step in secured.init() if step["name"].endswith(WRITER)]
    assert (step["state"], "did not work" in step["remark"]) == ("made", True)
    with closing(secured.init.history(WRITER)) as history:
        history.write(points)
