"""The catalogues that come with Kept: the simulated city, and the services of the example mappings."""

from pathlib import Path

CITY = Path(__file__).parent / "city"
"""Folder of the simulated city: one TOML file a service, all `simulated = true`."""

EXAMPLES = Path(__file__).parent / "examples"
"""Folder of the services that the built-in mappings feed."""
