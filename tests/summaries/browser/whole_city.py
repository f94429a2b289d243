"""One city with something to show on every page: put together from what the tests of each page fill in.

street-lights     a quarter of figures, charts and changes; areas and channels; an amendment; money and decisions
births, parking   an ordinary week each, one with news; waste; few closings near the due
hostile           every name that must do no harm; things to check near the due; a hostile area, change and decision
parking-permits   a saving that worsened quality, waits in plain words, a budget and an objective
permits-…         three desks that may be compared
lights, cards     half a year before all others: changes that worked, or did not
"""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette

from history.sqlite import SQLiteHistory
from history.store import HistoryStore
from kept.indicators.near_due import NearDue
from summaries.application import application
from summaries.site import Recording
from tests.summaries import changed_city
from tests.summaries import near_due_history as near
from tests.summaries.compared_city import COMPARED, fill_compared
from tests.summaries.example_city import CATALOGUE, fill_money
from tests.summaries.figures import NOW
from tests.summaries.quarter import fill_quarter
from tests.summaries.weekly.figures import ordinary_week, small_week

MONEY = ("parking-permits", "identity-cards")
WHOLE_CITY = {**changed_city.CITY, **COMPARED, **{name: CATALOGUE[name] for name in MONEY}}
NEAR_DUE_THEN: dict[str, NearDue] = {"births": near.HONEST, "hostile": near.HONEST}
NEAR_DUE: dict[str, NearDue] = {"births": near.HONEST, "hostile": near.ODD, "parking": near.FEW}


def fill_whole(store: HistoryStore) -> None:
    """Publish all of it at `NOW`. What is filled in later stands where two tell of the same."""
    changed_city.fill(store)
    small_week(store)
    ordinary_week(store, {name: COMPARED[name] for name in ("births", "parking", "permits-north")})
    fill_compared(store)
    fill_quarter(store, with_slices=False)
    fill_money(store, [CATALOGUE[name] for name in MONEY])
    for end, by_service in ((near.THEN, NEAR_DUE_THEN), (near.HOUR, NEAR_DUE)):
        for name, counted in by_service.items():
            for days in (28, 90):
                store.write(list(near.points(name, counted, end, days)))
    store.record(list(near.raised("hostile", near.ODD, near.HOUR)))
    store.publish(WHOLE_CITY, NOW)


def whole_city(folder: Path) -> Starlette:
    """The application for the city, a minute after its newest figures; decisions may be recorded."""
    path = folder / "history.sqlite"
    store = SQLiteHistory(path)
    fill_whole(store)
    store.close()
    return application(
        WHOLE_CITY,
        lambda: SQLiteHistory(path, read_only=True),
        clock=lambda: NOW + 60,
        recording=Recording(lambda: SQLiteHistory(path), by_anyone=True),
    )
