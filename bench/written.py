"""What a contender wrote: its tallies, read back from where they are to survive, and how much it wrote as state."""

from __future__ import annotations

import asyncio
import pickle
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from bench.job import Place, place_of
from kept.registered_changes import unpack_change
from kept.settings import Settings
from kept.tallies import unpack
from kept.topics import topics as topics_of
from stream_processors.connection import client_settings
from stream_processors.log_reader import read_range
from stream_processors.partition_log import unpack_mark

Row = tuple[Place, dict[int, int]]
Decode = Callable[[bytes, bytes], Row | None]
"""(key, value) of a changelog record to a row; None when it is no tally."""
AMOUNT_BITS = 48

_decode_tally = msgspec.json.Decoder(dict[int, int]).decode


class Written(msgspec.Struct, frozen=True):
    """Records and bytes (keys and values) written as state; `batches` committed, where a contender says."""

    what: str
    records: int
    bytes: int
    batches: int | None = None


def kept_log(settings: Settings) -> tuple[list[Row], list[Written]]:
    """Kept's tallies (their last values under each key), and the sizes of its two topics."""
    return asyncio.run(_kept_log(settings))


async def _kept_log(settings: Settings) -> tuple[list[Row], list[Written]]:
    clients, topics = client_settings(settings), topics_of(settings.topic_prefix, settings.partitions)
    latest: dict[bytes, bytes | None] = {}
    marks: set[tuple[int, int]] = set()
    sizes = {topics.state.name: [0, 0], topics.tallies.name: [0, 0]}
    for topic in (topics.state, topics.tallies):
        size = sizes[topic.name]
        for partition in range(topic.partitions):
            async for records in read_range(clients, topic.name, partition):
                size[0] += len(records)
                size[1] += sum(len(record.key) + len(record.value or b"") for record in records)
                if topic is topics.tallies:
                    for record in records:
                        mark = unpack_mark(record.key, record.value)
                        if mark is not None:
                            marks.add((mark.partition, mark.offset))
                        elif unpack_change(record.key, record.value) is None:
                            latest[record.key] = record.value
    rows: list[Row] = []
    for key, value in latest.items():
        if value is not None:
            item = unpack(key, value)
            rows.append(((*item.series, *item.bucket), item.tally or {}))
    (states, state_bytes), (tallies, tally_bytes) = sizes.values()
    return rows, [
        Written("state topic", states, state_bytes, len(marks)),
        Written("tallies topic", tallies, tally_bytes),
    ]


def changelog(settings: Settings, names: list[str], decode: Decode | None) -> tuple[list[Row], list[Written]]:
    """The rows (the last value under each key of each partition), and the size of all changelogs."""
    return asyncio.run(_changelog(settings, names, decode))


async def _changelog(settings: Settings, names: list[str], decode: Decode | None) -> tuple[list[Row], list[Written]]:
    clients = client_settings(settings)
    records_written = size = 0
    rows: list[Row] = []
    for name in names:
        for partition in range(settings.partitions):
            latest: dict[bytes, bytes | None] = {}
            async for records in read_range(clients, name, partition):
                records_written += len(records)
                size += sum(len(record.key) + len(record.value or b"") for record in records)
                latest.update({record.key: record.value for record in records})
            if decode is not None:
                found = (decode(key, value) for key, value in latest.items() if value is not None)
                rows += [row for row in found if row is not None]
    return rows, [Written("changelogs", records_written, size)]


def streams_row(key: bytes, value: bytes) -> Row | None:
    """A tally of the Kafka Streams contender; see `Tally.java`."""
    if b"|" not in key:
        return None
    longs = (int.from_bytes(value[place : place + 8], "big") for place in range(0, len(value), 8))
    return place_of(key.decode()), dict(map(_counter_and_amount, longs))


def _counter_and_amount(long: int) -> tuple[int, int]:
    counter, amount = divmod(long, 1 << AMOUNT_BITS)
    return counter, amount - (amount >> AMOUNT_BITS - 1 << AMOUNT_BITS)


def quix_row(key: bytes, value: bytes) -> Row | None:
    """A tally of the Quix Streams contender: its key is the message's, a separator, and ours as JSON."""
    _, found, place = key.partition(b'"t|')
    return (place_of(place.decode().rstrip('"')), _decode_tally(value)) if found else None


def bytewax_store(folder: Path, step: str) -> tuple[Iterator[Row], list[Written]]:
    """The last snapshots of a step in Bytewax's recovery store, and the size of that store."""
    database = sqlite3.connect(folder / "part-0.sqlite3")
    try:
        latest = (
            "SELECT state_key, ser_change FROM snaps AS one WHERE step_id LIKE ? AND snap_epoch = "
            "(SELECT MAX(snap_epoch) FROM snaps WHERE step_id = one.step_id AND state_key = one.state_key)"
        )
        found = database.execute(latest, (f"%.{step}.%",)).fetchall()
        records = database.execute("SELECT COUNT(*) FROM snaps").fetchone()[0]
    finally:
        database.close()
    size = sum(file.stat().st_size for file in folder.iterdir())
    return ((place_of(key), pickle.loads(value)) for key, value in found if value is not None), [
        Written("recovery store (what is left of it)", records, size)
    ]
