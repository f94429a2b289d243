"""Texts in events and texts about events: no control characters in the ones, nothing personal in the others.

CloudEvents forbids control characters: a NUL in a `source` or an `id` would make two events one, a line break in an
area two lines of one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f]")
_ESCAPED = re.compile(rb"\\(?:[bfnrt]|u00(?:[01]|7[fF]))")
_OF_EVENTS = ("id", "source", "subject")
_OF_DATA = ("channel", "area", "category", "step", "case")


def said(message: str, closed_sets: Mapping[str, Sequence[str]]) -> str:
    """A decoder's message without the value it quotes, which may be personal, and with the values that are valid.

    `closed_sets` has them by the place of a field, such as `data.outcome`.
    """
    told = re.sub(r"^(Invalid (?:enum )?value) ['\"].*['\"] - (at )", r"\1 \2", message, flags=re.DOTALL)
    if not told.startswith("Invalid"):
        return told
    valid = closed_sets.get(told.rpartition("at `$.")[2].rstrip("`"))
    return f"{told}; valid: {', '.join(valid)}" if valid else told


def may_hold_control_characters(json: bytes) -> bool:
    """Whether a text of some JSON may hold one: they are always escaped, but for DEL. Quick, and nearly always no."""
    return (b"\\" in json and _ESCAPED.search(json) is not None) or b"\x7f" in json


def with_control_character(event: Any) -> str | None:
    """The field of `event` whose text holds a control character, as `$.data.area`; None when there is none.

    Free words (`reason`, `title`) and who did the work may have line breaks: nothing is made of them.
    """
    for name in _OF_EVENTS:
        text = getattr(event, name)
        if text is not None and CONTROL_CHARACTERS.search(text):
            return f"$.{name}"
    for name in _OF_DATA:
        text = getattr(event.data, name, None)
        if text is not None and CONTROL_CHARACTERS.search(text):
            return f"$.data.{name}"
    return None
