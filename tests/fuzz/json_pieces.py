"""JSON that may be wrong: members twice, literals that JSON does not have, escapes that mean nothing."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

Path = tuple[int, ...]
"""Which member of which member."""


class Raw(NamedTuple):
    """Text that is written as it is."""

    text: str


class Members(NamedTuple):
    """An object: its members in order, some perhaps more than once."""

    pairs: list[tuple[str, Any]]


def parse(value: bytes) -> Members:
    """An event as members, to be changed in place."""
    found = json.loads(value, object_pairs_hook=lambda pairs: Members(list(pairs)))
    assert isinstance(found, Members)
    return found


def write(piece: Any) -> bytes:
    """The bytes of what `parse` gave, however it was changed."""
    return _text(piece).encode("utf-8", "surrogatepass")


def places(members: Members) -> list[Path]:
    """Every member, also those of members."""
    found: list[Path] = []
    for index, (_, value) in enumerate(members.pairs):
        found.append((index,))
        if isinstance(value, Members):
            found += [(index, *rest) for rest in places(value)]
    return found


def holder(members: Members, path: Path) -> list[tuple[str, Any]]:
    """The members among which the last step of `path` is an index."""
    for index in path[:-1]:
        inner = members.pairs[index][1]
        assert isinstance(inner, Members)
        members = inner
    return members.pairs


def _text(piece: Any) -> str:
    if isinstance(piece, Raw):
        return piece.text
    if isinstance(piece, Members):
        return "{" + ",".join(f"{_text(name)}:{_text(value)}" for name, value in piece.pairs) + "}"
    return json.dumps(piece, ensure_ascii=False)
