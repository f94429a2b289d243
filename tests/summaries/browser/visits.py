"""A page in Chromium, with everything it says and asks for; what is wrong with it for eyes, readers and keyboards."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.sync_api import BrowserContext, Page

from summaries.vega import Theme

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
MOST_STEPS = 400
"""Of a keyboard; a page with more has a trap."""
STOPS = """() => {
    window.stops = [...document.querySelectorAll(
        "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']"
    )].filter((one) => !one.disabled && one.checkVisibility());
    return window.stops.map((one, index) => index);
}"""
STEP = """() => {
    const one = document.activeElement, index = window.stops.indexOf(one);
    if (index < 0) return null;
    const style = getComputedStyle(one), box = one.getBoundingClientRect();
    const visible = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 && box.width > 0 &&
        box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
    return [index, visible, one.outerHTML.slice(0, 120)];
}"""
DRAWN = """() => {
    document.querySelectorAll("details").forEach((one) => { one.open = true; });
    const found = [];
    for (const image of document.images) {
        image.loading = "eager";
        const sources = [...image.parentElement.querySelectorAll(":scope > source")];
        const source = sources.find((one) => matchMedia(one.media || "all").matches);
        const address = new URL(source ? source.srcset : image.src, location.href).href;
        if (!image.complete || image.currentSrc !== address || image.naturalWidth === 0) return null;
        found.push([address, sources.some((one) => one.srcset.includes("narrow"))]);
    }
    return found;
}"""
"""The pictures, once each is there for the theme and width of now: its address, and whether there is a narrow one."""


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

    def begin(self) -> None:
        """Leave the page of this tab, and forget what it and those before it said and asked for."""
        self.page.goto("about:blank")
        self.complaints.clear()
        self.asked.clear()

    def shown(self, theme: Theme, width: int) -> None:
        """On a window of so many pixels, to a reader whose system asks for `theme`."""
        self.page.emulate_media(color_scheme=theme)
        self.page.set_viewport_size({"width": width, "height": 800})

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

    def without_updates(self) -> None:
        """Nothing moves by itself for the first ten seconds: the stream of changes answers that it has nothing."""
        self.page.route("**/live/changes", lambda route: route.fulfill(status=204))

    def drawn(self) -> list[tuple[str, bool]]:
        """Open all that is folded away; each picture's address for this theme and width, and whether it has a narrow
        form. Waits until all are there."""
        found = self.page.wait_for_function(DRAWN).json_value()
        return [(str(address), bool(has_narrow)) for address, has_narrow in found]

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
            if seen and step[0] == seen[-1]:
                # A field of a date has stops within it, whose ring the browser draws.
                continue
            seen.append(step[0])
            if not step[1]:
                wrong.append(f"focus is not seen: {step[2]}")
        else:
            wrong.append(f"a trap: no end after {MOST_STEPS} steps")
        # The link that skips the pages' names lies above them while it has the focus.
        page.evaluate("document.activeElement?.blur(); window.scrollTo(0, 0)")
        if seen != stops:
            wrong.append(f"stops {seen}, expected {stops}")
        return wrong


def context_with_axe(context: BrowserContext) -> BrowserContext:
    """The same; axe-core is there in each of its pages before anything else, and not by way of the page."""
    context.add_init_script(AXE)
    return context
