"""The `kept` command: wires the edges together. Errors Kept raises on purpose end with one line and exit code 2."""

from __future__ import annotations

import signal
import sys
from types import FrameType

import typer

from command_line import dead_letters, decisions, grafana, influx, mapping, rules, topics
from command_line.alerts import app as alerts_app
from command_line.board import board
from command_line.catalogue_check import check
from command_line.demo import demo
from command_line.doctor import doctor
from command_line.indicators import indicators
from command_line.intake import intake
from command_line.post import post
from command_line.publish import publish
from command_line.replay import replay
from command_line.simulate import simulate_file
from command_line.summary import summary
from command_line.topics_check import check as check_topics
from command_line.topics_check import needed_rights
from command_line.topics_grow import grow
from command_line.worker import worker
from kept.errors import KeptError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Is the service keeping its promises, honestly counted? Start with `kept demo`.",
    epilog="Settings are KEPT_* environment variables; KEPT_NAME_FILE reads one from a file. See docs/settings.md.",
)
catalogue_app = typer.Typer(no_args_is_help=True, help="The catalogue: what each service is and promises.")
catalogue_app.command("check")(check)
app.command()(demo)
app.command()(doctor)
app.command()(publish)
app.command()(intake)
app.command()(replay)
app.command("simulate")(simulate_file)
app.command()(indicators)
app.command()(post)
app.command()(summary)
topics.app.command("grow")(grow)
topics.app.command("check")(check_topics)
topics.app.command("rights")(needed_rights)
app.add_typer(topics.app, name="topics")
app.add_typer(alerts_app, name="alerts")
app.add_typer(decisions.app, name="decisions")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(influx.app, name="influx")
app.add_typer(grafana.app, name="grafana")
app.add_typer(catalogue_app, name="catalogue")
app.add_typer(mapping.app, name="mapping")
app.add_typer(rules.app, name="rules")
app.command()(worker)
app.command()(board)


def main() -> None:
    """Entry point of the console script."""
    signal.signal(signal.SIGTERM, _terminated)  # temporary folders and topics are cleaned up as after Ctrl-C
    try:
        app()
    except KeptError as error:
        print(f"kept: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(2)


def _terminated(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
