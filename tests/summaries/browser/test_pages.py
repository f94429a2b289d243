"""Every page in Chromium: both themes, three widths, axe-core, keyboard alone; nothing foreign, a silent console."""

from __future__ import annotations

import pytest

from summaries.vega import Theme
from tests.summaries.browser.addresses import ADDRESSES, Row
from tests.summaries.browser.visits import Visit

GROUNDS: dict[Theme, str] = {"light": "rgb(246, 247, 248)", "dark": "rgb(17, 23, 28)"}
WIDTHS = (360, 768, 1440)
NARROWEST = 320
pytestmark = pytest.mark.browser


@pytest.mark.parametrize("row", ADDRESSES, ids=[row.name for row in ADDRESSES])
def test_a_page_is_whole_for_eyes_readers_and_keyboards(row: Row, proof: Visit, whole: str) -> None:
    """Axe is asked once a theme, where the page is narrowest: no width has other colours or names."""
    proof.begin()
    proof.shown("light", WIDTHS[0])
    proof.go(whole + row.address, row.status)
    assert row.says in proof.words()
    assert proof.by_keyboard() == []
    for theme, ground in GROUNDS.items():
        for width in WIDTHS:
            proof.shown(theme, width)
            assert proof.page.evaluate("getComputedStyle(document.body).backgroundColor") == ground
            pictures = proof.drawn()
            assert len(pictures) == row.pictures
            for picture, has_narrow in pictures:
                assert f"theme={theme}" in picture
                assert ("narrow" in picture) == (has_narrow and width == WIDTHS[0])
            assert proof.width() <= width
            if width == WIDTHS[0]:
                assert proof.violations() == []
    proof.shown("light", NARROWEST)
    assert proof.width() <= NARROWEST
    # A browser at 200 % shows half the pixels; letters alone at 200 % are the harder test of the two.
    proof.shown("light", 1280)
    proof.page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert proof.width() <= 1280
    assert proof.complaints == []
    # The pages for everybody ask for nothing that lies behind the login.
    ours = f"{whole}/promises" if row.address.startswith("/promises") else f"{whole}/"
    assert all(url.startswith(ours) for url in proof.asked), proof.asked


def test_a_theme_that_is_asked_for_wins(proof: Visit, whole: str) -> None:
    proof.begin()
    proof.shown("light", 1280)
    proof.go(f"{whole}/?theme=dark")
    assert proof.page.evaluate("getComputedStyle(document.body).backgroundColor") == GROUNDS["dark"]
    assert proof.violations() == []
    assert "theme=dark" in str(proof.page.locator(".card h2 a").first.get_attribute("href"))
