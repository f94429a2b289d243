"""Dashboards -> Grafana: what differs between what is wanted and what is there, and writing only that.

The comparison is pure. A dashboard is Kept's when its uid begins with `kept-`; no other is ever written or deleted.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from msgspec import Struct

from grafana.answers import TO_FREE
from grafana.connection import GrafanaConnection, Stored
from kept.errors import ConfigurationError

FOLDER: Final = "kept"
FOLDER_TITLE: Final = "Kept"
MESSAGE: Final = "kept grafana publish"
"""What the dashboard's list of versions says of each that is published."""
OURS: Final = re.compile(r"kept-[A-Za-z0-9_-]{1,35}")
"""Uids of dashboards that are Kept's; Grafana takes 40 characters at most."""
SERVERS_OWN: Final = frozenset({"id", "version", "iteration"})
"""Keys of a dashboard that Grafana counts, or its pages add, however it was sent."""

State = Literal["unchanged", "create", "update", "delete", "not_wanted", "provisioned", "changed_meanwhile", "altered"]
LEFT: Final[frozenset[State]] = frozenset({"provisioned", "changed_meanwhile", "altered"})
"""After these Grafana is not as wanted, although it was tried."""


class Wanted(Struct, frozen=True):
    """A dashboard as it is to be, and the name of its file."""

    uid: str
    file: str
    model: dict[str, Any]


class Change(Struct, frozen=True):
    """What is to become, or became, of one dashboard; `diff` is from what is there to what is wanted."""

    uid: str
    state: State
    diff: str = ""
    version: int | None = None
    """That was read; None when there was none."""


def read_wanted(files: Mapping[str, str]) -> list[Wanted]:
    """File name -> JSON text, as dashboards ordered by file name.

    Raises `ConfigurationError` that names the file, for one that is no JSON object, has no uid that begins with `kept-`
    or shares it with another.
    """
    read: dict[str, Wanted] = {}
    for file, text in sorted(files.items()):
        try:
            model = json.loads(text)
        except ValueError as error:
            raise ConfigurationError(f"{file}: not JSON: {error}") from error
        uid = model.get("uid") if isinstance(model, dict) else None
        if not isinstance(uid, str) or not OURS.fullmatch(uid):
            raise ConfigurationError(
                f"{file}: uid: seen {uid!r}; valid: kept- and up to 35 letters, digits, - or _ (so that publishing "
                "touches no dashboard of anybody else)"
            )
        if uid in read:
            raise ConfigurationError(f"{file}: uid: {uid!r} is also that of {read[uid].file}; give each its own")
        read[uid] = Wanted(uid, file, model)
    return list(read.values())


def canonical(model: Mapping[str, Any]) -> str:
    """A dashboard as text that is the same when it is the same: keys sorted, without what the server adds."""
    kept = {key: value for key, value in model.items() if key not in SERVERS_OWN and value is not None}
    return json.dumps(_plain(kept), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def compared(wanted: Wanted, stored: Stored | None) -> Change:
    """What is to become of a dashboard, given what Grafana has of it."""
    after = canonical(wanted.model)
    if stored is None:
        return Change(wanted.uid, "create", _diff("", after, "not there", wanted.file))
    before = canonical(stored.dashboard)
    moved = [] if stored.meta.folder_uid == FOLDER else [f"folder: {stored.meta.folder_uid or 'none'} -> {FOLDER}\n"]
    diff = "".join(moved) + _diff(before, after, f"Grafana, version {stored.version}", wanted.file)
    if not diff:
        return Change(wanted.uid, "unchanged", version=stored.version)
    return Change(wanted.uid, "provisioned" if stored.meta.provisioned else "update", diff, stored.version)


def plan(
    wanted: Sequence[Wanted], stored: Mapping[str, Stored | None], in_folder: Iterable[str], *, prune: bool
) -> list[Change]:
    """A change for each wanted dashboard, then one for each of Kept's in the folder that is no longer wanted.

    `stored` is what Grafana has of each wanted uid, `in_folder` the uids in the folder of Kept.
    """
    uids = {one.uid for one in wanted}
    strays = sorted(uid for uid in in_folder if OURS.fullmatch(uid) and uid not in uids)
    return [
        *(compared(one, stored[one.uid]) for one in wanted),
        *(Change(uid, "delete" if prune else "not_wanted") for uid in strays),
    ]


class Publisher:
    """Brings one Grafana to the state of the dashboards given."""

    def __init__(self, connection: GrafanaConnection, wanted: Sequence[Wanted], *, prune: bool = False) -> None:
        self._grafana = connection
        self._wanted = {one.uid: one for one in wanted}
        self._prune = prune
        self.folder_title: str | None = None
        """Of the folder, once planned; None when there is none."""
        self._done: dict[str, Change] = {}

    def plan(self) -> list[Change]:
        """What would be done now; reads only."""
        folder = self._grafana.folder(FOLDER)
        self.folder_title = None if folder is None else folder.title
        in_folder = [] if folder is None else [one.uid for one in self._grafana.dashboards_in(FOLDER)]
        stored = {uid: self._grafana.dashboard(uid) for uid in self._wanted}
        return plan(list(self._wanted.values()), stored, in_folder, prune=self._prune)

    def publish(self, *, overwrite: bool = False) -> Iterator[Change]:
        """Do what is planned, one by one, and say what became of each.

        A dashboard that somebody saved since it was read stays theirs (`changed_meanwhile`) unless `overwrite`. What
        was saved is read again: `altered`, with the difference, when Grafana does not have it as it was sent. After an
        error it may be called again, and says of what it did before the error that it is done.
        """
        changes = self.plan()
        if self.folder_title is None:
            self._grafana.create_folder(FOLDER, FOLDER_TITLE)
            self.folder_title = FOLDER_TITLE
        for change in changes:
            if change.state in ("create", "update"):
                saved = self._done[change.uid] = self._save(change, overwrite=overwrite)
                yield saved
                continue
            if change.state == "delete":
                self._grafana.delete_dashboard(change.uid)
            yield self._done.get(change.uid, change) if change.state == "unchanged" else change

    def _save(self, change: Change, *, overwrite: bool) -> Change:
        wanted = self._wanted[change.uid]
        model = {key: value for key, value in wanted.model.items() if key not in SERVERS_OWN}
        saved = self._grafana.save(model, folder=FOLDER, version=change.version, overwrite=overwrite, message=MESSAGE)
        now = compared(wanted, self._grafana.dashboard(change.uid))
        if saved:
            return change if now.state == "unchanged" else Change(change.uid, "altered", now.diff, now.version)
        return now if now.state == "unchanged" else Change(change.uid, "changed_meanwhile", now.diff, now.version)


def in_words(change: Change, *, done: bool) -> str:
    """What is to become of a dashboard, or became of it when it is `done`, and what a person must do."""
    would = "" if done else "would be "
    words: dict[State, str] = {
        "unchanged": "as wanted",
        "create": f"{would}created",
        "update": f"{would}saved",
        "delete": f"no longer wanted, {would}deleted",
        "not_wanted": "no longer wanted; --prune deletes it",
        "provisioned": f"differs, and cannot be saved: {TO_FREE}",
        "changed_meanwhile": f"left as it is: somebody saved version {change.version} while this ran. Look at it, "
        "then run this again; --overwrite takes over whatever is there",
        "altered": "saved, but Grafana has it otherwise than it was sent, and it will differ again the next time",
    }
    return f"{change.uid}: {words[change.state]}"


def _plain(value: Any) -> Any:
    """1.0 and 1 are one number in JSON; Grafana gives back the shorter."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _diff(before: str, after: str, of: str, to: str) -> str:
    return "".join(difflib.unified_diff(before.splitlines(True), after.splitlines(True), of, to, n=2))
