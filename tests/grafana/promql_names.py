"""Which metrics and labels a PromQL query names. A tokenizer of the whole language, and a reader of its tokens.

Raises `ValueError` for what is no PromQL token; that a query is valid is Prometheus' to say (the test with servers).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
      | (?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)
      | (?P<time>\[[^\]]*\])
      | (?P<variable>\$\{?\w+(?::\w+)?\}?)
      | (?P<number>0x[0-9a-fA-F]+|(?:\d+(?:ms|[smhdwy]))+|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
      | (?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)
      | (?P<operator>=~|!~|!=|==|<=|>=|[-+*/%^<>=(){},@])""",
    re.VERBOSE,
)
GROUPING = {"by", "without", "on", "ignoring", "group_left", "group_right"}
WORDS = {"and", "or", "unless", "bool", "offset", "start", "end", "inf", "nan", "atan2"}
_LABEL_MAKERS = {"label_replace", "label_join"}


class Selector(NamedTuple):
    """A metric and the labels by which its series are chosen."""

    metric: str
    labels: frozenset[str]


class Names(NamedTuple):
    """What a query names: selectors, labels that it groups or matches by, labels that it makes itself."""

    selectors: list[Selector]
    grouped: set[str]
    made: set[str]


def names_of(query: str) -> Names:
    """What a query names."""
    tokens = list(_tokens(query))
    found = Names([], set(), set())
    at = 0
    while at < len(tokens):
        kind, text = tokens[at]
        following = tokens[at + 1][1] if at + 1 < len(tokens) else ""
        if kind == "name" and text.lower() in GROUPING:
            if following == "(":
                end = _closing(tokens, at + 1, ")")
                found.grouped.update(word for what, word in tokens[at + 2 : end] if what == "name")
                at = end
        elif kind == "name" and following == "(":
            if text in _LABEL_MAKERS:
                end = _closing(tokens, at + 1, ")")
                found.made.update(_made_label(tokens[at + 2 : end]))
        elif kind == "name" and text.lower() not in WORDS and following.lower() not in ("by", "without"):
            labels: frozenset[str] = frozenset()
            if following == "{":
                end = _closing(tokens, at + 1, "}")
                labels = frozenset(_matched(tokens[at + 2 : end]))
                at = end
            found.selectors.append(Selector(text, labels))
        elif text == "{":
            raise ValueError(f"a selector without a metric in {query!r}; name the metric")
        at += 1
    return found


def _tokens(query: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(query):
        token = TOKEN.match(query, at)
        if token is None:
            raise ValueError(f"no PromQL at {query[at : at + 20]!r} in {query!r}")
        at = token.end()
        if token.lastgroup not in ("space", None):
            yield str(token.lastgroup), token[0]


def _closing(tokens: list[tuple[str, str]], opening: int, closing: str) -> int:
    depth, opens = 0, tokens[opening][1]
    for at in range(opening, len(tokens)):
        depth += (tokens[at][1] == opens) - (tokens[at][1] == closing)
        if depth == 0:
            return at
    raise ValueError(f"{opens!r} is never closed")


def _matched(tokens: list[tuple[str, str]]) -> Iterator[str]:
    for (kind, text), (_, operator) in pairwise(tokens):
        if kind == "name" and operator in ("=", "!=", "=~", "!~"):
            yield text


def _made_label(tokens: list[tuple[str, str]]) -> list[str]:
    """The label that `label_replace(…, "made", …)` makes: the first text that stands outside the inner expression."""
    depth = 0
    for kind, text in tokens:
        depth += (text in "({") - (text in ")}") if kind == "operator" else 0
        if kind == "text" and depth == 0:
            return [text[1:-1]]
    return []
