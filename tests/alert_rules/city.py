"""A small catalogue in which every kind of signal is possible somewhere."""

from __future__ import annotations

import msgspec

from kept.catalogue import Catalogue, Service, parse_service

COMMON = """
owner = "Department of Mobility"
time_zone = "Europe/Amsterdam"
expected_silence = "2h"
channels = { digital = ["Website"] }
"""
PROMISED = parse_service(
    f"""
id = "parking-permits"
name = "Parking permits"
{COMMON}
costs = {{ currency = "EUR" }}
[promise]
words = "Your permit is valid within 2 days"
target_share = 0.95
target_time = "2d"
""",
    "parking.toml",
)
ALWAYS = parse_service(
    f"""
id = "emergency-housing"
name = "Emergency housing"
{COMMON}
[promise]
words = "Nobody waits longer than a day"
target_share = 1.0
target_time = "1d"
""",
    "housing.toml",
)
UNPROMISED = parse_service(
    f"""
id = "library"
name = "Library"
{COMMON.replace("2h", "3d")}
[[published]]
indicator = "satisfaction_score"
first_day = 2026-04-01
last_day = 2026-04-30
value = 94
source = "Yearbook"
""",
    "library.toml",
)
SMALL_CITY: Catalogue = {service.id: service for service in (PROMISED, ALWAYS, UNPROMISED)}


def with_owner(owner: str, name: str = "Parking permits") -> Service:
    """A service with this owner and name, whatever characters they are made of."""

    return msgspec.structs.replace(PROMISED, owner=owner, name=name)


def with_id(service_id: str) -> Service:
    """A service with this id."""
    return msgspec.structs.replace(PROMISED, id=service_id)
