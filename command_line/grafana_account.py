"""`kept grafana account`: the service account that writes annotations, and its token in a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from command_line.output import output
from grafana.service_account import ACCOUNT, ROLE, GrafanaAccounts
from history.influxdb_setup import OWNER_ALONE, OWNER_AND_GROUP, check_place, read_secret, set_mode, write_secret
from kept.settings import read_settings

NOT_YET = ("KEPT_GRAFANA_TOKEN", "KEPT_GRAFANA_TOKEN_FILE")
"""Settings that may name what is only made here."""


def account(
    password_file: Annotated[Path, typer.Option(help="File with the administrator's password.")],
    token_file: Annotated[Path, typer.Option(help="Where the token goes; one that works is left as it is.")],
    username: Annotated[str, typer.Option(help="The administrator.")] = "admin",
    group_reads: Annotated[
        bool, typer.Option("--group-reads", help="The group of the file may read it, too: for containers.")
    ] = False,
) -> None:
    """Make the service account for annotations, and its token, where they are missing; running it again is free.

    KEPT_GRAFANA_URL says where. Grafana reads no service account from a file.
    """
    settings = read_settings({name: value for name, value in os.environ.items() if name not in NOT_YET})
    accounts = GrafanaAccounts(settings.grafana_url, username, read_secret(password_file), ca_file=settings.ssl_cafile)
    mode = OWNER_AND_GROUP if group_reads else OWNER_ALONE
    try:
        with output():
            if token_file.exists() and accounts.works(read_secret(token_file)):
                set_mode(token_file, mode)
                typer.echo(f"token {token_file}: is there")
                return
            check_place(token_file)  # tokens that were there are gone with the first new one
            made = accounts.make_token()
            write_secret(token_file, made.token, mode)
            typer.echo(f"service account {ACCOUNT} ({ROLE}): {'made' if made.account_made else 'is there'}")
            replaced = f"; {made.replaced} older removed" if made.replaced else ""
            typer.echo(f"token {token_file}: made{replaced}")
    finally:
        accounts.close()
