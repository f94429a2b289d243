"""`kept summary`: the weekly summary as a file, for people who do not open the page."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

import catalogue
from command_line.history_choice import history_settings
from command_line.moments import as_of_seconds
from command_line.output import output
from history.open import open_history
from kept.catalogue import Catalogue
from kept.errors import ConfigurationError, Stop
from kept.iso_week import IsoWeek, week_named
from kept.settings import Settings, read_settings
from producers.mapping import read_mapping
from summaries.known import HistoryReader, Known
from summaries.post.letter import letter_of, paper_of
from summaries.post.message import message
from summaries.post.office import recipients_of
from summaries.weekly.facts import weeks_there
from summaries.weekly.html_file import as_html
from summaries.weekly.markdown import as_markdown
from summaries.weekly.told import Told, told

MOST_NAMED = 12
FORMS = ("--md", "--html", "--pdf", "--eml")


def summary(
    week: Annotated[
        str | None, typer.Option(help="An ISO week, such as 2026-W47.", show_default="the last that is over")
    ] = None,
    markdown: Annotated[bool, typer.Option("--md", help="As Markdown.", show_default="unless --html")] = False,
    html: Annotated[bool, typer.Option("--html", help="As one HTML file with its pictures within.")] = False,
    paper: Annotated[bool, typer.Option("--pdf", help="As a PDF to print, readable to screen readers.")] = False,
    mail: Annotated[bool, typer.Option("--eml", help="As the e-mail that `kept post` would send.")] = False,
    to: Annotated[Path | None, typer.Option("--output", help="A file to write; without it, standard output.")] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            help="As it was known at this moment: local time of the services, or with an offset.",
            show_default="Monday 06:00 after the week",
        ),
    ] = None,
    history: Annotated[
        Path | None, typer.Option(help="A history file, such as a replay leaves; else that of the settings.")
    ] = None,
    mapping: Annotated[
        str | None, typer.Option(help="Of the service of this mapping, instead of those of the catalogue.")
    ] = None,
) -> None:
    """One week in words: decisions and what became of them, what is signal and what is noise, the worst member beside
    every total, what is not known, what waste cost, and what to ask.

    The same week as of the same moment gives the same bytes.
    """
    forms = [name for name, chosen in zip(FORMS, (markdown, html, paper, mail), strict=True) if chosen] or ["--md"]
    if len(forms) > 1:
        raise ConfigurationError(f"{' and '.join(forms)}: give one of them; a file has one form")
    if to is None and forms[0] == "--pdf" and sys.stdout.isatty():
        raise ConfigurationError("--pdf: a terminal cannot show it; name a file with --output")
    settings, services = read_settings(os.environ), _services(mapping)
    week_told = tell(services, week, as_of, history)
    content = _in_form(forms[0], week_told, services, settings)
    if to is None:
        with output():
            sys.stdout.buffer.write(content)
        return
    try:
        to.write_bytes(content)
    except OSError as error:
        raise Stop(f"{to}: the summary cannot be written: {error.strerror or error}") from error
    typer.echo(f"{to}: {week_told.summary.week.name}, {week_told.summary.headline}")


def _in_form(form: str, week: Told, services: Catalogue, settings: Settings) -> bytes:
    if form == "--html":
        return as_html(week.summary, week.charts, services).encode()
    if form == "--pdf":
        return paper_of(week.summary, week.charts, services)
    if form == "--eml":
        recipients = recipients_of(settings) if settings.summary_to else []
        return message(letter_of(week, services, settings.board_url), settings.summary_from, recipients)
    return as_markdown(week.summary).encode()


def tell(services: Catalogue, week: str | None, as_of: str | None, history: Path | None) -> Told:
    """A week, None for the newest; raises `ConfigurationError` that says which weeks there are."""
    reader = HistoryReader(lambda: open_history(history_settings(history), read_only=True))
    with closing(reader):
        moment = as_of_seconds(as_of, services.values())
        return told(reader, services, _chosen(week, weeks_there(Known(reader, services, moment))), moment)


def _services(mapping: str | None) -> Catalogue:
    if mapping is None:
        return catalogue.services_of(read_settings(os.environ))
    service = read_mapping(mapping).service()
    return {service.id: service}


def _chosen(name: str | None, there: list[IsoWeek]) -> IsoWeek:
    if not there:
        raise ConfigurationError("no week is over and published yet; a week can be told of once it is")
    if name is None:
        return there[0]
    try:
        week = week_named(name)
    except ValueError as error:
        raise ConfigurationError(f"--week: {error}") from error
    if week not in there:
        some = ", ".join(one.name for one in there[:MOST_NAMED])
        more = f" and back to {there[-1].name}" if len(there) > MOST_NAMED else ""
        raise ConfigurationError(
            f"--week: {week.name} is not over and published, or before the data; there is {some}{more}"
        )
    return week
