"""Whatever lies in the topic of events, its dead letter keeps it byte for byte, and the next event is applied."""

from __future__ import annotations

import gzip
import random
from pathlib import Path
from types import SimpleNamespace

import pytest
from kafka import KafkaProducer

from kept import events as e
from kept.dead_letters import Header, unwrap
from kept.errors import Reject
from kept.partition import DeadLetter
from kept.topics import MAX_MESSAGE_BYTES
from local_stack.broker import Broker
from stream_processors.partition_log import dead_letter
from tests.bad_feed import MENDED, Message, Pipeline, case

pytestmark = [pytest.mark.broker, pytest.mark.timeout(120)]
SEED = 20260301
WORDS = [b"", b"\x00", b"\xff\xfe", b"{", b"null", b"[1]", b"]", b",", b"\xf0\x9f\x8f\x9b", b"[" * 3000, b"x" * 70_000]
NAMES = ["", "trace", "kept-reason", "kept-source", "kept-redriven", "kept-note", "kept-left-out", "naïve\n\x1b"]


@pytest.fixture
def pipeline(broker: Broker, topic_prefix: str, tmp_path: Path) -> Pipeline:
    made = Pipeline(broker, topic_prefix, tmp_path, brake_share=1.0)
    made.mend(MENDED)
    return made


def odd_messages(count: int) -> list[Message]:
    """Nothing of this is an event: keys, values and headers of every kind, also none at all."""
    chance = random.Random(SEED)
    value_or_none = [None, *WORDS]
    found: list[Message] = [(None, None, []), (b"", b"", []), (None, b"{}", [("", None)])]
    for _ in range(count):
        headers: list[tuple[str, bytes | None]] = [
            (chance.choice(NAMES), chance.choice([None, b"", b"1", b"\xff", chance.randbytes(9)]))
            for _ in range(chance.randrange(5))
        ]
        value = chance.choice([*value_or_none, chance.randbytes(chance.randrange(200))])
        found.append((chance.choice([None, b"", b"\xff\x00", chance.randbytes(9)]), value, headers))
    return found


def test_a_dead_letter_keeps_key_bytes_and_headers_whatever_they_are(pipeline: Pipeline) -> None:
    messages = odd_messages(400)
    (opened, _) = case(1, "Web")
    pipeline.send(*messages, (b"SECRET-1", e.encode(opened), []))
    accounts = pipeline.apply()
    assert (accounts.received, accounts.applied) == (len(messages) + 1, 1)
    letters = pipeline.read(pipeline.topics.dead_letters.name)
    assert len(letters) == len(messages)
    for number, (letter, (key, value, headers)) in enumerate(zip(letters, messages, strict=True)):
        assert (letter.key, letter.value) == (key, value)
        assert list(letter.headers[:-3]) == headers
        wrapping = unwrap(letter.headers, letter.value)
        assert wrapping is not None
        assert wrapping.source == (pipeline.topics.events.name, 0, number)
        assert wrapping.message


@pytest.mark.parametrize(
    ("key", "headers"), [(b"k" * 9_000_000, []), (b"k", [("h", b"v" * 9_000_000)]), (b"k", [("", b"")] * 1_000_000)]
)
def test_a_key_or_headers_that_no_topic_takes_are_left_out_with_the_value(key: bytes, headers: list[Header]) -> None:
    source = SimpleNamespace(topic="service-events", partition=0, offset=7, key=key, value=b"{}", headers=headers)
    letter = dead_letter(DeadLetter(0, Reject("invalid", "not an event")), source)
    assert letter[:2] == (None, None)
    wrapping = unwrap(letter[2], None)
    assert wrapping is not None
    assert (wrapping.source.offset, wrapping.left_out, wrapping.original) == (7, 2, ())


def test_the_largest_event_that_the_topic_takes_fits_into_a_dead_letter(pipeline: Pipeline) -> None:
    largest = random.Random(SEED).randbytes(MAX_MESSAGE_BYTES - 200)
    producer = KafkaProducer(bootstrap_servers=pipeline.broker.bootstrap, max_request_size=MAX_MESSAGE_BYTES)
    producer.send(pipeline.topics.events.name, largest, key=b"k", partition=0).get(30)
    producer.close()
    assert pipeline.apply().dead_lettered == {"undecodable": 1}
    (letter,) = pipeline.read(pipeline.topics.dead_letters.name)
    assert letter.value == largest


def test_an_event_that_was_larger_before_it_was_compressed_is_left_where_it_is(pipeline: Pipeline) -> None:
    huge = b"0" * (MAX_MESSAGE_BYTES + 1_000_000)
    assert len(gzip.compress(huge)) < 100_000
    producer = KafkaProducer(
        bootstrap_servers=pipeline.broker.bootstrap, compression_type="gzip", max_request_size=2 * len(huge)
    )
    producer.send(pipeline.topics.events.name, huge, key=b"SECRET", partition=0).get(30)
    producer.close()
    assert pipeline.apply().dead_lettered == {"undecodable": 1}
    (letter,) = pipeline.read(pipeline.topics.dead_letters.name)
    assert (letter.key, letter.value) == (b"SECRET", None)
    wrapping = unwrap(letter.headers, letter.value)
    assert wrapping is not None
    assert wrapping.left_out == len(huge)
    assert wrapping.original == ()
    assert "too large to be kept, they are at" in pipeline.kept("show", f"0:{letter.offset}", "--payload")
    assert "1 have no payload that could be sent" in pipeline.kept("redrive")
