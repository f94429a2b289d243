"""`kept grafana`: what Kept does in Grafana."""

from __future__ import annotations

import typer

from command_line.grafana_account import account

app = typer.Typer(no_args_is_help=True, help="Dashboards, annotations and the account for them in Grafana.")
app.command("account")(account)


@app.callback()
def grafana() -> None:
    """Dashboards, annotations and the account for them in Grafana."""
