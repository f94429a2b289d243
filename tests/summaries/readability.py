"""How hard a page is to read: two formulas from counts alone, over its text without tables.

LIX (Bjoernsson, 1968): words a sentence + per cent of words of more than six letters; up to 30 is easy. ARI (Senter and
Smith, 1967, "Automated Readability Index", AMRL-TR-66-220): 4.71 characters a word + 0.5 words a sentence - 21.43, a
school grade in the United States; grade 6 is 11 to 12 years old.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import NamedTuple

BLOCKS = {"p", "li", "h1", "h2", "h3", "dt", "dd", "a", "caption"}
UNREAD = {"table", "title", "style", "script"}


class Reading(NamedTuple):
    """Counts of a text."""

    sentences: list[list[str]]

    @property
    def words(self) -> list[str]:
        """All words; a number is none, so that figures do not make a text look easy."""
        return [word for sentence in self.sentences for word in sentence]

    @property
    def lix(self) -> float:
        """Words a sentence + per cent of long words."""
        long = sum(len(word) > 6 for word in self.words)
        return len(self.words) / len(self.sentences) + 100 * long / len(self.words)

    @property
    def grade(self) -> float:
        """The school grade by ARI."""
        characters = sum(map(len, self.words))
        words = len(self.words)
        return 4.71 * characters / words + 0.5 * words / len(self.sentences) - 21.43


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._unread = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._unread += tag in UNREAD

    def handle_endtag(self, tag: str) -> None:
        self._unread -= tag in UNREAD
        if tag in BLOCKS:
            self.parts.append(". ")

    def handle_data(self, data: str) -> None:
        if not self._unread:
            self.parts.append(data)


def reading_of(page: str) -> Reading:
    """The reading of an HTML page."""
    text = _Text()
    text.feed(page)
    sentences = re.split(r"[.!?]+\s", " ".join("".join(text.parts).split()) + " ")
    words = (re.findall(r"[A-Za-z][A-Za-z’']*", sentence) for sentence in sentences)
    return Reading([one for one in words if one])
