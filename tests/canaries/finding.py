"""Whether a word is in what was written, however it is written there."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping

SHORTEST = 12
"""A shorter word would be found by chance."""


def spellings(word: str) -> tuple[list[bytes], list[bytes]]:
    """How `word` may stand in bytes: in small letters as text of 8 or 16 bits (in either order), backwards and in hex;
    as it is in base64, wherever it begins.

    Percent signs, JSON, HTML, CSV and msgpack leave letters and digits as they are. Raises `ValueError` for a word that
    is short, or no ASCII.
    """
    if len(word) < SHORTEST or not word.isascii():
        raise ValueError(f"{word!r} is not valid; valid: at least {SHORTEST} characters of ASCII")
    small = word.lower().encode()
    texts = [small, small.decode().encode("utf-16-le")[:-1], small[::-1], word.encode().hex().encode()]
    return texts, [_base64(word.encode(), before) for before in range(3)]


def leaks(words: Iterable[str], outputs: Mapping[str, bytes]) -> set[tuple[str, str]]:
    """(word, name of the output) wherever one of `words` is in one of `outputs`, in any spelling."""
    every = {word: spellings(word) for word in words}
    seen: set[tuple[str, str]] = set()
    for name, text in outputs.items():
        small = text.lower()
        for word, (texts, encoded) in every.items():
            if any(one in small for one in texts) or any(one in text for one in encoded):
                seen.add((word, name))
    return seen


def _base64(word: bytes, before: int) -> bytes:
    """Its base64 after `before` bytes (0 to 2) of something, without the characters that hold bits of others."""
    after = -(before + len(word)) % 3
    said = b64encode(b"\0" * before + word + b"\0" * after)
    return said[(0, 2, 3)[before] : len(said) - (0, 2, 3)[after]]
