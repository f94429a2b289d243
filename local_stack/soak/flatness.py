"""Is it flat: bounds on what memory, files and threads may grow by after the warm-up. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from local_stack.soak.samples import Sample

WARM_UP_SHARE = 0.6
"""Of the run: by the middle the register lets go of as many cases as it takes in and fine buckets are joined; then the
allocator needs some days of event time more, until what leaves makes room for what comes."""
GROWTH_SHARE, GROWTH_MIB = 0.05, 12.0
"""Resident memory may grow by so much from the warm-up to the end, by the line of least squares: the larger of both.
What the allocator keeps of a burst, and the buckets of tallies that a longer past needs, are in it."""
MORE_FILES = MORE_THREADS = 8
"""Open files and threads may be so many more at any time after the warm-up than they were at most before."""


def after_warm_up(samples: Sequence[Sample]) -> Sequence[Sample]:
    """Those that are judged."""
    ends = samples[-1].minute
    return [sample for sample in samples if sample.minute >= ends * WARM_UP_SHARE]


def growth_mib(samples: Sequence[Sample], process: str) -> float:
    """By how much the resident memory grew over these samples, by the line of least squares."""
    times = [sample.minute for sample in samples]
    sizes = [sample.processes[process].resident_mib for sample in samples]
    mean_time, mean_size = sum(times) / len(times), sum(sizes) / len(sizes)
    spread = sum((time - mean_time) ** 2 for time in times)
    if spread == 0:
        return 0.0
    slope = sum((time - mean_time) * (size - mean_size) for time, size in zip(times, sizes, strict=True)) / spread
    return slope * (times[-1] - times[0])


def bound_mib(samples: Sequence[Sample], process: str) -> float:
    """How much it may grow."""
    mean = sum(sample.processes[process].resident_mib for sample in samples) / len(samples)
    return max(GROWTH_MIB, GROWTH_SHARE * mean)


def not_flat(samples: Sequence[Sample]) -> Iterator[str]:
    """What grew beyond its bound, a sentence each. There must be samples before and after the warm-up."""
    judged = after_warm_up(samples)
    before = samples[: len(samples) - len(judged)]
    for process in samples[-1].processes:
        grew, bound = growth_mib(judged, process), bound_mib(judged, process)
        if grew > bound:
            yield f"{process}: resident memory grew by {grew:.1f} MiB after the warm-up; at most {bound:.1f}"
        for what, more in (("files", MORE_FILES), ("threads", MORE_THREADS)):
            most_before = max(getattr(sample.processes[process], what) for sample in before)
            most = max(getattr(sample.processes[process], what) for sample in judged)
            if most > most_before + more:
                yield f"{process}: {most} open {what} after the warm-up, {most_before} before; at most {more} more"


def not_keeping_up(samples: Sequence[Sample], rate: float) -> Iterator[str]:
    """At half of peak no queue may grow: what waits at the end is at most what 30 s bring."""
    last = samples[-1]
    for what, waits in (("in the topic", last.lag), ("in the spool", last.spooled)):
        if waits > 30 * rate:
            yield f"{waits:,} events wait {what} at the end; at {rate:,.0f} a second at most {30 * rate:,.0f} may"
