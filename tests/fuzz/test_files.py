"""Files of every kind, damaged by chance: events and problems that add up, or one `Stop` in words; nothing else.

What was good of a table beside one damaged row is read as if that row had not been there.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kept.errors import ConfigurationError, Stop
from producers.mapping import read_mapping
from producers.sources import EventFile, read_contract_events, read_events
from tests.fuzz.mutations import MUTATIONS, TEXTS, TIMES
from tests.producers.conftest import CASE_TABLE, PROCESS_LOG, Workbench
from tests.producers.test_bad_input import CONTRACT, OPEN311_MAPPING, REQUEST, XES_MAPPING
from tests.producers.xes import event, log, trace

fuzzing = settings(
    deadline=None,
    max_examples=120,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
GOOD_ROW = "good,2011-07-01 12:00,,2011-07-02 12:00,Web,North"
CELLS = st.sampled_from([text for text in (*TEXTS, *map(str, TIMES)) if not set(text) & set('\n"')]) | st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters='\n\r"\0'), max_size=30
)
ROWS = st.lists(CELLS, max_size=8).map(",".join)
DAMAGE = st.builds(lambda seed, kind: (seed, kind), st.integers(0, 2**32), st.sampled_from(MUTATIONS))
BYTES_ONLY = tuple(one for one in MUTATIONS[:6])


@pytest.fixture(scope="module")
def bench() -> Iterator[Workbench]:
    with tempfile.TemporaryDirectory() as folder:
        yield Workbench(Path(folder))


def outcome(bench: Workbench, name: str, content: bytes, mapping: str | None) -> EventFile | None:
    """What was read, checked to add up; None when the file was stopped at in words."""
    path = bench.write(name, content)
    try:
        whole = read_contract_events(path) if mapping is None else None
        read = whole or read_events(path, read_mapping(bench.mapping(mapping or "")))
        events = list(read.events)
    except (Stop, ConfigurationError) as error:
        assert str(path) in str(error) and "Traceback" not in str(error)
        return None
    if mapping is not None:
        assert [time_ms for time_ms, _ in events] == sorted(time_ms for time_ms, _ in events)
    assert 0 <= read.unreadable <= read.rows
    assert all(problem.line >= 1 and problem.reason for problem in read.problems)
    return read


def damaged(value: bytes, seed: int, rounds: int) -> bytes:
    random = Random(seed)
    for _ in range(rounds):
        if value:
            value = random.choice(BYTES_ONLY)(value, random) if _is_text(value) else value
    return value


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


@fuzzing
@given(ROWS)
def test_a_damaged_row_of_a_table_harms_no_other(bench: Workbench, row: str) -> None:
    header = "id,opened,due,closed,channel,area\n"
    alone = outcome(bench, "a.csv", f"{header}{GOOD_ROW}\n{GOOD_ROW.replace('good', 'b')}\n".encode(), CASE_TABLE)
    assert alone is not None
    # A cell that opens a quotation would swallow what follows; it has tests of its own.
    among = outcome(
        bench, "a.csv", f"{header}{GOOD_ROW}\n{row}\n{GOOD_ROW.replace('good', 'b')}\n".encode(), CASE_TABLE
    )
    assert among is not None
    told = [event for _, event in among.events]
    assert all(event in told for _, event in alone.events)


@fuzzing
@given(st.integers(0, 2**32), st.integers(1, 3), st.sampled_from([CASE_TABLE, PROCESS_LOG]))
def test_a_damaged_table_is_read_or_stopped_at(bench: Workbench, seed: int, rounds: int, mapping: str) -> None:
    rows = {
        CASE_TABLE: f"id,opened,due,closed,channel,area\n{GOOD_ROW}\n" * 2,
        PROCESS_LOG: "id,opened,closed,step,at,who\ngood,2011-07-01 08:00,,intake,2011-07-01 09:00,ada\n" * 2,
    }
    outcome(bench, "a.csv", damaged(rows[mapping].encode(), seed, rounds), mapping)


@fuzzing
@given(st.integers(0, 2**32), st.integers(1, 3))
def test_a_damaged_event_log_is_read_or_stopped_at(bench: Workbench, seed: int, rounds: int) -> None:
    whole = log(
        trace("a", event("review", "2011-07-01T12:00Z"), event("decide", "2011-07-02T12:00Z")),
        trace("b", event("review", "2011-07-03T12:00Z", org__resource="ada")),
    )
    outcome(bench, "a.xes", damaged(whole.encode(), seed, rounds), XES_MAPPING)


@pytest.mark.parametrize(
    "document",
    [
        '<!DOCTYPE log [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><log>&b;</log>',
        '<!DOCTYPE log [<!ENTITY x SYSTEM "file:///etc/passwd">]><log><trace>&x;</trace></log>',
        "<log>" + "<trace>" * 50_000,
        "<log>" + "<string key='a' value='b'>" * 20_000,
    ],
    ids=["entities in entities", "a file of the machine", "traces in traces", "attributes in attributes"],
)
def test_what_is_made_to_harm_a_reader_of_xml_is_stopped_at(bench: Workbench, document: str) -> None:
    assert outcome(bench, "a.xes", document.encode(), XES_MAPPING) is None


@fuzzing
@given(DAMAGE, DAMAGE)
def test_damaged_requests_of_open311_are_read_or_stopped_at(
    bench: Workbench, first: tuple[int, object], second: tuple[int, object]
) -> None:
    requests = [json.dumps({**REQUEST, "service_request_id": number}).encode() for number in (1, 2)]
    changed = [kind(one, Random(seed)) for one, (seed, kind) in zip(requests, (first, second), strict=True)]  # type: ignore[operator]
    for separator in (b",", b""):
        outcome(bench, "a.json", b"[" + separator.join(changed) + b"]", OPEN311_MAPPING)


@fuzzing
@given(st.lists(DAMAGE, min_size=1, max_size=4))
def test_a_damaged_line_of_events_harms_no_other(bench: Workbench, damage: list[tuple[int, object]]) -> None:
    good = [CONTRACT.replace('"1"', f'"{number}"', 1).encode() for number in (1, 2)]
    bad = [kind(CONTRACT.encode(), Random(seed)).replace(b"\n", b"") for seed, kind in damage]  # type: ignore[operator]
    alone = outcome(bench, "a.jsonl", b"\n".join(good), None)
    among = outcome(bench, "a.jsonl", b"\n".join([good[0], *bad, good[1]]), None)
    assert alone is not None and among is not None
    told = [event for _, event in among.events]
    assert all(event in told for _, event in alone.events)
