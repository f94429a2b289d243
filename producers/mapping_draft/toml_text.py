"""The parts of a drafted mapping as TOML, which the mapping reader takes once every TODO in it is answered."""

from __future__ import annotations

import json
from pathlib import Path

from msgspec import Struct

from kept.event_texts import CONTROL_CHARACTERS
from producers.mapping_draft import words
from producers.mapping_draft.roles import Roles
from producers.mapping_draft.sample import SAMPLE_ROWS, Sample
from producers.mapping_draft.times import Times

TODO = "TODO"
_ORDER = (
    "case", "opened", "due", "completed", "outcome", "channel", "area", "category", "step", "step_time", "step_started",
    "step_id",
)  # fmt: skip
_OUTCOMES = "intended, not_intended, rejected, duplicate, withdrawn"


class Known(Struct, frozen=True):
    """What a file cannot say: the service, its catalogue entry (path from the mapping), time zone and channels."""

    service: str | None = None
    catalogue: str | None = None
    time_zone: str | None = None
    channels: tuple[str, ...] | None = None
    """Those the catalogue entry lists; None when it takes any."""
    due_by_event: bool = False
    """Whether the catalogue entry leaves it to the events by when a case is promised."""


def text(value: str) -> str:
    """A TOML string."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def whole(lines: list[str]) -> str:
    """The lines as one text; what a file puts into a comment cannot end it."""
    return "".join(f"{CONTROL_CHARACTERS.sub(' ', line)}\n" for line in lines)


def head(path: Path, sample: Sample, roles: Roles, rows: str = "rows") -> list[str]:
    """What was looked at, and what is doubtful of the whole."""
    looked_at = f"{len(sample.rows):,} {rows}" if sample.whole else f"the first {len(sample.rows):,} {rows}"
    lines = [
        f"# Drafted by `kept mapping new` from {looked_at} of {path.name}. Answer each {TODO}; a doubt is a guess."
    ]
    if sample.odd_rows:
        lines.append(f"# Doubt: {sample.odd_rows} rows have more or fewer fields than the header; they cannot be read.")
    if sample.encoding not in ("utf-8", "utf-8-sig"):
        lines.append(
            f"# {TODO}: the file is not UTF-8 (it looks like {sample.encoding}); convert it before it is read:"
        )
        lines.append(f"#   iconv -f {sample.encoding.upper()} -t UTF-8 {path.name} > utf8.csv")
    lines += [f"# Doubt: {doubt}." for doubt in roles.doubts.get("", ())]
    return lines


def settings(path: Path, known: Known, roles: Roles, times: dict[str, Times], sample: Sample) -> list[str]:
    """What stands above the tables."""
    source = "_".join(words.words_of(path.name.split(".")[0])) or "table"
    with_offsets = bool(times) and all(one.with_offset for one in times.values())
    lines = [f"kind = {text(roles.kind)}"]
    if known.service is None:
        lines += [
            f'service = "{TODO}"     # {TODO}: the id of the service in its catalogue entry',
            f'catalogue = "{TODO}"   # {TODO}: the file of that entry, beside this mapping',
        ]
    else:
        lines += [f"service = {text(known.service)}", f"catalogue = {text(known.catalogue or TODO)}"]
    lines.append(f"source = {text(source)}   # the system that tells it; with the case id it makes events unique")
    if known.time_zone is not None:
        lines.append(f"time_zone = {text(known.time_zone)}   # of times without an offset")
    elif with_offsets:
        lines.append('time_zone = "UTC"   # every time says its own offset')
    else:
        lines.append(f'time_zone = "{TODO}"   # {TODO}: the zone of times without an offset, such as Europe/Amsterdam')
    if sample.delimiter != ",":
        lines.append(f"delimiter = {text(sample.delimiter)}")
    return [*lines, *_time_settings(times), ""]


def _time_settings(times: dict[str, Times]) -> list[str]:
    lines = []
    formats = next((one.formats for one in times.values() if one.formats), ())
    if len(formats) == 1:
        lines.append(f"time_format = {text(formats[0])}")
    elif formats:
        choices = " or ".join(formats)
        lines.append(f'time_format = "{TODO}"   # {TODO}: {choices}; no value has a day above 12, so both would fit')
    days = {of_field for of_field, one in times.items() if one.days_only}
    if days == {"due"} and not formats:
        lines.append('date_only = "end_of_day"   # a promised day is kept until it is over')
    elif days == set(times) and days:
        lines.append('date_only = "start_of_day"   # days without a time: durations are whole days')
    elif days:
        lines.append(f'date_only = "start_of_day"   # Doubt: {", ".join(sorted(days))} have days, others have times')
    return lines


def columns(roles: Roles, table: str = "columns") -> list[str]:
    """The table of columns, each with its doubts; `table` is what the kind of mapping calls it."""
    lines = [f"[{table}]"]
    for of_field in _ORDER:
        doubts = "; ".join(roles.doubts.get(of_field, ()))
        if of_field in roles.columns:
            lines.append(f"{of_field} = {text(roles.columns[of_field])}{f'   # Doubt: {doubts}' if doubts else ''}")
        elif of_field in roles.missing:
            lines.append(f'{of_field} = "{TODO}"   # {TODO}: no column looks like it; name one')
    return [*lines, ""]


def outcomes(sample: Sample, roles: Roles) -> list[str]:
    """Each value that the outcome has, with what it surely means or a question."""
    if "outcome" not in roles.columns:
        return []
    values = sorted({value for value in sample.column(roles.columns["outcome"]) if value})
    lines = ["[values.outcome]", 'default = "intended"   # also where none is given']
    if not sample.whole:
        lines.append(f"# Doubt: values after the first {SAMPLE_ROWS:,} rows are not listed, and become the default.")
    lines.append("[values.outcome.map]")
    for value in values:
        sure = words.outcome_of(value)
        todo = "" if sure else f"   # {TODO}: {_OUTCOMES}"
        lines.append(f"{text(value)} = {text(sure or TODO)}{todo}")
    return [*lines, ""]


def channels(sample: Sample, roles: Roles, known: Known) -> list[str]:
    """Each channel that the catalogue entry would refuse, with a question."""
    if "channel" not in roles.columns or known.channels is None:
        return []
    unknown = sorted({value for value in sample.column(roles.columns["channel"]) if value} - set(known.channels))
    if not unknown:
        return []
    lines = [f"# {TODO}: the catalogue entry knows {', '.join(known.channels)}; what is not one of them is refused."]
    return [*lines, "[values.channel.map]", *(f"{text(value)} = {text(TODO)}" for value in unknown), ""]


def left_out(roles: Roles) -> list[str]:
    """What looks personal, and what is not used."""
    lines = [f"# Left out, looks personal ({why}): {name}" for name, why in roles.personal.items()]
    if roles.unused:
        lines.append(f"# Not used: {', '.join(roles.unused)}")
    return lines
