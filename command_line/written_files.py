"""Files that a command makes: into a folder, then said."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import typer

from command_line.output import output
from kept.errors import Stop


def write_files(folder: Path, files: Mapping[str, str], what: str) -> None:
    """Write texts by file name and print each path; raises `Stop`, naming `what`, when the folder refuses them."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise Stop(f"{folder}: {what} cannot be written: {error.strerror or error}") from error
    with output():
        for name in files:
            typer.echo(f"{folder / name}")
