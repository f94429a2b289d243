"""The small city with slices: areas and channels, hostile names among them, and three desks that may be compared."""

from __future__ import annotations

from history.store import HistoryStore
from kept.catalogue import Service, parse_service
from kept.indicators.point import Amendment, Point
from kept.signals.raised import Raised
from kept.signals.verdict import Verdict
from tests.summaries.figures import CITY, NOW, fill, point

HOUR = NOW - NOW % 3600
AREAS = {
    "North": (412, 293), "South": (1210, 1010), "East": (800, 670), "West": (610, 500), "Centre": (2400, 1990),
    "Harbour": (3, 1), "Old Town": (95, 70), "Hill": (260, 214), "Heath": (0, 0),
}  # fmt: skip
"""(due, kept) of the areas of street-lights."""
CHANNELS = {"Web": (4000, 3330), "Phone": (1500, 1200), "Desk": (290, 217)}
HOSTILE_AREAS = {
    '=HYPERLINK("http://x")<script>alert(1)</script>': (100, 50),
    "\u202egnp.txt": (100, 80),
    "W" * 10_000: (100, 80),
}
DESKS = {
    "north": {"Website": (300, 280), "Desk": (900, 760)},
    "south": {"Website": (1200, 1130), "Desk": (200, 160)},
    "east": {"Website": (600, 500), "Desk": (600, 470)},
}


def desk(name: str) -> Service:
    """One of three desks that the catalogue calls alike."""
    return parse_service(
        f"""
        id = "permits-{name}"
        name = "Permits desk {name.title()}"
        owner = "Works department"
        time_zone = "Europe/Amsterdam"
        expected_silence = "4h"
        peer_group = "permit-desks"
        simulated = true
        [channels]
        digital = ["Website"]
        assisted = ["Desk"]
        [promise]
        words = "Within 5 days"
        target_share = 0.9
        target_time = "5d"
        """,
        f"permits-{name}.toml",
    )


COMPARED = {**CITY, **{f"permits-{name}": desk(name) for name in DESKS}}


def slice_point(service: str, dimension: str, name: str, due: int, kept: int) -> Point:
    """The promise of one slice at the last full hour."""
    return point(
        service, "promise_kept", kept / due if due else None, slice=((dimension, name),), window_end=HOUR,
        numerator=kept, denominator=due, n=due, reason=None if due else "no_volume",
    )  # fmt: skip


def whole(service: str, due: int, kept: int) -> Point:
    """The promise of a whole service at the last full hour."""
    return point(service, "promise_kept", kept / due, window_end=HOUR, numerator=kept, denominator=due, n=due)


def fill_compared(store: HistoryStore) -> None:
    """Publish the city with its slices; what was told of the area North was amended an hour later."""
    fill(store)
    points = [whole("street-lights", *map(sum, zip(*AREAS.values(), strict=True)))]
    points += [slice_point("street-lights", "area", name, *counts) for name, counts in AREAS.items()]
    points += [slice_point("street-lights", "channel", name, *counts) for name, counts in CHANNELS.items()]
    points += [slice_point("hostile", "area", name, *counts) for name, counts in HOSTILE_AREAS.items()]
    for name, mix in DESKS.items():
        points.append(whole(f"permits-{name}", *map(sum, zip(*mix.values(), strict=True))))
        points += [slice_point(f"permits-{name}", "channel", channel, *counts) for channel, counts in mix.items()]
    store.write(points)
    before = slice_point("street-lights", "area", "North", 412, 350)
    store.amend([Amendment(NOW + 3600, before, slice_point("street-lights", "area", "North", *AREAS["North"]))])
    store.publish({one.service for one in points}, NOW)
    verdict = Verdict(
        service="street-lights", signal="gap_changed", about="area=North", at=HOUR, active=True, since=HOUR - 2_419_200,
        value=0.12, expected=0.02, cases=412, chance=1e-6, words="Of 412 cases due here 71.1% were kept",
    )  # fmt: skip
    store.record([Raised(verdict=verdict, raised_at=HOUR, told_at=HOUR)])
