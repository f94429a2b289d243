"""Where events come from, apart from the simulated city: files that service systems export, and events as they are."""

from producers.sources.contract_files import read_contract_events
from producers.sources.event_file import EventFile
from producers.sources.event_files import FILES, read_events
from producers.sources.problems import RowProblem

__all__ = ["FILES", "EventFile", "RowProblem", "read_contract_events", "read_events"]
