"""What the commands of `kept` write, run in this process: to standard output, standard error, the log, and files."""

from __future__ import annotations

import io
import logging
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from typer.testing import CliRunner

from command_line.main import app
from kept.log_lines import TextLines
from tests.canaries.at_finest_level import CLIENTS, OWN


@contextmanager
def all_that_is_logged() -> Iterator[io.StringIO]:
    """What this process logs meanwhile, at the finest level."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(TextLines())
    root = logging.getLogger()
    handlers, levels = root.handlers[:], {name: logging.getLogger(name).level for name in (*OWN, *CLIENTS, "")}
    root.addHandler(handler)
    for name in (*OWN, *CLIENTS):
        logging.getLogger(name).setLevel(logging.DEBUG if name in OWN else logging.INFO)
    try:
        yield text
    finally:
        root.handlers[:] = handlers
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def kept(arguments: list[str], environment: Mapping[str, str]) -> tuple[int, bytes]:
    """The exit code of a command and everything that it wrote; a failure with all of its words."""
    result = CliRunner().invoke(app, arguments, env=environment)
    said = result.stdout_bytes + result.stderr_bytes
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        said += "".join(traceback.format_exception(result.exception)).encode()
    return result.exit_code, said


def files_in(folder: Path) -> bytes:
    """All files below a folder, with their names."""
    found = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    return b"\n".join(str(file.relative_to(folder)).encode() + b"\n" + file.read_bytes() for file in found)
