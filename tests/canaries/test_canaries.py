"""Planted words are looked for in everything that a run of the real parts writes: each may be where it is said, and is.

The exact set is compared: a word that is missing where it is allowed would mean that the search is blind there.
"""

from __future__ import annotations

import gc
import json
import re
import urllib.request
import uuid
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from history.open import open_history
from kept.case_hashing import CaseKey
from local_stack.broker import Broker
from local_stack.ports import LOOPBACK, free_port
from tests.canaries import planted
from tests.canaries.at_finest_level import LEAK
from tests.canaries.finding import leaks
from tests.canaries.parts import SECRETS, Parts, batch
from tests.canaries.planted import DESKS, PUBLISHED, SLICES, Desk, word
from tests.canaries.run import Run
from tests.influxd import Server

pytestmark = [
    pytest.mark.timeout(240),
    # kafka-python leaves the sockets of a broker that stood still to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
OF_EVENTS = (
    "CaseId", "EventId", "BookedCase", "Resource", "PauseReason", "DueReason", "ReopenReason", "UnknownField",
    "UnknownData",
)  # fmt: skip
OF_TABLES = ("RowCase", "BadChannel", "ColumnName", "ColumnAddress", "ColumnRemark", "BadMoment")
PAST_PRODUCERS = ("PastValue", "PastKey", "PastHeader")
OF_DESKS = (*OF_EVENTS, *OF_TABLES, *PAST_PRODUCERS, "RefusedValue", "BrokenState")
OF_ALL = (*SECRETS, "WrongToken", "AskedOfIntake", "AskedOfBoard")


class Allowed(NamedTuple):
    """Words that an output has, and why that is so."""

    outputs: tuple[str, ...]
    desks: tuple[Desk, ...]
    places: tuple[str, ...]
    why: str


ALLOWED = (
    Allowed(("spool while the broker is away", "topic service-events"), ("clear",), OF_EVENTS, "events as they came"),
    Allowed(("topic service-events",), ("clear",), ("RowCase",), "the column that the mapping calls the case"),
    Allowed(("topic case-state",), ("clear",), ("CaseId", "RowCase"), "the register knows cases by their ids"),
    Allowed(("topic case-state",), ("clear",), ("Resource",), "the catalogue says keep_resource"),
    Allowed(("topic case-state",), ("clear",), ("BrokenState",), "written there by the test itself"),
    Allowed(
        ("topic dead-letters", "events sent again"),
        ("clear",),
        ("CaseId", "EventId", "UnknownField", "UnknownData", "RowCase"),
        "what could not be counted is kept, and sent again, byte for byte",
    ),
    Allowed(
        ("topic service-events", "topic dead-letters", "events sent again"),
        DESKS,
        ("BadChannel",),
        "a channel is a slice, and leaves as it is: no personal column may be mapped to it",
    ),
    Allowed(
        ("topic service-events", "topic dead-letters"),
        DESKS,
        PAST_PRODUCERS,
        "another program wrote it to the topic itself: Kept can only keep it there",
    ),
    Allowed(("events sent again",), ("clear",), PAST_PRODUCERS, "byte for byte, with its headers"),
)
NEEDS_MORE = {
    "/compare-services/{group}", "/compare-services/{group}/funnel.svg", "/compare-services/{group}/services.csv",
    "/changes/{service}/{change}/weeks.svg", "/changes/{service}/{change}/placebo.svg",
    "/number/{service}/{indicator}.svg",
}  # fmt: skip
"""Routes that may have nothing to show: of peers, and pictures of more weeks than there are."""
ASKED = {(word("all", "AskedOfBoard"), "answers of the board to what is not there")}
"""Who asks for what is not there is told what was asked for; nobody else is."""


def words() -> list[str]:
    """Everything that is hidden."""
    return [word(desk, place) for desk in DESKS for place in OF_DESKS] + [word("all", place) for place in OF_ALL]


def allowed() -> set[tuple[str, str]]:
    return ASKED | {
        (word(desk, place), output)
        for one in ALLOWED
        for output in one.outputs
        for desk in one.desks
        for place in one.places
    }


@pytest.fixture(scope="module")
def run(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("canaries")
    made = Run(broker, f"{uuid.uuid4().hex[:12]}-", folder)
    made.everything()
    yield made
    gc.collect()  # what the clients logged holds on to their sockets


def test_no_planted_word_is_where_it_may_not_be_and_the_search_sees_those_that_may(run: Run) -> None:
    assert leaks(words(), run.outputs) == allowed()


def test_of_a_desk_with_hashed_case_ids_nothing_is_left_but_what_others_wrote(run: Run) -> None:
    hidden = [word("hashed", place) for place in (*OF_EVENTS, "RowCase")]
    assert leaks(hidden, run.outputs) == set()
    sent = run.outputs["topic service-events"]
    assert CaseKey(run.secret("CASE_KEY")).hashed(f"{word('hashed', 'CaseId')}n0").encode() in sent


def test_the_desk_with_hashed_case_ids_has_the_same_figures_as_the_other(run: Run) -> None:
    """Both were told the same, over HTTP, from a table and past the producers."""
    names = {word("hashed", place): word("clear", place) for place in SLICES}
    with closing(open_history(run.settings, read_only=True)) as store:
        clear, hashed = (store.latest(f"{desk}-desk", at=run.end_ms // 1000) for desk in DESKS)
    as_clear = [
        msgspec.structs.replace(
            point,
            service="clear-desk",
            slice=tuple((dimension, names.get(value, value)) for dimension, value in point.slice),
        )
        for point in hashed
    ]
    assert len(clear) > 500
    assert {point.key(): point for point in as_clear} == {point.key(): point for point in clear}


def test_the_run_was_whole(run: Run) -> None:
    """What is published on purpose is where it belongs: the outputs are those of a run with figures in it."""
    seen = leaks([word(desk, place) for desk in DESKS for place in PUBLISHED], run.outputs)
    for desk in DESKS:
        for place in SLICES:
            assert {(word(desk, place), output) for output in ("history", "kept indicators")} <= seen
        for output in ("page /", "page /week", "kept summary", "worker /metrics", "rules"):
            assert (word(desk, "DeskName"), output) in seen
        assert (word(desk, "ChangeTitle"), "kept summary") in seen
        assert f"{desk}-desk".encode() in run.outputs["kept alerts"]
    assert (word("clear", "AreaName"), "page /compare/{service}") in seen
    assert b"ok    case ids" in run.outputs["kept doctor"]
    assert b"holds a record of kind b'c' that cannot be read" in run.outputs["log of worker"]
    assert b"INFO aiokafka" in run.outputs["log of the commands"]
    assert run.empty_routes <= NEEDS_MORE


def test_a_line_of_debugging_that_tells_too_much_is_found(tmp_path: Path) -> None:
    """The broker is away: what is sent waits on disk, and the log is all there is."""
    careless = Parts(f"{LOOPBACK}:{free_port()}", "", tmp_path, more={LEAK: "1"})
    careless.intake.start()
    try:
        assert careless.post(batch(careless.events(range(1)))) == 202
    finally:
        careless.intake.kill()
    outputs = {**careless.outputs, "log": careless.intake.log.read_bytes()}
    told = ("CaseId", "EventId", "BookedCase", "Resource", "PauseReason", "DueReason", "ReopenReason")
    assert leaks(words(), outputs) == {(word(desk, place), "log") for desk in DESKS for place in told}


@pytest.mark.timeout(400)
def test_nor_with_the_figures_in_influxdb(broker: Broker, influxd: Server, tmp_path: Path) -> None:
    bucket = influxd.make_bucket()
    token = influxd.make_token(("read", bucket), ("write", bucket))
    store = {
        "history": "influxdb", "influxdb_url": influxd.url, "influxdb_org": influxd.org, "influxdb_bucket": bucket,
        "influxdb_token": token,
    }  # fmt: skip
    made = Run(broker, f"{uuid.uuid4().hex[:12]}-", tmp_path, store)
    made.everything()
    made.note("history", everything_in(influxd, bucket))
    gc.collect()
    assert leaks([*words(), token], made.outputs) == allowed()
    seen = leaks([word(desk, place) for desk in DESKS for place in SLICES], made.outputs)
    assert {(word(desk, place), "history") for desk in DESKS for place in SLICES} <= seen


def everything_in(server: Server, bucket: str) -> bytes:
    """All points of a bucket, as CSV."""
    flux = f'from(bucket: "{bucket}") |> range(start: 0, stop: 2100-01-01T00:00:00Z)'
    request = urllib.request.Request(
        f"{server.url}/api/v2/query?org={server.org}",
        method="POST",
        data=flux.encode(),
        headers={"Authorization": f"Token {server.token}", "Content-Type": "application/vnd.flux"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        read: bytes = answer.read()
    return read


WORD = "ZqCanary0123ab"


@pytest.mark.parametrize(
    "written",
    [
        WORD.encode(), WORD.upper().encode(), WORD.encode("utf-16-le"), WORD.encode("utf-16-be"), WORD[::-1].encode(),
        WORD.encode().hex().encode(), WORD.encode().hex().upper().encode(), msgspec.msgpack.encode({"a": [WORD]}),
        b64encode(WORD.encode()), b64encode(b"1" + WORD.encode() + b"22"), urlsafe_b64encode(b"12" + WORD.encode()),
    ],
    ids=[
        "as it is", "in capitals", "UTF-16", "UTF-16, the other way round", "backwards", "hex", "HEX", "msgpack",
        "base64", "base64 after one byte", "base64 after two bytes",
    ],
)  # fmt: skip
def test_a_word_is_found_however_it_is_written(written: bytes) -> None:
    around = b"\x00some \xff text " + written + b" and more"
    assert leaks([WORD, "ZqAnother0123ab"], {"a": around, "b": b"some text"}) == {(WORD, "a")}


@pytest.mark.parametrize("text", ["tooshort", "caf\u00e9 with an accent"])
def test_a_word_that_could_not_be_found_everywhere_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="valid: at least 12 characters of ASCII"):
        leaks([text], {})


def test_every_planted_word_is_another_and_none_is_in_another() -> None:
    every = [*words(), *(word(desk, place) for desk in DESKS for place in PUBLISHED)]
    assert len(leaks(every, {one: one.encode() for one in every})) == len(every)


def test_what_is_planted_in_an_event_is_one_of_what_is_looked_for() -> None:
    """A new word in `planted` needs its line in the tables of this file."""
    known = {word(desk, place) for desk in DESKS for place in (*OF_DESKS, *PUBLISHED)}
    for desk in DESKS:
        said = json.dumps([planted.case_events(desk, 0, 0), planted.table(desk, 0), planted.change_event(desk, 0)])
        refused = [*planted.refused_events(desk, 0), *(value or b"" for _, value, _ in planted.past_producers(desk, 0))]
        text = said + b" ".join(refused).decode(errors="ignore").replace("\x00", "")
        found = set(re.findall(r"Zq(?:Clear|Hashed)\w+?Q[0-9a-f]{8}", text))
        assert len(found) > 15
        assert found <= known
