"""A bounded, ordered, durable queue of messages in one folder: what waits while the broker is away.

An append has returned: the messages are synced to disk, and nothing but their delivery takes them away again.
"""

from producers.spool.frames import Message
from producers.spool.reader import Reader
from producers.spool.spool import Spool

__all__ = ["Message", "Reader", "Spool"]
