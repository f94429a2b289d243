"""Slices of a service as addresses have them and as people read them."""

from __future__ import annotations

from typing import Final

from kept.indicators.point import WHOLE, Slice

DIMENSIONS: Final = ("area", "category", "channel", "step")
"""What a slice may be of."""


def slice_text(part: Slice) -> str | None:
    """The slice as an address has it, such as `area:North`; None for the whole service."""
    return None if part == WHOLE else ",".join(f"{dimension}:{value}" for dimension, value in part)


def slice_of(text: str) -> Slice:
    """The slice that an address names, the whole service for an empty text; raises `ValueError` with what is valid."""
    if not text:
        return WHOLE
    dimension, _, value = text.partition(":")
    if not value or dimension not in DIMENSIONS:
        valid = ", ".join(f"{name}:…" for name in DIMENSIONS)
        raise ValueError(f"{text[:60]!r} is not known; valid: {valid}, or nothing for the whole service")
    return ((dimension, value),)


def slice_words(part: Slice) -> str:
    """The slice as people read it: `area North`; empty for the whole service."""
    return ", ".join(f"{dimension} {value}" for dimension, value in part)
