"""A connection to Grafana's HTTP API by a service account's token, over grafana-api. Every failure is a `KeptError`.

What grafana-api 1.0.3 leaves to its caller, and is done here: a redirect would be followed, and a POST become a GET
that looks like success; an error whose body is a text with the word `message` raises `TypeError`; environment
variables name proxies and authorities; nothing in a path or query is quoted; a search knows neither folder uids nor
pages, and `type` of an annotation search raises `TypeError`. It logs nothing; neither does this.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec
import requests
from grafana_api.grafana_face import GrafanaFace  # type: ignore[import-untyped]
from msgspec import Struct, field

from grafana.answers import CHANGED_STATUS, Answered, answered, error_of_answer, error_of_network, not_as_documented
from kept.errors import ConfigurationError, Retry, Stop
from kept.settings import VISIBLE_ASCII

TIMEOUT_SECONDS: Final = 10.0
"""How long to wait for a connection, and for each next part of an answer."""
PAGE: Final = 1000
"""Dashboards, or annotations, asked for at once."""
SHORTEST_MS: Final = 3_600_000
"""A shorter time is not halved."""

T = TypeVar("T")


class Folder(Struct, frozen=True):
    """A folder of dashboards."""

    uid: str
    title: str


class Listed(Struct, frozen=True, rename="camel"):
    """A dashboard as a search lists it."""

    uid: str
    title: str = ""
    folder_uid: str = ""


class Meta(Struct, frozen=True, rename="camel"):
    """What Grafana says of a dashboard beside its model."""

    folder_uid: str = ""
    provisioned: bool = False


class Stored(Struct, frozen=True):
    """A dashboard as Grafana has it; `dashboard` is its model with `id`, `uid` and `version`."""

    dashboard: dict[str, Any]
    meta: Meta = Meta()

    @property
    def version(self) -> int:
        """Counts up with each time that it is saved."""
        version = self.dashboard.get("version", 0)
        return version if isinstance(version, int) else 0


class Marked(Struct, frozen=True):
    """An annotation as Grafana has it; times in ms."""

    id: int
    time: int
    text: str = ""
    tags: list[str] | None = None
    time_end: int = field(name="timeEnd", default=0)
    alert_id: int = field(name="alertId", default=0)
    dashboard_id: int = field(name="dashboardId", default=0)
    dashboard_uid: str | None = field(name="dashboardUID", default=None)

    def is_of_organization(self) -> bool:
        """Whether people or programs set it for all dashboards: not of one, and not of an alert's state."""
        return not (self.alert_id or self.dashboard_id or self.dashboard_uid)


class GrafanaConnection:
    """One server and token."""

    def __init__(
        self, url: str, token: str, *, ca_file: str | None = None, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        """Makes no contact yet. `ca_file`: certificates to trust, None means those of the system."""
        if not re.fullmatch(VISIBLE_ASCII, token):
            raise ConfigurationError("KEPT_GRAFANA_TOKEN: not a token; valid: one line of visible ASCII characters")
        self.server = f"Grafana {url}"
        self._token = token
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise ConfigurationError(f"{self.server}: not a usable address; set KEPT_GRAFANA_URL") from error
        path = parts.path.strip("/")
        self._face = GrafanaFace(
            token,
            protocol=parts.scheme,
            host=parts.netloc,
            url_path_prefix=f"{path}/" if path else "",
            verify=_authorities(self.server, ca_file),
            timeout=timeout_seconds,
        )
        session: requests.Session = self._face.api.s
        session.trust_env = False
        session.hooks["response"].append(self._refuse)

    def folder(self, uid: str) -> Folder | None:
        """The folder, None when there is none."""
        asked = partial(self._face.folder.get_folder, _segment(uid))
        return self._absent_or(asked, f"read the folder {uid}", "folders:read", Folder)

    def create_folder(self, uid: str, title: str) -> None:
        """Make a folder at the top; one that somebody else has made meanwhile is as good."""
        doing = f"make the folder {uid}"
        try:
            self._call(partial(self._face.folder.create_folder, title, uid), doing)
        except Answered as answer:
            if answer.status not in CHANGED_STATUS:
                raise error_of_answer(self.server, doing, "folders:create", answer) from answer
            if self.folder(uid) is None:
                raise Stop(
                    f"{self.server}: could not {doing}: another folder has the title {title!r}; rename it"
                ) from answer

    def dashboard(self, uid: str) -> Stored | None:
        """The dashboard, None when there is none."""
        asked = partial(self._face.dashboard.get_dashboard, _segment(uid))
        return self._absent_or(asked, f"read the dashboard {uid}", "dashboards:read", Stored)

    def save(self, model: dict[str, Any], *, folder: str, version: int | None, overwrite: bool, message: str) -> bool:
        """Save a dashboard over the `version` that was read (None: there was none); False when it is no longer that.

        With `overwrite` it is saved whatever the version is now.
        """
        dashboard = {**model, "id": None} | ({} if version is None else {"version": version})
        body = {"dashboard": dashboard, "folderUid": folder, "overwrite": overwrite, "message": message}
        doing = f"save the dashboard {model.get('uid')}"
        try:
            self._call(partial(self._face.dashboard.update_dashboard, body), doing)
        except Answered as answer:
            if answer.is_changed_meanwhile():
                return False
            raise error_of_answer(self.server, doing, "dashboards:create and dashboards:write", answer) from answer
        return True

    def delete_dashboard(self, uid: str) -> None:
        """Delete a dashboard; one that is gone already is as good."""
        asked = partial(self._face.dashboard.delete_dashboard, _segment(uid))
        self._absent_or(asked, f"delete the dashboard {uid}", "dashboards:delete", dict[str, Any])

    def dashboards_in(self, folder: str) -> list[Listed]:
        """All dashboards of a folder that the token may see."""
        found: list[Listed] = []
        page = 0
        while len(found) == page * PAGE:
            page += 1
            query = urlencode({"type": "dash-db", "folderUIDs": folder, "limit": PAGE, "page": page})
            asked = partial(self._face.api.GET, f"/search?{query}")
            found += self._asked(asked, f"list the folder {folder}", "dashboards:read", list[Listed])
        return [one for one in found if one.folder_uid == folder]

    def annotations(self, tags: Sequence[str], *, between_ms: tuple[int, int] | None = None) -> list[Marked]:
        """Annotations of the organization with all of `tags`, by id; `between_ms`: those that touch this time.

        Grafana gives the latest so many and has no pages. So a time with a full answer is halved; where that would not
        help, because most of them last through its middle or it is short already, more are asked for at once.
        """
        found: dict[int, Marked] = {}
        asked = [(between_ms, PAGE)]
        while asked:
            between, limit = asked.pop()
            some = self._annotations(tags, between, limit)
            if len(some) < limit:
                found |= {one.id: one for one in some}
                continue
            middle = 0 if between is None else sum(between) // 2
            spanning = sum(one.time <= middle < one.time_end for one in some)
            if between is None or between[1] - between[0] < SHORTEST_MS or 2 * spanning >= limit:
                asked.append((between, limit * 2))
            else:
                asked += [((between[0], middle), limit), ((middle + 1, between[1]), limit)]
        return [one for _, one in sorted(found.items()) if one.is_of_organization()]

    def _annotations(self, tags: Sequence[str], between: tuple[int, int] | None, limit: int) -> list[Marked]:
        first, last = (None, None) if between is None else (max(between[0], 1), max(between[1], 1))
        quoted = [quote(tag, safe="") for tag in tags]
        asked = partial(self._face.annotations.get_annotation, first, last, tags=quoted, limit=limit)
        return self._asked(asked, "read annotations", "annotations:read", list[Marked])

    def add_annotation(self, time_ms: int, end_ms: int, tags: Sequence[str], text: str) -> None:
        """Set an annotation of the organization."""
        add = self._face.annotations.add_annotation
        asked = partial(add, time_from=time_ms, time_to=end_ms, tags=list(tags), text=text)
        self._asked(asked, "set an annotation", "annotations:create", dict[str, Any])

    def update_annotation(self, number: int, time_ms: int, end_ms: int, tags: Sequence[str], text: str) -> None:
        """Put new contents into an annotation; raises `Retry` when it is gone."""
        update = self._face.annotations.update_annotation
        asked = partial(update, number, time_from=time_ms, time_to=end_ms, tags=list(tags), text=text)
        if self._absent_or(asked, "change an annotation", "annotations:write", dict[str, Any]) is None:
            raise Retry(f"{self.server}: somebody has deleted the annotation {number} meanwhile; try again")

    def delete_annotation(self, number: int) -> None:
        """Delete an annotation; one that is gone already is as good."""
        asked = partial(self._face.annotations.delete_annotations_by_id, number)
        self._absent_or(asked, "delete an annotation", "annotations:delete", dict[str, Any])

    def close(self) -> None:
        """Release the connection; idempotent."""
        self._face.api.s.close()

    def _asked(self, ask: Callable[[], Any], doing: str, permission: str, type: type[T]) -> T:
        try:
            return self._shaped(self._call(ask, doing), doing, type)
        except Answered as answer:
            raise error_of_answer(self.server, doing, permission, answer) from answer

    def _absent_or(self, ask: Callable[[], Any], doing: str, permission: str, type: type[T]) -> T | None:
        """As `_asked`, but None when Grafana itself says that there is none."""
        try:
            return self._shaped(self._call(ask, doing), doing, type)
        except Answered as answer:
            if answer.is_absent():
                return None
            raise error_of_answer(self.server, doing, permission, answer) from answer

    def _shaped(self, given: Any, doing: str, type: type[T]) -> T:
        try:
            return msgspec.convert(given, type)
        except msgspec.ValidationError as error:
            raise not_as_documented(self.server, doing, error) from error

    def _call(self, ask: Callable[[], Any], doing: str) -> Any:
        try:
            return ask()
        except requests.RequestException as error:
            raise error_of_network(self.server, doing, error) from None

    def _refuse(self, response: requests.Response, *_: Any, **__: Any) -> None:
        """Called with each answer before a redirect is followed and before grafana-api reads it."""
        if not 200 <= response.status_code < 300:
            answer = answered(response)
            answer.said = answer.said.replace(self._token, "…")
            raise answer


def _authorities(server: str, ca_file: str | None) -> str | bool:
    """What requests is to trust; its own default is a list that comes with it, not that of the system."""
    system = ssl.get_default_verify_paths()
    if ca_file is None:
        return system.cafile or system.capath or True
    try:
        ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{server}: KEPT_SSL_CAFILE {ca_file!r} cannot be used: {error}") from error
    return ca_file


def _segment(uid: str) -> str:
    return quote(uid, safe="")
