"""`/decisions`: shown again until closed, recorded only from the page itself and only where that is switched on."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from history.sqlite import SQLiteHistory
from kept.decisions import DecisionEntry, decisions
from summaries.application import application
from summaries.posted import MOST_BYTES
from summaries.site import Recording
from tests.history.decisions import decided, said
from tests.history.signals import raised
from tests.summaries.asking import Answer, ask
from tests.summaries.figures import CITY, HOSTILE, NOW

DAY = 86_400
SIGNAL = raised(service="street-lights", raised_at=NOW - DAY)
OURS = {"sec-fetch-site": "same-origin", "content-type": "application/x-www-form-urlencoded"}
NEW = {
    "says": "decided", "signal": SIGNAL.id, "service": "", "text": "A second van", "owner": "Depot North",
    "due": "2099-01-31", "objective": "Safe streets", "by": "Head of streets",
}  # fmt: skip


class Board:
    """The application on a history file, as some reader meets it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "history.sqlite"
        self.now = NOW
        self.opened = 0
        self.entries(lambda store: (store.record([SIGNAL]), store.publish(["street-lights"], NOW)))

    def entries(self, fill: Callable[[SQLiteHistory], object] = lambda store: None) -> list[DecisionEntry]:
        store = SQLiteHistory(self.file)
        try:
            fill(store)
            return store.decision_entries()
        finally:
            store.close()

    def app(self, *, recording: bool = True, by_anyone: bool = True, names: Sequence[str] = ()) -> Starlette:
        def for_writing() -> SQLiteHistory:
            self.opened += 1
            return SQLiteHistory(self.file)

        return application(
            CITY,
            lambda: SQLiteHistory(self.file, read_only=True),
            clock=lambda: self.now,
            names=names,
            recording=Recording(for_writing, by_anyone) if recording else None,
        )

    def send(self, form: dict[str, str], headers: dict[str, str] | None = None, path: str = "/decisions") -> Answer:
        sent = OURS if headers is None else headers
        return ask(self.app(), path, method="POST", headers=sent, body=urlencode(form).encode())


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(tmp_path)


def test_a_decision_is_recorded_from_the_page_and_shown_until_it_is_closed(board: Board) -> None:
    answer = board.send(NEW)
    (entry,) = board.entries()
    assert (answer.status, answer.headers["location"]) == (
        303, f"/decisions?recorded={entry.decision}#decision-{entry.decision}"
    )  # fmt: skip
    assert (entry.service, entry.signal, entry.text, entry.owner, entry.due, entry.by, entry.at) == (
        "street-lights", SIGNAL.id, "A second van", "Depot North", "2099-01-31", "Head of streets", NOW
    )  # fmt: skip
    shown = ask(board.app(), "/decisions")
    page = shown.text
    assert shown.headers["referrer-policy"] == "same-origin"  # else a browser does not say where the form comes from
    for words in ("1 open, 0 overdue; 0 closed", "A second van", "Depot North", "Safe streets", "Due 2099-01-31"):
        assert words in page

    one = {"decision": entry.decision, "by": "Depot North"}
    assert board.send(one | {"says": "moved", "due": "2000-01-01", "reason": "No driver"}).status == 303
    assert "1 open, 1 overdue" in ask(board.app(), "/decisions").text
    assert board.send(one | {"says": "effect", "effect": "helped"}).status == 303
    assert board.send(one | {"says": "closed"}).status == 303
    page = ask(board.app(), "/decisions").text
    assert "0 open, 0 overdue; 1 closed" in page
    assert "The last 1 of 1 closed decisions" in page
    (stands,) = decisions(board.entries())
    assert (stands.due, stands.effect, stands.is_open) == ("2000-01-01", "helped", False)


def test_a_form_sent_twice_is_recorded_once(board: Board) -> None:
    first, second = board.send(NEW), board.send(NEW)
    assert first.headers["location"] == second.headers["location"]
    assert len(board.entries()) == 1
    one = {"decision": board.entries()[0].decision, "by": "A", "says": "effect", "effect": "cannot_tell"}
    board.send(one)
    board.now += 5
    board.send(one)
    assert len(board.entries()) == 2


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"sec-fetch-site": "cross-site"}, 403, id="another_site"),
        pytest.param({"sec-fetch-site": "same-site"}, 403, id="another_name_of_the_site"),
        pytest.param({"sec-fetch-site": "none"}, 403, id="no_page"),
        pytest.param({}, 403, id="nothing_said"),
        pytest.param({"origin": "https://elsewhere.example"}, 403, id="another_origin"),
        pytest.param({"origin": "null"}, 403, id="hidden_origin"),
        pytest.param({"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1"}, 403, id="both_at_odds"),
        pytest.param({"origin": "http://127.0.0.1"}, 303, id="own_origin"),
        pytest.param({"sec-fetch-site": "same-origin", "content-type": "application/json"}, 415, id="no_form"),
        pytest.param({"sec-fetch-site": "same-origin", "host": "elsewhere.example"}, 400, id="another_host"),
    ],
)
def test_nothing_is_taken_but_from_the_page_itself(board: Board, headers: dict[str, str], status: int) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert board.send(NEW, kind | headers).status == status
    assert len(board.entries()) == (status == 303)


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://kept.example", 303), ("http://elsewhere.example", 403), ("http://kept.example.elsewhere.example", 403)],
)
def test_a_form_is_taken_behind_a_proxy_that_changes_host_and_speaks_plain_http(
    board: Board, origin: str, status: int
) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded", "origin": origin}
    app = board.app(names=["kept.example"])
    assert ask(app, "/decisions", method="POST", headers=headers, body=urlencode(NEW).encode()).status == status
    assert len(board.entries()) == (status == 303)


def test_what_is_sent_is_bounded(board: Board) -> None:
    for body, status in (
        (b"text=" + b"x" * MOST_BYTES, 413),
        (b"&".join(b"f%d=1" % n for n in range(50)), 400),
        (b"text=%ff", 400),
        ("text=é".encode(), 400),
        (b"no form", 400),
    ):
        answer = ask(board.app(), "/decisions", method="POST", headers=OURS, body=body)
        assert (answer.status, board.opened) == (status, 0)
    answer = board.send(NEW | {"text": "x" * 10_000})
    assert (answer.status, "text: has 10000 characters; at most 500" in answer.text) == (400, True)


def test_nothing_is_recorded_where_it_is_not_switched_on(board: Board) -> None:
    app = board.app(recording=False)
    answer = ask(app, "/decisions", method="POST", headers=OURS, body=urlencode(NEW).encode())
    assert (answer.status, board.opened, board.entries()) == (403, 0, [])
    page = ask(app, "/decisions").text
    assert "Nothing is recorded from this page" in page
    assert '<form method="post"' not in page


def test_without_a_login_nobody_records_where_others_can_reach_the_page(board: Board) -> None:
    app = board.app(by_anyone=False)
    answer = ask(app, "/decisions", method="POST", headers=OURS, body=urlencode(NEW).encode())
    assert (answer.status, board.opened) == (403, 0)
    assert "Decisions are recorded by who is logged in; nobody is." in answer.text

    async def logged_in(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "kept_user": "mayor"}, receive, send)

    answer = ask(logged_in, "/decisions", method="POST", headers=OURS, body=urlencode(NEW).encode())
    assert (answer.status, [entry.by for entry in board.entries()]) == (303, ["mayor"])


def test_the_past_cannot_be_recorded_into_and_is_shown_as_it_stood(board: Board) -> None:
    board.send(NEW)
    assert board.send(NEW | {"text": "Another"}, path="/decisions?as_of=2000-01-01T00:00").status == 403
    then = ask(board.app(), "/decisions?as_of=2000-01-01T00:00").text
    assert "0 open, 0 overdue; 0 closed" in then
    assert "A second van" not in then
    assert "What was known then stays as it was" in then
    assert ask(board.app(), "/decisions?as_of=soon").status == 400


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (NEW | {"text": ""}, "text: is empty"),
        (NEW | {"due": "soon"}, "due: &#39;soon&#39; is no date"),
        (NEW | {"by": ""}, "by: is empty"),
        (NEW | {"signal": "ffffffff"}, "signal: &#39;ffffffff&#39; is not in the history"),
        (NEW | {"signal": "", "service": "nowhere"}, "service: &#39;nowhere&#39; is not known"),
        ({"says": "closed", "decision": "ffffffff", "by": "A"}, "decision: &#39;ffffffff&#39; is not in the history"),
        ({"says": "burned", "decision": "ffffffff", "by": "A"}, "is not in the history"),
        ({}, "is not in the history"),
    ],
)
def test_what_makes_no_sense_is_refused_and_what_was_typed_stays(
    board: Board, form: dict[str, str], words: str
) -> None:
    answer = board.send(form)
    assert (answer.status, board.entries()) == (400, [])
    assert f"Nothing was recorded: {words}" in answer.text or words in answer.text
    if form.get("owner"):
        assert 'value="Depot North"' in answer.text


def test_what_is_closed_takes_nothing_more(board: Board) -> None:
    board.send(NEW)
    one = {"decision": board.entries()[0].decision, "by": "A"}
    board.send(one | {"says": "closed"})
    answer = board.send(one | {"says": "effect", "effect": "helped"})
    assert (answer.status, "is closed already" in answer.text, len(board.entries())) == (400, True, 2)


def test_hostile_texts_are_shown_and_exported_harmless(board: Board) -> None:
    formula = '=HYPERLINK("http://x")'
    hostile = decided(service="hostile", text=HOSTILE, owner="‮" + HOSTILE, by=formula, objective="@x", signal="<b>")
    foreign = decided(decision="0badcaff", service="<i>gone</i>", text=formula, signal=None)
    board.entries(lambda store: [store.decide(one) for one in (hostile, foreign, said("moved", NOW, owner="+1"))])
    page = ask(board.app(), "/decisions").text
    assert not any(tag in page for tag in ("<script>alert", "<i>gone", "<b>"))
    assert "&lt;script&gt;alert" in page
    rows = list(csv.DictReader(io.StringIO(ask(board.app(), "/decisions.csv").text)))
    assert (rows[0]["by"], rows[0]["objective"], rows[1]["text"]) == (f"'{formula}", "'@x", f"'{formula}")
    assert rows[2]["owner"] == "'+1"
    data: dict[str, Any] = json.loads(ask(board.app(), "/api/decisions.json").text)
    assert {one["id"] for one in data["decisions"]} == {hostile.decision, foreign.decision}


def test_a_history_that_cannot_be_written_says_so(board: Board) -> None:
    def away() -> SQLiteHistory:
        return SQLiteHistory(board.file, read_only=True)

    app = application(CITY, away, clock=lambda: NOW, recording=Recording(away, by_anyone=True))
    answer = ask(app, "/decisions", method="POST", headers=OURS, body=urlencode(NEW).encode())
    assert (answer.status, "opened for reading only" in answer.text, board.entries()) == (500, True, [])


def test_a_signal_that_is_not_known_is_said_not_to_be(board: Board) -> None:
    answer = ask(board.app(), "/decisions?signal=zz")
    assert answer.status == 400
    assert "No signal is known as “zz”; choose one of the list, or none." in answer.text
    assert ask(board.app(), f"/decisions?signal={SIGNAL.id}").status == 200
