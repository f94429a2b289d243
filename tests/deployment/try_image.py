"""Runs the steps of the Dockerfile's first stage in a temporary folder, without an engine, and tries the result.

`python -m tests.deployment.try_image`: fetches the locked packages (about 120 MB), so it is no test of every day.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.deployment.compose import ROOT
from tests.deployment.test_dockerfile import instructions

PLACES = re.compile(r"(?<![\w/])(/opt/kept|/opt/builder|/wheel)\b")
"""Folders of the image that its steps name."""


def run(command: list[str], folder: Path, **environment: str) -> str:
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, timeout=600, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)[:300]}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


def build(root: Path) -> None:
    """The first stage, with every path of the image below `root`."""
    workdir = root / "build"
    workdir.mkdir(parents=True)
    environment: dict[str, str] = {}
    for each in instructions():
        if each.stage != 0:
            continue
        if each.word == "ENV":
            environment.update(word.split("=", 1) for word in each.rest.split())
        elif each.word == "COPY":
            *sources, target = each.rest.split()
            for source in sources:
                if (ROOT / source).is_dir():
                    shutil.copytree(ROOT / source, workdir / target, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy2(ROOT / source, workdir / Path(source).name)
        elif each.word == "RUN":
            started = time.monotonic()
            run(["sh", "-euc", PLACES.sub(rf"{root}\1", each.rest)], workdir, **environment)
            print(f"RUN {each.rest[:70]}… {time.monotonic() - started:.0f} s")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "image"
        build(root)
        home = root / "opt/kept"
        shutil.rmtree(root / "build")
        shutil.rmtree(root / "opt/builder")
        empty = Path(folder) / "empty"
        empty.mkdir()
        run(["chmod", "-R", "a-w", str(home)], empty)
        plain = {"PATH": f"{home}/bin:/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": ""}
        before = sorted(path for path in home.rglob("*"))
        print(run([f"{home}/bin/kept", "catalogue", "check"], empty, **plain).strip())
        print(run([f"{home}/bin/kept", "worker", "--help"], empty, **plain).strip().splitlines()[0])
        done = subprocess.run(
            [f"{home}/bin/python", "-m", "pip", "--version"], capture_output=True, text=True, check=False
        )
        print("no pip" if done.returncode else f"pip is there: {done.stdout}")
        print("nothing was written" if before == sorted(path for path in home.rglob("*")) else "files were written")
        print(f"{sum(path.stat().st_size for path in before if path.is_file()) / 2**20:.0f} MiB")
        run(["chmod", "-R", "u+w", str(home)], empty)


if __name__ == "__main__":
    main()
