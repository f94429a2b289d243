"""A page in Chromium, with everything it says and asks for; what is wrong with it for eyes, readers and keyboards."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.sync_api import BrowserContext, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
MOST_STEPS = 400
"""Of a keyboard; a page with more has a trap."""
STOPS = """() => [...document.querySelectorAll(
    "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']"
)].filter((one) => !one.disabled && one.checkVisibility()).map((one, index) => (one.dataset.stop = index, index))"""
STEP = """() => {
    const one = document.activeElement;
    if (!one || one === document.body || one.dataset.stop === undefined) return null;
    const style = getComputedStyle(one), box = one.getBoundingClientRect();
    const visible = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 && box.width > 0 &&
        box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
    return [Number(one.dataset.stop), visible, one.outerHTML.slice(0, 120)];
}"""
UNFOLDED = """() => {
    // Again at each look: an update in between brings pictures that are loaded only where they are seen.
    document.querySelectorAll("details").forEach((one) => { one.open = true; });
    document.querySelectorAll("img").forEach((one) => { one.loading = "eager"; });
    return [...document.images].every((one) => one.complete && one.currentSrc !== "");
}"""


class Visit:
    """One tab of a browser."""

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.asked: set[str] = set()
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.complaints.append(f"dialog {dialog.message}"), dialog.dismiss()))
        self.page.on("request", lambda request: self.asked.add(request.url))

    def go(self, address: str, status: int = 200) -> None:
        """Open `address`; a page that answers `status` on purpose is no complaint."""
        answer = self.page.goto(address)
        assert answer is not None
        assert answer.status == status
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        self.complaints = [each for each in self.complaints if f"status of {status} " not in each]

    def words(self) -> str:
        """All that the page says, also what is folded away, with plain spaces."""
        return " ".join(str(self.page.locator("body").text_content()).split())

    def unfolded(self) -> list[str]:
        """Open all that is folded away; the addresses of all pictures of the page, none of which is empty."""
        self.page.wait_for_function(UNFOLDED)
        assert self.page.evaluate("[...document.images].filter((one) => one.naturalWidth === 0).length") == 0
        return list(self.page.evaluate("[...document.images].map((one) => one.currentSrc)"))

    def width(self) -> int:
        """How wide the page is, with what would have to be scrolled to."""
        return int(self.page.evaluate("document.documentElement.scrollWidth"))

    def violations(self) -> list[str]:
        """What axe-core finds, each with where. It is asked by the browser's own protocol: the page's policy holds."""
        found: dict[str, Any] = self.page.evaluate(
            "(tags) => axe.run({runOnly: tags, resultTypes: ['violations'], preload: false})", WCAG
        )
        return [
            f"{each['id']}: {each['help']}: {node['html'][:150]} {node['failureSummary'][:300]}"
            for each in found["violations"]
            for node in each["nodes"]
        ]

    def by_keyboard(self) -> list[str]:
        """What is wrong for who has a keyboard alone: stops left out, out of order, unseen; a trap."""
        page = self.page
        stops = page.evaluate(STOPS)
        page.evaluate("document.activeElement?.blur(); window.scrollTo(0, 0)")
        seen: list[int] = []
        wrong: list[str] = []
        for _ in range(MOST_STEPS):
            page.keyboard.press("Tab")
            step = page.evaluate(STEP)
            if step is None or (seen and step[0] == seen[0]):
                break
            seen.append(step[0])
            if not step[1]:
                wrong.append(f"focus is not seen: {step[2]}")
        else:
            wrong.append(f"a trap: no end after {MOST_STEPS} steps")
        if seen != stops:
            wrong.append(f"stops {seen}, expected {stops}")
        return wrong


def context_with_axe(context: BrowserContext) -> BrowserContext:
    """The same; axe-core is there in each of its pages before anything else, and not by way of the page."""
    context.add_init_script(AXE)
    return context
