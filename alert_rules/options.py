"""What generated rules may be told: how long they wait and hold, which jobs are watched, where people are led."""

from __future__ import annotations

from urllib.parse import quote

from msgspec import Struct


class Jobs(Struct, frozen=True, kw_only=True):
    """Names of the scrape jobs. `intake` is None where no intake runs: then nothing is said of it."""

    worker: str = "kept-worker"
    prometheus: str = "prometheus"
    alertmanager: str = "alertmanager"
    intake: str | None = None
    summary: str | None = None
    """None where no weekly summary is sent."""

    def all(self) -> tuple[str, ...]:
        """Every job that must be there."""
        here = (self.worker, self.prometheus, self.alertmanager, self.intake, self.summary)
        return tuple(job for job in here if job)


class RuleOptions(Struct, frozen=True, kw_only=True):
    """Options of the generator. The defaults are those of a live pipeline and of the addresses of `kept demo`.

    A signal must stand for `wait_seconds` before it is told: what a worker that catches up raises and ends within
    minutes is told to nobody. It is told for `hold_seconds` longer: a worker that starts again ends no alert.
    `live` False leaves out what compares event time with the clock.
    """

    wait_seconds: int = 300
    hold_seconds: int = 600
    live: bool = True
    jobs: Jobs = Jobs()
    runbooks: str = "docs/runbooks.md"
    """Where docs/runbooks.md can be read; `#` and the alert's name in lower case are put after it."""
    dashboards: str = "http://127.0.0.1:8400/service/"
    """The service's id is put after it."""
    pipeline_dashboard: str = "http://127.0.0.1:8400/"
    pipeline_owner: str = "platform"
    """Label `owner` of alerts about the pipeline."""

    @staticmethod
    def on_grafana(address: str) -> tuple[str, str]:
        """(`dashboards`, `pipeline_dashboard`) of a Grafana at `address` that has Kept's boards."""
        base = address.rstrip("/")
        return (f"{base}/d/kept-service?var-service=", f"{base}/d/kept-pipeline")

    def runbook(self, alert: str) -> str:
        """Address of the section of an alert."""
        return f"{self.runbooks}#{anchor(alert)}"

    def dashboard(self, service: str) -> str:
        """Address of the page of a service."""
        return f"{self.dashboards}{quote(service, safe='')}"


def anchor(alert: str) -> str:
    """The anchor of an alert's section in docs/runbooks.md."""
    return alert.lower()
