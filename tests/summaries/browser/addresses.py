"""Every page of the application, for the browser: one row for each route that answers HTML. A new page adds its row.

What each says is of `tests.summaries.browser.whole_city`: words that the page has only when it is filled.
"""

from __future__ import annotations

from typing import Final, NamedTuple

DATA_SUFFIXES: Final = (".json", ".csv", ".svg", ".png", ".pdf", ".eml", ".md", ".ics")
"""A route that ends so is no page."""
NOT_PAGES: Final = ("/healthz", "/promises/assets/site.css")
"""What answers something else than HTML, under an address that does not say so."""
STREAMS: Final = ("/live/changes",)
"""What never ends answering; tests/summaries/test_watch.py has its tests."""
AT: Final = "as_of=2026-11-24T17:05"
"""Of the newest figures, before what was amended later."""


class Row(NamedTuple):
    """One page as it is visited: a name for the test, an address, what it says, how many pictures it has, its status.

    What is drawn into the page itself is no picture here.
    """

    name: str
    address: str
    says: str
    pictures: int = 0
    status: int = 200


ADDRESSES: Final = (
    Row("live", "/", "promise kept by 2; too close to call: 1"),
    Row("live-then", f"/?{AT}", "76.1 %"),
    Row("screen", "/?screen=1", "1 on-call page, 1 ticket, 3 for information"),
    Row("week", "/week", "Parking permits: why was the promise kept less often", 1),
    Row("week-then", "/week/2026-W47?as_of=2026-11-23T12:00", "known on Mon 23 Nov 2026, 12:00", 1),
    Row("week-before", "/week/2026-W46", "Nothing this week is signal"),
    Row("week-not-found", "/week/2026-W01", "the first whole week is 2026-W02", status=404),
    Row("decisions", "/decisions", "5 open, 4 overdue; 1 closed"),
    Row("decisions-then", "/decisions?as_of=2026-11-12", "2 open, 0 overdue; 0 closed"),
    Row("changes", "/changes", "One reviewer"),
    Row("change-worked", "/changes/lights/aa", "Worked: the median delivery time fell by 33 %", 2),
    Row("change-cannot-tell", "/changes/street-lights/00000000000000aa", "the same thing was changed again", 1),
    Row("change-hostile", "/changes/hostile/dd", "=HYPERLINK(\"x\")<script>alert('title')</script>"),
    Row("change-not-found", "/changes/street-lights/nothing", "A second crew on the night shift", status=404),
    Row("objectives", "/objectives", "A resident can park legally two days after asking"),
    Row("objectives-service", "/objectives/parking-permits", "A saving worsened quality.", 1),
    Row("compare", "/compare?one=births&other=permits-north", "permit-desks"),
    Row("compare-areas", "/compare/street-lights?by=area", "Lower than chance explains", 1),
    Row("compare-hostile", f"/compare/hostile?by=area&{AT}", "gnp.txt", 1),
    Row("compare-services", "/compare-services/permit-desks", "Permits desk South", 1),
    Row("equity", "/equity", "more than chance explains"),
    Row("equity-service", "/equity/street-lights", "71.1 % of 412 kept", 2),
    Row("waste", "/waste", "EUR 49,623", 1),
    Row("checks", "/checks", "160 promises were moved to later", 3),
    Row("checks-then", "/checks?as_of=2026-11-23T18:00", "nothing to check: 180 of 5,766", 2),
    Row("promises", "/promises", "We kept 99 of 100 promises"),
    Row("promises-service", "/promises/parking-permits", "Plan for up to 6 days."),
    Row("promises-hostile", "/promises/hostile", "We kept 25 of 100 promises"),
    Row("promises-not-found", "/promises/nothing", "Street light repairs", status=404),
    Row("counted", "/counted", "It does not watch you."),
    Row("definitions", "/definitions", "arrivals@1"),
    Row("later", f"/later?{AT}", "75.4 %"),
    Row("number", "/number/street-lights/promise_kept", "29,926 of 39,685", 1),
    Row("number-of-area", f"/number/street-lights/promise_kept?slice=area:North&{AT}", "85.0 %"),
    Row("number-not-found", "/number/street-lights/nothing", "first time right", status=404),
    Row("service", "/service/street-lights", "A second crew on the night shift", 8),
    Row("service-then", f"/service/street-lights?{AT}", "76.1 %", 8),
    Row("service-hostile", "/service/hostile", "<script>alert('name')</script>", 4),
    Row("service-not-found", "/service/nothing", "No service is known as", status=404),
    Row("not-found", "/nothing/here", "Nothing is known under /nothing/here.", status=404),
    Row("refused", "/?as_of=yesterday", "yesterday", status=400),
)
