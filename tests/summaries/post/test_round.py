"""Each week is sent once: through restarts, errors of the mail server, and figures that come late."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from history.sqlite import SQLiteHistory
from history.store import HistoryStore
from kept.errors import Retry
from summaries.post.message import Letter
from summaries.post.round import Post, Prepared

ZONE = ZoneInfo("Europe/Amsterdam")
HOUR = 3600


def at(text: str) -> float:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()


DUE = at("2026-11-23T07:00")  # W47


class Office:
    """Stands for the mail server, and for what the summary finds in the history."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.away = False
        self.figures = True
        self.complete = True

    def send(self, content: bytes, recipients: Sequence[str]) -> None:
        if self.away:
            raise Retry("the mail server cannot be reached")
        self.sent.append(content)

    def prepare(self, store: HistoryStore, week: str) -> Prepared | None:
        if not self.figures:
            return None
        moment = datetime.datetime.strptime(f"{week}-1", "%G-W%V-%u").replace(tzinfo=ZONE)
        letter = Letter(subject=week, plain=week, page=f"<p>{week}", at=moment, key=week)
        return Prepared(letter=letter, as_of=int(moment.timestamp()), complete=self.complete)

    def post(self) -> Post:
        return Post(
            sender="kept@city.example", recipients=["a@city.example"], hour=7, zone=ZONE, prepare=self.prepare,
            send=self.send, is_there=lambda store, week: self.figures,
        )  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> SQLiteHistory:
    return SQLiteHistory(tmp_path / "history.sqlite")


def test_what_is_due_is_sent_once_whoever_asks_and_however_often(store: SQLiteHistory) -> None:
    office = Office()
    first = office.post().step(store, DUE)
    assert first is not None
    assert (first.week, first.to) == ("2026-W47", 1)
    assert office.post().step(store, DUE + 60) is None  # another process
    assert office.post().deliver(store, "2026-W47", DUE + 120) is None
    assert len(office.sent) == 1
    store.close()


def test_what_could_not_be_sent_is_sent_later_and_missed_after_a_day(store: SQLiteHistory) -> None:
    office = Office()
    post = office.post()
    office.away = True
    with pytest.raises(Retry):
        post.step(store, DUE)
    assert post.missed(store, DUE + 23 * HOUR) == []
    assert post.missed(store, DUE + 24 * HOUR) == ["2026-W47"]
    office.away = False
    assert post.step(store, DUE + 25 * HOUR) is not None
    assert post.missed(store, DUE + 25 * HOUR) == []
    store.close()


def test_figures_that_are_not_all_there_are_waited_for_six_hours(store: SQLiteHistory) -> None:
    office = Office()
    office.complete = False
    assert office.post().step(store, DUE + 6 * HOUR - 1) is None
    assert office.post().step(store, DUE + 6 * HOUR) is not None
    store.close()


def test_an_installation_without_figures_owes_nothing(store: SQLiteHistory) -> None:
    office = Office()
    office.figures = False
    assert office.post().step(store, DUE) is None
    assert office.post().missed(store, DUE + 48 * HOUR) == []
    assert office.sent == []
    store.close()


def test_once_it_was_delivered_a_week_without_figures_is_missed(store: SQLiteHistory) -> None:
    office = Office()
    office.post().step(store, DUE)
    office.figures = False
    later = at("2026-12-08T08:00")
    assert office.post().step(store, later) is None
    assert office.post().missed(store, later) == ["2026-W48", "2026-W49"]
    store.close()


def test_one_that_died_before_it_could_record_sends_the_same_message_again(store: SQLiteHistory) -> None:
    office = Office()

    class Dying(SQLiteHistory):
        def deliver(self, delivery: object) -> None:
            raise KeyboardInterrupt

    dying = Dying(Path(str(store._path)))
    with pytest.raises(KeyboardInterrupt):
        office.post().step(dying, DUE)
    dying.close()
    assert office.post().step(store, DUE + 60) is not None
    once, again = office.sent
    assert once == again
    store.close()


def test_it_can_be_sent_again_on_purpose(store: SQLiteHistory) -> None:
    office = Office()
    office.post().step(store, DUE)
    assert office.post().deliver(store, "2026-W47", DUE + 60, again=True) is not None
    assert len(office.sent) == 2
    store.close()


def test_while_the_history_takes_no_record_nothing_is_sent_twice(store: SQLiteHistory) -> None:
    office = Office()
    post = office.post()

    class Full(SQLiteHistory):
        def deliver(self, delivery: object) -> None:
            raise Retry("the disk is full")

    full = Full(Path(str(store._path)))
    for minute in range(5):
        with pytest.raises(Retry):
            post.step(full, DUE + 60 * minute)
    full.close()
    assert len(office.sent) == 1
    assert post.step(store, DUE + 600) is not None
    assert len(office.sent) == 1
    store.close()


def test_nothing_is_sent_before_the_moment_of_which_it_tells(store: SQLiteHistory) -> None:
    office = Office()
    post = office.post()

    def later(store: HistoryStore, week: str) -> Prepared:
        letter = Letter(subject=week, plain=week, page=week, at=datetime.datetime.now(datetime.UTC), key=week)
        return Prepared(letter=letter, as_of=int(DUE) + 3 * HOUR, complete=True)

    post = msgspec.structs.replace(post, prepare=later)
    assert post.step(store, DUE) is None
    assert post.step(store, DUE + 3 * HOUR) is not None
    store.close()


def test_a_week_of_long_ago_sent_by_hand_makes_no_other_week_missed(store: SQLiteHistory) -> None:
    office = Office()
    post = office.post()
    post.deliver(store, "2026-W20", DUE)
    post.step(store, DUE)
    assert post.missed(store, DUE + 48 * HOUR) == []
    store.close()
