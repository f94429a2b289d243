"""The environment of Kept's child processes: that of this shell without its `KEPT_*`, then what they are told."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from kept.settings import SECRETS, Settings

ROOT = str(Path(__file__).parent.parent)


def plain_environment() -> dict[str, str]:
    """Variables of this process without `KEPT_*`; Kept's packages are found from any folder."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KEPT_")}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [ROOT, environment.get("PYTHONPATH")]))
    return environment


def environment_of(settings: Settings) -> dict[str, str]:
    """A plain environment and `settings`, where they are not the defaults. A secret given in a file stays there."""
    environment = plain_environment()
    for field in msgspec.structs.fields(Settings):
        value, variable = getattr(settings, field.name), f"KEPT_{field.name.upper()}"
        in_file = os.environ.get(f"{variable}_FILE") if field.name in SECRETS else None
        if value is None or value == field.default:
            continue
        if in_file is not None:
            environment[f"{variable}_FILE"] = in_file
        else:
            environment[variable] = str(value)
    return environment
