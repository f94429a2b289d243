"""Every way out of a producer hashes case ids where the catalogue asks: spool, intake, files, redriven letters."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from command_line.publish import publish
from kept import events as e
from kept.case_hashing import CaseHashing, CaseKey
from kept.dead_letters import Address, Source, Wrapping
from kept.errors import ConfigurationError
from kept.settings import Settings
from producers import redrive
from producers.dead_letters import Letter
from producers.durable_publisher import DurablePublisher
from tests.kept.city import event
from tests.kept.test_case_hashing import KEY, PRIVATE, hashing
from tests.producers.broker_double import BrokerDouble
from tests.producers.intake.conftest import BATCH, batch, raw, running
from tests.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
HASHED = CaseKey(KEY).hashed("SECRET-1")


def bytes_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


@pytest.fixture
def away() -> BrokerDouble:
    """A broker that takes nothing: what is accepted stays on disk."""
    broker = BrokerDouble()
    broker.there = False
    return broker


def test_what_waits_in_the_spool_is_hashed(tmp_path: Path, away: BrokerDouble) -> None:
    settings = Settings(spool_folder=str(tmp_path), spool_bytes=65_536)
    with DurablePublisher("t", settings, hashing=hashing(), client=away) as publisher:
        publisher.publish(event("case.opened", "2024-06-03 09:00", "SECRET-1", id="SECRET-1:opened"))
        eventually(lambda: publisher.accepted == 1, "it is accepted", seconds=10)
    assert b"SECRET" not in bytes_in(tmp_path)
    assert HASHED.encode() in bytes_in(tmp_path)


def test_the_intake_hashes_what_it_is_sent_and_passes_on_nothing_that_the_contract_does_not_know(
    tmp_path: Path, away: BrokerDouble
) -> None:
    settings = Settings(spool_folder=str(tmp_path), spool_bytes=200_000, intake_body_bytes=20_000)
    with running(settings, away, PRIVATE, KEY) as intake:
        more = {"name": "SECRET person", "traceparent": "SECRET trace"}
        answer = intake.post(batch(raw(1, **more), raw(2, id="SECRET-2:opened")), BATCH)
        assert (answer.status, answer.body) == (202, {"accepted": 2})
        assert intake.publisher.spool.waiting == 2
    assert b"SECRET" not in bytes_in(tmp_path)
    assert HASHED.encode() in bytes_in(tmp_path)


def test_without_the_key_nothing_is_published(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    entry = 'id="a"\nname="A"\nowner="o"\ntime_zone="UTC"\nexpected_silence="1h"\n[channels]\nunlisted="accept"\n'
    (tmp_path / "a.toml").write_text(f'{entry}[privacy]\ncase_ids = "hashed"\n')
    fields = {**json.loads(raw(1)), "data": {"service": "a"}}
    (tmp_path / "events.jsonl").write_text(json.dumps(fields))
    monkeypatch.setenv("KEPT_CATALOGUE", str(tmp_path))

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("a connection was made")

    monkeypatch.setattr("command_line.publish.Publisher", never)
    with pytest.raises(ConfigurationError, match=r"KEPT_CASE_KEY_FILE: not set.* of a; nothing was sent"):
        publish(tmp_path / "events.jsonl", no_progress=True)


def letter(value: bytes) -> tuple[Letter, Any]:
    wrapping = Wrapping("unknown_channel", "", Source("service-events", 3, 7), None, 0, ())
    record = SimpleNamespace(key=b"SECRET-1", value=value)
    return Letter(Address(3, 1), wrapping, len(value), 0, None), record


@pytest.mark.parametrize("edit", [None, lambda value: value.replace(b"Web", b"App")], ids=["as it came", "edited"])
def test_a_letter_with_a_clear_case_id_is_hashed_when_it_is_sent_again(edit: Any) -> None:
    to_events: Any = SimpleNamespace(topic="service-events")
    told, record = letter(raw(1))
    sent = redrive._event_of(told, record, to_events, hashing(), edit)
    assert (sent.key, sent.partition) == (HASHED.encode(), None)
    assert b"SECRET" not in (sent.value or b"")
    again = letter(sent.value or b"")[1]
    again.key = sent.key
    assert not sent.with_headers
    assert redrive._event_of(told, again, to_events, hashing(), None) == (sent.key, sent.value, 3, False)


@pytest.mark.parametrize("value", [b'{"id": "half', raw(1, data={"service": "another"})])
def test_a_letter_that_no_service_asks_hashing_for_goes_back_byte_for_byte(value: bytes) -> None:
    to_events: Any = SimpleNamespace(topic="service-events")
    told, record = letter(value)
    assert redrive._event_of(told, record, to_events, hashing(), None) == (b"SECRET-1", value, 3, True)


@pytest.mark.parametrize("file", ["command_line/publish.py", "local_stack/city_feed.py", "local_stack/replay.py"])
def test_no_publisher_of_events_is_made_without_being_told_whose_case_ids_to_hash(file: str) -> None:
    calls = [
        node
        for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Publisher", "DurablePublisher")
    ]
    assert calls
    assert all("hashing" in {word.arg for word in call.keywords} for call in calls)


def test_an_event_that_is_hashed_is_still_an_event_of_the_contract() -> None:
    sent = CaseHashing({PRIVATE.id: PRIVATE}, KEY).hashed(e.decode(raw(1)))
    assert e.decode(e.encode(sent)) == sent
