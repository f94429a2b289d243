"""What `kept` loads: the module of the command that is asked for, and of no other."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from command_line.main import COMMANDS, app
from kept import __version__

LOADED = """
import sys
from typer.testing import CliRunner
from command_line.main import app
assert CliRunner().invoke(app, ["worker", "--help"]).exit_code == 0
loaded = {name.partition(".")[0] for name in sys.modules}
print(sorted(loaded & {"stream_processors", "summaries", "grafana", "jinja2"}))
"""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there(name: str) -> None:
    shown = CliRunner().invoke(app, [name, "--help"], prog_name="kept")
    assert shown.exit_code == 0
    assert f"Usage: kept {name}" in shown.output


def test_the_help_names_every_command_in_order() -> None:
    lines = CliRunner().invoke(app, ["--help"]).output.splitlines()
    words = [word for line in lines for word in line.split()[1:2] if word in COMMANDS]
    assert words == list(COMMANDS)


def test_the_release_is_told() -> None:
    assert CliRunner().invoke(app, ["--version"]).output == f"kept {__version__}\n"


def test_a_command_that_is_not_there_is_refused() -> None:
    refused = CliRunner().invoke(app, ["worcker"])
    assert refused.exit_code == 2
    assert "No such command 'worcker'" in refused.output


def test_a_worker_does_not_load_what_pages_and_boards_are_made_of() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("['stream_processors']\n", 0), done.stderr
