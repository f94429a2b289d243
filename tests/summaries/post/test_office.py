"""Handing the summary to a real SMTP server: over TLS with a login, and every way in which it is refused."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

import pytest

from kept.errors import ConfigurationError, KeptError, Retry, Stop
from kept.settings import Settings
from local_stack.ports import LOOPBACK, free_port
from summaries.post.office import recipients_of, send
from tests import certificates
from tests.summaries.post.mail_server import NAME, PASSWORD, mail_server

CONTENT = b"Subject: a\r\n\r\n.leading dot\r\n"
TO = ["leaders@city.example", "ops@city.example"]


def plain(server: str, **changes: str) -> Settings:
    return Settings(smtp_server=server, smtp_security="none", summary_from="kept@city.example", **changes)


def test_a_message_arrives_as_it_was_for_every_recipient() -> None:
    with mail_server() as box:
        send(CONTENT, TO, plain(box.server))
    assert box.arrived == [("kept@city.example", TO, CONTENT)]


@pytest.mark.skipif(certificates.MISSING is not None, reason=str(certificates.MISSING))
def test_over_tls_with_a_login_and_only_to_a_server_that_is_trusted(tmp_path: Path) -> None:
    authority = certificates.Authority(tmp_path, "city")
    certificate, key = authority.issue("mail", f"IP:{LOOPBACK}")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    with mail_server(tls=tls, login=True) as box:
        known = Settings(
            smtp_server=box.server, ssl_cafile=str(authority.certificate), smtp_username=NAME, smtp_password=PASSWORD
        )
        send(CONTENT, TO, known)
        with pytest.raises(Stop, match="refuses the login"):
            send(CONTENT, TO, Settings(**{**_fields(known), "smtp_password": "wrong"}))
        stranger = certificates.Authority(tmp_path, "stranger")
        with pytest.raises(Stop, match="certificate that is not trusted"):
            send(CONTENT, TO, Settings(**{**_fields(known), "ssl_cafile": str(stranger.certificate)}))
    assert len(box.arrived) == 1


def test_a_server_without_tls_is_given_nothing() -> None:
    with mail_server() as box, pytest.raises(Stop, match="does not offer what KEPT_SMTP_SECURITY=starttls"):
        send(CONTENT, TO, Settings(smtp_server=box.server))
    assert box.arrived == []


@pytest.mark.parametrize(("reply", "verb"), [("550 no such user", Stop), ("450 mailbox busy", Retry)])
def test_when_one_recipient_is_refused_nobody_gets_it(reply: str, verb: type[KeptError]) -> None:
    with mail_server() as box:
        box.refuse["ops@city.example"] = reply
        with pytest.raises(verb, match=r"ops@city\.example is refused, and nothing was sent: (550|450)"):
            send(CONTENT, TO, plain(box.server))
    assert box.arrived == []


def test_a_server_that_is_not_there_is_tried_again() -> None:
    with pytest.raises(Retry, match="cannot be reached"):
        send(CONTENT, TO, plain(f"{LOOPBACK}:{free_port()}"))


def test_a_server_that_hangs_up_is_tried_again() -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        hanging_up = threading.Thread(target=lambda: listener.accept()[0].close())
        hanging_up.start()
        with pytest.raises(Retry, match="cannot be reached"):
            send(CONTENT, TO, plain(f"{LOOPBACK}:{listener.getsockname()[1]}"))
        hanging_up.join()


@pytest.mark.parametrize(
    ("to", "complaint"),
    [
        ("", "KEPT_SUMMARY_TO: not set"),
        ("leaders", "'leaders' is no address"),
        ("a@b.example\nBcc: c@d.example", "is no address"),
        ("Leaders <leaders@city.example>", "is no address"),
    ],
    ids=["none", "no domain", "a second header", "a name"],
)
def test_addresses_that_make_no_sense_are_refused_before_anything_is_sent(to: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        recipients_of(Settings(summary_to=to))


def test_several_recipients_are_comma_separated() -> None:
    assert recipients_of(Settings(summary_to=" a@b.example, c@d.example ,")) == ["a@b.example", "c@d.example"]


def _fields(settings: Settings) -> dict[str, object]:
    return {name: getattr(settings, name) for name in settings.__struct_fields__}


def test_what_a_server_says_to_a_goodbye_takes_nothing_back() -> None:
    with mail_server() as box:
        box.goodbye = "421 going down"
        send(CONTENT, TO, plain(box.server))
    assert len(box.arrived) == 1
