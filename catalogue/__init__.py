"""The catalogues that come with Kept: the simulated city, and the services of the example mappings."""

from pathlib import Path

from kept.catalogue import Catalogue, read_catalogue, service_files
from kept.owners import read_owners
from kept.settings import Settings

CITY = Path(__file__).parent / "city"
"""Folder of the simulated city: one TOML file a service, all `simulated = true`."""

EXAMPLES = Path(__file__).parent / "examples"
"""Folder of the services that the built-in mappings feed."""


def services_of(settings: Settings) -> Catalogue:
    """The services of the folders that the settings name; the simulated city when they name none."""
    return services_in(folders_of(settings))


def services_in(folders: list[Path]) -> Catalogue:
    """The services of `folders`; raises `ConfigurationError` for one, or an owner, that makes no sense."""
    services = read_catalogue(folders)
    read_owners(folders)
    return services


def texts_of(settings: Settings) -> list[str]:
    """The entries of the same services as they are written; raises `ConfigurationError` as `services_of` does."""
    services_of(settings)
    return [file.read_text(encoding="utf-8") for folder in folders_of(settings) for file in service_files(folder)]


def folders_of(settings: Settings) -> list[Path]:
    """The folders that the settings name; the simulated city when they name none."""
    return [Path(folder) for folder in settings.catalogue.split(":") if folder] or [CITY]
