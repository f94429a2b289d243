"""deployment/kubernetes is what a server takes, is hardened, and agrees with the code: settings, ports, jobs, rules."""

from __future__ import annotations

import copy
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import msgspec
import pytest
import yaml

import catalogue
from alert_rules.options import Jobs, RuleOptions
from alert_rules.rules import OBJECTS_FILE, PIPELINE_FILE, SERVICES_FILE, RuleFormat, rule_files
from kept.catalogue import read_catalogue, service_files
from kept.owners import OWNERS_FILE, read_owners
from kept.settings import PREFIX, SECRETS, Settings, read_settings
from summaries.access import access_of
from tests.deployment.kubernetes import (
    CRDS,
    KUBERNETES,
    Object,
    container_of,
    environment,
    found,
    objects,
    refuse,
    secret_files,
    workloads,
    written,
)

COMMANDS = {
    "kept-topics": "topics",
    "kept-worker": "worker",
    "kept-board": "board",
    "kept-intake": "intake",
    "kept-summary": "post",
}
RUNNING = ("kept-worker", "kept-board", "kept-intake", "kept-summary")
EXAMPLE = KUBERNETES / "example"


def named(one: Object) -> str:
    return f"{one['kind']}-{one['metadata']['name']}"


def workload(name: str) -> Object:
    (one,) = (each for each in workloads() if each["metadata"]["name"] == name)
    return one


def settings_of(name: str) -> Settings:
    """What the process reads, with its secrets where they are mounted; a path that nobody mounts is refused."""
    files = secret_files(workload(name))
    return read_settings(environment(workload(name)), lambda path: f"{files[path]}\n")


@pytest.mark.parametrize("one", objects(), ids=named)
def test_every_object_is_what_its_schema_says(one: Object) -> None:
    refuse(one)


@pytest.mark.parametrize("kind", ["ServiceMonitor", "PrometheusRule"])
def test_the_schemas_of_the_operator_refuse_what_it_does_not_know(kind: str) -> None:
    one = next(each for each in objects() if each["kind"] == kind)
    lacking = {"ServiceMonitor": {}, "PrometheusRule": {"groups": [{"rules": []}]}}[kind]
    for broken in ({**one, "spec": {**one["spec"], "unknown": 1}}, {**one, "spec": lacking}):
        with pytest.raises(jsonschema.ValidationError):
            refuse(broken)
    assert (CRDS / f"{kind}.yaml").read_text(encoding="utf-8").startswith(f"# {kind} of github.com/")


def test_the_schemas_of_kubernetes_refuse_a_mistyped_field() -> None:
    one = copy.deepcopy(found("Deployment", "kept-worker"))
    container_of_template(one)["livenessprobe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        refuse(one)


def container_of_template(one: Object) -> Any:
    return one["spec"]["template"]["spec"]["containers"][0]


def test_every_process_of_kept_is_there() -> None:
    told = {one["metadata"]["name"]: container_of(one)["args"][0] for one in workloads()}
    assert told == COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_a_pod_has_no_right_that_it_does_not_need(name: str) -> None:
    pod = workload(name)["spec"]["template"]["spec"]
    security, container = pod["securityContext"], container_of(workload(name))
    assert security["runAsNonRoot"] is True
    assert (security["runAsUser"], security["runAsGroup"], security["fsGroup"]) == (10001, 10001, 10001)
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC", "hostUsers", "initContainers"} & set(pod)
    assert pod["serviceAccountName"] == "kept"
    assert pod["automountServiceAccountToken"] is False
    assert all("hostPath" not in volume for volume in pod["volumes"])


def test_the_service_account_has_no_token_and_no_rights() -> None:
    assert found("ServiceAccount", "kept")["automountServiceAccountToken"] is False
    assert not [one for one in objects() if one["kind"].endswith(("Role", "RoleBinding"))]


def test_the_namespace_admits_restricted_pods_only() -> None:
    assert found("Namespace", "kept")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("name", COMMANDS)
def test_kubernetes_adds_no_variables_that_look_like_settings(name: str) -> None:
    """A Service named kept-board would put KEPT_BOARD_PORT=tcp://… into every pod."""
    assert workload(name)["spec"]["template"]["spec"]["enableServiceLinks"] is False


@pytest.mark.parametrize("name", COMMANDS)
def test_memory_is_limited_and_the_processor_is_not_throttled(name: str) -> None:
    resources = container_of(workload(name))["resources"]
    assert resources["requests"]["memory"] == resources["limits"]["memory"]
    assert "cpu" in resources["requests"]
    assert "cpu" not in resources["limits"]


@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_process_is_told_are_settings_and_they_make_sense(name: str) -> None:
    settings = settings_of(name)
    assert settings.live
    if name not in ("kept-board", "kept-summary"):
        assert settings.security_protocol == "SASL_SSL"
        assert settings.sasl_username == {
            "kept-topics": "kept-kafka-operator",
            "kept-worker": "kept-kafka-worker",
            "kept-intake": "kept-kafka-intake",
        }.get(name)
        assert settings.replication == 3
    if name in ("kept-worker", "kept-board", "kept-summary"):
        assert settings.history == "influxdb"


@pytest.mark.parametrize("name", COMMANDS)
def test_secrets_are_files_and_each_is_the_process_s_own(name: str) -> None:
    told, files = environment(workload(name)), secret_files(workload(name))
    assert not {f"{PREFIX}{secret.upper()}" for secret in SECRETS} & set(told)
    named_files = {value for variable, value in told.items() if variable.endswith(("_FILE", "_CAFILE"))}
    assert named_files == set(files)
    owned = {secret for secret, _ in files.values()}
    assert owned == {
        "kept-topics": {"kept-kafka-operator", "kept-kafka-ca"},
        "kept-worker": {"kept-kafka-worker", "kept-kafka-ca", "kept-influxdb-write"},
        "kept-board": {"kept-influxdb-read", "kept-board-tokens"},
        "kept-summary": {"kept-influxdb-write"},
        "kept-intake": {"kept-kafka-intake", "kept-kafka-ca", "kept-intake-tokens", "kept-case-key"},
    }.get(name)
    for volume in workload(name)["spec"]["template"]["spec"]["volumes"]:
        of_secret = volume.get("secret") or volume.get("projected")
        assert of_secret is None or of_secret["defaultMode"] == 0o440
    assert not [one for one in objects() if one["kind"] == "Secret"]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_mount_is_there_and_only_scratch_and_spool_can_be_written(name: str) -> None:
    one = workload(name)
    volumes = {volume["name"]: volume for volume in one["spec"]["template"]["spec"]["volumes"]}
    claims = {claim["metadata"]["name"] for claim in one["spec"].get("volumeClaimTemplates", [])}
    mounts = container_of(one)["volumeMounts"]
    assert {mount["name"] for mount in mounts} == set(volumes) | claims
    writable = {mount["mountPath"] for mount in mounts if not mount.get("readOnly")}
    assert writable == ({"/tmp", "/var/lib/kept/spool"} if claims else {"/tmp"})
    assert "sizeLimit" in volumes["tmp"]["emptyDir"]
    if name != "kept-topics":
        (mount,) = (mount for mount in mounts if mount["name"] == "catalogue")
        assert environment(one)["KEPT_CATALOGUE"] == mount["mountPath"]
        assert volumes["catalogue"]["configMap"]["name"] == "kept-catalogue"


def test_the_intakes_volume_holds_its_spool() -> None:
    settings, one = settings_of("kept-intake"), workload("kept-intake")
    (mount,) = (each for each in container_of(one)["volumeMounts"] if each["name"] == "spool")
    (claim,) = one["spec"]["volumeClaimTemplates"]
    assert settings.spool_folder == mount["mountPath"]
    size = re.fullmatch(r"(\d+)Gi", claim["spec"]["resources"]["requests"]["storage"])
    assert size is not None
    assert settings.spool_bytes < int(size[1]) * 2**30
    assert claim["spec"]["accessModes"] == ["ReadWriteOncePod"]


@pytest.mark.parametrize(("name", "host", "port"), [
    ("kept-worker", "metrics_host", "metrics_port"),
    ("kept-board", "board_host", "board_port"),
    ("kept-intake", "intake_host", "intake_port"),
])  # fmt: skip
def test_a_process_listens_where_its_port_its_service_and_its_probes_say(name: str, host: str, port: str) -> None:
    settings, container = settings_of(name), container_of(workload(name))
    (declared,) = container["ports"]
    assert getattr(settings, host) == "0.0.0.0"
    assert declared["containerPort"] == getattr(settings, port)
    for service in services_of(name):
        assert [(one["port"], one["targetPort"]) for one in service["spec"]["ports"]] == [
            (declared["containerPort"], declared["name"])
        ]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        if probe in container:
            (how,) = ({"httpGet", "tcpSocket"} & set(container[probe]),)
            assert container[probe][how.pop()]["port"] == declared["name"]


def services_of(name: str) -> list[Object]:
    labels = workload(name)["spec"]["template"]["metadata"]["labels"]
    chosen = [one for one in objects() if one["kind"] == "Service" and _selects(one["spec"]["selector"], labels)]
    assert chosen
    return chosen


def _selects(selector: dict[str, str], labels: dict[str, str]) -> bool:
    return selector.items() <= labels.items()


def test_a_worker_that_waits_is_not_killed() -> None:
    """/healthz fails while the broker or the history is away: a restart would only make it read its state again."""
    container = container_of(workload("kept-worker"))
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert container["startupProbe"]["httpGet"]["path"] == "/livez"
    assert container["readinessProbe"]["httpGet"]["path"] == "/healthz"
    assert "tcpSocket" in container_of(workload("kept-intake"))["livenessProbe"]


def test_the_board_is_asked_under_a_name_that_it_answers_to() -> None:
    container = container_of(workload("kept-board"))
    for probe in ("livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["httpHeaders"] == [{"name": "Host", "value": "localhost"}]


def test_the_board_asks_for_a_login() -> None:
    settings = settings_of("kept-board")
    assert settings.board_token is not None
    assert access_of(msgspec.structs.replace(settings, board_token="a-token-of-the-secret")).needs_login
    assert "KEPT_BOARD_ACCESS" not in environment(workload("kept-board"))


def test_each_worker_has_the_name_of_its_pod_and_no_two_pods_have_one() -> None:
    (one,) = (each for each in container_of(workload("kept-worker"))["env"] if each["name"] == "KEPT_WORKER_ID")
    assert one["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}
    assert settings_of("kept-worker").worker_id.startswith("kept-worker-")


@pytest.mark.parametrize("name", [name for name in RUNNING if name != "kept-summary"])
def test_replicas_avoid_one_machine_and_go_one_at_a_time(name: str) -> None:
    one = workload(name)
    labels = one["spec"]["template"]["metadata"]["labels"]
    assert _selects(one["spec"]["selector"]["matchLabels"], labels)
    affinity = one["spec"]["template"]["spec"]["affinity"]["podAntiAffinity"]
    (term,) = affinity["preferredDuringSchedulingIgnoredDuringExecution"]
    assert term["podAffinityTerm"]["topologyKey"] == "kubernetes.io/hostname"
    assert _selects(term["podAffinityTerm"]["labelSelector"]["matchLabels"], labels)
    budget = found("PodDisruptionBudget", name)["spec"]
    assert _selects(budget["selector"]["matchLabels"], labels)
    assert budget["maxUnavailable"] == 1
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    assert one["spec"]["replicas"] > budget["maxUnavailable"]


def test_there_is_one_who_sends_the_summary_and_the_old_one_is_gone_before_the_new_one_comes() -> None:
    spec = workload("kept-summary")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_workers_spread_over_zones_and_are_replaced_one_by_one() -> None:
    spec = workload("kept-worker")["spec"]
    (spread,) = spec["template"]["spec"]["topologySpreadConstraints"]
    assert spread["topologyKey"] == "topology.kubernetes.io/zone"
    assert _selects(spread["labelSelector"]["matchLabels"], spec["template"]["metadata"]["labels"])
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert spec["minReadySeconds"] > 10  # the session of the one before has ended
    assert spec["replicas"] <= settings_of("kept-worker").partitions


@pytest.mark.parametrize("name", ["kept-worker", "kept-intake"])
def test_prometheus_finds_a_process_under_the_job_that_the_rules_name(name: str) -> None:
    monitor = found("ServiceMonitor", name)["spec"]
    matched = [
        one
        for one in objects()
        if one["kind"] == "Service" and _selects(monitor["selector"]["matchLabels"], one["metadata"]["labels"])
    ]
    (service,) = matched
    assert service in services_of(name)
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["publishNotReadyAddresses"] is True  # what stands still must be seen
    (endpoint,) = monitor["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    job, drop = endpoint["relabelings"]
    assert job == {"action": "replace", "targetLabel": "job", "replacement": name}
    assert name in Jobs(intake="kept-intake").all()
    # The operator's label `service` would take the place of Kept's own.
    assert endpoint["honorLabels"] is True
    assert drop == {"action": "labeldrop", "regex": "service"}


def test_nothing_is_reached_that_no_policy_names() -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in objects() if one["kind"] == "NetworkPolicy"}
    assert policies["kept-nothing-else"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    opened = {
        name: {
            (direction, str(port["port"]))
            for direction in ("ingress", "egress")
            for rule in spec.get(direction, [])
            for port in rule["ports"]
        }
        for name, spec in policies.items()
    }
    assert opened == {
        "kept-nothing-else": set(),
        "kept-names": {("egress", "53")},
        "kept-to-kafka": {("egress", "9093")},
        "kept-to-influxdb": {("egress", "8086")},
        "kept-worker-metrics": {("ingress", "metrics")},
        "kept-board-page": {("ingress", "page")},
        "kept-intake-events": {("ingress", "events")},
        "kept-summary": {("ingress", "metrics"), ("egress", "8086"), ("egress", "587")},
    }
    assert settings_of("kept-summary").smtp_server.endswith(":587")
    for spec in policies.values():
        for rule in [*spec.get("ingress", []), *spec.get("egress", [])]:
            assert rule.get("from") or rule.get("to")  # no rule is for everybody


def test_policies_name_the_ports_and_the_pods_that_settings_and_labels_do() -> None:
    worker = settings_of("kept-worker")
    assert {broker.rpartition(":")[2] for broker in worker.broker_list()} == {"9093"}
    assert worker.influxdb_url.endswith(":8086")
    labels = {one["metadata"]["name"]: one["spec"]["template"]["metadata"]["labels"] for one in workloads()}
    names = {one["app.kubernetes.io/name"] for one in labels.values()}
    for policy in (one for one in objects() if one["kind"] == "NetworkPolicy"):
        selector = policy["spec"]["podSelector"]
        chosen = set(selector.get("matchLabels", {}).values())
        for expression in selector.get("matchExpressions", []):
            chosen |= set(expression["values"])
        assert chosen <= names


def test_the_catalogue_of_the_city_is_whole_in_its_kustomization() -> None:
    told = yaml.safe_load((catalogue.CITY / "kustomization.yaml").read_text(encoding="utf-8"))
    (generated,) = told["configMapGenerator"]
    assert generated["name"] == "kept-catalogue"
    assert sorted(generated["files"]) == sorted([OWNERS_FILE, *(file.name for file in service_files(catalogue.CITY))])


def test_the_catalogue_of_the_example_makes_sense_and_is_whole() -> None:
    folder = EXAMPLE / "catalogue"
    assert set(read_catalogue([folder])) == {"library-cards"}
    read_owners([folder])
    told = yaml.safe_load((EXAMPLE / "kustomization.yaml").read_text(encoding="utf-8"))
    (generated,) = (one for one in told["configMapGenerator"] if one["name"] == "kept-catalogue")
    assert sorted(generated["files"]) == sorted(f"catalogue/{file.name}" for file in folder.iterdir())
    assert all(tomllib.loads(file.read_text(encoding="utf-8")) for file in folder.iterdir())


def test_the_rules_of_the_city_are_those_that_prometheus_reads_as_files() -> None:
    folder = KUBERNETES / "city"
    services = read_catalogue([catalogue.CITY])
    text = (folder / OBJECTS_FILE).read_text(encoding="utf-8")
    assert text == rule_files(services, format=RuleFormat.PROMETHEUS_RULE)[OBJECTS_FILE]
    groups = [group for one in yaml.safe_load_all(text) for group in one["spec"]["groups"]]
    committed = Path("alert_rules/city")
    files = [yaml.safe_load((KUBERNETES.parents[1] / committed / name).read_text(encoding="utf-8"))
             for name in (SERVICES_FILE, PIPELINE_FILE)]  # fmt: skip
    assert groups == [group for file in files for group in file["groups"]]


def test_the_rules_of_the_example_are_made_with_the_command_that_it_names() -> None:
    head = (EXAMPLE / "kustomization.yaml").read_text(encoding="utf-8").split("apiVersion", 1)[0]
    options = dict(re.findall(r"--([a-z-]+) '?([^'\s\\]+)", head))
    made = RuleOptions(
        jobs=Jobs(
            prometheus=options["prometheus-job"],
            alertmanager=options["alertmanager-job"],
            intake=options["intake-job"],
        ),
        dashboards=options["dashboards"],
        pipeline_dashboard=options["pipeline-dashboard"],
    )
    services = read_catalogue([EXAMPLE / options["catalogue"]])
    chosen = RuleFormat(options["format"])
    assert (EXAMPLE / OBJECTS_FILE).read_text(encoding="utf-8") == rule_files(services, made, chosen)[OBJECTS_FILE]


def test_an_object_of_rules_is_small_enough_for_every_way_of_applying_it() -> None:
    for one in written(KUBERNETES / "city"):
        assert len(yaml.safe_dump(one)) < 256 * 1024
