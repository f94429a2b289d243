"""Which measurements, columns and texts a Flux query names, as far as they can be told from its text.

Read are: what `_measurement`, `_field` and tags are compared with; columns after `r.`, `r[…]` and in `columns:`; and
those that the query makes itself (keys of records, `rename`, `as:`, `column:`), which need not be in the history.
"""

from __future__ import annotations

import re
from typing import NamedTuple

TEXT = r'"(?:\\.|[^"\\])*"'
_TOKEN = re.compile(rf"(?P<comment>//[^\n]*)|(?P<text>{TEXT})|(?P<regexp>(?<=[~ (])/(?:\\.|[^/\\\n])+/)")
_COMPARED = re.compile(rf"\b\w+\.(\w+)\s*==\s*({TEXT})|\b\w+\[({TEXT})\]\s*==\s*({TEXT})")
_COLUMN = re.compile(rf"\b(?:r|row|tables|left|right)\.(\w+)|\br\[({TEXT})\]")
_COLUMN_LISTS = re.compile(rf"\b(?:columns|rowKey|columnKey|on)\s*:\s*\[((?:\s*{TEXT}\s*,?)*)\]")
_ONE_COLUMN = re.compile(rf"\b(?:column|valueColumn|timeColumn|tag)\s*:\s*({TEXT})")
_PIVOTED = re.compile(rf"\bcolumnKey\s*:\s*\[\s*({TEXT})\s*\]")
_MADE_RECORD_KEY = re.compile(rf"[{{,]\s*(?:\w+\s+with\s+)?(\w+|{TEXT})\s*:")
_WITH_KEY = re.compile(rf"\bwith\s+(\w+|{TEXT})\s*:")
_RENAMED = re.compile(rf"rename\(\s*columns\s*:\s*\{{((?:[^{{}}]|{TEXT})*)\}}")
_RENAMED_TO = re.compile(rf":\s*({TEXT})")
_RENAMED_FROM = re.compile(rf"(?:^|,)\s*(\w+|{TEXT})\s*:")
_MADE_BY_NAME = re.compile(rf"\b(?:as|key|into|columnName)\s*:\s*({TEXT})")
BUILT_IN = frozenset({"_time", "_value", "_field", "_measurement", "_start", "_stop", "table", "result"})


class FluxNames(NamedTuple):
    """What a query names: column -> the texts that it is compared with; columns; columns that it makes itself."""

    compared: dict[str, set[str]]
    columns: set[str]
    made: set[str]


def names_of(query: str) -> FluxNames:
    """What a query names. Variables of Grafana in it are no texts, and are left out."""
    code = _TOKEN.sub(lambda token: "" if token["comment"] else token[0], query)
    compared: dict[str, set[str]] = {}
    for column, value, quoted, quoted_value in _COMPARED.findall(code):
        compared.setdefault(column or _plain(quoted), set()).add(_plain(value or quoted_value))
    columns = {name or _plain(quoted) for name, quoted in _COLUMN.findall(code)}
    columns |= {_plain(text) for listed in _COLUMN_LISTS.findall(code) for text in re.findall(TEXT, listed)}
    columns |= {_plain(text) for text in _ONE_COLUMN.findall(code)}
    made = {_plain(name) for name in (*_MADE_RECORD_KEY.findall(code), *_WITH_KEY.findall(code))}
    made |= {_plain(text) for text in _MADE_BY_NAME.findall(code)}
    made |= {"elapsed"} if re.search(r"\belapsed\(", code) else set()
    for pivoted in map(_plain, _PIVOTED.findall(code)):
        # What the query itself has put into this column becomes names of columns.
        made |= {_plain(text) for text in re.findall(rf"\b{re.escape(pivoted)}\s*:\s*({TEXT})", code)}
    for renamed in _RENAMED.findall(code):
        columns |= {_plain(name) for name in _RENAMED_FROM.findall(renamed)}
        made -= {_plain(name) for name in _RENAMED_FROM.findall(renamed)}
        made |= {_plain(text) for text in _RENAMED_TO.findall(renamed)}
    return FluxNames(compared, columns, made)


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text
