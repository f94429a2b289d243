"""Every threshold of the pipeline's alerts, with where it comes from. Rules fire by them, boards draw them as lines.

Durations are in seconds, windows as PromQL writes them.
"""

from __future__ import annotations

from typing import Final

MINUTE: Final = 60

UP_WINDOW: Final = "5m"
UP_SHARE: Final = 0.5
"""Down is: answered less than half of the scrapes of five minutes. A restart takes seconds; a crash loop shows too."""
UP_WAIT: Final = 3 * MINUTE
"""After a boot there is no more than this of a window yet; with it, all workers lost are told well within the hold."""
ABSENT_WAIT: Final = 5 * MINUTE

STUCK_WINDOW: Final = "15m"
"""Published time moves every five minutes of event time: three steps missed."""
STUCK_WAIT: Final = 5 * MINUTE
NOTHING_PUBLISHED_WAIT: Final = 30 * MINUTE
"""Workers read their state back first: minutes for millions of cases."""
CATCHING_UP_SECONDS: Final = 2 * 15 * MINUTE
"""Published time that moved by more than this in 15 minutes gains on the clock: it is late, not silent."""

LAG_RECORDS: Final = 1000
"""Less is taken in one batch, in well under a second."""
LAG_GROWTH: Final = 1.1
LAG_WAIT: Final = 15 * MINUTE

DEAD_WINDOW: Final = "30m"
DEAD_SHARE: Final = 0.01
"""Long before the brake, which stops a worker when half of the last thousand events are refused."""
DEAD_LETTERS: Final = 10
"""Fewer in half an hour are a mistyped case, not a broken source."""
DEAD_WAIT: Final = 5 * MINUTE
ACCOUNTS_WAIT: Final = 5 * MINUTE
"""Both sides of the account are read at one scrape; a partition that moves is shown twice, or not at all, for one."""

FOLDED_NOW: Final = "15m"
FOLDED_BEFORE: Final = "1h"
"""More is folded now than ever in the hour before: a worker that restarts, or a partition that moves, is no growth."""
FOLDED_WAIT: Final = 5 * MINUTE
FOLDED_HOLD: Final = 60 * MINUTE
"""A source that sends such a value now and then is one alert, not many."""

HISTORY_WAITING_SECONDS: Final = 5 * MINUTE
"""A compaction or a backup of the store is over by then."""
HISTORY_WAIT: Final = 1 * MINUTE
REFUSED_WINDOW: Final = "1h"
CATALOGUES_WAIT: Final = 30 * MINUTE
"""Workers are restarted one after the other."""
SERIES_WAIT: Final = 15 * MINUTE

RULES_WINDOW: Final = "3m"
RULES_WAIT: Final = 5 * MINUTE
"""Longer than the window, so that one failure (an Alertmanager that restarts) is over before it is told."""
DELIVERY_WINDOW: Final = "15m"
DELIVERIES_FAILED: Final = 3
DELIVERY_WAIT: Final = 5 * MINUTE
"""Alertmanager tries a delivery again by itself and counts it as failed only in the end."""
RELOAD_WAIT: Final = 5 * MINUTE

SPOOL_SHARE: Final = 0.5
SPOOL_FULL_SHARE: Final = 0.9
SPOOL_WAIT: Final = 10 * MINUTE
SPOOL_FULL_WAIT: Final = 1 * MINUTE
SUMMARY_WAIT: Final = 10 * MINUTE
"""A summary counts as missed a day after it was due; one that is sent at a restart is delivered by then."""
BROKER_WAIT: Final = 5 * MINUTE
"""Clients look for a moved leader for a minute or two by themselves."""
