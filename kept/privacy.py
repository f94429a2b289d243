"""What a catalogue entry says of privacy: its table `[privacy]`. What is done about it is in `kept/case_hashing.py`."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Privacy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What leaves the producers of a service: its case ids as they are (`clear`), or hashed with a key (`hashed`)."""

    case_ids: Literal["clear", "hashed"] = "clear"
