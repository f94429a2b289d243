"""Messages of topic `tallies` for tests that say themselves what was counted."""

from __future__ import annotations

from kept.tallies import Bucket, Series, Tally, pack_place, pack_series, pack_tally


def message(series: Series, bucket: Bucket, tally: Tally, partition: int = 0) -> tuple[bytes, bytes]:
    """Key and value of what source partition `partition` has counted in a bucket."""
    return pack_series(series) + pack_place(*bucket, partition), pack_tally(tally)
