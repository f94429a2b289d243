"""Tables that are joined from several queries of Prometheus: one row for each key, whatever of it is known.

Grafana does little here, by its oldest transformations: it keeps the fields that are named, joins them on the key's
column (outer, so that no row vanishes), sorts, and puts columns in order. All else is done by the queries.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from grafana_foundation_sdk.builders.table import Panel as Table
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    DynamicConfigValue,
    ValueMap,
    ValueMappingResult,
)
from msgspec import Struct

from grafana.panels import REF_IDS, table
from grafana.promql import rows

VALUE: Final = "Value #"
"""Prometheus' data source names the numbers of a table by the letter of their query, when there are several."""


class Word(Struct, frozen=True):
    """What a number or a text stands for, in words; a colour only beside them."""

    text: str
    colour: str | None = None


class Column(Struct, frozen=True):
    """A column: the numbers of `query`, or the label `label` (of any query: the label must come with one of them).

    `overrides` are those of its cells.
    """

    title: str
    query: str | None = None
    label: str | None = None
    overrides: tuple[DynamicConfigValue, ...] = ()


def joined(
    title: str,
    description: str,
    key: str,
    columns: Sequence[Column],
    *,
    largest_first: str,
    silent: Sequence[str] = (),
) -> Table:
    """A table with one row for each value of the label `key`.

    Each query's answer has the label `key`, perhaps labels that are columns, nothing else, and each value of `key` at
    most once. Of the queries `silent` only the labels are shown. `largest_first`, one of the queries, is known for
    every row: rows are sorted by it. `ValueError` for a label twice, or for more queries than there are letters.
    """
    expressions = [*silent] + [each.query for each in columns if each.query is not None]
    letters = dict(zip(expressions, REF_IDS, strict=False))
    if len(letters) < len(expressions):
        raise ValueError(f"{title}: {len(expressions)} queries, some twice or more than {len(REF_IDS)}")
    fields = [_field(each, letters) for each in columns]
    if len(set(fields)) < len(fields):
        raise ValueError(f"{title}: a label is in two columns")
    sorted_by = f"{VALUE}{letters[largest_first]}"
    panel = table(title, description, [rows(expression) for expression in expressions])
    for transformation in (
        _transformation(
            "filterFieldsByName",
            {"include": {"pattern": f"/^({'|'.join(dict.fromkeys([key, *fields, sorted_by]))})$/"}},
        ),
        _transformation("joinByField", {"byField": key, "mode": "outer"}),
        _transformation("sortBy", {"fields": {}, "sort": [{"field": sorted_by, "desc": True}]}),
        _transformation(
            "organize",
            {
                "excludeByName": dict.fromkeys([each for each in (sorted_by, key) if each not in fields], True),
                "indexByName": {field: place for place, field in enumerate(fields)},
                "renameByName": {field: each.title for field, each in zip(fields, columns, strict=True)},
            },
        ),
    ):
        panel = panel.with_transformation(transformation)
    for column in columns:
        if column.overrides:
            panel = panel.override_by_name(column.title, list(column.overrides))
    return panel


def words(meaning: dict[str, Word]) -> tuple[DynamicConfigValue, ...]:
    """Overrides: values as words, in the words' colours where they have one."""
    results = {
        value: ValueMappingResult(text=word.text, color=word.colour, index=place)
        for place, (value, word) in enumerate(meaning.items())
    }
    mapping = DynamicConfigValue(id_val="mappings", value=[ValueMap(results)])
    if not any(word.colour for word in meaning.values()):
        return (mapping,)
    return (mapping, DynamicConfigValue(id_val="custom.cellOptions", value={"type": "color-text"}))


def unit(name: str, decimals: int | None = None) -> tuple[DynamicConfigValue, ...]:
    """Overrides: Grafana's unit, and how many digits."""
    shown = [DynamicConfigValue(id_val="unit", value=name)]
    if decimals is not None:
        shown.append(DynamicConfigValue(id_val="decimals", value=decimals))
    return tuple(shown)


def width(pixels: int) -> tuple[DynamicConfigValue, ...]:
    """Override: how wide the column is."""
    return (DynamicConfigValue(id_val="custom.width", value=pixels),)


def link(title: str, url: str) -> tuple[DynamicConfigValue, ...]:
    """Override: where a click on a cell leads; `url` may name fields of its row: `${__data.fields.service}`."""
    return (DynamicConfigValue(id_val="links", value=[{"title": title, "url": url}]),)


def _field(column: Column, letters: dict[str, str]) -> str:
    if (column.query is None) == (column.label is None):
        raise ValueError(f"{column.title}: a column is either of a query or of a label")
    return column.label if column.label is not None else f"{VALUE}{letters[column.query or '']}"


def _transformation(name: str, options: dict[str, Any]) -> DataTransformerConfig:
    return DataTransformerConfig(id_val=name, options=options)
