"""`kept dead-letters`: what could not be counted, why, and how to send it again once the cause is mended.

A list shows reasons and places, never a case id, a subject or a payload: what is personal is shown on demand alone.
"""

from __future__ import annotations

import json
import logging
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer

from catalogue import services_of
from command_line.given import Brokers, Prefix, settings_with
from command_line.letters_in_words import (
    MOST_REDRIVES,
    RedriveCounts,
    as_json_object,
    counts_in_words,
    left_out,
    letter_in_words,
    line,
    printable,
    redriven_in_words,
)
from command_line.output import output
from kept.case_hashing import CaseHashing
from kept.dead_letters import Address, parse_address
from kept.durations import parse_duration
from kept.errors import REJECT_REASONS, ConfigurationError, Stop
from kept.settings import Settings
from kept.topics import topics
from producers.dead_letters import DeadLetterReader, Letter
from producers.publisher import Publisher
from producers.redrive import redrive

EDIT_SECONDS = 60

app = typer.Typer(no_args_is_help=True, help="What could not be counted: look at it, and send it again.")

Reasons = Annotated[
    list[str] | None, typer.Option("--reason", help="Only this reason; more than once for more.", show_default="all")
]
Since = Annotated[
    str | None,
    typer.Option(help="Only what was put aside since: a moment (UTC unless it says otherwise), or a duration: 2d, 6h."),
]


@app.command("list")
def list_letters(
    reason: Reasons = None,
    since: Since = None,
    limit: Annotated[int, typer.Option(min=0, help="So many of the newest, one a line.")] = 20,
    redriven_too: Annotated[bool, typer.Option("--all", help="Also those that were sent again.")] = False,
    brokers: Brokers = None,
    topic_prefix: Prefix = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object a letter.")] = False,
) -> None:
    """How many dead letters are open, why, and the newest of them."""
    settings = settings_with(brokers=brokers, topic_prefix=topic_prefix)
    matches = _filter(reason, None)
    with _reader(settings) as reader:
        survey = reader.survey(_since_ms(since))
    found = [letter for letter in survey.letters if matches(letter)]
    chosen = [letter for letter in found if redriven_too or letter.redriven_ms is None]
    newest = sorted(chosen, key=lambda letter: (letter.put_aside_ms, letter.address), reverse=True)[:limit]
    with output():
        if json_output:
            for letter in newest:
                typer.echo(json.dumps(as_json_object(letter)))
            return
        sent_again = sum(letter.redriven_ms is not None for letter in found)
        typer.echo(f"{reader.topic}: {len(found) - sent_again:,} open, {sent_again:,} redriven")
        for said in counts_in_words(chosen):
            typer.echo(said)
        if survey.strangers:
            typer.echo(f"{survey.strangers:,} messages there are no dead letters of Kept; they are left alone")
        now_ms = time.time() * 1000
        for letter in newest:
            typer.echo(line(letter, now_ms))


@app.command("show")
def show(
    address: Annotated[str, typer.Argument(help="PARTITION:OFFSET, as `kept dead-letters list` prints it.")],
    payload: Annotated[bool, typer.Option("--payload", help="Also the key, the payload and the headers.")] = False,
    raw: Annotated[bool, typer.Option("--raw", help="Nothing but the bytes of the payload, as they are.")] = False,
    brokers: Brokers = None,
    topic_prefix: Prefix = None,
) -> None:
    """One dead letter: why, where it came from, which headers it has; with --payload or --raw what it says."""
    place = _address(address, "ADDRESS")
    with _reader(settings_with(brokers=brokers, topic_prefix=topic_prefix)) as reader:
        letter, record = reader.letter(place)
    if raw:
        if record.value is None:
            raise Stop(f"the dead letter at {address} has no payload{left_out(letter)}")
        with output():
            sys.stdout.buffer.write(record.value)
        return
    with output():
        if payload:
            typer.echo("What follows may hold personal data: keep it out of tickets and chats.", err=True)
        for said in letter_in_words(letter, whole=payload):
            typer.echo(said)
        if payload:
            typer.echo(f"key        {'(none)' if record.key is None else printable(record.key)}")
            text = f"(none{left_out(letter)})" if record.value is None else printable(record.value)
            typer.echo(f"payload    {text}")
        else:
            typer.echo(f"payload    {letter.bytes or 0:,} bytes; --payload shows them, --raw writes them as they are")


@app.command("redrive")
def redrive_letters(
    reason: Reasons = None,
    since: Since = None,
    address: Annotated[
        list[str] | None, typer.Option(help="Only this letter (PARTITION:OFFSET); more than once for more.")
    ] = None,
    edit: Annotated[
        str | None,
        typer.Option(
            help="A command that reads each payload on its input and writes the mended one: 'sed s/Fax/Mail/'."
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this it is only said what would be done.")] = False,
    brokers: Brokers = None,
    topic_prefix: Prefix = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Send open dead letters again, as they came, once the catalogue is mended or with --edit.

    Doing it twice, or being killed on the way, changes no indicator: events keep their ids.
    """
    settings = settings_with(brokers=brokers, topic_prefix=topic_prefix)
    named = {_address(text, "--address") for text in address or ()}
    matches = _filter(reason, named or None)
    edited = None if edit is None else _editor(edit)
    hashing = CaseHashing(services_of(settings), settings.case_key)
    events_topic = topics(settings.topic_prefix, settings.partitions).events.name
    started = time.monotonic()
    with _reader(settings) as reader:
        survey = reader.survey(_since_ms(since))
        found = [letter for letter in survey.letters if matches(letter) and letter.redriven_ms is None]
        without_payload = [letter for letter in found if not letter.sendable]
        returned = [x for x in found if x.wrapping.times_redriven >= MOST_REDRIVES and x.address not in named]
        left = {letter.address for letter in (*without_payload, *returned)}
        chosen = [letter for letter in found if letter.address not in left]
        counts = RedriveCounts(events_topic, len(found), len(chosen), len(without_payload), len(returned))
        if yes and chosen:
            with Publisher(events_topic, settings) as to_events, Publisher(reader.topic, settings) as to_letters:
                for sent in redrive(reader, chosen, to_events, to_letters, hashing, edited):
                    counts.sent += sent
    counts.seconds = round(time.monotonic() - started, 3)
    with output():
        typer.echo(json.dumps(msgspec.to_builtins(counts)) if json_output else redriven_in_words(counts, done=yes))


def _reader(settings: Settings) -> DeadLetterReader:
    # The client logs each reconnection as an error; what matters of it arrives as an error of ours.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    return DeadLetterReader(topics(settings.topic_prefix, settings.partitions).dead_letters.name, settings)


def _filter(reasons: list[str] | None, addresses: set[Address] | None) -> Callable[[Letter], bool]:
    for reason in reasons or ():
        if reason not in REJECT_REASONS:
            raise ConfigurationError(f"--reason: {reason!r} is not known; valid: {', '.join(REJECT_REASONS)}")
    wanted = None if not reasons else set(reasons)

    def matches(letter: Letter) -> bool:
        return (wanted is None or letter.wrapping.reason in wanted) and (
            addresses is None or letter.address in addresses
        )

    return matches


def _since_ms(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return max(0, int(time.time() * 1000) - parse_duration(text))
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        valid = "2026-03-01T09:00 (UTC), one with an offset, or a duration such as 2d or 6h"
        raise ConfigurationError(f"--since: {text!r} is not valid; valid: {valid}") from error
    return max(0, int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000))


def _address(text: str, name: str) -> Address:
    try:
        return parse_address(text)
    except ValueError as error:
        raise ConfigurationError(f"{name}: {text!r} is not valid; valid: {error}") from error


def _editor(command: str) -> Callable[[bytes], bytes]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ConfigurationError(f"--edit: {command!r} cannot be read: {error}") from error
    if not words:
        raise ConfigurationError("--edit: no command; valid: one that reads its input, such as 'sed s/Fax/Mail/'")

    def edit(value: bytes) -> bytes:
        try:
            done = subprocess.run(words, input=value, stdout=subprocess.PIPE, check=True, timeout=EDIT_SECONDS)  # noqa: S603
        except (OSError, subprocess.SubprocessError) as error:
            # Not the error's own words: a command may be told secrets.
            code = getattr(error, "returncode", None)
            why = f"exit {code}" if code is not None else type(error).__name__
            raise Stop(
                f"--edit: {words[0]} failed ({why}); this letter was not sent, nor what comes after it"
            ) from error
        return done.stdout

    return edit
