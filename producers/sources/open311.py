"""Service requests of Open311 GeoReport v2, as GET /requests.json gives them: one page, or a folder of pages.

Only the fields that the mapping names are made into values; descriptions, addresses, names and media are skipped while
the JSON is read. A request that is on several pages counts once, as it was when it was last updated.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from kept.errors import Stop
from kept.events import Event
from producers.mapping import Open311Mapping
from producers.sources.case_rows import CaseEvents
from producers.sources.event_file import Account
from producers.sources.files import read_document, suffixed
from producers.sources.problems import RowProblem
from producers.sources.row_fields import RowFields

SUFFIXES = (".json", ".json.gz")
_WHAT = "a page of service requests"

_Page = list[msgspec.Raw]
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[str]).decode


class _Wrapped(Struct):
    """What some servers put around the list, as the XML form of the interface does."""

    service_requests: _Page


class _Error(Struct):
    """An error of the interface: what it gives instead of requests."""

    code: int | str
    description: str | None = None


def read_requests(path: Path, mapping: Open311Mapping, account: Account) -> None:
    """Read a page, or the pages of a folder by name, into `account`; raises `Stop`.

    In memory: one page, and a few hundred bytes for each request.
    """
    requests = _Requests(mapping)
    pages = _pages(path)
    for page in pages:
        file = page.name if path.is_dir() else ""
        for number, raw in enumerate(_requests_of(page), start=1):
            account.rows += 1
            try:
                again = requests.take(raw)
            except ValueError as error:
                account.problems.append(RowProblem(number, str(error), unit="request", file=file))
            else:
                account.passed_over += {"requests that are told again": 1} if again else {}
    for events in requests.events():
        account.tell(events)


def _pages(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    pages = sorted(file for file in path.iterdir() if file.is_file() and suffixed(file, SUFFIXES))
    if not pages:
        raise Stop(f"{path}: no page in this folder; valid: files that end in {', '.join(SUFFIXES)}")
    return pages


def _requests_of(page: Path) -> _Page:
    document = read_document(page, SUFFIXES, _WHAT).removeprefix(b"\xef\xbb\xbf")
    valid = "valid: a list of service requests, as GET /requests.json gives it"
    try:
        requests = msgspec.json.decode(document, type=_Page | _Wrapped)
    except msgspec.ValidationError as error:
        refused = _error_of(document)
        raise Stop(f"{page}: {refused or f'{error}; {valid}'}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Stop(f"{page}: not JSON, or cut short: {error}; {valid}; fetch it again") from error
    requests = requests.service_requests if isinstance(requests, _Wrapped) else requests
    if len(requests) == 1:
        refused = _error_of(bytes(requests[0]))
        if refused:
            raise Stop(f"{page}: {refused}")
    return requests


def _error_of(document: bytes) -> str | None:
    """What to say of an error that the interface gave instead of requests; its description may quote: left out."""
    try:
        error = msgspec.json.decode(document, type=_Error)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return f"an error of the interface (code {str(error.code)[:20]!r}) instead of requests; fetch it again"


class _Requests(CaseEvents):
    """Requests by their id."""

    def __init__(self, mapping: Open311Mapping) -> None:
        named = list(mapping.named().items())
        super().__init__(mapping, RowFields(mapping, {field: place for place, (field, _) in enumerate(named)}, "field"))
        self._completed_place = [field for field, _ in named].index("completed")
        self._open = {status.lower() for status in mapping.open_statuses}
        self._closed = {status.lower() for status in mapping.closed_statuses}
        keys = list(dict.fromkeys([name for _, name in named] + ["status", "token"]))
        shape = msgspec.defstruct("Request", [(f"f{n}", Any, None) for n in range(len(keys))],
                                  rename={f"f{n}": key for n, key in enumerate(keys)})  # fmt: skip
        self._decode = msgspec.json.Decoder(shape).decode
        attribute = {key: f"f{n}" for n, key in enumerate(keys)}
        self._attributes = [(name, attribute[name]) for _, name in named]
        self._status, self._token = attribute["status"], attribute["token"]
        self._told: dict[str, tuple[int, bytes]] = {}
        """When each request was updated (ms), as it was told last, and its row."""

    def take(self, raw: msgspec.Raw) -> bool:
        """Take in one request; returns whether it had been told before. Raises `ValueError` with the reason."""
        try:
            request = self._decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise ValueError(f"not a service request: {error}") from error
        row = [_text(name, getattr(request, attribute)) for name, attribute in self._attributes]
        updated = row[self._completed_place]
        if not self._is_closed(getattr(request, self._status)):
            row[self._completed_place] = ""
        elif not updated.strip():
            raise ValueError("closed, but nothing says when it was updated last")
        if not row[0].strip() and getattr(request, self._token) is not None:
            raise ValueError("only a token, no request id yet; fetch it again later")
        case_id = self._fields.case(row)
        opened_ms, compact = self._case_of(row).opened_ms, _pack(row)
        row[self._completed_place] = updated
        updated_ms = self._fields.time_ms(row, "completed")
        known = self._told.get(case_id)
        told_ms = opened_ms if updated_ms is None else updated_ms
        if known is None or known[0] <= told_ms:
            self._told[case_id] = (told_ms, compact)
        return known is not None

    def events(self) -> Iterator[list[tuple[int, Event]]]:
        """The events of each request."""
        for case_id, (_, compact) in self._told.items():
            yield list(self._ends_of(case_id, self._case_of(_unpack(compact))))

    def _is_closed(self, status: Any) -> bool:
        word = status.strip().lower() if isinstance(status, str) else None
        if word in self._closed:
            return True
        if word in self._open:
            return False
        seen = "none" if status is None else repr(status[:40]) if isinstance(status, str) else "no text"
        valid = ", ".join(sorted(self._open | self._closed))
        raise ValueError(f"field 'status' is {seen}; valid: {valid}; list others in open_statuses or closed_statuses")


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise ValueError(f"field {name!r} is no text and no number")
