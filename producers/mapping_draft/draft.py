"""Drafts a mapping for a file of any kind that needs one."""

from __future__ import annotations

from pathlib import Path

from producers.mapping_draft import toml_text
from producers.mapping_draft.roles import Roles, roles_of, times_by_column
from producers.mapping_draft.sample import read_sample
from producers.mapping_draft.times import Times
from producers.mapping_draft.toml_text import Known
from producers.mapping_draft.xes_draft import draft_of_log
from producers.sources import xes_log
from producers.sources.files import suffixed


def draft_mapping(path: Path, known: Known) -> str:
    """A mapping for the table or event log at `path`, as TOML with its doubts as comments.

    Values of columns that look personal are not in it. Raises `Stop` when the file cannot be read.
    """
    if suffixed(path, xes_log.SUFFIXES):
        return draft_of_log(path, known)
    sample = read_sample(path)
    roles = roles_of(sample)
    times = times_by_column(sample, roles)
    _same_format(roles, times)
    if known.due_by_event:
        roles.need_due()
    lines = [
        *toml_text.head(path, sample, roles),
        *toml_text.settings(path, known, roles, times, sample),
        *toml_text.columns(roles),
        *toml_text.outcomes(sample, roles),
        *toml_text.channels(sample, roles, known),
        *toml_text.left_out(roles),
    ]
    return toml_text.whole(lines)


def _same_format(roles: Roles, times: dict[str, Times]) -> None:
    """A mapping has one format of times: keep those of the surest, and leave other columns out."""
    decisive = times.get("opened") or times.get("step_time")
    if decisive is None:
        return
    formats = decisive.formats
    for of_field, one in sorted(times.items()):
        common = tuple(form for form in formats if form in one.formats)
        if bool(common) == bool(formats) and bool(one.formats) == bool(formats):
            formats = common
            continue
        roles.doubt("", f"{roles.columns.pop(of_field)} ({of_field}) has times in another format, and is left out")
        del times[of_field]
        if of_field == "step_time":
            roles.missing.append(of_field)
    for of_field, one in times.items():
        times[of_field] = Times(formats, one.with_offset, one.days_only)
