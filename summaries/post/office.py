"""Handing a message to an SMTP server. What the server says becomes `Retry` or `Stop`."""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from collections.abc import Sequence
from typing import Final

from kept.errors import ConfigurationError, Retry, Stop
from kept.settings import Settings

SECONDS: Final = 30.0
"""A server that says nothing for so long is away."""
ACCEPTING_SECONDS: Final = 600.0
"""After the last line a server may take so long to accept a message (RFC 5321, section 4.5.3.2.6): asking again sooner
would send it twice."""
PASSING: Final = range(400, 500)
"""Replies that mean: try again later (RFC 5321, section 4.2.1)."""


def recipients_of(settings: Settings) -> list[str]:
    """Addresses of KEPT_SUMMARY_TO; raises `ConfigurationError` when there is none or one makes no sense."""
    found = [address.strip() for address in settings.summary_to.split(",") if address.strip()]
    if not found:
        raise ConfigurationError("KEPT_SUMMARY_TO: not set; name who gets the weekly summary, comma separated")
    for address in (*found, settings.summary_from):
        local, _, domain = address.rpartition("@")
        if (
            not local
            or not domain
            or not address.isascii()
            or any(char.isspace() or char in "<>,;" for char in address)
        ):
            raise ConfigurationError(f"{address!r} is no address; valid: such as leaders@city.example")
    return found


def send(content: bytes, recipients: Sequence[str], settings: Settings) -> None:
    """Hand `content` over for all `recipients`.

    Raises `Retry` when the server is away or asks to come again, `Stop` when it refuses the login, the sender, a
    recipient or the message. Nothing is sent when any recipient is refused: a message is for all or it is mended.
    """
    host, _, port = settings.smtp_server.rpartition(":")
    try:
        server = _connected(host, int(port), settings)
        try:
            if settings.smtp_username:
                server.login(settings.smtp_username, settings.smtp_password or "")
            _hand_over(server, content, recipients, settings.summary_from)
        finally:
            _leave(server)
    except smtplib.SMTPAuthenticationError as error:
        raise _verb(error.smtp_code)(f"{settings.smtp_server} refuses the login: {_said(error.smtp_error)}") from error
    except smtplib.SMTPResponseException as error:
        raise _verb(error.smtp_code)(
            f"{settings.smtp_server} answers {error.smtp_code}: {_said(error.smtp_error)}"
        ) from error
    except smtplib.SMTPNotSupportedError as error:
        raise Stop(
            f"{settings.smtp_server} does not offer what KEPT_SMTP_SECURITY={settings.smtp_security} or a login needs: "
            f"{error}"
        ) from error
    except ssl.SSLCertVerificationError as error:
        raise Stop(
            f"{settings.smtp_server} shows a certificate that is not trusted ({error.verify_message}); name its "
            "authority in KEPT_SSL_CAFILE"
        ) from error
    except (OSError, smtplib.SMTPException) as error:
        raise Retry(f"{settings.smtp_server} cannot be reached: {error}") from error


def _leave(server: smtplib.SMTP) -> None:
    """Say goodbye, whatever the answer: what was accepted before stays accepted."""
    with contextlib.suppress(OSError, smtplib.SMTPException):
        server.quit()
    server.close()


def _connected(host: str, port: int, settings: Settings) -> smtplib.SMTP:
    context = ssl.create_default_context(cafile=settings.ssl_cafile)
    if settings.smtp_security == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=context)
    server = smtplib.SMTP(host, port, timeout=SECONDS)
    try:
        if settings.smtp_security == "starttls":
            server.starttls(context=context)
    except BaseException:
        server.close()
        raise
    return server


def _hand_over(server: smtplib.SMTP, content: bytes, recipients: Sequence[str], sender: str) -> None:
    server.ehlo_or_helo_if_needed()
    code, words = server.mail(sender)
    if code != 250:
        raise _verb(code)(f"the sender {sender} is refused: {code} {_said(words)}")
    for recipient in recipients:
        code, words = server.rcpt(recipient)
        if code not in (250, 251):
            raise _verb(code)(f"the recipient {recipient} is refused, and nothing was sent: {code} {_said(words)}")
    if server.sock is not None:
        server.sock.settimeout(ACCEPTING_SECONDS)
    code, words = server.data(content)
    if code != 250:
        raise _verb(code)(f"the message is refused: {code} {_said(words)}")


def _verb(code: int) -> type[Retry] | type[Stop]:
    return Retry if code in PASSING else Stop


def _said(words: bytes | str) -> str:
    text = words.decode("ascii", "replace") if isinstance(words, bytes) else words
    return " ".join(text.split())[:200]
