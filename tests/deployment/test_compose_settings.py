"""docker-compose.yml and the code agree: settings, ports, mounts, secrets, commands."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

import catalogue
from alert_rules.options import Jobs
from command_line.main import app
from command_line.worker import OWN_NAME
from history.influxdb_setup import READ_TOKEN, WRITE_TOKEN
from kept.errors import ConfigurationError
from kept.settings import Settings, read_settings
from kept.topic_needs import broker_verdicts
from tests.deployment.compose import (
    ROOT,
    TEXT,
    command,
    compose,
    environment,
    mounts,
    networks,
    of_kept,
    option,
    secret_paths,
    services,
)

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PROMETHEUS = yaml.safe_load((ROOT / "deployment/prometheus.yml").read_text(encoding="utf-8"))
FILES_OF_JOBS = {
    f"/run/kept/write/{WRITE_TOKEN}": "influxdb-init",
    f"/run/kept/read/{READ_TOKEN}": "influxdb-init",
    "/run/kept/grafana/annotations.token": "grafana-account",
}
"""Files with secrets that a job writes, and which one."""
SECRETS_BY_HAND = "./deployment/secrets/receivers"


def image_environment() -> dict[str, str]:
    """KEPT_* that the image itself sets."""
    return dict(re.findall(r"\b(KEPT_\w+)=(\S+)", DOCKERFILE.split("ENV PATH=")[1].split("\nUSER")[0]))


def settings_of(name: str, variables: dict[str, str] | None = None) -> Settings:
    """What the service's process is told; files with secrets are there as its own mounts allow."""
    service = compose(**(variables or {}))["services"][name]

    def read(path: str) -> str:
        if path not in secret_paths(service).values():
            writer = services()[FILES_OF_JOBS[path]]
            folder = path.rpartition("/")[0]
            (source,) = {mount.source for mount in mounts(service) if mount.target == folder}
            assert (source, folder) in {(mount.source, mount.target) for mount in mounts(writer)}, path
        return "a-secret-of-more-than-16-characters\n"

    return read_settings({**image_environment(), **environment(service)}, read)


@pytest.mark.parametrize("name", sorted(of_kept()))
def test_every_service_of_kept_accepts_its_environment(name: str) -> None:
    settings = settings_of(name)
    if "KEPT_BROKERS" in environment(services()[name]):
        assert settings.brokers == "kafka:9092"
        assert settings.partitions == 12
    with pytest.raises(ConfigurationError, match="KEPT_NONSENSE: no such setting"):
        read_settings({**environment(services()[name]), "KEPT_NONSENSE": "1"}, lambda _: "a-secret-of-16-chars")


@pytest.mark.parametrize(
    "name", sorted(name for name, each in of_kept().items() if any(v.endswith("_FILE") for v in environment(each)))
)
def test_a_service_does_not_start_without_its_secret(name: str, tmp_path: Path) -> None:
    def unreadable(path: str) -> str:
        raise PermissionError(13, "Permission denied", path)

    with pytest.raises(ConfigurationError, match=r"KEPT_\w+_FILE: '/run/\S+' cannot be read"):
        read_settings(environment(services()[name]), unreadable)


def test_all_who_use_the_topics_are_told_the_same_number_of_partitions() -> None:
    users = [name for name, each in of_kept().items() if "KEPT_BROKERS" in environment(each)]
    assert set(users) >= {"topics", "worker", "intake", "city", "console"}
    assert {settings_of(name, {"PARTITIONS": "24"}).partitions for name in users} == {24}
    # Every number of workers up to four, and six and twelve, gets the same share.
    assert [workers for workers in range(1, 13) if settings_of("worker").partitions % workers == 0] == [
        1,
        2,
        3,
        4,
        6,
        12,
    ]


def test_replicas_of_the_worker_have_names_of_their_own() -> None:
    assert settings_of("worker").worker_id == OWN_NAME


def test_ports_are_those_that_others_ask() -> None:
    worker, intake, board = (settings_of(name) for name in ("worker", "intake", "board"))
    assert (worker.metrics_port, intake.intake_port, board.board_port) == (8000, 8090, 8400)
    assert {worker.metrics_host, intake.intake_host, board.board_host} == {"0.0.0.0"}
    for name, port in (("worker", worker.metrics_port), ("intake", intake.intake_port), ("board", board.board_port)):
        assert services()[name]["healthcheck"]["test"] == ["CMD", "python", "-m", "command_line.healthz", str(port)]
        assert re.search(rf"^EXPOSE .*\b{port}\b", DOCKERFILE, re.MULTILINE)
    (published,) = services()["board"]["ports"]
    assert published.endswith(f":{board.board_port}")


def test_prometheus_asks_the_jobs_that_the_rules_watch() -> None:
    rules = compose(SUMMARY_TO="leaders@city.example")["services"]["rules"]
    jobs = Jobs(intake=option(rules, "--intake-job"), summary=option(rules, "--summary-job"))
    by_name = {entry["job_name"]: entry for entry in PROMETHEUS["scrape_configs"]}
    assert set(by_name) == set(jobs.all())
    for job, name in ((jobs.worker, "worker"), (str(jobs.summary), "summary")):
        (found,) = by_name[job]["dns_sd_configs"]
        assert (found["names"], found["type"], found["port"]) == ([name], "A", settings_of(name).metrics_port)
    assert by_name[str(jobs.intake)]["static_configs"] == [{"targets": [f"intake:{settings_of('intake').intake_port}"]}]
    (alertmanagers,) = PROMETHEUS["alerting"]["alertmanagers"]
    assert alertmanagers == {"static_configs": by_name[jobs.alertmanager]["static_configs"]}
    for target in ("worker", "intake", "summary", "alertmanager"):
        assert networks(services()[target]) & networks(services()["prometheus"]), target


def test_the_summary_is_watched_where_it_is_sent_and_nowhere_else() -> None:
    assert option(services()["rules"], "--summary-job") == ""
    told = {"SUMMARY_TO": "leaders@city.example", "SMTP_USERNAME": "kept", "SMTP_PASSWORD_FILE": "mail"}
    environment_of_summary = environment(compose(**told)["services"]["summary"])
    assert environment_of_summary["KEPT_SUMMARY_TO"] == "leaders@city.example"
    assert environment_of_summary["KEPT_SMTP_PASSWORD_FILE"] == "/run/kept/receivers/mail"
    assert settings_of("summary").smtp_password is None


def test_what_a_bind_mounts_is_in_the_repository_or_made_with_the_secrets() -> None:
    for name, service in services().items():
        for mount in mounts(service):
            if mount.kind == "bind":
                assert mount.read_only, (name, mount)
                assert not mount.creates_source, (name, mount)
                assert mount.source == SECRETS_BY_HAND or (ROOT / mount.source).exists(), (name, mount)


def test_the_catalogue_is_where_kept_looks_for_it() -> None:
    for name, service in of_kept().items():
        if name == "grafana-account":
            continue  # it knows no services
        (mounted,) = [mount for mount in mounts(service) if mount.target == settings_of(name).catalogue]
        assert mounted.source == "./catalogue/city"
    assert (ROOT / "catalogue/city").samefile(catalogue.CITY)


def test_each_token_is_put_where_those_who_need_it_look() -> None:
    job = services()["influxdb-init"]
    assert f"{option(job, '--folder')}/{WRITE_TOKEN}" == environment(services()["worker"])["KEPT_INFLUXDB_TOKEN_FILE"]
    assert (
        f"{option(job, '--read-folder')}/{READ_TOKEN}" == environment(services()["board"])["KEPT_INFLUXDB_TOKEN_FILE"]
    )
    assert "--group-reads" in command(job)


def test_annotations_are_written_with_the_token_that_the_job_makes() -> None:
    annotations, job = services()["annotations"], services()["grafana-account"]
    assert environment(annotations)["KEPT_GRAFANA_TOKEN_FILE"] == option(job, "--token-file")
    addresses = {environment(each)["KEPT_GRAFANA_URL"] for each in (annotations, job)}
    assert addresses == {"http://grafana:3000"}
    assert networks(annotations) & networks(job) & networks(services()["grafana"])


def test_every_volume_is_defined_and_used_and_filled_by_one() -> None:
    used: dict[str, list[tuple[str, bool]]] = {}
    for name, service in services().items():
        for mount in mounts(service):
            if mount.kind == "volume":
                used.setdefault(mount.source, []).append((name, mount.read_only))
    assert set(used) == set(compose()["volumes"])
    for volume, users in used.items():
        assert len([name for name, read_only in users if not read_only]) == 1, (volume, users)


def test_a_volume_that_a_job_fills_hides_no_folder_of_an_image() -> None:
    # Docker copies what the image has there into the empty volume, owned by somebody else than the job.
    writers = {
        mount.source: name
        for name, service in services().items()
        for mount in mounts(service)
        if mount.kind == "volume" and not mount.read_only
    }
    for name, service in services().items():
        for mount in mounts(service):
            if mount.kind == "volume" and writers[mount.source] != name:
                assert mount.target.startswith("/run/kept/"), (name, mount)


def test_the_image_has_the_folders_that_its_user_writes_to() -> None:
    made = set(re.findall(r"(/(?:var/lib|run)/kept\S*)", DOCKERFILE.split("useradd")[1].split("COPY")[0]))
    for name, service in of_kept().items():
        for mount in mounts(service):
            if mount.kind == "volume" and not mount.read_only:
                assert mount.target in made, (name, mount)


def test_every_secret_is_made_and_used() -> None:
    needs = (ROOT / "deployment/needs.sh").read_text(encoding="utf-8")
    names = re.search(r"SECRET_NAMES=\(\n(.*?)\n\)", needs, re.DOTALL)
    assert names is not None
    made = set(names[1].split())
    defined = compose()["secrets"]
    assert {name: f"./deployment/secrets/{name}" for name in made} == {
        name: entry["file"] for name, entry in defined.items()
    }
    used = {name for service in services().values() for name in service.get("secrets", [])}
    assert used == made
    said = TEXT.split("\nservices:")[1]
    for path in set(re.findall(r"/run/secrets/([\w-]+)", said)):
        assert path in made, path


def test_who_reads_a_secret_is_in_the_group_of_the_files() -> None:
    gid = "4711"
    told = compose(SECRETS_GID=gid)["services"]
    for name, service in told.items():
        sources = {mount.source for mount in mounts(service)}
        if service.get("secrets") or "token" in " ".join(sources) or SECRETS_BY_HAND in sources:
            assert service["user"].endswith(f":{gid}") or service.get("group_add") == [gid], name


def test_the_name_and_password_of_mail_are_optional(tmp_path: Path) -> None:
    written = []
    for variables in ({}, {"SMTP_USERNAME": "kept", "SMTP_PASSWORD_FILE": "smtp-password"}):
        job = compose(**variables)["services"]["alertmanager-config"]
        words = [word.replace("/run/kept/alertmanager", str(tmp_path)) for word in command(job)]
        result = CliRunner().invoke(app, words, env={"KEPT_CATALOGUE": str(ROOT / "catalogue/city")})
        assert result.exit_code == 0, result.output
        written.append(yaml.safe_load((tmp_path / "alertmanager.yml").read_text(encoding="utf-8"))["global"])
    assert "smtp_auth_username" not in written[0]
    assert written[1]["smtp_auth_password_file"] == "/run/kept/receivers/smtp-password"


def test_where_alertmanager_looks_for_secrets_is_where_they_are_mounted() -> None:
    folder = option(services()["alertmanager-config"], "--secrets-folder")
    (mount,) = [mount for mount in mounts(services()["alertmanager"]) if mount.kind == "bind"]
    assert (mount.source, mount.target) == (SECRETS_BY_HAND, folder)


def test_what_the_jobs_write_is_what_prometheus_and_alertmanager_read(tmp_path: Path) -> None:
    env = {"KEPT_CATALOGUE": str(ROOT / "catalogue/city")}
    for job, folder in (("rules", "rules"), ("alertmanager-config", "alertmanager")):
        words = [word.replace(f"/run/kept/{folder}", str(tmp_path / folder)) for word in command(services()[job])]
        result = CliRunner().invoke(app, words, env=env)
        assert result.exit_code == 0, result.output
    (pattern,) = PROMETHEUS["rule_files"]
    (rules,) = [mount for mount in mounts(services()["prometheus"]) if mount.source == "prometheus-rules"]
    assert pattern.startswith(f"{rules.target}/")
    loaded = sorted(file.name for file in (tmp_path / "rules").glob(pattern.rpartition("/")[2]))
    assert (
        loaded == ["pipeline.rules.yml", "services.rules.yml"] == sorted(p.name for p in (tmp_path / "rules").iterdir())
    )
    text = "".join((tmp_path / "rules" / name).read_text(encoding="utf-8") for name in loaded)
    assert "http://127.0.0.1:3000/d/kept-service?var-service=street-lights" in text
    assert 'job="kept-intake"' in text
    config = tmp_path / "prometheus.yml"
    config.write_text(
        (ROOT / "deployment/prometheus.yml").read_text(encoding="utf-8").replace(rules.target, str(tmp_path / "rules"))
    )
    for check in (
        ["promtool", "check", "config", str(config)],
        ["promtool", "check", "rules", "--lint=all", *(str(tmp_path / "rules" / name) for name in loaded)],
        ["amtool", "check-config", str(tmp_path / "alertmanager" / "alertmanager.yml")],
    ):
        done = subprocess.run(check, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    (config_mount,) = [m for m in mounts(services()["alertmanager"]) if m.source == "alertmanager-config"]
    assert option(services()["alertmanager"], "--config.file") == f"{config_mount.target}/alertmanager.yml"


def kafka_settings() -> dict[str, str]:
    """Kafka's own settings, by the rule of its image: KAFKA_LOG_DIRS is log.dirs."""
    left_out = {"KAFKA_HEAP_OPTS"}
    return {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in environment(services()["kafka"]).items()
        if name.startswith("KAFKA_") and name not in left_out
    }


def test_kafka_keeps_its_data_on_the_volume_and_makes_no_topics_by_itself() -> None:
    told = kafka_settings()
    (volume,) = mounts(services()["kafka"])
    assert told["log.dirs"] == volume.target == "/var/lib/kafka/data"
    assert told["auto.create.topics.enable"] == "false"
    assert told["process.roles"] == "broker,controller"
    assert told["advertised.listeners"] == "PLAINTEXT://kafka:9092"
    # Nobody else may speak to the controller.
    assert "CONTROLLER://localhost:9093" in told["listeners"]
    assert told["controller.quorum.voters"] == "1@localhost:9093"


def test_one_broker_asks_for_one_copy_of_everything() -> None:
    told = kafka_settings()
    copies = {name: value for name, value in told.items() if name.endswith(("replication.factor", "min.isr"))}
    assert copies == dict.fromkeys(
        (
            "offsets.topic.replication.factor",
            "transaction.state.log.replication.factor",
            "transaction.state.log.min.isr",
            "share.coordinator.state.topic.replication.factor",
            "share.coordinator.state.topic.min.isr",
        ),
        "1",
    )
    assert settings_of("topics").replication == 1


def test_kafka_is_told_nothing_that_workers_could_not_live_with() -> None:
    assert [verdict for verdict in broker_verdicts(Settings(), kafka_settings()) if verdict.level == "mend"] == []


@pytest.mark.parametrize("name", sorted(of_kept()))
def test_every_command_is_one_of_kept(name: str) -> None:
    words = command(services()[name])
    if name == "console":
        assert services()[name]["entrypoint"] == ["sleep", "infinity"]
        return
    plain = words[: 2 if words[0] in ("topics", "influx", "rules", "grafana") else 1]
    result = CliRunner().invoke(app, [*plain, "--help"], env={"COLUMNS": "400", "TERMINAL_WIDTH": "400"})
    assert result.exit_code == 0, result.output
    for word in words[len(plain) :]:
        if word.startswith("--"):
            assert word.partition("=")[0] in result.output, word


def test_a_service_of_kept_is_told_no_setting_that_is_not_its_own() -> None:
    for name, service in of_kept().items():
        told = set(environment(service))
        uses_history = "KEPT_HISTORY" in told
        assert uses_history == any(mount.target in ("/run/kept/write", "/run/kept/read") for mount in mounts(service)
                                   if mount.read_only), name  # fmt: skip
        assert ("KEPT_BROKERS" in told) == ("kafka" in networks(service)), name


def test_the_variables_of_the_file_are_explained() -> None:
    page = (ROOT / "docs/compose.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", TEXT))
    assert len(re.findall(r"\$\{\w+[^:}\w]", TEXT)) == 0
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]*?) \|", page, re.MULTILINE))
    assert rows == {name: f"`{default}`" if default else "-" for name, default in told.items()}
    for name, default in told.items():
        assert set(re.findall(rf"\$\{{{name}:-([^}}]*)\}}", TEXT)) == {default}, name
