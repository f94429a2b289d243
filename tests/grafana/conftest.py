from __future__ import annotations

from collections.abc import Iterator

import pytest

from grafana.connection import GrafanaConnection
from tests.grafana.server import EDITOR_TOKEN, Grafana, serve


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    with serve(Grafana()) as running:
        yield running


@pytest.fixture
def connection(grafana: Grafana) -> Iterator[GrafanaConnection]:
    connection = GrafanaConnection(grafana.url, EDITOR_TOKEN)
    yield connection
    connection.close()
