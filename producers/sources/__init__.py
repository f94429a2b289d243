"""Where events come from, apart from the simulated city: tables that service systems export."""

from producers.sources.event_files import EventFile, read_events
from producers.sources.tables import RowProblem

__all__ = ["EventFile", "RowProblem", "read_events"]
