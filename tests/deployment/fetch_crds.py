"""Writes the schemas of the Prometheus operator's objects anew: `python -m tests.deployment.fetch_crds`. Needs Go.

They are those of the custom resource definitions in the operator's Go module (Apache-2.0), without descriptions.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.deployment.kubernetes import CRDS

MODULE = "github.com/prometheus-operator/prometheus-operator"
VERSION = "v0.92.1"
KINDS = {"ServiceMonitor": "servicemonitors", "PrometheusRule": "prometheusrules"}


def fetched(kind: str) -> str:
    """The schema of a kind as a file's text."""
    done = subprocess.run(
        ["go", "mod", "download", "-json", f"{MODULE}@{VERSION}"], capture_output=True, text=True, check=True, cwd="/"
    )
    folder = Path(json.loads(done.stdout)["Dir"]) / "example" / "prometheus-operator-crd"
    definition = yaml.safe_load((folder / f"monitoring.coreos.com_{KINDS[kind]}.yaml").read_text(encoding="utf-8"))
    (version,) = (one for one in definition["spec"]["versions"] if one["name"] == "v1")
    body = yaml.safe_dump(_closed(version["schema"]["openAPIV3Schema"], top=True), sort_keys=True, width=120)
    return (
        f"# {kind} of {MODULE} {VERSION}, without descriptions (Apache-2.0); see tests/deployment/fetch_crds.py\n{body}"
    )


def _closed(schema: dict[str, Any], *, top: bool = False) -> dict[str, Any]:
    """Unknown fields are refused; what only a server reads (descriptions, x-kubernetes-…) is left out."""
    kept = {key: value for key, value in schema.items() if key not in ("description", "default", "format")}
    kept = {key: value for key, value in kept.items() if not key.startswith("x-kubernetes-")}
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"], **{key: kept[key] for key in ("pattern",) if key in kept}}
    if "properties" in schema:
        kept["properties"] = {name: _closed(one) for name, one in schema["properties"].items()}
        kept["additionalProperties"] = False
    elif isinstance(schema.get("additionalProperties"), dict):
        kept["additionalProperties"] = _closed(schema["additionalProperties"])
    if "items" in schema:
        kept["items"] = _closed(schema["items"])
    if top:  # object metadata is checked by the server's own code, not by the schema
        kept["properties"]["metadata"] = {"type": "object", "required": ["name"]}
    return kept


if __name__ == "__main__":
    for each in KINDS:
        (CRDS / f"{each}.yaml").write_text(fetched(each), encoding="utf-8")
        sys.stdout.write(f"written: {CRDS / each}.yaml\n")
