"""What commands are given in the same way: options that stand for settings, and folders of a catalogue."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import msgspec
import typer

import catalogue
from kept.catalogue import Catalogue
from kept.settings import Settings, read_settings

Brokers = Annotated[str | None, typer.Option(help="Kafka bootstrap servers; else KEPT_BROKERS.")]
Prefix = Annotated[str | None, typer.Option(help="Prefix of topic names; else KEPT_TOPIC_PREFIX.")]
Folders = Annotated[
    list[Path] | None,
    typer.Option(
        "--catalogue",
        help="Folder with one TOML file a service; more than once for more.",
        show_default="KEPT_CATALOGUE",
    ),
]


def settings_with(**given: str | int | None) -> Settings:
    """The settings of the environment, but what is given; None is not given."""
    told = {name: value for name, value in given.items() if value is not None}
    return msgspec.structs.replace(read_settings(os.environ), **told)


def services_in(folders: list[Path] | None) -> Catalogue:
    """The catalogue of these folders, or that of the settings."""
    return catalogue.services_in(folders) if folders else catalogue.services_of(read_settings(os.environ))
