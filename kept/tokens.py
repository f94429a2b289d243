"""Tokens that let somebody in (RFC 6750): one a line in a file, several while one is replaced.

Compared in constant time.
"""

from __future__ import annotations

import hashlib
import hmac
import re

from kept.errors import ConfigurationError

SHORTEST = 16
_VALID = re.compile(r"[A-Za-z0-9._~+/-]+=*\Z")


class Tokens:
    """The tokens that are accepted; only their hashes are kept."""

    def __init__(self, text: str | None, setting: str = "KEPT_INTAKE_TOKEN_FILE") -> None:
        """`setting` names the file they were read from.

        Raises `ConfigurationError` when there is no token in `text`, or one that is short or no token.
        """
        lines = [line.strip() for line in (text or "").splitlines()]
        for number, token in enumerate(lines, 1):
            if token and (len(token) < SHORTEST or not _VALID.match(token)):
                raise ConfigurationError(
                    f"{setting}: line {number} is no token; valid: {SHORTEST} or more letters, digits and "
                    "-._~+/, one token a line, such as `openssl rand -hex 32` makes"
                )
        self._digests = [_digest(token) for token in lines if token]
        if not self._digests:
            raise ConfigurationError(
                f"{setting}: not set, or no token in it; nobody could be let in: "
                f"make one with `openssl rand -hex 32 > FILE` and set {setting}=FILE"
            )

    def __len__(self) -> int:
        """How many are accepted."""
        return len(self._digests)

    def accept(self, authorization: str | None) -> bool:
        """Whether the value of an Authorization header carries one of them as its bearer's."""
        scheme, _, token = (authorization or "").partition(" ")
        return scheme.lower() == "bearer" and self.know(token.strip())

    def know(self, token: str) -> bool:
        """Whether `token` is one of them."""
        digest = _digest(token)
        # Each is compared, whichever matches: the time taken says nothing.
        return sum(hmac.compare_digest(digest, known) for known in self._digests) > 0


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
