"""`kept rules`: the alert rules of a catalogue, as files for Prometheus, and whether files are still those."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

import alert_rules
import catalogue
from alert_rules.options import Jobs, RuleOptions
from alert_rules.rules import RuleFormat, all_refused, rule_files
from command_line.alertmanager_config import alertmanager_config
from command_line.given import Folders, services_in
from command_line.output import output
from command_line.written_files import write_files
from kept.catalogue import Catalogue
from kept.durations import SECOND_MS, parse_duration
from kept.errors import ConfigurationError, Stop

DEFAULT = RuleOptions()
CITY = Path(alert_rules.__file__).parent / "city"
"""The rules of the simulated city, as they come with Kept."""

app = typer.Typer(no_args_is_help=True, help="Alert rules and Alertmanager's configuration, made from the catalogue.")
app.command("alertmanager")(alertmanager_config)

Wait = Annotated[str, typer.Option(help="How long a signal stands before it is told (0s: at once).")]
Hold = Annotated[str, typer.Option(help="How long it is told after it is gone: longer than a worker's restart.")]
Runbooks = Annotated[str, typer.Option(help="Where docs/runbooks.md can be read; `#` and the alert's name follow.")]
Dashboards = Annotated[str, typer.Option(help="What the page of a service begins with; the service's id follows.")]
PipelineDashboard = Annotated[str, typer.Option(help="The page to look at when the pipeline itself is in trouble.")]
Grafana = Annotated[
    str | None,
    typer.Option(
        help="Address of a Grafana with Kept's boards: alerts lead there, in place of --dashboards and "
        "--pipeline-dashboard.",
        show_default="none",
    ),
]
Owner = Annotated[str, typer.Option(help="Who owns the pipeline: label `owner` of its alerts.")]
WorkerJob = Annotated[str, typer.Option(help="Scrape job of the workers.")]
PrometheusJob = Annotated[str, typer.Option(help="Scrape job of Prometheus itself.")]
AlertmanagerJob = Annotated[str, typer.Option(help="Scrape job of Alertmanager.")]
IntakeJob = Annotated[
    str | None, typer.Option(help="Scrape job of the intake, where one runs.", show_default="no intake")
]
SummaryJob = Annotated[
    str | None,
    typer.Option(
        "--summary-job", help="Scrape job of `kept post`; without it, or empty, nothing is said of the weekly summary."
    ),
]
Format = Annotated[
    RuleFormat, typer.Option(help="Files for Prometheus, or objects of Kubernetes for the Prometheus operator.")
]
Live = Annotated[bool, typer.Option("--live/--replay", help="Whether event time should keep up with the clock.")]


@app.command("generate")
def generate(
    output_folder: Annotated[Path, typer.Option("--output", help="Folder for the rule files; made if missing.")],
    folders: Folders = None,
    wait: Wait = "5m",
    hold: Hold = "10m",
    runbooks: Runbooks = DEFAULT.runbooks,
    dashboards: Dashboards = DEFAULT.dashboards,
    pipeline_dashboard: PipelineDashboard = DEFAULT.pipeline_dashboard,
    grafana: Grafana = None,
    pipeline_owner: Owner = DEFAULT.pipeline_owner,
    worker_job: WorkerJob = DEFAULT.jobs.worker,
    prometheus_job: PrometheusJob = DEFAULT.jobs.prometheus,
    alertmanager_job: AlertmanagerJob = DEFAULT.jobs.alertmanager,
    intake_job: IntakeJob = None,
    summary_job: SummaryJob = None,
    live: Live = True,
    format: Format = RuleFormat.FILES,
) -> None:
    """Write the rule files of a catalogue."""
    services = services_in(folders)
    jobs = Jobs(
        worker=worker_job,
        prometheus=prometheus_job,
        alertmanager=alertmanager_job,
        intake=intake_job,
        summary=summary_job or None,
    )
    pages = _pages(grafana, dashboards, pipeline_dashboard)
    options = _options(wait, hold, jobs, runbooks, pages, pipeline_owner, live=live)
    files = rule_files(services, options, format)
    write_files(output_folder, files, "the rules")
    with output():
        _tell_refused(services, typer.echo)


@app.command("check")
def check(
    rules_folder: Annotated[
        Path | None,
        typer.Option("--rules", help="Folder with the rule files.", show_default="those of the simulated city"),
    ] = None,
    folders: Folders = None,
    wait: Wait = "5m",
    hold: Hold = "10m",
    runbooks: Runbooks = DEFAULT.runbooks,
    dashboards: Dashboards = DEFAULT.dashboards,
    pipeline_dashboard: PipelineDashboard = DEFAULT.pipeline_dashboard,
    grafana: Grafana = None,
    pipeline_owner: Owner = DEFAULT.pipeline_owner,
    worker_job: WorkerJob = DEFAULT.jobs.worker,
    prometheus_job: PrometheusJob = DEFAULT.jobs.prometheus,
    alertmanager_job: AlertmanagerJob = DEFAULT.jobs.alertmanager,
    intake_job: IntakeJob = None,
    summary_job: SummaryJob = None,
    live: Live = True,
    format: Format = RuleFormat.FILES,
) -> None:
    """Make the rules anew and compare (exit 1 when they differ); say which alerts each service cannot have, and why."""
    services = services_in(folders)
    folder = rules_folder or _rules_that_come_with(services, format)
    jobs = Jobs(
        worker=worker_job,
        prometheus=prometheus_job,
        alertmanager=alertmanager_job,
        intake=intake_job,
        summary=summary_job or None,
    )
    pages = _pages(grafana, dashboards, pipeline_dashboard)
    options = _options(wait, hold, jobs, runbooks, pages, pipeline_owner, live=live)
    files = rule_files(services, options, format)
    differing = 0
    with output():
        for name, text in files.items():
            there = _read(folder / name)
            if there == text:
                continue
            differing += 1
            typer.echo(
                f"{folder / name}: not what the catalogue gives; `kept rules generate --output {folder}` with the "
                "same options writes it anew"
            )
            for line in difflib.unified_diff(
                (there or "").splitlines(), text.splitlines(), "there", "from the catalogue", lineterm="", n=1
            ):
                typer.echo(line)
        if not differing:
            typer.echo(f"{folder}: {len(files)} files are what the catalogue gives")
        _tell_refused(services, typer.echo)
    if differing:
        raise typer.Exit(1)


def _rules_that_come_with(services: Catalogue, format: RuleFormat) -> Path:
    if format is not RuleFormat.FILES or dict(services) != catalogue.services_in([catalogue.CITY]):
        raise ConfigurationError("--rules: name the folder of the files that Prometheus loads for this catalogue")
    return CITY


def _options(
    wait: str,
    hold: str,
    jobs: Jobs,
    runbooks: str,
    pages: tuple[str, str],
    pipeline_owner: str,
    *,
    live: bool,
) -> RuleOptions:
    return RuleOptions(
        wait_seconds=_seconds("--wait", wait),
        hold_seconds=_seconds("--hold", hold),
        live=live,
        jobs=jobs,
        runbooks=runbooks,
        dashboards=pages[0],
        pipeline_dashboard=pages[1],
        pipeline_owner=pipeline_owner,
    )


def _pages(grafana: str | None, dashboards: str, pipeline_dashboard: str) -> tuple[str, str]:
    """What the page of a service begins with, and the page of the pipeline."""
    if grafana is None:
        return dashboards, pipeline_dashboard
    if (dashboards, pipeline_dashboard) != (DEFAULT.dashboards, DEFAULT.pipeline_dashboard):
        raise ConfigurationError("--grafana: leave out --dashboards and --pipeline-dashboard, or --grafana")
    address = urlsplit(grafana)
    if address.scheme not in ("http", "https") or not address.netloc or address.query or address.fragment:
        raise ConfigurationError(
            f"--grafana: {grafana!r} is not valid; valid: an address such as https://grafana.example.org"
        )
    return RuleOptions.on_grafana(grafana)


def _seconds(option: str, text: str) -> int:
    if text in ("0", "0s"):
        return 0
    try:
        return parse_duration(text) // SECOND_MS
    except ValueError as error:
        raise ConfigurationError(f"{option}: {text!r} is not valid; valid: 0s, or {error}") from error


def _read(path: Path) -> str | None:
    """The text of a rule file; None when there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise Stop(f"{path}: cannot be read as UTF-8 text: {error}") from error


def _tell_refused(services: Catalogue, say: Callable[[str], None]) -> None:
    for one in all_refused(services):
        say(f"{one.service}: no {one.alert}: {one.why}")
