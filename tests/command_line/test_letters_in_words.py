"""What is said of dead letters does nothing to a terminal and tells nothing of a person."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from command_line.letters_in_words import (
    RedriveCounts,
    counts_in_words,
    letter_in_words,
    line,
    printable,
    redriven_in_words,
)
from kept.dead_letters import Address, Source, Wrapping
from producers.dead_letters import Letter

AT_MS = 1_772_000_000_000


def letter(offset: int = 1041, **more: object) -> Letter:
    fields = {
        "reason": "unknown_channel", "message": "service parks has no such channel; valid: Web",
        "source": Source("service-events", 3, offset), "left_out": None, "times_redriven": 0, "original": (),
    }  # fmt: skip
    return Letter(Address(1, offset), Wrapping(**(fields | more)), 12, AT_MS, None)  # type: ignore[arg-type]


@given(st.binary(max_size=40) | st.text(max_size=40))
def test_whatever_is_printed_has_no_control_character(text: bytes | str) -> None:
    assert printable(text).isprintable()


def test_escapes_are_those_that_people_know_and_the_rest_stays_as_it_is() -> None:
    assert printable(b"\x1b[31m\r\n\xff caf\xc3\xa9 \xe2\x80\xae") == r"\x1b[31m\r\n\xff café \u202e"


def test_a_letter_is_a_line_with_its_address_its_age_and_why() -> None:
    text = line(letter(times_redriven=2, message="a\x1bb"), AT_MS + 7_200_000)
    assert text == r"  1:1041       2 hours ago  unknown_channel    a\x1bb [has come back 2x]"
    sent = line(letter()._replace(redriven_ms=AT_MS), AT_MS)
    assert sent.endswith("valid: Web [redriven 2026-02-25 06:13:20 UTC]")


def test_counts_are_by_reason_the_most_first_and_by_source_partition() -> None:
    letters = [letter(n) for n in range(3)] + [letter(reason="future", source=Source("service-events", 0, 1))]
    head, *lines = counts_in_words(letters)
    assert head == "put aside from 2026-02-25 06:13:20 UTC to 2026-02-25 06:13:20 UTC"
    assert [" ".join(text.split()) for text in lines] == [
        "unknown_channel 3 by source partition: 3: 3",
        "future 1 by source partition: 0: 1",
    ]
    assert list(counts_in_words([])) == []


def test_the_headers_of_the_event_are_named_and_told_when_all_is_asked_for_and_do_nothing() -> None:
    one = letter(original=(("tr\x07ace", b"\x1b]0;"), ("none", None)))
    assert list(letter_in_words(one))[-2:] == [r"header     tr\x07ace: 4 bytes", "header     none: (no value)"]
    assert list(letter_in_words(one, whole=True))[-2:] == [
        r"header     tr\x07ace: \x1b]0;",
        "header     none: (no value)",
    ]


def test_what_was_left_is_said_with_the_reason() -> None:
    counts = RedriveCounts("service-events", open=10, chosen=6, without_payload=1, returned_too_often=3, sent=6)
    assert redriven_in_words(counts, done=True) == (
        "6 of 10 open dead letters were sent to service-events again; 3 have come back 3 times and are sent only when "
        "named with --address; 1 have no payload that could be sent, `kept dead-letters show` says why"
    )
    assert "nothing was sent, add --yes" in redriven_in_words(counts, done=False)
