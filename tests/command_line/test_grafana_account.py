"""`kept grafana account` against a server that answers as Grafana's documentation says; no live Grafana was asked."""

from __future__ import annotations

import base64
import json
import re
import stat
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from command_line.main import app
from grafana.service_account import GrafanaAccounts, MadeToken
from history.influxdb_setup import set_mode
from kept.errors import ConfigurationError, Retry, Stop
from local_stack.ports import LOOPBACK, free_port

PASSWORD = "the administrators own"


class Grafana:
    """Service accounts, their tokens, and annotations for whoever has one that is valid."""

    def __init__(self) -> None:
        self.accounts: dict[int, dict[str, Any]] = {}
        self.tokens: dict[int, dict[str, Any]] = {}
        self.made = 0
        self.broken = False

    def answer(self, method: str, path: str, authorization: str, body: Any) -> tuple[int, Any]:
        if self.broken:
            return 502, {"message": "bad gateway"}
        if path.startswith("/api/annotations"):
            known = any(authorization == f"Bearer {token['key']}" for token in self.tokens.values())
            return (200, []) if known else (401, {"message": "Invalid API key"})
        login = "Basic " + base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
        if authorization != login:
            return 401, {"message": "Invalid username or password"}
        if method == "GET" and (query := re.fullmatch(r"/api/serviceaccounts/search\?perpage=\d+&query=(\w+)", path)):
            found = [account for account in self.accounts.values() if query[1] in account["name"]]
            return 200, {"totalCount": len(found), "serviceAccounts": found}
        if method == "POST" and path == "/api/serviceaccounts":
            if any(account["name"] == body["name"] for account in self.accounts.values()):
                return 400, {"message": "service account already exists"}
            return 201, self.add(body["name"], body["role"], disabled=body["isDisabled"])
        found_account = re.fullmatch(r"/api/serviceaccounts/(\d+)(/tokens(?:/(\d+))?)?", path)
        if found_account is None or int(found_account[1]) not in self.accounts:
            return 404, {"message": "service account not found"}
        account = int(found_account[1])
        if method == "PATCH" and found_account[2] is None:
            self.accounts[account].update(body)
            return 200, {"message": "Service account updated"}
        if method == "GET":
            return 200, [
                {"id": number, "name": token["name"]}
                for number, token in self.tokens.items()
                if token["account"] == account
            ]
        if method == "DELETE":
            del self.tokens[int(found_account[3])]
            return 200, {"message": "API key deleted"}
        if any(token["name"] == body["name"] and token["account"] == account for token in self.tokens.values()):
            return 409, {"message": "service account token with given name already exists in the organization"}
        self.made += 1
        self.tokens[self.made] = {"account": account, "name": body["name"], "key": f"glsa_secret{self.made}"}
        return 200, {"id": self.made, "name": body["name"], "key": f"glsa_secret{self.made}"}

    def add(self, name: str, role: str, *, disabled: bool = False) -> dict[str, Any]:
        number = len(self.accounts) + 1
        self.accounts[number] = {"id": number, "name": name, "role": role, "isDisabled": disabled}
        return self.accounts[number]


class Running:
    """The command for one such server, with a folder for its files."""

    def __init__(self, url: str, grafana: Grafana, folder: Path) -> None:
        self.url, self.grafana, self.folder = url, grafana, folder
        self.token_file = folder / "tokens" / "annotations.token"
        (folder / "password").write_text(PASSWORD + "\n")

    def __call__(self, *more: str) -> str:
        result = CliRunner().invoke(
            app,
            ["grafana", "account", "--password-file", str(self.folder / "password"),
             "--token-file", str(self.token_file), *more],
            env={"KEPT_GRAFANA_URL": self.url, "KEPT_GRAFANA_TOKEN_FILE": str(self.token_file)},
        )  # fmt: skip
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    def token(self) -> str:
        return self.token_file.read_text().strip()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    grafana = Grafana()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, said = grafana.answer(self.command, self.path, self.headers["Authorization"], body)
            data = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815

        def log_message(self, *arguments: Any) -> None:
            return

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Running(f"http://{LOOPBACK}:{server.server_port}", grafana, tmp_path)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_the_account_is_an_editor_and_its_token_is_in_the_file_alone(running: Running) -> None:
    said = running()
    (account,) = running.grafana.accounts.values()
    assert (account["name"], account["role"]) == ("kept", "Editor")
    (token,) = running.grafana.tokens.values()
    assert running.token() == token["key"]
    assert stat.S_IMODE(running.token_file.stat().st_mode) == 0o600
    assert token["key"] not in said
    assert PASSWORD not in said
    assert "secret" not in repr(MadeToken(token["key"], True, 0))


def test_running_it_again_changes_nothing(running: Running) -> None:
    running()
    before = (running.token(), dict(running.grafana.tokens))
    assert "is there" in running("--group-reads")
    assert (running.token(), running.grafana.tokens) == before
    assert stat.S_IMODE(running.token_file.stat().st_mode) == 0o640


def test_a_token_that_was_lost_or_taken_back_is_replaced(running: Running) -> None:
    running()
    lost = running.token()
    running.token_file.unlink()
    assert "1 older removed" in running()
    assert running.token() != lost
    assert [token["key"] for token in running.grafana.tokens.values()] == [running.token()]
    running.grafana.tokens.clear()
    running()
    assert [token["key"] for token in running.grafana.tokens.values()] == [running.token()]
    assert len(running.grafana.accounts) == 1


def test_tokens_and_accounts_of_others_are_left_alone(running: Running) -> None:
    other = running.grafana.add("kept-others", "Viewer")
    ours = running.grafana.add("kept", "Viewer", disabled=True)
    running.grafana.made = 7
    running.grafana.tokens[7] = {"account": ours["id"], "name": "by-hand", "key": "glsa_byhand"}
    running()
    assert running.grafana.tokens[7]["key"] == "glsa_byhand"
    assert other == {"id": other["id"], "name": "kept-others", "role": "Viewer", "isDisabled": False}
    assert (ours["role"], ours["isDisabled"]) == ("Editor", False)


def test_a_wrong_password_is_told_without_it(running: Running) -> None:
    (running.folder / "password").write_text("not it")
    with pytest.raises(Stop, match="could not look for the service account \\(401 Invalid username") as refused:
        running()
    assert "not it" not in str(refused.value)
    assert not running.token_file.exists()


def test_a_missing_password_file_is_a_mistake_of_the_configuration(running: Running) -> None:
    (running.folder / "password").unlink()
    with pytest.raises(ConfigurationError, match="password: cannot be read"):
        running()


def test_what_may_pass_is_worth_another_try(running: Running) -> None:
    running.grafana.broken = True
    with pytest.raises(Retry, match="502"):
        running()
    away = GrafanaAccounts(f"http://{LOOPBACK}:{free_port()}", "admin", PASSWORD)
    with pytest.raises(Retry, match="does not answer"):
        away.make_token()
    away.close()


def test_a_token_that_works_is_not_removed_before_there_is_a_place_for_the_next(running: Running) -> None:
    running()
    held = dict(running.grafana.tokens)
    running.token_file = running.token_file / "below" / "a-file.token"
    with pytest.raises(Stop, match="cannot be made: Not a directory; name another place"):
        running()
    assert running.grafana.tokens == held


def test_whose_rights_may_not_be_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(Stop, match=r"gone\.token: its rights cannot be set: No such file"):
        set_mode(tmp_path / "gone.token", 0o600)


def test_a_password_may_have_any_letters() -> None:
    accounts = GrafanaAccounts("http://127.0.0.1:1", "admin", "pä€ß")
    scheme, _, login = accounts._login["authorization"].partition(" ")
    assert (scheme, base64.b64decode(login).decode("utf-8")) == ("Basic", "admin:pä€ß")
