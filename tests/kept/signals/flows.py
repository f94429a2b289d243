"""A service told by daily counts: what entered its backlog and what left it, as tallies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kept import counters as c
from kept.buckets import DAY_SECONDS, HOUR
from kept.catalogue import parse_service
from kept.intake import Rules
from kept.signals.forecast import judge
from kept.signals.situation import Situation
from kept.signals.verdict import Verdict
from kept.tallies import Bucket, MergedTallies, Tally
from tests.kept.city import seconds
from tests.kept.tally_messages import message

START = seconds("2024-01-08 00:00+00:00")
"""A Monday."""
TEXT = """
id = "lights"
name = "Lights"
owner = "Public works"
time_zone = "UTC"
expected_silence = "3d"
[channels]
unlisted = "accept"
"""
FIVE_DAYS = '[promise]\nwords = "In five days"\ntarget_share = 0.9\ntarget_time = "5d"\n'


class Service:
    """Its days begin on `START`; everything of a day is counted at noon."""

    def __init__(self, before: str = "", tables: str = FIVE_DAYS) -> None:
        """`before` are lines above the tables of its catalogue entry, `tables` those below."""
        head, channels = TEXT.split("[channels]")
        self.rules = Rules(parse_service(f"{head}{before}\n[channels]{channels}{tables}", "lights.toml"))
        self.tallies = MergedTallies({"lights": self.rules.local_time})
        self.days = 0

    def pass_days(self, entered: Iterable[int], left: Iterable[int], **others: Sequence[int]) -> None:
        """Days with so many cases entering and leaving the backlog; others by name, such as `paused_entered`."""
        for number, (more, less) in enumerate(zip(entered, left, strict=True)):
            tally: Tally = {c.OPENED: more, c.BACKLOG_ENTERED: more, c.COMPLETED: less, c.BACKLOG_LEFT: less}
            tally |= {getattr(c, name.upper()): counts[number] for name, counts in others.items()}
            end = START + self.days * DAY_SECONDS + DAY_SECONDS // 2
            counted = {counter: amount for counter, amount in tally.items() if amount}
            self.tallies.apply(*message(("lights", "", ""), Bucket(HOUR, end), counted))
            self.days += 1

    def verdict(self, day: int | None = None) -> Verdict | None:
        """What is said at the end of the last day, or after so many days."""
        at = START + (self.days if day is None else day) * DAY_SECONDS
        return next(iter(judge(Situation(self.tallies, self.rules, at))), None)
