"""Which column is what: guesses by name and by what is in it, each doubt said in words."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct, field

from producers.mapping_draft import words
from producers.mapping_draft.columns import Column, columns_of, varying_columns
from producers.mapping_draft.sample import Sample
from producers.mapping_draft.times import Times

_MOST_STEPS = 300
_MOST_VALUES = {"channel": 40, "area": 600, "category": 600, "outcome": 40}
_LABELS = (("outcome", words.OUTCOME), ("channel", words.CHANNEL), ("area", words.AREA), ("category", words.CATEGORY))
_LABEL_LENGTH = 128
NO_DUE = "no column looks like a promised time: the promise of the catalogue entry applies, if it has one"


class Roles(Struct):
    """The kind of the table, the column of each field, and what is doubtful of a field (empty key: of the whole)."""

    kind: str
    columns: dict[str, str]
    doubts: dict[str, list[str]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    """Fields that a mapping needs and no column was found for."""
    personal: dict[str, str] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)

    def doubt(self, of_field: str, words: str) -> None:
        """Note a doubt."""
        self.doubts.setdefault(of_field, []).append(words)

    def need_due(self) -> None:
        """Ask for the column of the promised time, where no column looks like it: the catalogue entry has none."""
        if "due" not in self.columns:
            self.doubts[""] = [doubt for doubt in self.doubts.get("", ()) if doubt != NO_DUE]
            self.missing.append("due")


def roles_of(sample: Sample) -> Roles:
    """The roles of the columns of a sample."""
    columns = {column.name: column for column in columns_of(sample)}
    open_ones = [column for column in columns.values() if not column.personal]
    step = _step_column(open_ones)
    log_case = _repeated_case(open_ones) if step is not None else None
    if step is not None and log_case is not None:
        roles = Roles("process_log", {"case": log_case.name, "step": step.name})
        _log_columns(roles, open_ones, varying_columns(sample, log_case.name), sample)
    else:
        roles = Roles("case_table", {})
        _case_column(roles, open_ones, len(sample.rows))
        _case_times(roles, [column for column in open_ones if column.times is not None])
    _labels(roles, open_ones)
    roles.personal = {column.name: column.personal for column in columns.values() if column.personal}
    used = set(roles.columns.values()) | set(roles.personal)
    roles.unused = [name for name in columns if name not in used]
    return roles


def times_by_column(sample: Sample, roles: Roles) -> dict[str, Times]:
    """What the times of the fields look like, by field."""
    times = {column.name: column.times for column in columns_of(sample)}
    found = {of_field: times[name] for of_field, name in roles.columns.items()}
    return {of_field: one for of_field, one in found.items() if one is not None}


def _ranked(columns: Iterable[Column], vocabulary: tuple[str, ...]) -> list[Column]:
    """The columns whose names are in the vocabulary, the surest first; of equals the one with the shortest name."""
    ranks = {column.name: words.rank(column.name, vocabulary) for column in columns}
    named = [column for column in columns if ranks[column.name] is not None]
    return sorted(named, key=lambda column: (ranks[column.name], len(words.words_of(column.name))))


def _step_column(columns: list[Column]) -> Column | None:
    fitting = [column for column in columns if column.times is None and 1 < column.distinct <= _MOST_STEPS]
    return next(iter(_ranked(fitting, words.STEP)), None)


def _repeated_case(columns: list[Column]) -> Column | None:
    fitting = [column for column in columns if column.full and column.times is None and column.distinct < column.filled]
    named = [column for column in _ranked(fitting, words.CASE) if column.distinct > 1]
    return named[0] if named else None


def _case_column(roles: Roles, columns: list[Column], rows: int) -> None:
    candidates = [column for column in columns if column.times is None and "name" not in words.words_of(column.name)]
    unique = [column for column in candidates if column.unique]
    named = _ranked(candidates, words.CASE)
    surest = next((column for column in named if column.unique), None)
    chosen = surest or next((column for column in named if column.full and column.distinct > rows / 2), None)
    if chosen is None:
        chosen = unique[0] if unique else None
        if chosen is not None:
            roles.doubt("case", "chosen because every row has another value; its name does not say that it is an id")
    if chosen is None:
        roles.missing.append("case")
        return
    roles.columns["case"] = chosen.name
    if not chosen.unique:
        roles.doubt("case", f"{rows - chosen.distinct} rows repeat an id; one row must be one case")
    others = [
        column.name for column in unique if column is not chosen and words.rank(column.name, words.CASE) is not None
    ]
    if others:
        roles.doubt("case", f"every row of these has a value of its own too: {', '.join(others)}")


def _case_times(roles: Roles, columns: list[Column]) -> None:
    left = list(columns)
    for of_field, vocabulary in (("due", words.DUE), ("opened", words.OPENED), ("completed", words.COMPLETED)):
        named = _ranked(left, vocabulary)
        if not named:
            continue
        roles.columns[of_field] = named[0].name
        left.remove(named[0])
        if len(named) > 1:
            roles.doubt(of_field, f"these look like it too: {', '.join(column.name for column in named[1:])}")
    if "opened" not in roles.columns:
        full = [column for column in left if column.full]
        if full:
            roles.columns["opened"] = full[0].name
            roles.doubt("opened", "chosen because every row has it; its name does not say so")
        else:
            roles.missing.append("opened")
    if "completed" not in roles.columns:
        roles.doubt("", "no column looks like the time of completion: no case would ever be over")
    if "due" not in roles.columns:
        roles.doubt("", NO_DUE)


def _log_columns(roles: Roles, columns: list[Column], varying: set[str], sample: Sample) -> None:
    times = [column for column in columns if column.times is not None]
    of_step = [column for column in times if column.name in varying and column.full]
    _case_times(roles, [column for column in times if column.name not in varying])
    named = _ranked(of_step, words.STEP_TIME) or of_step
    if named:
        roles.columns["step_time"] = named[0].name
        started = [column for column in _ranked(of_step, words.STEP_STARTED) if column is not named[0]]
        if started:
            roles.columns["step_started"] = started[0].name
    else:
        roles.missing.append("step_time")
    case = sample.column(roles.columns["case"])
    for column in _ranked([one for one in columns if one.full and one.times is None], words.STEP_ID):
        pairs = set(zip(case, sample.column(column.name), strict=True))
        if len(pairs) == len(case) and column.name not in roles.columns.values():
            roles.columns["step_id"] = column.name
            break
    for column in columns:
        if "lifecycle" in words.words_of(column.name) and column.distinct > 1:
            roles.doubt("step", f"{column.name} has several values: a row must be one step, not its start or its end")


def _labels(roles: Roles, columns: list[Column]) -> None:
    for of_field, vocabulary in _LABELS:
        used = set(roles.columns.values())
        fitting = [
            column
            for column in columns
            if column.name not in used
            and column.times is None
            and 1 <= column.distinct <= _MOST_VALUES[of_field]
            and column.longest <= _LABEL_LENGTH
        ]
        named = _ranked(fitting, vocabulary)
        if named:
            roles.columns[of_field] = named[0].name
