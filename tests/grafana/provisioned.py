"""The data sources that Grafana is given by files, by uid."""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from tests.conftest import ROOT

FOLDER = ROOT / "grafana" / "provisioning" / "datasources"


def provisioned_sources() -> Mapping[str, str]:
    """Uid -> type, from the files."""
    files = sorted(FOLDER.glob("*.y*ml"))
    assert files, f"{FOLDER} has no file"
    found = [source for file in files for source in yaml.safe_load(file.read_text())["datasources"]]
    return {source["uid"]: source["type"] for source in found}
