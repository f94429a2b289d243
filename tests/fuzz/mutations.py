"""What may happen to an event on its way, or be done to it on purpose: one function each, from bytes to bytes."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from kept.events import PUBLIC_EVENTS, TICK_TYPE
from tests.fuzz.json_pieces import Members, Raw, holder, parse, places, write

Mutation = Callable[[bytes, Random], bytes]

NUMBERS: Sequence[str] = (
    "1e308", "-1e308", "1e309", "-1e999999999", "5e-324", "-0.0", "0", "-1", "NaN", "Infinity", "-Infinity",
    "9007199254740993", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "18446744073709551616",
    "1" + "0" * 400, "0." + "0" * 400 + "1", "01", "1.", ".5", "+1", "0x1f", "1e", "1_000", "253370764799.999",
    "253370764800", "-2208988800", "-2208988800.001", "1e-400", "4.5", "1.0", "true", "null",
)  # fmt: skip
TEXTS: Sequence[str] = (
    "", " ", "\0", "a\0b", "a\nb", "\x7f", "\x85", "\u202e gnp.exe", "\u2066x\u2069", "\ufeff", "\ufffe",
    "e\u0301", "\u00e9", "ﬁ", "K", "İ", "ß", "\u200b", "a\u0300" * 200, "👩‍👩‍👧‍👦", "𝔘", "\U0010ffff",
    "<script>alert(1)</script>", "{{ 7 * 7 }}", "{% include '/etc/passwd' %}", "${jndi:ldap://x}", "' OR 1=1 --",
    "a,b=c d", "a\\ b", '"', "\\", "../../etc/passwd", "=1+1", "x" * 128, "x" * 129, "x" * 512, "x" * 513,
    "case.opened", "kept.tick", "EUR", "eur", "€",
)  # fmt: skip
ESCAPES: Sequence[str] = (
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\ud83d\\ude00"',
    '"\\u0000"',
    '"\\u202e"',
    '"\\x41"',
    '"\\u12"',
    '"\\"',
    '"\\n"',
)
TIMES: Sequence[Any] = (
    "1900-01-01T00:00:00Z", "1899-12-31T23:59:59.999Z", "9998-12-31T23:59:59Z", "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "2024-02-30T00:00:00Z", "2024-02-29T24:00:00Z",
    "2024-06-30T23:59:60Z", "2024-03-31T02:30:00", "2024-03-31T02:30:00+02:00", "2024-06-03T09:00:00+23:59",
    "2024-06-03T09:00:00-24:00", "2024-06-03T09:00:00.123456789123Z", "2024-06-03t09:00:00z", "2024-06-03",
    "20240603T090000Z", "2024-W23-1", "10000-01-01T00:00:00Z", "-0001-01-01T00:00:00Z", 0, -1, 1e308, -0.0, 1e18,
    253_370_764_800, -2_208_988_801, 1_717_398_000_000,
)  # fmt: skip
TYPES: Sequence[str] = (*(str(kind.__struct_config__.tag) for kind in PUBLIC_EVENTS), TICK_TYPE)
OTHER_TYPES: Sequence[Any] = (None, True, False, 0, 1.5, "text", Raw("[]"), Raw("{}"), Raw("[null]"), Raw('{"a":1}'))


def flip_bits(value: bytes, random: Random) -> bytes:
    """Up to eight bits are other ones."""
    changed = bytearray(value)
    for _ in range(random.randint(1, 8)):
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def cut_short(value: bytes, random: Random) -> bytes:
    """The end is missing."""
    return value[: random.randrange(len(value))]


def lose_bytes(value: bytes, random: Random) -> bytes:
    """A stretch is missing."""
    at = random.randrange(len(value))
    return value[:at] + value[at + random.randint(1, 40) :]


def put_bytes_in(value: bytes, random: Random) -> bytes:
    """Random bytes are somewhere, or behind the event."""
    at = random.choice([random.randrange(len(value)), len(value)])
    return value[:at] + random.randbytes(random.randint(1, 16)) + value[at:]


def repeat_bytes(value: bytes, random: Random) -> bytes:
    """A stretch, or the whole event, is there again."""
    begin = random.choice([0, random.randrange(len(value))])
    end = random.choice([len(value), random.randint(begin, len(value))])
    return value[:end] + random.choice([b"", b",", b"\n"]) + value[begin:]


def encode_otherwise(value: bytes, random: Random) -> bytes:
    """The same text in another encoding."""
    text = value.decode()
    return text.encode(
        random.choice(["utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252", "utf-8-sig", "utf-7"]), "replace"
    )


def double_a_member(value: bytes, random: Random) -> bytes:
    """A member twice, the second time perhaps with another value."""
    event = parse(value)
    pairs, index = _somewhere(event, random)
    name, held = pairs[index]
    pairs.insert(random.randint(0, len(pairs)), (name, random.choice([held, *OTHER_TYPES])))
    return write(event)


def lose_a_member(value: bytes, random: Random) -> bytes:
    """A member is missing."""
    event = parse(value)
    pairs, index = _somewhere(event, random)
    del pairs[index]
    return write(event)


def rename_a_member(value: bytes, random: Random) -> bytes:
    """A member has another name."""
    event = parse(value)
    pairs, index = _somewhere(event, random)
    name = pairs[index][0]
    other = random.choice([name.upper(), f" {name}", f"{name}\0", name[::-1], "type", "data", "service", "", name * 50])
    pairs[index] = (other, pairs[index][1])
    return write(event)


def shuffle_members(value: bytes, random: Random) -> bytes:
    """The same members in another order, and one that nobody knows."""
    event = parse(value)
    event.pairs.append(("comment", random.choice([*TEXTS, *OTHER_TYPES])))
    random.shuffle(event.pairs)
    return write(event)


def nest_deeply(value: bytes, random: Random) -> bytes:
    """A member is lists in lists, or objects in objects."""
    depth = random.choice([2, 10, 100, 900, 1100, 5000, 50_000])
    left, right = random.choice([("[", "]"), ('{"a":', "}"), ('[{"data":', "}]")])
    ends = random.choice([depth, depth, depth - 1, 0])
    return _with(value, random, Raw(left * depth + "1" + right * ends))


def change_a_number(value: bytes, random: Random) -> bytes:
    """A member is a number at the edge of what numbers can be, or nearly one."""
    return _with(value, random, Raw(random.choice(NUMBERS)))


def change_a_text(value: bytes, random: Random) -> bytes:
    """A member is a text that is often handled badly."""
    return _with(value, random, random.choice(TEXTS))


def denormalise(value: bytes, random: Random) -> bytes:
    """All text in another normal form, with a letter that has several."""
    event = parse(_with(value, random, "Ångström é ﬁ"))
    form = random.choice(("NFC", "NFD", "NFKC", "NFKD"))
    return unicodedata.normalize(form, write(event).decode()).encode()


def break_an_escape(value: bytes, random: Random) -> bytes:
    """A text with half a surrogate pair, NUL, or an escape that JSON does not have."""
    return _with(value, random, Raw(random.choice(ESCAPES)))


def lengthen_a_text(value: bytes, random: Random) -> bytes:
    """A text of up to a hundred thousand characters."""
    letter = random.choice(["x", "é", "\u0301", '\\"', "\\u0041", "\\\\", " "])
    return _with(value, random, Raw(f'"{letter * random.choice([129, 513, 5_000, 20_000, 100_000])}"'))


def lengthen_a_number(value: bytes, random: Random) -> bytes:
    """A number of up to ten thousand digits."""
    digits = str(random.randint(1, 9)) * random.choice([20, 310, 4301, 10_000])
    return _with(value, random, Raw(random.choice([digits, f"-{digits}", f"0.{digits}", f"{digits}.5", f"1e{digits}"])))


def change_a_type(value: bytes, random: Random) -> bytes:
    """A member is of another type."""
    return _with(value, random, random.choice(OTHER_TYPES))


def confuse_the_kind(value: bytes, random: Random) -> bytes:
    """The event says that it is of another type."""
    event = parse(value)
    event.pairs[:] = [(name, random.choice(TYPES) if name == "type" else held) for name, held in event.pairs]
    return write(event)


def change_a_time(value: bytes, random: Random) -> bytes:
    """The time, or a member that may be one, lies at an edge of the calendar."""
    event = parse(value)
    pairs, index = _somewhere(event, random)
    times = [place for place, (name, _) in enumerate(event.pairs) if "time" in name]
    if times and random.random() < 0.6:
        pairs, index = event.pairs, random.choice(times)
    pairs[index] = (pairs[index][0], random.choice(TIMES))
    return write(event)


def add_members(value: bytes, random: Random) -> bytes:
    """Hundreds of members that nobody knows."""
    event = parse(value)
    count = random.choice([10, 300, 2000])
    event.pairs[random.randint(0, len(event.pairs)) :] = [(f"x{number}", number) for number in range(count)]
    return write(event)


def be_something_else(value: bytes, random: Random) -> bytes:
    """No event at all."""
    return random.choice(
        [
            b"",
            b"null",
            b"[]",
            b"{}",
            b'""',
            b"0",
            b"\xff\xfe",
            b"<xml/>",
            b"[" + value + b"]",
            random.randbytes(40),
            b"[" * 2000,
        ]
    )


MUTATIONS: Sequence[Mutation] = (
    flip_bits, cut_short, lose_bytes, put_bytes_in, repeat_bytes, encode_otherwise, double_a_member, lose_a_member,
    rename_a_member, shuffle_members, nest_deeply, change_a_number, change_a_text, denormalise, break_an_escape,
    lengthen_a_text, lengthen_a_number, change_a_type, confuse_the_kind, change_a_time, add_members, be_something_else,
)  # fmt: skip


def _somewhere(event: Members, random: Random) -> tuple[list[tuple[str, Any]], int]:
    path = random.choice(places(event))
    return holder(event, path), path[-1]


def _with(value: bytes, random: Random, piece: Any) -> bytes:
    """The event with `piece` in the place of some member."""
    event = parse(value)
    pairs, index = _somewhere(event, random)
    pairs[index] = (pairs[index][0], piece)
    return write(event)
