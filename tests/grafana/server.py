"""A small Grafana for tests: the parts of its HTTP API that Kept uses, as strict as it is documented, on loopback.

Sources, as of Grafana 9 to 11: its documentation `developers/http_api/` (dashboard, folder, folder_dashboard_search,
annotations: paths, parameters, status codes, `overwrite`, who needs which permission) and, where that is silent, its
source: `pkg/services/dashboards/errors.go` (words and statuses), `pkg/services/dashboards/database` (which check is
first when a dashboard is saved; a known uid without an id is that dashboard; a version that is not the stored one is a
mismatch), `pkg/api/apierrors` (bodies), `pkg/services/annotations/annotationsimpl/xorm_store.go` (an annotation is
found when it touches the time asked for, and only when both ends are given; the latest end first, 100 unless a limit
says otherwise, no pages; no end means the beginning, a wrong order is turned round, tags have 500 bytes together, a tag
`a:b` is asked for whole or as `a`), `pkg/services/accesscontrol/middleware.go` (the words of a 403).
"""

from __future__ import annotations

import json
import re
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

VIEWER = frozenset({"folders:read", "dashboards:read", "annotations:read"})
EDITOR = VIEWER | {
    "folders:create", "dashboards:create", "dashboards:write", "dashboards:delete",
    "annotations:create", "annotations:write", "annotations:delete",
}  # fmt: skip
EDITOR_TOKEN = "glsa_editor0123456789_0badcafe"
VIEWER_TOKEN = "glsa_viewer0123456789_0badcafe"
NOW_MS = 1_772_668_800_000
MOST_TAG_BYTES = 500


class Answer(NamedTuple):
    status: int
    body: Any = None
    headers: Mapping[str, str] | None = None


class Asked(NamedTuple):
    method: str
    path: str
    token: str
    body: Any


class RefusedError(Exception):
    def __init__(self, code: int, message: str, **more: Any) -> None:
        self.answer = Answer(code, {"message": message, **more})


@dataclass
class Grafana:
    """The state, and what may go wrong: `before` is called with each request, and may answer in Grafana's place."""

    tokens: dict[str, frozenset[str]] = field(default_factory=lambda: {EDITOR_TOKEN: EDITOR, VIEWER_TOKEN: VIEWER})
    prefix: str = ""
    unique_titles: bool = False
    """As before Grafana 11: a folder has no two dashboards of one title."""
    folders: dict[str, str] = field(default_factory=dict)
    dashboards: dict[str, dict[str, Any]] = field(default_factory=dict)
    folder_of: dict[str, str] = field(default_factory=dict)
    provisioned: set[str] = field(default_factory=set)
    annotations: dict[int, dict[str, Any]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    before: Callable[[Asked], Answer | None] = lambda asked: None
    alter: Callable[[dict[str, Any]], dict[str, Any]] = lambda model: model
    """What the server makes of a dashboard that it stores."""
    url: str = ""
    numbers: int = 0

    def writes(self) -> list[Asked]:
        return [one for one in self.asked if one.method != "GET"]

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        instead = self.before(asked)
        if instead is not None:
            return instead
        parts = urlsplit(asked.path)
        if asked.token not in self.tokens:
            return Answer(401, {"message": "Invalid API key", "messageId": "api-key.invalid"})
        query = parse_qs(parts.query, keep_blank_values=True)
        for method, pattern, work in self._routes():
            match = re.fullmatch(self.prefix + "/api" + pattern, parts.path)
            if match and method == asked.method:
                try:
                    return work([unquote(group) for group in match.groups()], query, asked)
                except RefusedError as refused:
                    return refused.answer
        return Answer(404, {"message": "Not found"})

    def _routes(self) -> list[tuple[str, str, Callable[[list[str], dict[str, list[str]], Asked], Answer]]]:
        return [
            ("GET", "/folders/([^/]+)", self._get_folder),
            ("POST", "/folders", self._post_folder),
            ("GET", "/search", self._search),
            ("POST", "/dashboards/db", self._post_dashboard),
            ("GET", "/dashboards/uid/([^/]+)", self._get_dashboard),
            ("DELETE", "/dashboards/uid/([^/]+)", self._delete_dashboard),
            ("GET", "/annotations", self._get_annotations),
            ("POST", "/annotations", self._post_annotation),
            ("PUT", "/annotations/([0-9]+)", self._put_annotation),
            ("PATCH", "/annotations/([0-9]+)", self._patch_annotation),
            ("DELETE", "/annotations/([0-9]+)", self._delete_annotation),
        ]

    def _need(self, asked: Asked, permission: str) -> None:
        if permission not in self.tokens[asked.token]:
            raise RefusedError(
                403,
                f"You'll need additional permissions to perform this action. Permissions needed: {permission}",
                title="Access denied",
                accessErrorId="ACE0123456789",
            )

    def _get_folder(self, path: list[str], query: dict[str, list[str]], asked: Asked) -> Answer:
        self._need(asked, "folders:read")
        if path[0] not in self.folders:
            raise RefusedError(404, "folder not found", status="not-found")
        return Answer(200, {"id": 1, "uid": path[0], "title": self.folders[path[0]], "version": 1})

    def _post_folder(self, path: list[str], query: dict[str, list[str]], asked: Asked) -> Answer:
        self._need(asked, "folders:create")
        uid, title = asked.body.get("uid") or "made-up", asked.body.get("title")
        _check_uid(uid)
        if not title:
            raise RefusedError(400, "folder title cannot be empty")
        if uid in self.folders:
            raise RefusedError(412, "the folder has been changed by someone else", status="version-mismatch")
        if self.unique_titles and title in self.folders.values():
            raise RefusedError(409, "a folder with the same name already exists in the current location")
        self.folders[uid] = title
        return Answer(200, {"id": 1, "uid": uid, "title": title, "version": 1})

    def _search(self, path: list[str], query: dict[str, list[str]], asked: Asked) -> Answer:
        limit = min(int(query.get("limit", ["1000"])[0]), 5000)
        page = int(query.get("page", ["1"])[0])
        if "dash-folder" in query.get("type", []) or "dashboards:read" not in self.tokens[asked.token]:
            return Answer(200, [])
        folders = set(query.get("folderUIDs", []))
        found = [
            {"uid": uid, "title": model["title"], "type": "dash-db", "tags": model.get("tags", []), "isStarred": False}
            | ({"folderUid": self.folder_of[uid]} if self.folder_of[uid] else {})
            for uid, model in sorted(self.dashboards.items())
            if not folders or self.folder_of[uid] in folders
        ]
        return Answer(200, found[(page - 1) * limit : page * limit])

    def _post_dashboard(self, path: list[str], query: dict[str, list[str]], asked: Asked) -> Answer:
        body = asked.body
        model, overwrite, folder = body.get("dashboard"), bool(body.get("overwrite")), body.get("folderUid") or ""
        if not isinstance(model, dict):
            raise RefusedError(400, "bad request data")
        uid, number = model.get("uid") or "made-up", model.get("id")
        existing = self.dashboards.get(uid)
        self._need(asked, "dashboards:create" if existing is None else "dashboards:write")
        if not model.get("title"):
            raise RefusedError(400, "Dashboard title cannot be empty", status="empty-name")
        _check_uid(uid)
        if folder and folder not in self.folders:
            raise RefusedError(400, "folder not found")
        if number and not any(one["id"] == number for one in self.dashboards.values()):
            raise RefusedError(404, "Dashboard not found", status="not-found")
        if number and existing is not None and existing["id"] != number:
            raise RefusedError(400, "A dashboard with the same uid already exists")
        if existing is not None and model.get("version", 0) != existing["version"] and not overwrite:
            raise RefusedError(412, "The dashboard has been changed by someone else", status="version-mismatch")
        if uid in self.provisioned:
            raise RefusedError(400, "Cannot save provisioned dashboard")
        if self.unique_titles and any(
            one["title"] == model["title"] and self.folder_of[other] == folder
            for other, one in self.dashboards.items()
            if other != uid
        ):
            raise RefusedError(412, "A dashboard with the same name in the folder already exists", status="name-exists")
        self.put(uid, model, folder)
        stored = self.dashboards[uid]
        return Answer(200, {"id": stored["id"], "uid": uid, "status": "success", "version": stored["version"]})

    def put(self, uid: str, model: dict[str, Any], folder: str) -> None:
        """Save a dashboard as somebody does in the browser."""
        existing = self.dashboards.get(uid)
        if existing is None:
            self.numbers += 1
        number, version = (self.numbers, 1) if existing is None else (existing["id"], existing["version"] + 1)
        self.dashboards[uid] = self.alter(json.loads(json.dumps(model))) | {
            "id": number, "uid": uid, "version": version,
        }  # fmt: skip
        self.folder_of[uid] = folder

    def _get_dashboard(self, path: list[str], query: dict[str, list[str]], asked: Asked) -> Answer:
        self._need(asked, "dashboards:read")
        uid = path[0]
        if uid not in self.dashboards:
            raise RefusedError(404, "Dashboard not found", status="not-found")
        meta = {"folderUid": self.folder_of[uid], "provisioned": uid in self.provisioned, "canSave": True}
        return Answer(200, {"dashboard": self.dashboards[uid], "meta": meta})

    def _delete_dashboard(self, path: list[str], query: dict[str, list[str]], asked: Asked) -> Answer:
        self._need(asked, "dashboards:delete")
        uid = path[0]
        if uid not in self.dashboards:
            raise RefusedError(404, "Dashboard not found", status="not-found")
        if uid in self.provisioned:
            raise RefusedError(400, "provisioned dashboard cannot be deleted")
        del self.folder_of[uid]
        title = self.dashboards.pop(uid)["title"]
        return Answer(200, {"title": title, "message": f"Dashboard {title} deleted", "uid": uid})

    def _get_annotations(self, path: list[str], query: dict[str, list[str]], asked: Asked) -> Answer:
        self._need(asked, "annotations:read")
        first, last = _number(query, "from"), _number(query, "to")
        kind, tags = query.get("type", [""])[0], query.get("tags", [])
        found = [
            one
            for one in self.annotations.values()
            if not (first > 0 and last > 0) or (one["time"] <= last and one["timeEnd"] >= first)
            if kind not in ("alert", "annotation") or (kind == "alert") == (one["alertId"] > 0)
            if all(tag in one["tags"] or (":" not in tag and _has_key(one["tags"], tag)) for tag in tags)
        ]
        found.sort(key=lambda one: (-one["timeEnd"], -one["time"]))
        return Answer(200, found[: _number(query, "limit") or 100])

    def _post_annotation(self, path: list[str], query: dict[str, list[str]], asked: Asked) -> Answer:
        self._need(asked, "annotations:create")
        number = self.numbers = self.numbers + 1
        self.annotations[number] = {"id": number, "alertId": 0, "dashboardId": asked.body.get("dashboardId") or 0} | (
            _contents(asked.body, {"time": NOW_MS, "timeEnd": 0, "tags": [], "text": ""})
        )
        return Answer(200, {"message": "Annotation added", "id": number})

    def _put_annotation(self, path: list[str], query: dict[str, list[str]], asked: Asked) -> Answer:
        self._need(asked, "annotations:write")
        there = self._annotation(path[0])
        there |= _contents({"text": "", "tags": [], **asked.body}, there)
        return Answer(200, {"message": "Annotation updated"})

    def _patch_annotation(self, path: list[str], query: dict[str, list[str]], asked: Asked) -> Answer:
        self._need(asked, "annotations:write")
        there = self._annotation(path[0])
        there |= _contents({key: value for key, value in asked.body.items() if value}, there)
        return Answer(200, {"message": "Annotation patched"})

    def _delete_annotation(self, path: list[str], query: dict[str, list[str]], asked: Asked) -> Answer:
        self._need(asked, "annotations:delete")
        self._annotation(path[0])
        del self.annotations[int(path[0])]
        return Answer(200, {"message": "Annotation deleted"})

    def _annotation(self, number: str) -> dict[str, Any]:
        if int(number) not in self.annotations:
            raise RefusedError(404, "Annotation not found")
        return self.annotations[int(number)]

    def set_by_hand(self, text: str, tags: list[str], time_ms: int = NOW_MS, **more: Any) -> int:
        """Set an annotation as a person or another program does."""
        self.numbers += 1
        self.annotations[self.numbers] = {
            "id": self.numbers, "alertId": 0, "dashboardId": 0, "time": time_ms, "timeEnd": time_ms,
            "tags": tags, "text": text, **more,
        }  # fmt: skip
        return self.numbers


def _check_uid(uid: str) -> None:
    if not re.fullmatch(r"[a-zA-Z0-9_-]*", uid):
        raise RefusedError(400, "uid contains illegal characters")
    if len(uid) > 40:
        raise RefusedError(400, "uid too long, max 40 characters")


def _number(query: dict[str, list[str]], name: str) -> int:
    text = query.get(name, ["0"])[0]
    return int(text) if text.isdecimal() else 0


def _has_key(tags: list[str], key: str) -> bool:
    return any(tag.partition(":")[0] == key for tag in tags)


def _contents(body: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    for name, kind in (("time", int), ("timeEnd", int), ("text", str), ("tags", list)):
        value = body.get(name)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise RefusedError(400, "bad request data")
    time, end = body.get("time") or before["time"], body.get("timeEnd") or before["timeEnd"]
    text, tags = body.get("text", before["text"]), body.get("tags", before["tags"])
    if not text:
        raise RefusedError(400, "Failed to save annotation", error="text field should not be empty")
    end = end or time
    if len(json.dumps(tags, separators=(",", ":"), ensure_ascii=False).encode()) > MOST_TAG_BYTES:
        raise RefusedError(400, "tags length exceeds the maximum allowed", messageId="annotations.tag-limit-exceeded")
    return {"time": min(time, end), "timeEnd": max(time, end), "text": text, "tags": list(dict.fromkeys(tags))}


@contextmanager
def serve(grafana: Grafana, context: ssl.SSLContext | None = None) -> Any:
    """Serve `grafana` on a free port of loopback until the end; its `url` says where."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length)
            kind, _, token = self.headers.get("Authorization", "").partition(" ")
            body = json.loads(raw) if raw else None
            asked = Asked(self.command, self.path, token if kind == "Bearer" else "", body)
            with lock:
                answer = grafana.answer(asked)
            if answer.status == 0:  # the answer is lost on its way
                self.close_connection = True
                return
            text = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **(answer.headers or {})}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    scheme = "http" if context is None else "https"
    grafana.url = f"{scheme}://127.0.0.1:{server.server_address[1]}{grafana.prefix}"
    try:
        yield grafana
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
