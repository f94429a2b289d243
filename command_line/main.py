"""The `kept` command: wires the edges together. Errors Kept raises on purpose end with one line and exit code 2."""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Mapping
from types import FrameType
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from kept import __version__
from kept.errors import KeptError

COMMANDS: Final[Mapping[str, str]] = {
    "demo": "demo:demo",
    "doctor": "doctor:doctor",
    "publish": "publish:publish",
    "intake": "intake:intake",
    "replay": "replay:replay",
    "simulate": "simulate:simulate_file",
    "indicators": "indicators:indicators",
    "post": "post:post",
    "summary": "summary:summary",
    "worker": "worker:worker",
    "board": "board:board",
    "topics": "topics_group:app",
    "alerts": "alerts:app",
    "decisions": "decisions:app",
    "dead-letters": "dead_letters:app",
    "influx": "influx:app",
    "grafana": "grafana:app",
    "catalogue": "catalogue_check:app",
    "mapping": "mapping:app",
    "rules": "rules:app",
}
"""Name -> the module here, and in it the function or the group of commands; in the order of `kept --help`."""


class Commands(TyperGroup):
    """Imports a command's module when the command is asked for: what all of them need takes longer to load than any."""

    # What a context and a command are, typer keeps to itself.
    def list_commands(self, ctx: Any) -> list[str]:
        """All of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name; None when there is none."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        told = getattr(importlib.import_module(f"command_line.{module}"), name)
        if isinstance(told, typer.Typer):
            group = typer.main.get_group(told)
            group.name = cmd_name
            return group
        alone = typer.Typer(add_completion=False)
        alone.command(cmd_name)(told)
        return typer.main.get_command(alone)


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Is the service keeping its promises, honestly counted? Start with `kept demo`.",
    epilog="Settings are KEPT_* environment variables; KEPT_NAME_FILE reads one from a file. See docs/settings.md.",
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"kept {__version__}")
        raise typer.Exit


@app.callback()
def kept(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the release and exit.")
    ] = False,
) -> None:
    """A group whose commands are `COMMANDS`."""


def main() -> None:
    """Entry point of the console script."""
    signal.signal(signal.SIGTERM, _terminated)  # temporary folders and topics are cleaned up as after Ctrl-C
    try:
        app()
    except KeptError as error:
        print(f"kept: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    except KeyboardInterrupt:  # where no command has said what to do then
        sys.exit(128 + signal.SIGINT)


def _terminated(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
