"""The domain of Kept: events, cases, tallies and indicators, as pure functions.

Nothing in this package reads a clock, opens a socket or knows a client library; time and text come in as arguments.
"""

__version__ = "0.1.0"
