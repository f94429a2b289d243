"""Tokens come from a file, several at a time, and none that is weak or none at all."""

from __future__ import annotations

import pytest

from kept.errors import ConfigurationError
from kept.tokens import Tokens

OLD, NEW = "old-token-of-16-or-more", "new-token-of-16-or-more=="


def test_each_line_is_a_token() -> None:
    tokens = Tokens(f"{OLD}\n\n  {NEW}\n")
    assert len(tokens) == 2
    assert tokens.accept(f"Bearer {OLD}")
    assert tokens.accept(f"Bearer {NEW}")
    assert not tokens.accept(f"Bearer {OLD}\n{NEW}")
    assert not tokens.accept("Bearer ")


@pytest.mark.parametrize("text", [None, "", "\n \n"])
def test_without_a_token_it_says_how_to_make_one(text: str | None) -> None:
    with pytest.raises(ConfigurationError, match="openssl rand -hex 32 > FILE"):
        Tokens(text)


@pytest.mark.parametrize(
    "bad", ["short", "with spaces in the middle", "quoted-'token'-of-16", "ünïcödé-ünïcödé-ünïcödé"]
)
def test_a_weak_or_odd_token_is_refused_by_its_line_and_not_shown(bad: str) -> None:
    with pytest.raises(ConfigurationError, match="line 2 is no token") as refused:
        Tokens(f"{OLD}\n{bad}\n")
    assert bad not in str(refused.value)
