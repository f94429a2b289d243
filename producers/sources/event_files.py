"""A file and its mapping -> the events it tells of, in the order in which they happened.

Every row is either read whole, or is a `RowProblem`, or is passed over by name. Event ids are made from the case id, so
that publishing a file twice sends the same events twice, which changes no indicator.
"""

from __future__ import annotations

from pathlib import Path

from kept.errors import ConfigurationError
from producers.mapping import Mapping, Open311Mapping, TableMapping, XesMapping
from producers.sources import contract_files, open311, tables, xes_log
from producers.sources.case_rows import CaseTable, ProcessLog
from producers.sources.event_file import Account, EventFile
from producers.sources.files import suffixed
from producers.sources.open311 import read_requests
from producers.sources.problems import RowProblem
from producers.sources.row_fields import RowFields, columns_of
from producers.sources.tables import Table
from producers.sources.xes_cases import read_log

SUFFIXES: dict[str, tuple[str, ...]] = {
    "case_table": tables.SUFFIXES,
    "process_log": tables.SUFFIXES,
    "xes": xes_log.SUFFIXES,
    "open311": open311.SUFFIXES,
}
"""What files of each kind of mapping are called."""
FILES = (
    f"a table ({', '.join(tables.SUFFIXES)}), an event log ({', '.join(xes_log.SUFFIXES)}), Open311 requests "
    f"({', '.join(open311.SUFFIXES)}, or a folder of them), or events of the contract "
    f"({', '.join(contract_files.SUFFIXES)})"
)
"""What can be read, in words."""


def read_events(path: Path, mapping: Mapping, *, until_ms: int | None = None) -> EventFile:
    """The events of a file (or folder of pages) of the mapping's kind, in the order of (time, type, id).

    With `until_ms` the file as it was known then: later events are left out (what happens at that moment counts).
    Raises `ConfigurationError` when the mapping does not fit the file and `Stop` when the file cannot be read, or when
    none of its rows can.
    """
    keep_resource = mapping.service().keep_resource
    _check_suffix(path, mapping)
    account = Account(path, until_ms)
    if isinstance(mapping, XesMapping):
        read_log(path, mapping, keep_resource, account)
    elif isinstance(mapping, Open311Mapping):
        read_requests(path, mapping, account)
    elif isinstance(mapping, TableMapping):
        _read_table(path, mapping, keep_resource, account)
    return account.file()


def _check_suffix(path: Path, mapping: Mapping) -> None:
    valid = SUFFIXES[mapping.kind]
    if suffixed(path, valid) or (mapping.kind == "open311" and path.is_dir()):
        return
    known = {suffix for suffixes in SUFFIXES.values() for suffix in suffixes}
    if suffixed(path, tuple(known)):
        raise ConfigurationError(
            f"{path}: a mapping of kind {mapping.kind!r} is for {', '.join(valid)}; use a mapping for this file"
        )


def _read_table(path: Path, mapping: TableMapping, keep_resource: bool, account: Account) -> None:
    with Table(path, mapping.delimiter) as table:
        fields = RowFields(mapping, columns_of(mapping, table.header, path))
        reader: CaseTable | ProcessLog = CaseTable(mapping, fields)
        if mapping.kind == "process_log":
            reader = ProcessLog(mapping, fields, keep_resource)
        for row in table.rows():
            account.rows += 1
            if isinstance(row, RowProblem):
                account.problems.append(row)
                continue
            try:
                account.tell(reader.events_of(row.line, row.fields))
            except ValueError as error:
                account.problems.append(RowProblem(row.line, str(error)))
