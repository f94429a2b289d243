"""A real InfluxDB server for stories: on data of its own, made ready by the same steps as `kept influx init`."""

from __future__ import annotations

import secrets
import time
import urllib.error
import urllib.request
from pathlib import Path

from msgspec.structs import replace

from history.influxdb_setup import WRITE_TOKEN, InfluxSetup, read_secret
from kept.errors import Stop
from kept.settings import Settings
from local_stack.influxd import server
from local_stack.ports import LOOPBACK, free_port

START_SECONDS = 60.0


class InfluxServer:
    """A server in `folder`; `child` is its process, to be disturbed."""

    def __init__(self, influxd: Path, folder: Path) -> None:
        """Nothing is started yet."""
        folder.mkdir(parents=True)
        self._folder = folder
        self._port = free_port()
        self._operator = secrets.token_urlsafe(32)
        self.url = f"http://{LOOPBACK}:{self._port}"
        self.child = server(influxd, folder, self._port, name="InfluxDB")

    def start(self) -> None:
        """Start it and make its first user; returns when it answers."""
        self.child.start()
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if time.monotonic() > deadline or not self.child.running():
                raise Stop(f"InfluxDB does not answer; its log ends:\n{self.child.log_tail()}")
            time.sleep(0.05)
        setup = InfluxSetup(Settings(influxdb_url=self.url), self._operator)
        try:
            setup.first_set_up("operator", secrets.token_urlsafe(16), self._operator)
        finally:
            setup.close()

    def answers(self) -> bool:
        """Whether it says that it is well."""
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=1) as answer:  # noqa: S310 - loopback
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def settings_of(self, name: str) -> dict[str, str]:
        """Settings of a history of its own, with a worker's token."""
        settings = Settings(influxdb_url=self.url, influxdb_bucket=name)
        setup = InfluxSetup(settings, self._operator)
        folder = self._folder / name
        try:
            for _ in setup.run(folder, []):
                pass
        finally:
            setup.close()
        told = replace(settings, history="influxdb", influxdb_token=read_secret(folder / WRITE_TOKEN))
        names = ("history", "influxdb_url", "influxdb_bucket", "influxdb_token")
        return {field: str(getattr(told, field)) for field in names}
