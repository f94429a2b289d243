"""JSON values of evidence as text: by their names moments, durations and shares; anything else as it is, escaped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from command_line.letters_in_words import printable
from command_line.text_table import table_lines
from kept.durations import in_words
from kept.events import moment

MOMENTS: Final = ("at", "since", "until", "from", "start", "end", "event", "week")
"""Names of moments (s since 1970 UTC) are one of these words, or end with one after an underscore."""
EARLIEST: Final = 100_000_000
LATEST: Final = 253_402_300_799
"""From 1973 to the year 9999 (s): a number beyond is neither a moment nor a duration, whatever its name."""
MOST_ROWS: Final = 60
BARS: Final = "▁▂▃▄▅▆▇█"
LEAST_BARS: Final = 10
INDENT: Final = 2


def value_in_words(name: str, value: Any) -> str:
    """A single value; of a list its values, of an object its entries, in one line."""
    word = name.rpartition("_")[2]
    match value:
        case None:
            return "not known"
        case bool():
            return "yes" if value else "no"
        case int() | float() if word == "seconds" and abs(value) <= LATEST:
            return in_words(round(value * 1000))
        case int() if word in MOMENTS and EARLIEST <= value <= LATEST:
            return f"{moment(value * 1000):%Y-%m-%d %H:%M} UTC"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"
        case list() | tuple() if len(value) >= LEAST_BARS and all(_is_number(one) for one in value):
            return bars(value)
        case list() | tuple():
            return ", ".join(value_in_words(name, one) for one in value) or "none"
        case dict():
            return ", ".join(f"{label(key)} {value_in_words(key, one)}" for key, one in value.items()) or "none"
        case _:
            return printable(str(value))


def bars(values: Sequence[float]) -> str:
    """A long list of numbers, from the first to the last, as bars from 0 (or the least, if below) to the greatest."""
    least, most = min(0, *values), max(0, *values)
    span = (most - least) or 1
    drawn = "".join(BARS[min(len(BARS) - 1, int((one - least) / span * len(BARS)))] for one in values)
    return f"{drawn}  {value_in_words('', min(values))} to {value_in_words('', max(values))}"


def label(name: str) -> str:
    """The name of a value as words."""
    words = printable(str(name)).replace("_", " ")
    return words.removesuffix(" seconds") or words


def values_in_words(values: Mapping[str, Any], width: int, *, indent: int = 0) -> Iterator[str]:
    """An object as text: single values one a line, then each list of objects as a table, each object below its name."""
    single = {name: value for name, value in values.items() if not _is_rows(value) and not _is_object(value)}
    if single:
        rows = [(label(name), value_in_words(name, value)) for name, value in single.items()]
        yield from table_lines(("", ""), rows, width, indent=indent)
    alike = _objects_with_the_same_names(values)
    for name, value in values.items():
        if _is_rows(value):
            yield f"{' ' * indent}{label(name)}"
            yield from rows_in_words(value, width, indent=indent + INDENT)
        elif name in alike:
            if name == alike[0]:
                yield from rows_in_words([{"": label(one), **values[one]} for one in alike], width, indent=indent)
        elif _is_object(value):
            yield f"{' ' * indent}{label(name)}"
            yield from values_in_words(value, width, indent=indent + INDENT)


def rows_in_words(rows: Sequence[Mapping[str, Any]], width: int, *, indent: int = 0) -> Iterator[str]:
    """A list of objects as a table; the columns are all names there are, in the order in which they come."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    numeric = {name: all(_is_number(row.get(name, 0)) for row in rows) for name in names}
    heads = [f"{'>' if numeric[name] else ''}{label(name)}" for name in names]
    last = rows[-MOST_ROWS:]
    cells = [[value_in_words(name, row[name]) if name in row else "" for name in names] for row in last]
    if len(rows) > len(last):
        yield f"{' ' * indent}… {len(rows) - len(last)} earlier ones are in --json"
    yield from table_lines(heads, cells, width, indent=indent)


def _objects_with_the_same_names(values: Mapping[str, Any]) -> list[str]:
    """Names of objects, two or more, whose values can stand below each other in one table."""
    objects = [name for name, value in values.items() if _is_object(value)]
    shapes = {tuple(values[name]) for name in objects}
    single = all(not _is_rows(one) and not _is_object(one) for name in objects for one in values[name].values())
    return objects if len(objects) > 1 and len(shapes) == 1 and single else []


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_rows(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(one, Mapping) for one in value)


def _is_object(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value)
