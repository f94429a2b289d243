"""Which InfluxDB server of a machine is taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from local_stack.influxd import BUILT, NAMED_BY, program


def executable(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o755)
    return file


def test_a_server_is_taken_that_is_named_else_on_path_else_built_before(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(NAMED_BY, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert program() is None
    (tmp_path / BUILT).mkdir(parents=True)
    (tmp_path / BUILT / "influxd-v2.9.2").touch(mode=0o644)
    executable(tmp_path / BUILT / "influxd-v2.9.2.part")
    assert program() is None
    built = executable(tmp_path / BUILT / "influxd-v2.9.1")
    assert program() == built
    on_path = executable(tmp_path / "bin" / "influxd")
    assert program() == on_path
    monkeypatch.setenv(NAMED_BY, "/opt/influxd")
    assert program() == Path("/opt/influxd")
