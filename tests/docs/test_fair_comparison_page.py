"""What the page of fair comparison says of peers and of its signal; its figures are made anew by `make docs`."""

from __future__ import annotations

import re
from pathlib import Path

from kept.catalogue import parse_service

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "fair-comparison.md").read_text(encoding="utf-8")


def test_its_example_of_a_peer_group_is_taken_as_it_stands() -> None:
    [example] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    entry = (
        'id = "north"\nname = "North"\nowner = "Town hall"\ntime_zone = "Europe/Lisbon"\nexpected_silence = "1d"\n'
        f'{example}[channels]\nunlisted = "accept"\n[promise]\nwords = "Soon"\ntarget_share = 0.9\ntarget_time = "5d"\n'
    )
    assert parse_service(entry, "docs/fair-comparison.md").peer_group == "permit-desks"


def test_what_the_signal_is_stated_to_do_at_most_is_what_the_simulation_found() -> None:
    [stated] = re.findall(r"Stated: at most ([0-9.]+) a year", PAGE)
    [rows] = re.findall(r"\| told a year \|\n\| --- \| --- \|\n(.*?)\n\n", PAGE, re.DOTALL)
    told = [float(row.split(" | ")[1].rstrip(" |")) for row in rows.splitlines()]
    assert len(told) == 7 and max(told) <= float(stated)
