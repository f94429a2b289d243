"""Workers never load statsmodels: it takes a second and 90 MB."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import importlib, sys
import stream_processors.worker, stream_processors.embedded
print([name for name in sys.modules if name.startswith('kept.effects')])
from command_line.main import COMMANDS
for where in COMMANDS.values():
    importlib.import_module('command_line.' + where.partition(':')[0])
print(sorted({'statsmodels', 'pandas'} & set(sys.modules)))
"""


def test_the_stream_processors_know_no_effects_and_no_command_loads_statsmodels_at_its_start() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("[]\n[]\n", 0), done.stderr
