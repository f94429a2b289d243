"""An installed wheel works in an empty folder: mappings, catalogues, Kafka's jar list and pages are in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEADER = "case_enquiry_id,open_dt,target_dt,closed_dt,closure_code,neighborhood,type,source\n"
ROW = "1,2011-07-01 09:00:00,2011-07-03 09:00:00,2011-07-02 09:00:00,resolved,Dorchester,Pothole,Self Service\n"


def run(*command: str, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_an_installed_wheel_works_in_an_empty_folder(tmp_path: Path) -> None:
    built, installed, empty = tmp_path / "built", tmp_path / "installed", tmp_path / "empty"
    empty.mkdir()
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
    run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(built), str(ROOT), cwd=empty)
    (wheel,) = built.glob("kept-*.whl")
    run(*pip, "install", "--no-deps", "--target", str(installed), str(wheel), cwd=empty)
    (empty / "requests.csv").write_text(HEADER + ROW)
    kept = (sys.executable, "-m", "command_line.main")
    where = {"PYTHONPATH": str(installed)}
    origin = run(sys.executable, "-c", "import kept, catalogue; print(kept.__file__)", cwd=empty, **where)
    assert origin.startswith(str(installed))
    replay = ("replay", "requests.csv", "--mapping", "boston_311", "--embedded", "--as-of", "2011-08-01T00:00:00")
    assert "100.0% of 1" in run(*kept, *replay, cwd=empty, **where)
    assert "8 services, all valid" in run(*kept, "catalogue", "check", cwd=empty, **where)
    for data in (
        "local_stack/kafka-pom.xml",
        "local_stack/kafka-jars.sha256",
        "summaries/templates/live.html",
        "producers/simulator/scripts/month_of_trouble.toml",
    ):
        assert (installed / data).is_file(), data
