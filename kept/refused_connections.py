"""Why a server cannot be reached, in words a person can act on. Pure: it reads errors, it connects to nothing.

Both Kafka clients hide the reason of a failed first connection behind a time-out, and each client, InfluxDB's too,
wraps the system's errors in its own way; what they have in common is read here.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator

from msgspec import Struct

from kept.settings import Settings

OTHER_HOST = frozenset({62, 63, 64})
"""OpenSSL's codes for a certificate that is not for this host name, mail address or IP address."""
OUT_OF_DATE = frozenset({9, 10})
NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNEXPECTED_EOF_WHILE_READING"})
CLOSED = re.compile(r"disconnected|closed|reset|Invalid frame length|bytes read on a total of", re.IGNORECASE)
SSL_REASON = re.compile(r"\[SSL: (\w+)\]")


class Refusal(Struct, frozen=True):
    """What is wrong with a connection, and whether trying again can help."""

    permanent: bool
    words: str


def why_refused(error: BaseException, settings: Settings) -> Refusal | None:
    """What `error`, or one it came from, says of the network or of TLS; None when it says nothing of them."""
    for each in _causes(error):
        refusal = _of_tls(each, settings) or _of_network(each)
        if refusal is not None:
            return refusal
    if any(isinstance(each, ConnectionError | EOFError) or CLOSED.search(str(each)) for each in _causes(error)):
        return Refusal(False, f"it closes the connection; {_CLOSED_ADVICE[settings.security_protocol]}")
    return None


def certificate_refused(error: BaseException, ca_file: str | None, address: str) -> str | None:
    """Why the server's certificate was not accepted, if that is what `error`, or one it came from, says.

    `ca_file`: where the trusted authorities are, None for those of the system; `address`: where the server's name
    is written down.
    """
    for each in _causes(error):
        # aiohttp has an error of this kind, too, without what OpenSSL says: that is in the one it came from.
        if isinstance(each, ssl.SSLCertVerificationError) and hasattr(each, "verify_code"):
            return _unverified(each.verify_code, each.verify_message, ca_file, address)
    return None


def speaks_no_tls(error: BaseException) -> bool:
    """Whether `error`, or one it came from, says that the server answers TLS with something else."""
    return any(_tls_reason(each) in NO_TLS for each in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _of_tls(error: BaseException, settings: Settings) -> Refusal | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        address = "KEPT_BROKERS and into the broker's advertised.listeners"
        return Refusal(True, _unverified(error.verify_code, error.verify_message, settings.ssl_cafile, address))
    reason = _tls_reason(error)
    if "ALERT" in reason:
        shown = "the one in KEPT_SSL_CERTFILE" if settings.ssl_certfile else "none (KEPT_SSL_CERTFILE is not set)"
        return Refusal(
            True, f"it refuses this client's certificate, shown was {shown}; the broker says {reason.lower()}"
        )
    if reason in NO_TLS:
        return Refusal(False, f"it does not speak TLS there; {_CLOSED_ADVICE[settings.security_protocol]}")
    return None


def _tls_reason(error: BaseException) -> str:
    """OpenSSL's word for what went wrong; empty when this is no error of TLS."""
    reason = getattr(error, "reason", None) if isinstance(error, ssl.SSLError) else None
    if isinstance(reason, str):
        return reason
    found = SSL_REASON.search(str(error))
    return found.group(1) if found else ""


def _unverified(code: int, message: str, ca_file: str | None, address: str) -> str:
    if code in OTHER_HOST:
        return (
            f"its certificate is for another host ({message.rstrip('.')}); put the name that the certificate has "
            f"into {address}"
        )
    if code in OUT_OF_DATE:
        return f"its certificate is out of date ({message}); renew it, or set this machine's clock right"
    trusted = f"those of {ca_file}" if ca_file else "those of the system"
    return (
        f"its certificate is signed by an authority that is not trusted ({message}); trusted are {trusted}: put the "
        "authority's certificate into KEPT_SSL_CAFILE"
    )


def _of_network(error: BaseException) -> Refusal | None:
    text = str(error)
    if isinstance(error, socket.gaierror) or "DNS" in text:
        return Refusal(False, "its host name is not known here; check KEPT_BROKERS")
    if isinstance(error, ConnectionRefusedError) or "ECONNREFUSED" in text:
        return Refusal(False, "nothing listens there; start it, or set KEPT_BROKERS")
    if isinstance(error, TimeoutError) or "timed out" in text.lower():
        return Refusal(False, "it does not answer in time; is it stopped, or a firewall between?")
    return None


_CLOSED_ADVICE = {
    "PLAINTEXT": "it may ask for TLS or a login there: check the port and KEPT_SECURITY_PROTOCOL",
    "SSL": "it may speak plain text or ask for a login there: check the port and KEPT_SECURITY_PROTOCOL",
    "SASL_PLAINTEXT": (
        "either it refuses the login (KEPT_SASL_USERNAME, its password, KEPT_SASL_MECHANISM), or it asks for TLS "
        "there: check the port and KEPT_SECURITY_PROTOCOL"
    ),
    "SASL_SSL": (
        "either it refuses the login (KEPT_SASL_USERNAME, its password, KEPT_SASL_MECHANISM), or it speaks otherwise "
        "there: check the port and KEPT_SECURITY_PROTOCOL"
    ),
}
