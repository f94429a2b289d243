"""`kept rules alertmanager`: the configuration of Alertmanager for the owners of a catalogue, and its texts."""

from __future__ import annotations

import os
import re
from importlib import resources
from pathlib import Path
from typing import Annotated

import msgspec
import typer

import catalogue
from alert_rules.alertmanager import DEFAULT_DELIVERY as DEFAULT
from alert_rules.alertmanager import Delivery, as_yaml, configuration
from kept.errors import ConfigurationError, Stop
from kept.owners import read_owners
from kept.settings import read_settings

CONFIG_FILE = "alertmanager.yml"
TEMPLATES_FOLDER = "templates"


def alertmanager_config(
    output: Annotated[Path, typer.Option(help=f"Folder for {CONFIG_FILE} and the templates.")],
    folders: Annotated[
        list[Path] | None,
        typer.Option(
            "--catalogue",
            help="Folder with services and an owners.toml; more than once for more.",
            show_default="KEPT_CATALOGUE",
        ),
    ] = None,
    templates: Annotated[
        str | None,
        typer.Option(help="Pattern of templates that are somewhere else; none are written then."),
    ] = None,
    secrets_folder: Annotated[str, typer.Option(help="Where Alertmanager finds the files that owners name.")] = (
        DEFAULT.secrets_folder
    ),
    smtp_smarthost: Annotated[str, typer.Option(help="Mail server, host:port.")] = DEFAULT.smtp_smarthost,
    smtp_from: Annotated[str, typer.Option(help="Sender of mails.")] = DEFAULT.smtp_from,
    smtp_username: Annotated[str | None, typer.Option(help="Login at the mail server.")] = None,
    smtp_password_file: Annotated[
        str | None, typer.Option(help="File with its password, among the secrets; no line break in it.")
    ] = None,
    smtp_tls: Annotated[bool, typer.Option(help="Refuse to send mail unencrypted.")] = DEFAULT.smtp_tls,
    page_wait: Annotated[str, typer.Option(help="How long a first page waits for others.")] = DEFAULT.page_wait,
    page_interval: Annotated[str, typer.Option(help="How long news of a page waits.")] = DEFAULT.page_interval,
    page_repeat: Annotated[str, typer.Option(help="When a page is sent again.")] = DEFAULT.page_repeat,
    ticket_wait: Annotated[str, typer.Option(help="How long a first ticket waits.")] = DEFAULT.ticket_wait,
    ticket_interval: Annotated[str, typer.Option(help="How long news of a ticket waits.")] = DEFAULT.ticket_interval,
    ticket_repeat: Annotated[str, typer.Option(help="When a ticket is sent again.")] = DEFAULT.ticket_repeat,
    heartbeat: Annotated[str, typer.Option(help="How often the heartbeat is sent.")] = DEFAULT.heartbeat,
) -> None:
    """Write the configuration of Alertmanager: who is told of what, when, in which words. No secret is in it."""
    where = folders or catalogue.folders_of(read_settings(os.environ))
    owners = read_owners(where)
    if not owners:
        raise ConfigurationError(f"{', '.join(map(str, where))}: no owners.toml; add one, see docs/alerting.md")
    delivery = checked(
        Delivery(
            secrets_folder=secrets_folder,
            templates=DEFAULT.templates if templates is None else templates,
            smtp_smarthost=smtp_smarthost,
            smtp_from=smtp_from,
            # Empty where a deployment fills them from its environment.
            smtp_username=smtp_username or None,
            smtp_password_file=smtp_password_file or None,
            smtp_tls=smtp_tls,
            page_wait=page_wait,
            page_interval=page_interval,
            page_repeat=page_repeat,
            ticket_wait=ticket_wait,
            ticket_interval=ticket_interval,
            ticket_repeat=ticket_repeat,
            heartbeat=heartbeat,
        )
    )
    try:
        write_config(output, as_yaml(configuration(owners, delivery)), with_templates=templates is None)
    except OSError as error:
        raise Stop(f"{output}: cannot be written: {error}") from error
    typer.echo(
        f"{output / CONFIG_FILE}: {len(owners)} owners; check it with: amtool check-config {output / CONFIG_FILE}"
    )


def write_config(output: Path, text: str, *, with_templates: bool = True) -> Path:
    """Write the configuration `text` and the texts of messages into the folder `output`; the path of the former."""
    output.mkdir(parents=True, exist_ok=True)
    if with_templates:
        (output / TEMPLATES_FOLDER).mkdir(exist_ok=True)
        for template in (resources.files("alert_rules") / "templates").iterdir():
            (output / TEMPLATES_FOLDER / template.name).write_text(template.read_text(encoding="utf-8"), "utf-8")
    config = output / CONFIG_FILE
    config.write_text(text, encoding="utf-8")
    return config


def checked(delivery: Delivery) -> Delivery:
    """The same; raises `ConfigurationError` that names the option, the value seen and what is valid."""
    try:
        return msgspec.convert(msgspec.to_builtins(delivery), Delivery)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$.")
        name = path.rstrip("`")
        option = re.sub("_", "-", name)
        raise ConfigurationError(f"--{option}: {what}, seen {getattr(delivery, name)!r}") from error
