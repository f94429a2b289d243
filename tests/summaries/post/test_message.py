"""The e-mail as mail readers take it apart."""

from __future__ import annotations

import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

from summaries.post.message import Attachment, Letter, Picture, message

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4
PICTURE = Picture("permits", PNG)
LETTER = Letter(
    subject="Weekly summary 2026-W47: 2 real changes\r\nBcc: thief@example.org",
    plain="Permits kept 71 % of promises.\nFrom here on = nothing.\n.\n" + "long " * 300,
    page=f'<p>Permits <img src="cid:{PICTURE.cid}" alt="Below its range"></p>',
    at=datetime.datetime(2026, 11, 23, 6, 0, tzinfo=datetime.UTC),
    key="2026-W47",
    pictures=[PICTURE],
    attachments=[Attachment("summary.pdf", "pdf", b"%PDF-1.7 \x00\xff")],
)


def parsed(letter: Letter = LETTER, to: tuple[str, ...] = ("a@b.example", "c@d.example")) -> EmailMessage:
    found = message_from_bytes(message(letter, "kept@city.example", to), policy=policy.default)
    assert isinstance(found, EmailMessage)
    assert not found.defects
    return found


def test_it_is_readable_as_plain_text_and_every_part_is_there() -> None:
    mail = parsed()
    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png",
        "application/pdf",
    ]  # fmt: skip
    plain, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert page is not None
    assert plain.get_content().replace("\r\n", "\n") == LETTER.plain + "\n"
    assert page.get_content().replace("\r\n", "\n") == LETTER.page + "\n"


def test_pictures_are_inline_under_the_name_that_the_page_uses() -> None:
    image = next(part for part in parsed().walk() if part.get_content_type() == "image/png")
    assert image["Content-ID"] == f"<{PICTURE.cid}>"
    assert image.get_content_disposition() == "inline"
    assert image.get_content() == PNG


def test_a_subject_cannot_add_a_header() -> None:
    mail = parsed()
    assert mail["Bcc"] is None
    assert mail["Subject"] == "Weekly summary 2026-W47: 2 real changes Bcc: thief@example.org"


def test_the_same_letter_is_the_same_bytes_and_another_week_another_message() -> None:
    once, again = (message(LETTER, "kept@city.example", ["a@b.example"]) for _ in range(2))
    assert once == again
    other = Letter(subject="s", plain="p", page="<p>", at=LETTER.at, key="2026-W48")
    assert parsed(other)["Message-ID"] != parsed()["Message-ID"]


def test_lines_are_short_enough_for_every_server() -> None:
    assert max(len(line) for line in message(LETTER, "k@city.example", ["a@b.example"]).split(b"\r\n")) <= 998
