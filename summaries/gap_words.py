"""Why a week of a chart has no value, in the same words on every page and in every summary."""

from __future__ import annotations

from typing import Final

from kept.signals.chart_weeks import Gap
from kept.signals.weekly import SHORT_WEEK
from summaries.wording import NBSP, number

GAP_WORDS: Final[dict[Gap, str]] = {
    "no_data": "nothing to count",
    "settling": "the first cases cannot have ended yet",
    "source_silent": "the source was silent",
    "after_silence": "cases of a silence still under way",
    "short_week": f"open for under {number(SHORT_WEEK * 100)}{NBSP}% of the usual hours",
}
"""After “because”, a colon, or alone in a cell; they hold for weeks of now and of long ago."""
