"""The catalogue -> the boards' files. Pure: the same catalogue gives the same texts."""

from __future__ import annotations

from kept.catalogue import Catalogue


def dashboard_files(catalogue: Catalogue) -> dict[str, str]:
    """File name -> JSON text (Classic, as file provisioning takes it), by board."""
    raise NotImplementedError
