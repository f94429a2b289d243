"""What happens when nobody reads the output any more, or it cannot be written."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from command_line.demo import _say_as_json
from local_stack.demo import Place

ROOT = Path(__file__).resolve().parents[2]
TABLE = "case_enquiry_id,open_dt,target_dt,closed_dt,closure_code,neighborhood,type,source\n" + "".join(
    f"{n},2011-07-01 09:00:00,2011-07-03 09:00:00,,,Area {n},Pothole,Self Service\n" for n in range(50)
)


@pytest.fixture
def replay(tmp_path: Path) -> str:
    file = tmp_path / "requests.csv"
    file.write_text(TABLE)
    return (
        f"{sys.executable} -m command_line.main replay {file} --mapping boston_311 --embedded "
        "--as-of 2011-08-01T00:00:00 --json"
    )


def shell(command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, cwd=ROOT, timeout=60
    )


def test_a_reader_that_has_seen_enough_ends_the_command_quietly(replay: str) -> None:
    done = shell(f"{replay} | head -n 1")
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 1)
    assert "Traceback" not in done.stderr


def test_an_output_that_is_full_is_one_line_and_exit_2(replay: str) -> None:
    done = shell(f"{replay} > /dev/full")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "kept: the output cannot be written: No space left on device"


def test_what_became_of_every_event_is_told_beside_the_lines(replay: str) -> None:
    done = shell(replay)
    assert all(json.loads(line) for line in done.stdout.splitlines())
    assert "50 events received = 50 applied" in done.stderr


def test_the_demo_tells_its_places_as_objects(capsys: pytest.CaptureFixture[str]) -> None:
    page, kafka = (
        Place("Live board", "http://127.0.0.1:8400/", "every service"),
        Place("Kafka", "127.0.0.1:9392", "topics"),
    )
    for said in ("", "Starting Kafka.", page, kafka):
        _say_as_json(said)
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert told == [
        {"said": "Starting Kafka."},
        {
            "said": "Live board http://127.0.0.1:8400/ every service",
            "where": "Live board",
            "url": "http://127.0.0.1:8400/",
        },
        {"said": "Kafka 127.0.0.1:9392 topics", "where": "Kafka", "url": "127.0.0.1:9392"},
    ]
