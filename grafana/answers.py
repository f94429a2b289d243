"""What Grafana's answers mean for Kept: the one place in which a status or a broken connection becomes an error.

No message repeats what was sent: the token is in the headers of a request, and some clients' errors quote them.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import requests

from kept.errors import ConfigurationError, KeptError, Retry, Stop

RETRY_STATUS: Final = frozenset({408, 425, 429})
"""Statuses below 500 after which the same request may succeed; so may it after all of 500 and more."""
CHANGED_STATUS: Final = frozenset({409, 412})
"""Precondition failed; Grafana's newer storage says conflict."""
MOST_SAID: Final = 300
"""Characters of Grafana's own words that are repeated."""
PROVISIONED: Final = "provisioned dashboard"
"""In what Grafana says when a dashboard from a file is to be saved or deleted."""
TO_FREE: Final = (
    "it comes from a provisioning file, and Grafana takes it from there alone. Change the file (`kept grafana generate "
    "--output FOLDER`; Grafana reads it by itself), or take it out of the provisioning, then publish"
)
_ABSENT = re.compile(r"\b(dashboard|folder|annotation)\b.*not found|could not find", re.IGNORECASE)
_NEEDED = re.compile(r"Permissions needed: (.+)", re.DOTALL)


class Answered(Exception):
    """An answer that is no success: `status`, Grafana's `word` for it such as `version-mismatch`, and what it said."""

    def __init__(self, status: int, *, word: str = "", said: str = "", leads_to: str = "") -> None:
        super().__init__(f"{status} {word or said}")
        self.status = status
        self.word = word
        self.said = said
        self.leads_to = leads_to
        """Of a redirect: where to."""

    def is_changed_meanwhile(self) -> bool:
        """Whether somebody else has written since the version that was sent was read."""
        return self.word == "version-mismatch" or self.status == HTTPStatus.CONFLICT

    def is_absent(self) -> bool:
        """Whether what was asked for is not there. Of an address that is not Grafana's all is 404, in other words."""
        return self.status == HTTPStatus.NOT_FOUND and (self.word == "not-found" or bool(_ABSENT.search(self.said)))


def answered(response: requests.Response) -> Answered:
    """What an answer that is no success says."""
    word = ""
    try:
        body = response.json()
    except ValueError:
        # Not of Grafana, but of something before it; a page of HTML tells a reader nothing.
        said = HTTPStatus(response.status_code).phrase if response.status_code in set(HTTPStatus) else ""
    else:
        fields = body if isinstance(body, dict) else {}
        word, said = str(fields.get("status", "")), str(fields.get("message", ""))
    return Answered(
        response.status_code, word=word, said=_one_line(said), leads_to=_place(response.headers.get("Location", ""))
    )


def error_of_answer(server: str, doing: str, permission: str, answer: Answered) -> KeptError:
    """The verb for an answer that is no success to someone who was `doing` what needs `permission`."""
    status, said = answer.status, f"{answer.status} {answer.word or answer.said}".strip()
    if status < 400:
        to = f" to {answer.leads_to}" if answer.leads_to else ""
        return ConfigurationError(
            f"{server}: redirects{to} ({status}); the token is not taken there. Set KEPT_GRAFANA_URL to the address "
            "that Grafana itself has (`root_url`), with https and its path"
        )
    if status in RETRY_STATUS or status >= 500:
        return Retry(f"{server}: could not {doing} ({said}); try again")
    if status == 401:
        return ConfigurationError(
            f"{server}: the token is not valid, or has expired (401); make a new one for the service account and put "
            "it into the file of KEPT_GRAFANA_TOKEN_FILE"
        )
    if status == 403:
        needed = _NEEDED.search(answer.said)
        return Stop(
            f"{server}: the token may not {doing} (403); its service account needs the permission "
            f"{needed[1] if needed else permission}, which the role Editor has"
        )
    if status == 404:
        return ConfigurationError(
            f"{server}: could not {doing}: nothing there (404); set KEPT_GRAFANA_URL to Grafana's address, with the "
            "path it is served under"
        )
    if PROVISIONED in answer.said.lower():
        return Stop(f"{server}: could not {doing}: {TO_FREE}")
    if answer.word == "plugin-dashboard":
        return Stop(f"{server}: could not {doing}: a plugin owns it ({answer.said}); publish under another uid")
    if answer.word == "name-exists":
        return Stop(
            f"{server}: could not {doing}: its folder has another dashboard of this title; rename or delete that one"
        )
    if answer.is_changed_meanwhile():
        return Stop(f"{server}: could not {doing}: somebody else has changed it meanwhile ({said}); run it again")
    return Stop(f"{server}: could not {doing} ({status} {answer.said or answer.word}); is it Grafana 10 or later?")


def error_of_network(server: str, doing: str, error: requests.RequestException) -> KeptError:
    """The verb for a request without a whole answer. Not one word of `error` is repeated."""
    if isinstance(error, requests.exceptions.SSLError):
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return ConfigurationError(
                f"{server}: its certificate is not trusted; name a file with the right ones in KEPT_SSL_CAFILE"
            )
        return ConfigurationError(f"{server}: does not speak TLS as it should; is KEPT_GRAFANA_URL right with https?")
    if isinstance(error, requests.exceptions.JSONDecodeError):
        return Stop(f"{server}: could not {doing}: its answer is not JSON; set KEPT_GRAFANA_URL to Grafana's address")
    if isinstance(error, requests.Timeout):
        return Retry(f"{server}: could not {doing}: no answer in time; try again")
    if isinstance(
        error,
        requests.ConnectionError | requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError,
    ):
        return Retry(f"{server}: could not {doing}: it cannot be reached, or the connection broke off; try again")
    return ConfigurationError(f"{server}: not a usable address ({type(error).__name__}); set KEPT_GRAFANA_URL")


def not_as_documented(server: str, doing: str, why: object) -> KeptError:
    """The verb for an answer whose JSON is not of the documented shape."""
    return Stop(f"{server}: could not {doing}: not what Grafana answers ({why}); set KEPT_GRAFANA_URL to its address")


def _one_line(text: str) -> str:
    plain = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return plain if len(plain) <= MOST_SAID else f"{plain[:MOST_SAID]}…"


def _place(location: str) -> str:
    """Scheme, host and path of an address; neither its query nor a name and password in it."""
    try:
        parts = urlsplit(location)
    except ValueError:
        return ""
    host = parts.netloc.rpartition("@")[2]
    return _one_line(f"{parts.scheme}://{host}{parts.path}" if host else parts.path)
