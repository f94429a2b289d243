"""Case ids are hashed with a key before an event leaves its producer, where the catalogue asks for it.

What is hashed is told by field, in `TREATMENT`; the same id gives the same hash wherever the key is the same, so that
nothing that is counted changes. Pure: the key is an argument (docs/privacy.md, docs/adr/0038-case-ids-are-hashed.md).
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, Literal, TypeVar
from urllib.parse import unquote

from msgspec.structs import replace

from kept import events as e
from kept.catalogue import Catalogue
from kept.errors import ConfigurationError

KEY_VARIABLE = "KEPT_CASE_KEY_FILE"
_KEY = re.compile(r"[!-~]{32,512}\Z")
_HASH_BYTES, _CHECK_BYTES = 16, 5
_HASHED = re.compile(r"~[A-Za-z0-9_-]{28}\Z")
_OF_ID, _OF_CHECK, _OF_NAME = b"id\0", b"check\0", b"name\0"

Treatment = Literal["hashed", "hashed where it has an id in it", "hashed or left out", "left out", "as it is"]
TREATMENT: dict[str, Treatment] = {
    "specversion": "as it is",
    "type": "as it is",
    "id": "hashed",
    "source": "hashed where it has an id in it",
    "time": "as it is",
    "subject": "hashed",
    "data.service": "as it is",
    "data.channel": "as it is",
    "data.area": "as it is",
    "data.due": "as it is",
    "data.category": "as it is",
    "data.reason": "left out",
    "data.step": "as it is",
    "data.started": "as it is",
    "data.ended": "as it is",
    "data.resource": "hashed or left out",
    "data.outcome": "as it is",
    "data.amount": "as it is",
    "data.currency": "as it is",
    "data.case": "hashed",
    "data.rating": "as it is",
    "data.result": "as it is",
    "data.title": "as it is",
    "data.expected": "as it is",
}
"""What becomes of each field of the contract. The reason of a contact is one of five words, and stays. Who did the work
is left out unless the catalogue says `keep_resource`; fields that the contract does not know are left out too."""
_FREE_REASONS = (e.DueChangedData, e.ClockData)
"""Whose reason is free text, of which nothing is counted."""

AnEvent = TypeVar("AnEvent", bound=e.Event)


class CaseKey:
    """The key. Two producers that show the same `fingerprint` hash alike; it tells nothing of the key."""

    def __init__(self, text: str) -> None:
        """Raises `ConfigurationError` for what is no key."""
        if not _KEY.match(text):
            raise ConfigurationError(
                f"{KEY_VARIABLE}: what is in it is no key; valid: one line of 32 to 512 letters, digits and signs, "
                "such as `openssl rand -hex 32` makes"
            )
        self._key = text.encode()
        self.fingerprint = self._digest(_OF_NAME)[:4].hex()

    def hashed(self, text: str) -> str:
        """`~` and 28 characters that stand for `text`; what this key has made stays as it is."""
        if self.made(text):
            return text
        said = self._digest(_OF_ID + text.encode())[:_HASH_BYTES]
        return "~" + urlsafe_b64encode(said + self._check(said)).decode()

    def made(self, text: str) -> bool:
        """Whether `text` is a hash of this key: its last bytes are a check that nobody can make without it."""
        if not _HASHED.match(text):
            return False
        said = urlsafe_b64decode(text[1:])
        return hmac.compare_digest(said[_HASH_BYTES:], self._check(said[:_HASH_BYTES]))

    def _check(self, said: bytes) -> bytes:
        return self._digest(_OF_CHECK + said)[:_CHECK_BYTES]

    def _digest(self, message: bytes) -> bytes:
        return hmac.digest(self._key, message, "sha256")


class CaseHashing:
    """Which services ask for hashed case ids, and the key for them."""

    def __init__(self, catalogue: Catalogue, key: str | None) -> None:
        """`key`: the text of the key's file.

        Raises `ConfigurationError` when a service asks and there is no key, or none that can be used: nothing may be
        sent then.
        """
        self._services = catalogue
        self.asking = [name for name, service in catalogue.items() if service.privacy.case_ids == "hashed"]
        """The services that ask."""
        if self.asking and not key:
            more = f" and {len(self.asking) - 1} more" if len(self.asking) > 1 else ""
            seen = "not set" if key is None else "its file is empty"
            raise ConfigurationError(
                f"{KEY_VARIABLE}: {seen}, but the catalogue asks for hashed case ids of {self.asking[0]}{more}; "
                f"nothing was sent. Make a key once with `openssl rand -hex 32 > FILE`, give all producers the same "
                f"one, and set {KEY_VARIABLE}=FILE"
            )
        self.key = CaseKey(key) if self.asking and key else None
        self._asking = frozenset(self.asking)

    def concerns(self, event: e.Event) -> bool:
        """Whether the service of `event` asks for it. False for a tick, and for a service that is not known."""
        return _service(event) in self._asking

    def hashed(self, event: AnEvent) -> AnEvent:
        """`event` as it may leave: hashed if its service asks for it, else as it is. Twice is as once.

        Raises `ConfigurationError` for a service that the catalogue does not know, where any service asks: it may be
        one of those, misspelt.
        """
        service = _service(event)
        if self.key is None or service is None:
            return event
        if service not in self._services:
            raise ConfigurationError(
                "an event is of a service that the catalogue does not know, and services of the catalogue ask for "
                "hashed case ids: it was not sent, nor what comes after it; valid: the services that `kept catalogue "
                "check` lists. Mend data.service or KEPT_CATALOGUE, and publish the same again"
            )
        if service not in self._asking:
            return event
        return _without_ids(event, self.key, keep_resource=self._services[service].keep_resource)


def _service(event: e.Event) -> str | None:
    return None if isinstance(event, e.Tick) else event.data.service


def _without_ids(event: AnEvent, key: CaseKey, *, keep_resource: bool) -> AnEvent:
    data = event.data
    changed: dict[str, Any] = {}
    case = getattr(data, "case", None)
    if case is not None:
        changed["case"] = key.hashed(case)
    if isinstance(data, _FREE_REASONS) and data.reason is not None:
        changed["reason"] = None
    if isinstance(data, e.StepData) and data.resource is not None:
        changed["resource"] = key.hashed(data.resource) if keep_resource else None
    source = event.source
    if any(_is_in(text, source) for text in (event.id, event.subject, case) if text is not None):
        source = key.hashed(source)
    return replace(
        event,
        id=key.hashed(event.id),
        source=source,
        subject=None if event.subject is None else key.hashed(event.subject),
        data=replace(data, **changed) if changed else data,
    )


def _is_in(text: str, source: str) -> bool:
    """Whether a source names what `text` does, however it is written."""
    return text.casefold() in source.casefold() or text.casefold() in unquote(source).casefold()
