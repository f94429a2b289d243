"""Workers never load statsmodels: it takes a second and 170 MB."""

from __future__ import annotations

import subprocess
import sys


def test_a_worker_loads_neither_statsmodels_nor_the_effects() -> None:
    code = (
        "import sys; import stream_processors.worker, stream_processors.embedded;"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'statsmodels', 'pandas'}),"
        "[name for name in sys.modules if name.startswith('kept.effects')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("[] []\n", 0), done.stderr
