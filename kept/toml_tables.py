"""TOML text -> a validated struct, with errors that a person can act on: file, key, value seen, valid values."""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from kept.errors import ConfigurationError

_T = TypeVar("_T")
MOST_SHOWN = 5
"""Longer lists are not repeated in a message."""


def parse_table(text: str, file: str, shape: type[_T]) -> _T:
    """`text` as a `shape` (a msgspec struct).

    Raises `ConfigurationError` that names `file`, the key, the value seen and what is valid.
    Numbers with a fraction stay decimal, so that money keeps its digits.
    """
    return convert_table(read_toml(text, file), file, shape)


def read_toml(text: str, file: str) -> dict[str, Any]:
    """The tables of `text` as they are written, fractions as decimals; raises `ConfigurationError`."""
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file}: not valid TOML: {error}{_given_twice(text, str(error))}") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, or lists in lists in lists
        raise ConfigurationError(f"{file}: not valid TOML: {error}") from error


def _given_twice(text: str, message: str) -> str:
    """The key that is there already, which tomllib does not name; empty for other errors."""
    line = re.search(r"(?:overwrite|twice|mutate).*line ([0-9]+),", message)
    if line is None:
        return ""
    key = text.splitlines()[int(line[1]) - 1].partition("=")[0].strip(" \t[]")
    return f": {key} is given twice; give it once"


def convert_table(raw: dict[str, Any], where: str, shape: type[_T]) -> _T:
    """One table as a `shape`; raises `ConfigurationError` that names `where`, key, value seen and what is valid."""
    try:
        return msgspec.convert(raw, shape)
    except msgspec.ValidationError as error:
        raise ConfigurationError(_explain(where, raw, shape, str(error))) from error


def _explain(file: str, raw: dict[str, Any], shape: type[Any], message: str) -> str:
    what, _, path = message.partition(" - at `")
    of_a_key = path.startswith("key")
    parts = re.findall(r"[^.`\[\]]+", path.removeprefix("key` in ").replace("$", ""))
    seen, valid = _seen(raw, parts), _valid(inspect.type_info(shape), parts, of_a_key, raw)
    if isinstance(seen, dict) and valid and (of_a_key or path.endswith("[...]`")):
        # msgspec names the table, not the entry.
        bad = next((key for key in seen if str(key if of_a_key else seen[key]) not in valid.split(", ")), None)
        if bad is not None:
            parts, seen = [*parts, str(bad)], bad if of_a_key else seen[bad]
    shown = _shown(seen)
    return f"{file}: {'.'.join(parts) or 'top level'}: {what}{shown}{f'; valid: {valid}' if valid else ''}"


def _shown(seen: Any) -> str:
    if seen is None or isinstance(seen, dict):
        return ""
    if isinstance(seen, list):
        few = len(seen) <= MOST_SHOWN and all(isinstance(value, str | int) for value in seen)
        return f", seen {seen!r}" if few else ""
    return f", seen {str(seen)!r}"


def valid_values(shape: type[Any], field: str) -> str:
    """What a field of `shape` may be when that is a closed set, comma separated; else empty."""
    return _valid(inspect.type_info(shape), [field], of_a_key=False)


def _seen(raw: Any, parts: list[str]) -> Any:
    for part in parts:
        try:
            raw = raw[int(part)] if isinstance(raw, list) else raw[part]
        except (KeyError, IndexError, ValueError, TypeError):
            return None
    return raw


def _valid(kind: inspect.Type, parts: list[str], of_a_key: bool, raw: Any = None) -> str:
    """The valid keys of a table or the values of a closed set at `parts`; empty where the message already says it.

    `raw` says which of several tables is meant, where they are told apart by one of their keys.
    """
    for depth, part in enumerate(parts):
        kind = _without_none(kind)
        if isinstance(kind, inspect.UnionType):
            kind = _meant(kind, _seen(raw, parts[:depth]), part)
            if isinstance(kind, inspect.UnionType):
                return _kinds(kind)
        if isinstance(kind, inspect.StructType):
            kind = next((field.type for field in kind.fields if field.encode_name == part), kind)
        elif isinstance(kind, inspect.DictType):
            kind = kind.value_type
        elif isinstance(kind, inspect.VarTupleType | inspect.ListType):
            kind = kind.item_type
    kind = _without_none(kind)
    if isinstance(kind, inspect.UnionType):
        kind = _meant(kind, _seen(raw, parts))
    if isinstance(kind, inspect.UnionType):
        return _kinds(kind)
    if isinstance(kind, inspect.DictType):
        # msgspec names the table, not the key, of a bad entry.
        kind = kind.key_type if of_a_key else kind.value_type
    if isinstance(kind, inspect.LiteralType):
        return ", ".join(map(str, kind.values))
    if isinstance(kind, inspect.StructType):
        return ", ".join(field.encode_name for field in kind.fields)
    if isinstance(kind, inspect.FloatType) and kind.gt is not None and kind.le is not None:
        return f"a number above {kind.gt:g} and at most {kind.le:g}"
    return ""


def _meant(union: inspect.UnionType, raw: Any, key: str = "") -> inspect.Type:
    """The table that `raw` says it is; the union itself when it does not say, or `key` is the one that should."""
    tables = [option for option in union.types if isinstance(option, inspect.StructType)]
    if isinstance(raw, dict):
        return next((one for one in tables if one.tag_field != key and raw.get(one.tag_field) == one.tag), union)
    return union


def _kinds(union: inspect.UnionType) -> str:
    """The values that tell the tables of a union apart; empty when nothing does."""
    tags = [(option.tag_field, option.tag) for option in union.types if isinstance(option, inspect.StructType)]
    return ", ".join(str(tag) for field, tag in tags if field is not None)


def _without_none(kind: inspect.Type) -> inspect.Type:
    if isinstance(kind, inspect.UnionType):
        others = [option for option in kind.types if not isinstance(option, inspect.NoneType)]
        return others[0] if len(others) == 1 else kind
    return kind
