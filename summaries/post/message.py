"""An e-mail readable as plain text, with the page and its pictures beside it. The same input, the same bytes."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Sequence
from email.message import EmailMessage, MIMEPart
from email.policy import SMTP
from email.utils import format_datetime

from msgspec import Struct

PICTURE_DOMAIN = "kept.invalid"
"""What identifiers of pictures and messages end with: a domain that nobody has (RFC 2606)."""
MOST_SUBJECT_CHARACTERS = 180
MOST_LINE_CHARACTERS = 220
NOBODY = "undisclosed-recipients:;"
"""Where no recipient is named (RFC 5322, section 3.4)."""


class Picture(Struct, frozen=True):
    """A PNG that the page shows as `cid:` + `cid`; the page gives its alternative text."""

    name: str
    png: bytes

    @property
    def cid(self) -> str:
        """What `src` in the page names it by, after `cid:`."""
        return f"{self.name}@{PICTURE_DOMAIN}"


class Attachment(Struct, frozen=True):
    """A file beside the text."""

    name: str
    subtype: str
    content: bytes


class Letter(Struct, frozen=True, kw_only=True):
    """A message as it is read. `at` becomes its date; `key` makes two messages one, such as `2026-W47`."""

    subject: str
    plain: str
    page: str
    at: datetime.datetime
    key: str
    pictures: Sequence[Picture] = ()
    attachments: Sequence[Attachment] = ()


def message(letter: Letter, sender: str, recipients: Sequence[str]) -> bytes:
    """The message in the form of RFC 5322: alternative(plain text, related(page, pictures)), then attachments.

    Mail readers take two with one Message-ID for one message: sending again after an error is harmless.
    """
    # A longer line than usual: the parser of the standard library puts a blank before a folded header.
    mail = EmailMessage(policy=SMTP.clone(max_line_length=MOST_LINE_CHARACTERS))
    mail["Subject"] = one_line(letter.subject)
    mail["From"] = sender
    mail["To"] = ", ".join(recipients) or NOBODY
    mail["Date"] = format_datetime(letter.at)
    digest = hashlib.blake2b(f"{letter.key}|{sender}|{'|'.join(recipients)}".encode(), digest_size=12).hexdigest()
    mail["Message-ID"] = f"<{letter.key}.{digest}@{PICTURE_DOMAIN}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(letter.plain, cte="quoted-printable")
    mail.add_alternative(letter.page, subtype="html", cte="quoted-printable")
    _, page = mail.iter_parts()
    assert isinstance(page, MIMEPart)
    for picture in letter.pictures:
        page.add_related(
            picture.png, "image", "png", cid=f"<{picture.cid}>", disposition="inline", filename=f"{picture.name}.png"
        )
    for file in letter.attachments:
        mail.add_attachment(file.content, "application", file.subtype, filename=file.name)
    _fix_boundaries(mail, digest)
    return mail.as_bytes()


def one_line(text: str) -> str:
    """A text for a header: control characters are blanks, what is too long is cut."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(plain.split())[:MOST_SUBJECT_CHARACTERS]


def _fix_boundaries(mail: EmailMessage, digest: str) -> None:
    """Boundaries that are the same each time; a quoted-printable or base64 line never begins with one."""
    for number, part in enumerate(mail.walk()):
        if part.is_multipart():
            part.set_boundary(f"==kept={digest}={number}==")
