"""Every page that the application has is one that the browser looks at."""

from __future__ import annotations

from pathlib import Path

from starlette.routing import BaseRoute, Match, Mount, Route

from tests.summaries.asking import ask
from tests.summaries.browser.addresses import ADDRESSES, DATA_SUFFIXES, NOT_PAGES, STREAMS
from tests.summaries.browser.whole_city import whole_city


def _is_listed(route: Route, addresses: tuple[str, ...]) -> bool:
    paths = [address.partition("?")[0] for address in addresses]
    scopes = ({"type": "http", "method": "GET", "path": path, "root_path": ""} for path in paths)
    return any(route.matches(scope)[0] == Match.FULL for scope in scopes)


def test_every_page_of_the_application_is_visited(tmp_path: Path) -> None:
    app = whole_city(tmp_path)
    routes: list[BaseRoute] = [route for route in app.routes if not isinstance(route, Mount)]
    assert len(routes) > 3
    for route in routes:
        assert isinstance(route, Route)
        is_read = "GET" in (route.methods or ())
        if is_read and not route.path.endswith(DATA_SUFFIXES) and route.path not in STREAMS:
            visited = tuple(row.address for row in ADDRESSES)
            assert _is_listed(route, (*visited, *NOT_PAGES)), f"{route.path}: add a row to ADDRESSES"
    for address in NOT_PAGES:
        assert not ask(app, address).headers["content-type"].startswith("text/html"), address
