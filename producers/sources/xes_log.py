"""XES event logs (IEEE 1849) as they lie in the file: one trace after the other, never the whole document in memory.

The XML is read by expat with no document type at all: without one there are no entities, so none that is external and
none that grows. What is held is one trace, with the attributes that were asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Self
from xml.parsers import expat

from msgspec import Struct

from kept.errors import Stop
from producers.sources.files import open_file, reading

SUFFIXES = (".xes", ".xes.gz")
MOST_EVENTS = 10_000
"""Of one trace; ten times what the register takes of one case."""
_CHUNK = 64 * 1024
_LONGEST_TAG = 1 << 20
_LONGEST_VALUE = 4096
_DEEPEST = 64
_ATTRIBUTES = frozenset({"string", "date", "int", "float", "boolean", "id"})


class XesEvent(Struct):
    """One event: its line, the attributes asked for, and what is wrong with it."""

    line: int
    attributes: dict[str, str]
    defect: str | None = None


class XesTrace(Struct):
    """One trace: its line, the attributes asked for, its events (at most `MOST_EVENTS`) and how many there are more."""

    line: int
    attributes: dict[str, str]
    events: list[XesEvent]
    more_events: int = 0
    defect: str | None = None


class XesLog:
    """An open log: its traces, once. A context manager; `path` is named in every error.

    `stray` lists the lines of events that are in no trace.
    """

    def __init__(self, path: Path, trace_keys: frozenset[str] | None, event_keys: frozenset[str] | None) -> None:
        """Open the file; raises `Stop`. Attributes with other keys, and those inside other attributes, are not kept.

        Without keys all attributes are, for looking at a log.
        """
        self.path = path
        self.stray: list[int] = []
        self._keys = (trace_keys, event_keys)
        self._file = open_file(path, SUFFIXES, "an event log")
        self._parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartDoctypeDeclHandler = self._refuse_document_type
        parser.EntityDeclHandler = self._refuse_document_type
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.DefaultHandler = self._other
        self._depth = 0
        self._namespace = ""
        self._trace: XesTrace | None = None
        self._event: XesEvent | None = None
        self._done: list[XesTrace] = []
        self._fed = 0
        self._heard = 0
        """Bytes fed when expat last had something to tell."""

    def __enter__(self) -> Self:
        """The log itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._file.close()

    def traces(self) -> Iterator[XesTrace]:
        """The traces in the order of the file; raises `Stop` when the file or its XML is broken."""
        with reading(self.path, lambda: f"after line {self._parser.CurrentLineNumber}"):
            while True:
                chunk = self._file.read(_CHUNK)
                self._fed += len(chunk)
                self._parse(chunk)
                yield from self._done
                self._done.clear()
                if not chunk:
                    return

    def _parse(self, chunk: bytes) -> None:
        try:
            self._parser.Parse(chunk, not chunk)
        except expat.ExpatError as error:
            if self._fed == 0:
                raise Stop(f"{self.path}: empty; an event log has a <log> with its traces") from error
            raise Stop(
                f"{self.path}: line {error.lineno}: the XML is broken or cut short: {expat.ErrorString(error.code)}; "
                "fetch or export it again"
            ) from error
        except (LookupError, ValueError) as error:
            raise Stop(f"{self.path}: the encoding that the XML names cannot be read: {error}; use UTF-8") from error
        if self._fed - self._heard > _LONGEST_TAG:
            raise Stop(f"{self.path}: a tag or comment is longer than {_LONGEST_TAG >> 20} MB; is this an event log?")

    def _refuse_document_type(self, *_: object) -> None:
        raise Stop(
            f"{self.path}: line {self._parser.CurrentLineNumber}: a document type (<!DOCTYPE ...>), which an event log "
            "does not need; it is refused, since entities may reach for other files or grow without end; remove it"
        )

    def _other(self, _: str) -> None:
        self._heard = self._fed

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._heard = self._fed
        depth, self._depth = self._depth, self._depth + 1
        namespace, _, tag = name.rpartition(" ")
        if depth == 0:
            if tag != "log":
                raise Stop(f"{self.path}: the document is a <{tag[:40]}>, not the <log> of an event log")
            self._namespace = namespace
        elif depth > _DEEPEST:
            raise Stop(f"{self.path}: line {self._parser.CurrentLineNumber}: more than {_DEEPEST} tags in each other")
        elif namespace != self._namespace:
            return
        elif depth == 1:
            if tag == "trace":
                self._trace = XesTrace(self._parser.CurrentLineNumber, {}, [])
            elif tag == "event":
                self.stray.append(self._parser.CurrentLineNumber)
        elif self._trace is not None:
            if depth == 2 and tag == "event":
                self._start_event(self._trace)
            elif tag in _ATTRIBUTES and depth == (2 if self._event is None else 3):
                self._attribute(self._trace if self._event is None else self._event, attributes)

    def _start_event(self, trace: XesTrace) -> None:
        self._event = XesEvent(self._parser.CurrentLineNumber, {})
        if len(trace.events) < MOST_EVENTS:
            trace.events.append(self._event)
        else:
            trace.more_events += 1

    def _attribute(self, owner: XesTrace | XesEvent, attributes: dict[str, str]) -> None:
        key, value = attributes.get("key"), attributes.get("value")
        if key is None:
            owner.defect = owner.defect or "an attribute without a key"
            return
        keys = self._keys[isinstance(owner, XesEvent)]
        if keys is None or key in keys:
            if value is None:
                owner.defect = owner.defect or f"attribute {key!r} has no value"
            elif len(value) > _LONGEST_VALUE:
                owner.defect = owner.defect or f"attribute {key!r} is longer than {_LONGEST_VALUE} characters"
            elif owner.attributes.setdefault(key, value) != value:
                owner.defect = owner.defect or f"attribute {key!r} is given twice"

    def _end(self, _: str) -> None:
        self._heard = self._fed
        self._depth -= 1
        if self._depth == 2:
            self._event = None
        elif self._depth == 1 and self._trace is not None:
            self._done.append(self._trace)
            self._trace = None
