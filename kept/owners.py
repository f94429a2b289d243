"""Who is told of alerts: the owners of services, when they work, how many they are and where messages reach them.

One `owners.toml` in a catalogue folder, one table an owner, named as the services name it. `platform` is reserved: the
people who run Kept itself; alerts about the pipeline, and those that fit nobody, go to them.
Nothing secret is written there: an address that is a secret stands in a file, and the table names the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from kept.calendars import parse_opening_hours
from kept.catalogue import OWNERS_FILE, read_entries, read_utf8
from kept.errors import ConfigurationError
from kept.time_zones import time_zones
from kept.toml_tables import convert_table, read_toml

PLATFORM = "platform"
"""Owner of the pipeline itself."""
Weekday: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Address: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+$", max_length=254)]
FileName: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._/-]+$", max_length=500)]
"""Absolute, or relative to the folder of secrets that the generator is told."""
_PLAIN_URL = re.compile(r"https?://[^\s/@?#{}]+(/[^\s@?#{}]*)?\Z")
"""Without a name, a password or a query: it is written into the generated configuration, where anyone may read it."""


class _Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Webhook(_Table, frozen=True, kw_only=True, tag_field="kind", tag="webhook"):
    """A JSON message to an address: `url`, with a bearer token from `token_file` if asked for; or all in `url_file`."""

    url: Annotated[str, Meta(max_length=2000)] | None = None
    token_file: FileName | None = None
    url_file: FileName | None = None
    """For an address that is itself a secret. Needs Alertmanager 0.26 or newer."""


class Email(_Table, frozen=True, kw_only=True, tag_field="kind", tag="email"):
    """A mail to each address of `to`."""

    to: Annotated[tuple[Address, ...], Meta(min_length=1)]


class Slack(_Table, frozen=True, kw_only=True, tag_field="kind", tag="slack"):
    """A message to an incoming webhook of Slack, or of what understands the same (Mattermost, Rocket.Chat)."""

    url_file: FileName
    channel: Annotated[str, Meta(pattern=r"^[#@]?[\w.-]+$", max_length=100)] | None = None
    """Else the one that the incoming webhook is for."""


Receiver: TypeAlias = Webhook | Email | Slack


class Owner(_Table, frozen=True, kw_only=True):
    """One owner. Pages go out at once, tickets in the working hours of `time_zone`."""

    time_zone: str
    working_hours: dict[Weekday, str]
    people: Annotated[int, Meta(ge=1, le=10_000)]
    """How many share the alerts: they are counted per person and week."""
    pages: Annotated[tuple[Receiver, ...], Meta(min_length=1)]
    tickets: Annotated[tuple[Receiver, ...], Meta(min_length=1)]
    heartbeat: tuple[Webhook, ...] = ()
    """Of `platform` only: something outside that is told all the time, and calls when it no longer is."""


Owners = Mapping[str, Owner]
"""Owners by name."""


def read_owners(folders: Iterable[Path]) -> dict[str, Owner]:
    """The owners of catalogue folders by name; empty when no folder has an `owners.toml`.

    Raises `ConfigurationError` with file, key, value seen and what is valid, for an owner that makes no sense, one that
    two tables describe, a missing `platform`, and a service whose owner has no table.
    """
    folders = list(folders)
    owners: dict[str, Owner] = {}
    files: dict[str, Path] = {}
    for file in (folder / OWNERS_FILE for folder in folders):
        if not file.exists():
            continue
        for name, owner in parse_owners(read_utf8(file), str(file)).items():
            if name in files:
                raise ConfigurationError(f"{file}: {name}: has a table in {files[name]} too; describe an owner once")
            files[name] = file
            owners[name] = owner
        _check_slugs(owners, str(file))
    if owners:
        _check_used(owners, folders)
    return owners


def parse_owners(text: str, file: str) -> dict[str, Owner]:
    """The owners of one file by name; raises `ConfigurationError` that names `file`, key, value seen, valid values."""
    owners = {}
    for name, table in read_toml(text, file).items():
        if not _is_plain(name):
            raise ConfigurationError(f"{file}: {name!r} is not valid; valid: a name of 1 to 200 printable characters")
        if not isinstance(table, dict):
            valid = f'a table such as ["{name}"] with {", ".join(Owner.__struct_fields__)}'
            raise ConfigurationError(f"{file}: {name}: {table!r} is not valid; valid: {valid}")
        owner = convert_table(table, f"{file}: {name}", Owner)
        for key, seen, valid in _contradictions(name, owner):
            raise ConfigurationError(f"{file}: {name}: {key}: {seen!r} is not valid; valid: {valid}")
        owners[name] = owner
    if not owners:
        raise ConfigurationError(f"{file}: no table; add one an owner, and [{PLATFORM}]")
    return owners


def slug(name: str) -> str:
    """An owner's name in lower-case letters, digits and hyphens: what its receivers are called."""
    return re.sub(r"[\W_]+", "-", name.lower()).strip("-")


def _is_plain(name: str) -> bool:
    return 0 < len(name) <= 200 and name.isprintable() and bool(slug(name))


def _check_slugs(owners: Iterable[str], file: str) -> None:
    slugs: dict[str, str] = {}
    for name in owners:
        if (other := slugs.setdefault(slug(name), name)) != name:
            raise ConfigurationError(f"{file}: {name}: cannot be told from {other!r}; use names that differ in letters")


def _check_used(owners: Owners, folders: list[Path]) -> None:
    if PLATFORM not in owners:
        where = ", ".join(str(folder / OWNERS_FILE) for folder in folders)
        raise ConfigurationError(f"{where}: {PLATFORM}: missing; alerts about the pipeline itself go to this owner")
    for file, service in read_entries(folders).items():
        if service.owner not in owners:
            valid = ", ".join(sorted(owners))
            raise ConfigurationError(f"{file}: owner: {service.owner!r} has no table in {OWNERS_FILE}; valid: {valid}")


def _contradictions(name: str, owner: Owner) -> Iterable[tuple[str, object, str]]:
    """(key, value seen, what is valid) for what the types alone cannot say."""
    if owner.time_zone not in time_zones():
        yield "time_zone", owner.time_zone, "an IANA name such as Europe/Amsterdam"
    if not owner.working_hours:
        yield "working_hours", {}, 'at least one weekday, such as mon = "09:00-17:00"'
    for day, hours in owner.working_hours.items():
        try:
            parse_opening_hours(hours)
        except ValueError as error:
            yield f"working_hours.{day}", hours, str(error)
    if owner.heartbeat and name != PLATFORM:
        yield "heartbeat", "a receiver", f"left out: the heartbeat is of {PLATFORM} only"
    if not owner.heartbeat and name == PLATFORM:
        yield "heartbeat", [], "at least one webhook outside this stack: else nobody sees when all of it is down"
    for of in ("pages", "tickets", "heartbeat"):
        for index, receiver in enumerate(getattr(owner, of)):
            if isinstance(receiver, Webhook):
                yield from _bad_address(f"{of}[{index}]", receiver)


def _bad_address(key: str, webhook: Webhook) -> Iterable[tuple[str, object, str]]:
    if (webhook.url is None) == (webhook.url_file is None):
        yield f"{key}.url", webhook.url, "either url, or url_file for an address that is a secret"
    if webhook.url is not None and not _PLAIN_URL.match(webhook.url):
        # What is shown nowhere may be in it.
        valid = "http or https, without a name, a password or a query; a secret address stands in a file: url_file"
        yield f"{key}.url", "…", valid
    if webhook.token_file is not None and webhook.url is None:
        yield f"{key}.token_file", webhook.token_file, "only with url"
