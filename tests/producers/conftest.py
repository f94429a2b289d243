"""A small table, its mapping and its catalogue entry, written for one test."""

from __future__ import annotations

from pathlib import Path

import pytest

SERVICE = """
id = "potholes"
name = "Potholes"
owner = "Public Works"
time_zone = "Europe/Amsterdam"
expected_silence = "24h"
[channels]
digital = ["Web"]
unlisted = "accept"
"""

CASE_TABLE = """
kind = "case_table"
service = "potholes"
catalogue = "potholes_service.toml"
source = "potholes-test"
time_zone = "Europe/Amsterdam"
[columns]
case = "id"
opened = "opened"
due = "due"
completed = "closed"
channel = "channel"
area = "area"
"""

PROCESS_LOG = """
kind = "process_log"
service = "potholes"
catalogue = "potholes_service.toml"
source = "potholes-test"
time_zone = "Europe/Amsterdam"
[columns]
case = "id"
opened = "opened"
completed = "closed"
step = "step"
step_time = "at"
resource = "who"
"""


class Workbench:
    """Writes the files of a test into one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("potholes_service.toml", SERVICE)

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def mapping(self, text: str) -> str:
        """The path of a mapping with this text."""
        return str(self.write("mapping.toml", text))


@pytest.fixture
def workbench(tmp_path: Path) -> Workbench:
    return Workbench(tmp_path)
