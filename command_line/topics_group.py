"""`kept topics`: all its commands."""

from __future__ import annotations

from command_line.topics import app
from command_line.topics_check import check, needed_rights
from command_line.topics_grow import grow

app.command("grow")(grow)
app.command("check")(check)
app.command("rights")(needed_rights)
