"""The runbooks as a program reads them: for each alert its section, and the three commands to run first."""

from __future__ import annotations

import re
from pathlib import Path

from msgspec import Struct

PAGE = Path(__file__).resolve().parents[2] / "docs" / "runbooks.md"
PARTS = (
    "What it means",
    "How it is judged",
    "What it is not",
    "First three commands",
    "When to escalate",
    "So that it does not come again",
)
PROMETHEUS = "http://127.0.0.1:9490"
ALERTMANAGER = "http://127.0.0.1:9493"
WORKER = "http://127.0.0.1:8401"
"""Addresses of `kept demo`, as they stand in the commands."""


class Section(Struct, frozen=True):
    """The section of one alert."""

    alert: str
    text: str

    @property
    def parts(self) -> dict[str, str]:
        """Heading in bold -> what is said there."""
        found = re.split(r"^\*\*(.+?)\.\*\*", self.text, flags=re.MULTILINE)
        return dict(zip(found[1::2], (part.strip() for part in found[2::2]), strict=True))

    @property
    def commands(self) -> list[str]:
        """The lines of its block of commands."""
        (block,) = re.findall(r"^```sh\n(.*?)^```$", self.text, flags=re.MULTILINE | re.DOTALL)
        return [line for line in block.splitlines() if line]


def sections() -> list[Section]:
    """Every section, in the order of the page."""
    found = re.split(r"^## (\S+)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    texts = (re.split(r"^# ", text, flags=re.MULTILINE)[0] for text in found[2::2])
    return [Section(alert, text) for alert, text in zip(found[1::2], texts, strict=True)]


def runbook_commands(service: str, signal_id: str) -> dict[str, list[str]]:
    """Alert -> its commands, for the shell, with `service` and `signal_id` in the place of SERVICE and ID."""
    return {
        section.alert: [
            re.sub(r"\bID\b", signal_id, re.sub(r"\bSERVICE\b", service, command)) for command in section.commands
        ]
        for section in sections()
    }
