"""The letter of a week, as it arrives at a real SMTP server."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path

import catalogue
from history.sqlite import SQLiteHistory
from kept.catalogue import read_catalogue
from kept.settings import Settings
from summaries.post.letter import prepare
from summaries.post.message import message
from summaries.post.office import send
from tests.summaries.post.mail_server import mail_server
from tests.summaries.weekly.figures import HOSTILE_AREA, SMALL, WEEK, ordinary_week, small_week

TO = ["leaders@city.example"]


class Pictures(HTMLParser):
    """`src` and `alt` of each picture, and every other address."""

    def __init__(self) -> None:
        super().__init__()
        self.pictures: list[tuple[str, str]] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "img":
            self.pictures.append((found["src"], found["alt"]))
        self.addresses += [found[name] for name in ("href", "src") if name in found and tag != "img"]
        assert tag not in ("script", "iframe", "object", "link"), tag
        assert not any(name.startswith("on") for name in found), found


def arrived(path: Path) -> EmailMessage:
    """The ordinary week of the city, sent and received."""
    city = read_catalogue([catalogue.CITY])
    store = SQLiteHistory(path)
    ordinary_week(store, city)
    prepared = prepare(city, "https://board.city.example/", store, WEEK.name)
    store.close()
    assert prepared is not None
    assert prepared.complete
    with mail_server() as box:
        settings = Settings(smtp_server=box.server, smtp_security="none")
        send(message(prepared.letter, settings.summary_from, TO), TO, settings)
    ((_, _, content),) = box.arrived
    mail = message_from_bytes(content, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def test_it_arrives_readable_as_text_with_inline_pictures_that_have_words_and_a_paper(tmp_path: Path) -> None:
    mail = arrived(tmp_path / "history.sqlite")
    plain, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert page is not None
    sentence = "below the range 73.2 to 86.8 % seen since July"
    for text in (plain.get_content(), page.get_content()):
        assert sentence in " ".join(text.split())
    seen = Pictures()
    seen.feed(page.get_content())
    images = {part["Content-ID"].strip("<>") for part in mail.walk() if part.get_content_type() == "image/png"}
    assert {source.removeprefix("cid:") for source, _ in seen.pictures} == images
    assert len(images) == 2
    assert all("Control chart by week" in words for _, words in seen.pictures)
    assert seen.addresses == [
        "https://board.city.example/week/2026-W47",
        "https://board.city.example/decisions",
    ]
    (paper,) = mail.iter_attachments()
    assert paper.get_filename() == "kept-2026-W47.pdf"
    assert paper.get_content().startswith(b"%PDF-")


def test_its_subject_is_what_there_is_to_know(tmp_path: Path) -> None:
    assert arrived(tmp_path / "history.sqlite")["Subject"].startswith("2026-W47: 1 concern, 1 improvement")


def test_nothing_that_a_mail_reader_would_not_understand_is_in_its_style(tmp_path: Path) -> None:
    page = arrived(tmp_path / "history.sqlite").get_body(("html",))
    assert page is not None
    style = re.findall(r"<style>(.*?)</style>", page.get_content(), re.S)[0]
    assert "var(" not in style
    assert "url(" not in style
    assert "@" not in style.replace("@media print", "")


def test_names_are_harmless_in_the_letter(tmp_path: Path) -> None:
    store = SQLiteHistory(tmp_path / "small.sqlite")
    small_week(store)
    prepared = prepare(SMALL, "http://127.0.0.1:8400", store, WEEK.name)
    store.close()
    assert prepared is not None
    Pictures().feed(prepared.letter.page)
    assert HOSTILE_AREA not in prepared.letter.page
    addresses = re.findall(r"\S*(?:://|www\.)\S*", prepared.letter.plain)
    assert addresses == ["http://127.0.0.1:8400/week/2026-W47"], "a mail reader makes a link of nothing else"


def test_a_week_without_figures_has_no_letter(tmp_path: Path) -> None:
    store = SQLiteHistory(tmp_path / "small.sqlite")
    small_week(store)
    assert prepare(SMALL, "http://127.0.0.1:8400", store, "2020-W01") is None
    store.close()
