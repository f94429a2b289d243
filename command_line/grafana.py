"""`kept grafana`: boards and annotations in a Grafana, over its HTTP API, and the boards as files."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)

from command_line.given import Folders, services_in
from command_line.grafana_account import account
from command_line.grafana_files import check, generate, read_boards
from command_line.history_choice import history_settings
from command_line.output import output
from grafana.annotate import Annotator, Done, wanted_since
from grafana.annotations import Annotation
from grafana.connection import GrafanaConnection
from grafana.generate import dashboard_files
from grafana.publish import FOLDER, FOLDER_TITLE, LEFT, Change, Publisher, in_words, read_wanted
from history.open import open_history
from kept.durations import SECOND_MS, parse_duration
from kept.errors import ConfigurationError, Retry
from kept.settings import read_settings

ATTEMPTS: Final = 4
FIRST_PAUSE_SECONDS = 0.5
"""Before the second attempt; each next one is twice as long."""
CHANGING: Final = frozenset({"create", "update", "delete", "provisioned"})

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="Boards and annotations in Grafana. See docs/grafana.md.")
app.command("generate")(generate)
app.command("check")(check)
app.command("account")(account)


@app.command("publish")
def publish(
    from_folder: Annotated[
        Path | None,
        typer.Option("--from", help="Folder with the boards as JSON files.", show_default="made from the catalogue"),
    ] = None,
    folders: Folders = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change and change nothing; exit 1 when something would.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Delete Kept's boards in the folder that are no longer wanted.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Also when somebody saves a board at the same time.")
    ] = False,
) -> None:
    """Bring Grafana's folder Kept to the state of the boards; what is as wanted is not written.

    KEPT_GRAFANA_URL says where, KEPT_GRAFANA_TOKEN_FILE by which service account. Exit 1 when a board stays as it is
    although it differs (it is provisioned, or somebody has just saved it), with --dry-run when something would change.
    """
    if from_folder is not None and folders:
        raise ConfigurationError("--from and --catalogue: give one of them; boards come from files or from a catalogue")
    boards = dashboard_files(services_in(folders)) if from_folder is None else read_boards(from_folder)
    wanted = read_wanted(boards)
    if not wanted:
        raise ConfigurationError(f"{from_folder}: no board in it (*.json); name the folder with the boards")
    with _connected() as connection:
        publisher = Publisher(connection, wanted, prune=prune)
        changes = _again(publisher.plan if dry_run else lambda: _published(publisher, overwrite=overwrite))
    with output():
        if dry_run and publisher.folder_title is None:
            typer.echo(f"folder {FOLDER}: would be made, with the title {FOLDER_TITLE}")
        if publisher.folder_title not in (None, FOLDER_TITLE):
            typer.echo(f"folder {FOLDER}: somebody named it {publisher.folder_title!r}; it is left so")
        for change in changes:
            typer.echo(in_words(change, done=not dry_run))
            if dry_run or change.state in LEFT:
                typer.echo(change.diff, nl=False)
    if any(change.state in (CHANGING if dry_run else LEFT) for change in changes):
        raise typer.Exit(1)


@app.command("annotate")
def annotate(
    history: Annotated[Path | None, typer.Option(help="History file; else the store of the settings.")] = None,
    since: Annotated[
        str, typer.Option(help="How far back: what began before is left as it is. As long as the history keeps.")
    ] = "400d",
    every: Annotated[float | None, typer.Option(min=1, help="Go on, once in so many seconds.")] = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Delete Kept's annotations of this time that the history does not have.")
    ] = False,
) -> None:
    """Set registered changes and raised signals as annotations, each once; a signal that has ended gets its end.

    Running it again, after a replay or beside another is free. Only annotations with a tag `kept-id:` are touched.
    """
    try:
        seconds = parse_duration(since) // SECOND_MS
    except ValueError as error:
        raise ConfigurationError(f"--since: {since!r} is not valid; valid: {error}") from error

    def once() -> Done:
        now = int(time.time())
        first = max(1, now - seconds)
        return annotator.carry_out(annotator.plan(_wanted(history, first), first, now))

    with _connected() as connection:
        annotator = Annotator(connection, prune=prune)
        if every is None:
            _tell(_again(once))
        told: Done | None = None
        while every is not None:
            try:
                done = _again(once)
            except Retry as error:
                typer.echo(f"kept: {error}; once more in {every:g} s", err=True)
            else:
                if done != told:
                    _tell(done)
                told = done
            time.sleep(every)


def _wanted(history: Path | None, since: int) -> list[Annotation]:
    store = open_history(history_settings(history), read_only=True)
    try:
        return wanted_since(store, since)
    finally:
        store.close()


def _published(publisher: Publisher, *, overwrite: bool) -> list[Change]:
    return list(publisher.publish(overwrite=overwrite))


def _tell(done: Done) -> None:
    with output():
        typer.echo(
            f"annotations: {done.created} set, {done.updated} changed, {done.deleted} deleted"
            + (f"; {done.unknown} are not of this history, --prune deletes them" if done.unknown else "")
        )


@contextmanager
def _connected() -> Iterator[GrafanaConnection]:
    settings = read_settings(os.environ)
    if not settings.grafana_token:
        raise ConfigurationError(
            "KEPT_GRAFANA_TOKEN: not set; put the token of a service account with the role Editor into a file and name "
            "it in KEPT_GRAFANA_TOKEN_FILE"
        )
    connection = GrafanaConnection(settings.grafana_url, settings.grafana_token, ca_file=settings.ssl_cafile)
    try:
        yield connection
    finally:
        connection.close()


def _again(work: Callable[[], T]) -> T:
    """The answer of `work`, tried some times while it raises `Retry`. It begins by reading, so that nothing doubles."""
    for attempt in Retrying(
        retry=retry_if_exception_type(Retry),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential(multiplier=FIRST_PAUSE_SECONDS, max=10) + wait_random(0, FIRST_PAUSE_SECONDS / 2),
        before_sleep=_say_again,
        reraise=True,
    ):
        with attempt:
            return work()
    raise AssertionError("the last attempt raises")


def _say_again(state: RetryCallState) -> None:
    if state.outcome is not None:
        typer.echo(f"kept: {state.outcome.exception()}", err=True)
