"""A decision is recorded in Chromium, by keyboard, under the page's own policy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from history.sqlite import SQLiteHistory
from kept.decisions import decisions
from summaries.application import application
from summaries.site import Recording
from tests.history.decisions import decided, said
from tests.history.signals import raised
from tests.summaries.browser.visits import Visit
from tests.summaries.conftest import serving
from tests.summaries.figures import CITY, HOSTILE, NOW, fill

pytestmark = pytest.mark.browser
SIGNAL = raised(service="street-lights", raised_at=NOW - 86_400)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "history.sqlite"
    store = SQLiteHistory(path)
    fill(store)
    store.record([SIGNAL])
    for entry in (
        decided(service="street-lights", due="2020-01-01"),
        decided(decision="0badcaff", service="hostile", text=HOSTILE, owner="W" * 100, signal=SIGNAL.id),
        decided(decision="0badcaf0", service="births"),
        said("closed", NOW, decision="0badcaf0"),
    ):
        store.decide(entry)
    store.close()
    return path


@pytest.fixture
def address(file: Path) -> Iterator[str]:
    app = application(
        CITY,
        lambda: SQLiteHistory(file, read_only=True),
        clock=lambda: NOW + 60,
        recording=Recording(lambda: SQLiteHistory(file), by_anyone=True),
    )
    with serving(app) as root:
        yield f"{root}/decisions"


def test_a_decision_is_recorded_by_keyboard_alone(visit: Visit, address: str, file: Path) -> None:
    page = visit.page
    page.goto(f"{address}?signal={SIGNAL.id}")
    page.locator("#new-text").focus()
    for text in ("A third van", "Depot West", "02012099", "", "Head of streets"):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
        while page.evaluate("document.activeElement.id") == "new-due" and text == "02012099":
            page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**recorded=**")
    assert page.locator("[role=status]:not([hidden])").inner_text() == "Recorded: A third van"
    store = SQLiteHistory(file)
    one = next(one for one in decisions(store.decision_entries()) if one.text == "A third van")
    store.close()
    assert (one.signal, one.service, one.owner, one.due) == (SIGNAL.id, "street-lights", "Depot West", "2099-02-01")
    card = page.locator(f"#decision-{one.id}")
    card.locator("details.record summary").press("Enter")
    card.get_by_label("Effect").select_option("helped")
    card.get_by_label("Who says so").first.fill("Depot West")
    card.get_by_role("button", name="Say so").press("Enter")
    page.locator(f"#decision-{one.id} .verdict", has_text="Due 2099-02-01 · it helped").wait_for()
    assert visit.complaints == []
    assert {url.split("/")[2] for url in visit.asked} == {address.split("/")[2]}
