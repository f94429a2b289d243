"""Every page of the application, for the browser: one row for each route that answers HTML. A new page adds its row."""

from __future__ import annotations

from typing import Final, NamedTuple

DATA_SUFFIXES: Final = (".json", ".csv", ".svg", ".png", ".pdf", ".eml", ".md", ".ics")
"""A route that ends so is no page."""
NOT_PAGES: Final = ("/healthz",)
"""What answers something else than HTML, under an address that does not say so."""
STREAMS: Final = ("/live/changes",)
"""What never ends answering; tests/summaries/test_watch.py has its tests."""


class Row(NamedTuple):
    """One page as it is visited: a name for the test, an address, and what it answers with."""

    name: str
    address: str
    status: int = 200


ADDRESSES: Final = (
    Row("live", "/"),
    Row("live-then", "/?as_of=2026-11-24T16:00Z"),
    Row("screen", "/?screen=1"),
    Row("service", "/service/street-lights"),
    Row("service-hostile", "/service/hostile"),
    Row("number", "/number/street-lights/promise_kept"),
    Row("definitions", "/definitions"),
    Row("not-found", "/nothing/here", 404),
    Row("service-not-found", "/service/nothing", 404),
    Row("refused", "/?as_of=yesterday", 400),
)
