"""`kept demo` as people run it: it starts, shows figures, ends, and leaves nothing behind, whatever ends it."""

from __future__ import annotations

import os
import signal
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from command_line.demo import parse_ports
from kept.errors import ConfigurationError
from local_stack.broker import missing
from local_stack.demo_alerts import left_out
from local_stack.ports import LOOPBACK, free_port
from local_stack.work_folder import work_folder
from tests.local_stack.running_demo import Demo

needs_broker = pytest.mark.skipif(missing() is not None, reason=str(missing()))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "tmp"
    folder.mkdir()
    yield folder


@needs_broker
@pytest.mark.broker
@pytest.mark.slow
def test_it_shows_figures_ends_at_ctrl_c_leaves_nothing_and_runs_again(folder: Path) -> None:
    demo = Demo(folder)
    demo.wait_for("First figures after")
    commands = " ".join(demo.parts().values())
    assert commands.count("command_line.main worker") == 2
    assert "kafka.Kafka" in commands
    assert ("local_stack.inbox" in commands) == (list(left_out()) == [])
    with urllib.request.urlopen(f"http://{LOOPBACK}:{demo.page}/") as answer:
        assert "SIMULATED" in answer.read().decode()
    ended_leaving_nothing(demo)
    again = Demo(folder)
    again.wait_for("Ctrl-C ends it")
    ended_leaving_nothing(again)


def ended_leaving_nothing(demo: Demo) -> None:
    assert demo.end(signal.SIGINT) == 0, demo.said()
    demo.nothing_is_left()
    assert list(demo.folder.iterdir()) == []


@needs_broker
@pytest.mark.broker
@pytest.mark.slow
def test_a_part_that_dies_ends_the_demo_with_its_name_and_its_log(folder: Path) -> None:
    demo = Demo(folder)
    demo.wait_for("Ctrl-C ends it")
    worker = next(pid for pid, command in demo.parts().items() if "command_line.main worker" in command)
    os.kill(worker, signal.SIGKILL)
    assert demo.process.wait(60) == 1
    assert demo.said().splitlines()[-1].startswith("worker-")
    assert "ended with code -9" in demo.said().splitlines()[-1]
    demo.nothing_is_left()
    assert list(folder.iterdir()) == []


@needs_broker
@pytest.mark.broker
@pytest.mark.slow
def test_kill_9_of_the_demo_takes_all_parts_along_and_the_next_one_tidies_up(folder: Path) -> None:
    demo = Demo(folder)
    demo.wait_for("Ctrl-C ends it")
    assert demo.parts()
    demo.end(signal.SIGKILL)
    demo.nothing_is_left()
    assert len(list(folder.iterdir())) == 1
    with work_folder(folder) as new:
        assert list(folder.iterdir()) == [new]


ALERT_PORTS = ("--prometheus-port", "--alertmanager-port", "--inbox-port")


@pytest.mark.parametrize("option", ["--port", "--kafka-port", "--metrics-port", *ALERT_PORTS])
def test_a_taken_port_is_named_with_the_option_that_chooses_another(option: str, folder: Path) -> None:
    if option != "--port" and missing() is not None:
        pytest.skip(str(missing()))
    if option in ALERT_PORTS and list(left_out()):
        pytest.skip(" ".join(left_out()))
    with socket.socket() as taken:
        taken.bind((LOOPBACK, free_port()))
        taken.listen()
        port = taken.getsockname()[1]
        demo = Demo(folder, option, str(port))
        assert demo.process.wait(60) == 1
    assert f"port {port} (" in demo.said()
    assert f"is taken by another program; choose another with {option}" in demo.said()
    assert list(folder.iterdir()) == []


@pytest.mark.slow
def test_without_java_it_says_what_to_install_and_shows_the_city_without_a_broker(folder: Path) -> None:
    demo = Demo(folder, path="/nowhere")
    demo.wait_for("First figures after")
    assert "apt-get install -y openjdk-17-jre-headless maven" in demo.said()
    assert "without a broker" in demo.said()
    with urllib.request.urlopen(f"http://{LOOPBACK}:{demo.page}/service/waste-pickup") as answer:
        assert "Data as of" in answer.read().decode()
    assert demo.end(signal.SIGTERM) == 0, demo.said()
    demo.nothing_is_left()
    assert list(folder.iterdir()) == []


def test_the_folder_of_a_running_demo_is_left_alone(folder: Path) -> None:
    with work_folder(folder) as first, work_folder(folder) as second:
        assert first != second
        assert sorted(folder.iterdir()) == sorted([first, second])
    assert list(folder.iterdir()) == []


def test_a_left_folder_is_removed_by_the_next_of_its_kind_alone(folder: Path) -> None:
    left = folder / "kept-soak-left"
    left.mkdir()
    (left / "lock").touch()
    with work_folder(folder):
        assert left.exists()
    with work_folder(folder, prefix="kept-soak-") as new:
        assert list(folder.iterdir()) == [new]


@pytest.mark.parametrize("text", ["", "eight", "8401,", "8401,8401", "0", "70000"])
def test_metrics_ports_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="--metrics-port"):
        parse_ports(text)


def test_a_script_that_makes_no_sense_is_refused_before_anything_starts(folder: Path) -> None:
    demo = Demo(folder, "--script", "quake")
    assert demo.process.wait(60) != 0
    assert "--script: 'quake' is not known" in demo.said()
    assert demo.parts() == {}
    assert list(folder.iterdir()) == []
