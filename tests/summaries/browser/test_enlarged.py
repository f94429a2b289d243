"""Pages on the narrowest telephone, and with letters of twice their size; what the page for everybody asks for."""

from __future__ import annotations

import pytest

from tests.summaries.browser.addresses import ADDRESSES, Row
from tests.summaries.browser.visits import Visit

FOUND = tuple(row for row in ADDRESSES if row.status == 200 and "as_of" not in row.address)
PUBLIC = tuple(row for row in ADDRESSES if row.address.startswith("/promises"))
pytestmark = pytest.mark.browser


@pytest.mark.parametrize("row", FOUND, ids=[row.name for row in FOUND])
def test_nothing_scrolls_sideways_when_narrow_or_enlarged(row: Row, proof: Visit, whole: str) -> None:
    # A browser at 200 % shows half the pixels; letters alone at 200 % are the harder test of the two.
    proof.shown("light", 320)
    proof.go(whole + row.address)
    assert proof.width() <= 320
    proof.shown("light", 1280)
    proof.page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert proof.width() <= 1280


def test_the_pages_for_everybody_ask_for_nothing_behind_the_login(proof: Visit, whole: str) -> None:
    assert len(PUBLIC) > 3
    proof.begin()
    for row in PUBLIC:
        proof.go(whole + row.address, row.status)
    assert all(url.startswith(f"{whole}/promises") for url in proof.asked), proof.asked
