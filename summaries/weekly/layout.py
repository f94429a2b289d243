"""The summary's tables and the words where there is nothing, the same in every form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from summaries.weekly.noise import Cell
from summaries.weekly.summary import WeekSummary
from summaries.weekly.waste import UNKNOWN

ALSO: Final = "Also charted"
NO_DECISIONS: Final = "No decision is open, and none was taken or closed this week."
NO_NEWS: Final = "Nothing this week is more than the usual ups and downs."
STANDING: Final = "Still open, raised before this week"
NO_UNKNOWN: Final = "Everything that is charted is known."
NO_QUESTIONS: Final = "Nothing this week asks for an explanation."
WASTE: Final = (
    "Money that was booked and money that is modelled from rates are different things, and are never added up."
)


class Table(Struct, frozen=True):
    """Texts: a head, and rows in step with it; the first cell of a row names it."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def decisions_table(summary: WeekSummary) -> Table:
    """Decisions, overdue ones first."""
    rows = [(one.name, one.text, one.owner, one.due, one.became) for one in summary.decisions]
    return Table(("Service", "Decision", "Owner", "Due", "What became of it"), rows)


def figures_table(summary: WeekSummary) -> Table:
    """Every charted figure with its usual range."""
    noise = summary.noise
    has_others = any(row.also for row in noise.rows)
    rows = []
    for row in noise.rows:
        if all(cell.state == "none" for cell in row.all_cells):
            continue
        also = "; ".join(f"{label}: {_in_words(cell)}" for label, cell in row.also)
        rows.append((row.name, *map(_in_words, row.cells), *([also or "–"] if has_others else [])))
    return Table(("Service", *noise.columns, *([ALSO] if has_others else [])), rows)


def _in_words(cell: Cell) -> str:
    return f"{cell.text} ({cell.detail})" if cell.detail else cell.text


def worst_table(summary: WeekSummary) -> Table:
    """Totals with their worst members."""
    rows = [(one.name, one.total, *one.worst) for one in summary.worst]
    return Table(("Service", "Promise kept, of all due", "Worst area", "Worst channel"), rows)


def waste_note(summary: WeekSummary) -> str:
    """What waste cost, booked and modelled apart."""
    return f"{' '.join(table.sentence for table in summary.waste)} {WASTE}"


def waste_table(summary: WeekSummary) -> Table:
    """Booked kinds, then modelled ones; a row a service, then the totals by currency."""
    head = ["Service", *(f"{kind}, {table.basis}" for table in summary.waste for kind in table.kinds)]
    names = {row.service: row.name for table in summary.waste for row in table.rows}
    order = [row.service for row in summary.noise.rows if row.service in names]
    rows = []
    for service in order:
        cells: list[str] = []
        for table in summary.waste:
            row = next((one for one in table.rows if one.service == service), None)
            cells += row.amounts if row is not None else [UNKNOWN] * len(table.kinds)
        rows.append([names[service], *cells])
    for currency in sorted({currency for table in summary.waste for currency, _ in table.totals}):
        cells = []
        for table in summary.waste:
            totals = dict(table.totals)
            cells += totals.get(currency, ("–",) * len(table.kinds))
        rows.append([f"All services, {currency}", *cells])
    return Table(head, rows)
