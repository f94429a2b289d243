"""One Chromium for all tests of this folder, and one city with something to show on every page.

No test of this folder may run an event loop of its own: the browser's stays in its thread until the last of them.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.summaries.browser.visits import ARGUMENTS, CHROMIUM, Visit, context_with_axe
from tests.summaries.browser.whole_city import whole_city
from tests.summaries.conftest import serving


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is missing; install it with: apt-get install -y chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """http://… of the whole city, in which nothing is ever recorded."""
    with serving(whole_city(tmp_path_factory.mktemp("whole"))) as address:
        yield address


@pytest.fixture(scope="package")
def proof(chromium: Browser) -> Iterator[Visit]:
    """One tab for many pages: a new one takes as long as a page."""
    context = context_with_axe(chromium.new_context())
    visit = Visit(context)
    visit.without_updates()
    yield visit
    context.close()


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Visit]:
    """A tab of its own, in which pages follow the data."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    yield Visit(context)
    context.close()
