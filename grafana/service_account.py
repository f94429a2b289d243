"""The service account with which Kept writes annotations into Grafana: made through the HTTP interface, once.

Grafana reads data sources and dashboards from files, but no service accounts: someone who may do so has to ask for it.
Documented for Grafana 10 to 12: https://grafana.com/docs/grafana/latest/developers/http_api/serviceaccount/
"""

from __future__ import annotations

import base64
import json
from typing import Any, Literal
from urllib.parse import quote

import urllib3
from msgspec import Struct

from kept.errors import KeptError, Retry, Stop

ACCOUNT = "kept"
TOKEN = "kept-annotations"  # noqa: S105 - what the token is called, not the token
ROLE: Literal["Editor"] = "Editor"
"""The least of Grafana's basic roles that may write annotations of the organization."""
TIMEOUT_SECONDS = 10.0
SHOWN_CHARACTERS = 200


class MadeToken(Struct, frozen=True):
    """A token of the account; `account_made` when the account was not there before, `replaced` old tokens removed."""

    token: str
    account_made: bool
    replaced: int

    def __repr__(self) -> str:
        """Without the token."""
        return f"MadeToken(account_made={self.account_made}, replaced={self.replaced})"


class GrafanaAccounts:
    """Grafana's accounts, asked with the name and password of an administrator."""

    def __init__(self, url: str, username: str, password: str, *, ca_file: str | None = None) -> None:
        """`url` without a path of the interface; with https `ca_file` has the authorities to trust."""
        self._url = url.rstrip("/")
        login = base64.b64encode(f"{username}:{password}".encode()).decode()
        self._login = {"authorization": f"Basic {login}"}
        self._http = urllib3.PoolManager(timeout=TIMEOUT_SECONDS, retries=False, ca_certs=ca_file)

    def works(self, token: str) -> bool:
        """Whether Grafana takes `token` for reading annotations. Raises `Retry` when Grafana does not answer."""
        status, answer = self._ask("GET", "/api/annotations?limit=1", headers={"Authorization": f"Bearer {token}"})
        if status in (401, 403):
            return False
        if status != 200:
            raise self._refused("read annotations", status, answer)
        return True

    def make_token(self) -> MadeToken:
        """Make a token of the account, and the account if need be; tokens of that name that were there are removed.

        Raises `Stop` when the administrator is not taken for one, `Retry` when Grafana does not answer.
        """
        found = self._account()
        account = self._made_account() if found is None else found
        replaced = 0 if found is None else self._remove_tokens(account)
        status, answer = self._ask("POST", f"/api/serviceaccounts/{account}/tokens", {"name": TOKEN})
        if status not in (200, 201) or not isinstance(answer, dict) or not answer.get("key"):
            raise self._refused("make a token", status, answer)
        return MadeToken(str(answer["key"]), found is None, replaced)

    def close(self) -> None:
        """End the connections."""
        self._http.clear()

    def _account(self) -> int | None:
        """Number of the account; None when there is none. A role that somebody changed is set again."""
        status, answer = self._ask("GET", f"/api/serviceaccounts/search?perpage=100&query={quote(ACCOUNT)}")
        if status != 200 or not isinstance(answer, dict):
            raise self._refused("look for the service account", status, answer)
        for row in answer.get("serviceAccounts", []):
            if row["name"] != ACCOUNT:
                continue
            if row.get("role") != ROLE or row.get("isDisabled"):
                status, said = self._ask(
                    "PATCH", f"/api/serviceaccounts/{row['id']}", {"role": ROLE, "isDisabled": False}
                )
                if status != 200:
                    raise self._refused(f"give the service account the role {ROLE}", status, said)
            return int(row["id"])
        return None

    def _made_account(self) -> int:
        body = {"name": ACCOUNT, "role": ROLE, "isDisabled": False}
        status, answer = self._ask("POST", "/api/serviceaccounts", body)
        if status not in (200, 201) or not isinstance(answer, dict):
            raise self._refused("make the service account", status, answer)
        return int(answer["id"])

    def _remove_tokens(self, account: int) -> int:
        status, answer = self._ask("GET", f"/api/serviceaccounts/{account}/tokens")
        if status != 200 or not isinstance(answer, list):
            raise self._refused("list the tokens", status, answer)
        ours = [row["id"] for row in answer if row["name"] == TOKEN]
        for number in ours:
            status, said = self._ask("DELETE", f"/api/serviceaccounts/{account}/tokens/{number}")
            if status != 200:
                raise self._refused("remove an old token", status, said)
        return len(ours)

    def _ask(
        self, method: str, path: str, body: dict[str, Any] | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        sent = {"Accept": "application/json", "Content-Type": "application/json", **(headers or self._login)}
        try:
            answer = self._http.request(
                method, self._url + path, body=None if body is None else json.dumps(body), headers=sent, redirect=False
            )
        except urllib3.exceptions.HTTPError as error:
            raise Retry(f"Grafana {self._url}: does not answer; start it, or name another address") from error
        try:
            return answer.status, answer.json()
        except ValueError:
            return answer.status, answer.data.decode("utf-8", "replace")

    def _refused(self, doing: str, status: int, answer: Any) -> KeptError:
        said = answer.get("message", "") if isinstance(answer, dict) else str(answer)
        words = f"Grafana {self._url}: could not {doing} ({status} {said[:SHOWN_CHARACTERS]})"
        if status in (401, 403):
            return Stop(f"{words}; the administrator's name and password must be those of Grafana")
        return Retry(f"{words}; try again") if status >= 500 else Stop(words)
