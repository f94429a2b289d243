"""The files of deployment/kubernetes for tests: their objects as they are written, or as kustomize builds them."""

from __future__ import annotations

import copy
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
KUBERNETES = ROOT / "deployment" / "kubernetes"
CRDS = Path(__file__).parent / "crds"
"""Schemas of the Prometheus operator's objects; `python -m tests.deployment.fetch_crds` writes them anew."""
Object = dict[str, Any]


@cache
def _written(file: Path) -> tuple[Object, ...]:
    return tuple(yaml.safe_load_all(file.read_text(encoding="utf-8")))


def written(folder: Path) -> list[Object]:
    """The objects of the files that a kustomization names, without those of other folders."""
    (kustomization,) = _written(folder / "kustomization.yaml")
    files = [folder / name for name in kustomization["resources"] if name.endswith((".yaml", ".yml"))]
    return [copy.deepcopy(one) for file in files for one in _written(file)]


def objects() -> list[Object]:
    """Every object that is written in a file: of the base, the intake, the summary, the city and the example."""
    return [one for name in ("base", "intake", "summary", "city", "example") for one in written(KUBERNETES / name)]


def found(kind: str, name: str) -> Object:
    """The object of that kind and name in the base or the intake."""
    (one,) = (each for each in objects() if each["kind"] == kind and each["metadata"]["name"] == name)
    return one


def workloads() -> list[Object]:
    """What has pods."""
    return [one for one in objects() if one["kind"] in ("Deployment", "StatefulSet", "Job")]


def literals(name: str, *folders: Path) -> dict[str, str]:
    """What the generated ConfigMap `name` holds; without `folders` in the base or the summary."""
    places = folders or (KUBERNETES / "base", KUBERNETES / "summary")
    kustomizations = [one for folder in places for one in _written(folder / "kustomization.yaml")]
    (one,) = (each for all_ in kustomizations for each in all_["configMapGenerator"] if each["name"] == name)
    return dict(literal.split("=", 1) for literal in one.get("literals", []))


def container_of(workload: Mapping[str, Any]) -> Object:
    """The only container of a workload."""
    (one,) = workload["spec"]["template"]["spec"]["containers"]
    return dict(one)


def environment(workload: Mapping[str, Any]) -> dict[str, str]:
    """What the process is told, as the kubelet would: ConfigMaps first, its own variables win."""
    container = container_of(workload)
    told: dict[str, str] = {}
    for source in container.get("envFrom", []):
        told |= literals(source["configMapRef"]["name"])
    for one in container["env"]:
        told[one["name"]] = one["value"] if "value" in one else f"{workload['metadata']['name']}-5d9c7-x2x4z"
    return told


def secret_files(workload: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Path in the container -> (Secret, key) of each file of a secret that is mounted."""
    mounts = {mount["name"]: mount["mountPath"] for mount in container_of(workload)["volumeMounts"]}
    files: dict[str, tuple[str, str]] = {}
    for volume in workload["spec"]["template"]["spec"]["volumes"]:
        for name, items in _secrets_of(volume):
            for item in items:
                files[f"{mounts[volume['name']]}/{item['path']}"] = (name, item["key"])
    return files


def _secrets_of(volume: Mapping[str, Any]) -> Iterator[tuple[str, list[dict[str, str]]]]:
    if "secret" in volume:
        yield volume["secret"]["secretName"], volume["secret"]["items"]
    for source in volume.get("projected", {}).get("sources", []):
        yield source["secret"]["name"], source["secret"]["items"]


def crd_schema(kind: str) -> Object:
    """The schema of a kind of the Prometheus operator; unknown fields are refused, which a server would drop."""
    schema: Object = yaml.safe_load((CRDS / f"{kind}.yaml").read_text(encoding="utf-8"))
    return schema


def refuse(one: Object) -> None:
    """Raise when an object is not what its real schema says."""
    if one["apiVersion"].startswith("monitoring.coreos.com/"):
        jsonschema.Draft202012Validator(crd_schema(one["kind"])).validate(one)
    else:
        kubernetes_validate.validate(copy.deepcopy(one), "1.37", strict=True)


def kustomize() -> str | None:
    """The command, when it is on this machine."""
    return shutil.which("kustomize")


def built(folder: Path, command: str) -> list[Object]:
    """What kustomize makes of a folder."""
    done = subprocess.run([command, "build", str(folder)], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))
