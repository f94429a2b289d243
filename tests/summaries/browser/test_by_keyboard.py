"""What one does on a page with the keyboard alone, beyond reaching all that is on it."""

from __future__ import annotations

import pytest

from tests.summaries.browser.visits import Visit
from tests.summaries.figures import HOSTILE

pytestmark = pytest.mark.browser


def test_two_services_are_asked_about_and_the_moment_stays(visit: Visit, whole: str) -> None:
    page = visit.page
    visit.go(f"{whole}/compare?as_of=2026-11-24T17:05&theme=dark")
    page.locator("#one").focus()
    page.keyboard.type("Birth")
    page.keyboard.press("Tab")
    page.keyboard.type("Street")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("Birth certificates and Street light repairs are not compared").wait_for()
    assert "as_of=2026-11-24T17%3A05" in page.url and "theme=dark" in page.url


def test_from_a_finding_one_gets_to_its_service_and_opens_its_table(visit: Visit, whole: str) -> None:
    page = visit.page
    visit.go(f"{whole}/checks")
    assert page.locator("#hostile a").inner_text() == HOSTILE
    page.locator("#main").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#hostile"
    page.locator("#main summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("#scroll-bands-hostile").is_visible()


def test_from_the_list_one_gets_to_a_change(visit: Visit, whole: str) -> None:
    page = visit.page
    visit.go(f"{whole}/changes")
    page.get_by_role("link", name="Repairs by street").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/changes/lights/aa")
    assert page.get_by_role("heading", name="Repairs by street").is_visible()
