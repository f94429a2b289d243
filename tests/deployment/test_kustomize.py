"""kustomize itself builds the folders, and what it makes holds together. Needs the command `kustomize` (marker)."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.deployment import fetch_crds
from tests.deployment.kubernetes import CRDS, KUBERNETES, Object, built, kustomize, objects, refuse, written

pytestmark = pytest.mark.kustomize
MISSING = "no kustomize; install it with: go install sigs.k8s.io/kustomize/kustomize/v5@v5.7.1"


@pytest.fixture(scope="module")
def command() -> str:
    found = kustomize()
    if found is None:
        pytest.skip(MISSING)
    return found


@pytest.fixture(scope="module", params=["city", "example"])
def made(request: pytest.FixtureRequest, command: str) -> list[Object]:
    return built(KUBERNETES / request.param, command)


def one(made: list[Object], kind: str, name: str) -> Any:
    (found,) = (each for each in made if each["kind"] == kind and each["metadata"]["name"] == name)
    return found


def test_what_is_built_is_what_the_schemas_say_and_nothing_is_there_twice(made: list[Object]) -> None:
    for each in made:
        refuse(each)
    names = Counter((each["kind"], each["metadata"]["name"]) for each in made)
    assert set(names.values()) == {1}
    assert {each["metadata"].get("namespace") for each in made if each["kind"] != "Namespace"} == {"kept"}


def test_every_config_map_that_a_pod_reads_is_there_under_its_name_with_a_hash(made: list[Object]) -> None:
    there = {each["metadata"]["name"] for each in made if each["kind"] == "ConfigMap"}
    read = set()
    for each in made:
        if each["kind"] in ("Deployment", "StatefulSet", "Job"):
            pod = each["spec"]["template"]["spec"]
            read |= {volume["configMap"]["name"] for volume in pod["volumes"] if "configMap" in volume}
            (container,) = pod["containers"]
            read |= {source["configMapRef"]["name"] for source in container["envFrom"]}
    assert read == there
    assert {name.rpartition("-")[0] for name in there} == {"kept-catalogue", "kept-kafka", "kept-influxdb"}


def test_a_catalogue_arrives_byte_for_byte(made: list[Object]) -> None:
    (catalogue,) = (each for each in made if each["metadata"]["name"].startswith("kept-catalogue-"))
    city = "library.toml" not in catalogue["data"]
    folder = KUBERNETES.parents[1] / "catalogue" / "city" if city else KUBERNETES / "example" / "catalogue"
    assert catalogue["data"] == {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*.toml")}
    assert "binaryData" not in catalogue


def test_the_city_has_what_is_written_and_nothing_else(command: str) -> None:
    made = built(KUBERNETES / "city", command)
    wanted = [*written(KUBERNETES / "base"), *written(KUBERNETES / "city")]
    assert {(each["kind"], each["metadata"]["name"]) for each in made if each["kind"] != "ConfigMap"} == {
        (each["kind"], each["metadata"]["name"]) for each in wanted
    }
    assert one(made, "Deployment", "kept-worker")["spec"] == _with_hashes(
        next(each for each in objects() if each["metadata"]["name"] == "kept-worker"), made
    )


def _with_hashes(written_object: Object, made: list[Object]) -> Any:
    hashed = {
        each["metadata"]["name"].rpartition("-")[0]: each["metadata"]["name"]
        for each in made
        if each["kind"] == "ConfigMap"
    }
    pod = written_object["spec"]["template"]["spec"]
    for volume in pod["volumes"]:
        if "configMap" in volume:
            volume["configMap"]["name"] = hashed[volume["configMap"]["name"]]
    for source in pod["containers"][0]["envFrom"]:
        source["configMapRef"]["name"] = hashed[source["configMapRef"]["name"]]
    return written_object["spec"]


def test_the_example_changes_what_it_says(command: str) -> None:
    made = built(KUBERNETES / "example", command)
    worker = one(made, "Deployment", "kept-worker")
    (kafka,) = (each for each in made if each["metadata"]["name"].startswith("kept-kafka-"))
    images = {
        container["image"]
        for each in made
        for container in each.get("spec", {}).get("template", {}).get("spec", {}).get("containers", [])
    }
    assert images == {"registry.city.example/kept:0.1.0"}
    assert worker["spec"]["replicas"] == 6 <= int(kafka["data"]["KEPT_PARTITIONS"]) == 24
    assert kafka["data"]["KEPT_SECURITY_PROTOCOL"] == "SASL_SSL"  # merged, not replaced
    (to,) = one(made, "NetworkPolicy", "kept-to-kafka")["spec"]["egress"][0]["to"]
    namespace = to["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
    assert f".{namespace}.svc:" in kafka["data"]["KEPT_BROKERS"]
    board = one(made, "Deployment", "kept-board")["spec"]["template"]["spec"]["containers"][0]
    names = {each["name"]: each.get("value") for each in board["env"]}
    assert names["KEPT_BOARD_NAMES"] == "board.city.example"
    assert names["KEPT_BOARD_PORT"] == "8400"
    operated = [each for each in made if each["apiVersion"].startswith("monitoring.coreos.com/")]
    assert {each["metadata"]["labels"]["release"] for each in operated} == {"kube-prometheus-stack"}


@pytest.mark.parametrize("kind", fetch_crds.KINDS)
def test_the_committed_schemas_are_those_of_the_operator(kind: str, command: str) -> None:
    assert (CRDS / f"{kind}.yaml").read_text(encoding="utf-8") == fetch_crds.fetched(kind)
