"""Failed logins are limited in number: a token cannot be tried out, and whoever was let in before stays in."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Final

from web_server.buckets import MOST_CLIENTS, Buckets

AT_ONCE: Final = 10
"""Failures of one client that are answered without a pause."""
PER_SECOND: Final = 1 / 6
"""After that: ten a minute."""


class FailedLogins:
    """Counts the failures of each client. Credentials are remembered as hashes, and only those that were right."""

    def __init__(self, at_once: float = AT_ONCE, per_second: float = PER_SECOND) -> None:
        self._failures = Buckets(per_second, at_once)
        self._let_in: OrderedDict[bytes, None] = OrderedDict()

    def wait(self, client: str, credentials: str, right: bool, now: float) -> float:
        """0: it may be told whether `credentials` are `right`. Else the seconds to wait, and nothing must be told.

        Many failures of one client do not shut out who was let in before with the same credentials from the same place:
        a sender with an old token must not stop those behind the same proxy.
        """
        # Hashed whether they are right or not: the time taken says nothing.
        who = hashlib.sha256(f"{client}\0{credentials}".encode("utf-8", "surrogateescape")).digest()
        if right and who in self._let_in:
            self._let_in.move_to_end(who)
            return 0.0
        if not right:
            return self._failures.take(client, now)
        seconds = self._failures.wait(client, now)
        if not seconds:
            self._let_in[who] = None
            if len(self._let_in) > MOST_CLIENTS:
                self._let_in.popitem(last=False)
        return seconds
