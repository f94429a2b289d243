"""`kept grafana generate` and `check`: the boards of a catalogue as files, and whether files are still those."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated

import typer

import catalogue
import grafana
from command_line.given import Folders, services_in
from command_line.output import output
from command_line.written_files import write_files
from grafana.generate import dashboard_files
from kept.catalogue import Catalogue
from kept.errors import ConfigurationError, Stop

CITY = Path(grafana.__file__).parent / "city"
"""The boards of the simulated city, as they come with Kept."""


def generate(
    output_folder: Annotated[Path, typer.Option("--output", help="Folder for the files; made if missing.")],
    folders: Folders = None,
) -> None:
    """Write the boards of a catalogue, one JSON file each, as Grafana's file provisioning takes them."""
    write_files(output_folder, dashboard_files(services_in(folders)), "the boards")


def check(
    boards_folder: Annotated[
        Path | None,
        typer.Option("--boards", help="Folder with the files.", show_default="those of the simulated city"),
    ] = None,
    folders: Folders = None,
) -> None:
    """Make the boards anew and compare with files (exit 1 when they differ, or when there is one too many)."""
    services = services_in(folders)
    folder = boards_folder or _boards_that_come_with(services)
    files = dashboard_files(services)
    there = read_boards(folder)
    differing = sorted(name for name in files.keys() | there.keys() if files.get(name) != there.get(name))
    with output():
        for name in differing:
            if name not in files:
                typer.echo(f"{folder / name}: not of this catalogue; delete it")
                continue
            typer.echo(
                f"{folder / name}: not what the catalogue gives; `kept grafana generate --output {folder}` with the "
                "same catalogue writes it anew"
            )
            before, after = there.get(name, "").splitlines(), files[name].splitlines()
            for line in difflib.unified_diff(before, after, "there", "from the catalogue", lineterm="", n=1):
                typer.echo(line)
        if not differing:
            typer.echo(f"{folder}: {len(files)} files are what the catalogue gives")
    if differing:
        raise typer.Exit(1)


def read_boards(folder: Path) -> dict[str, str]:
    """File name -> text of each `*.json` in a folder; raises `ConfigurationError` when there is no such folder."""
    if not folder.is_dir():
        raise ConfigurationError(f"{folder}: no such folder; `kept grafana generate --output {folder}` makes it")
    try:
        return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.json"))}
    except (OSError, UnicodeDecodeError) as error:
        raise Stop(f"{folder}: a file cannot be read as UTF-8 text: {error}") from error


def _boards_that_come_with(services: Catalogue) -> Path:
    if dict(services) != catalogue.services_in([catalogue.CITY]):
        raise ConfigurationError("--boards: name the folder of the files that Grafana loads for this catalogue")
    return CITY
