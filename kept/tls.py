"""The TLS context of every Kafka client, from the certificate files that the settings name. Opens no connection.

Certificates and host names are always verified; nothing turns that off.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from kept.errors import ConfigurationError
from kept.settings import Settings


def tls_context(settings: Settings) -> ssl.SSLContext:
    """Trusts `ssl_cafile`, or the system's authorities; shows `ssl_certfile` when there is one.

    Raises `ConfigurationError` naming the setting whose file is missing, unreadable or not what it should be.
    """
    context = _trusting(settings.ssl_cafile)
    if settings.ssl_certfile:
        _show(context, settings, settings.ssl_certfile)
    return context


def _trusting(cafile: str | None) -> ssl.SSLContext:
    _require_readable("KEPT_SSL_CAFILE", cafile)
    try:
        return ssl.create_default_context(cafile=cafile or None)
    except ssl.SSLError as error:
        raise ConfigurationError(
            f"KEPT_SSL_CAFILE: {cafile!r} holds no PEM certificate ({error.reason or 'cannot be used'}); "
            "valid: the certificates of the authorities, as text from -----BEGIN CERTIFICATE-----"
        ) from error


def _show(context: ssl.SSLContext, settings: Settings, certfile: str) -> None:
    keyfile = settings.ssl_keyfile or None
    _require_readable("KEPT_SSL_CERTFILE", certfile)
    _require_readable("KEPT_SSL_KEYFILE", keyfile)
    asked = False

    def password() -> str:
        # Without this, OpenSSL would ask at the terminal and wait.
        nonlocal asked
        asked = True
        return settings.ssl_key_password or ""

    try:
        context.load_cert_chain(certfile, keyfile, password)
    except (ssl.SSLError, ValueError) as error:
        if asked:
            what = "is encrypted, and KEPT_SSL_KEY_PASSWORD_FILE does not open it" if settings.ssl_key_password else (
                "is encrypted; give its password in KEPT_SSL_KEY_PASSWORD_FILE"
            )  # fmt: skip
            raise ConfigurationError(f"the private key in {keyfile or certfile!r} {what}") from error
        reason = error.reason if isinstance(error, ssl.SSLError) else None
        raise ConfigurationError(
            f"KEPT_SSL_CERTFILE {certfile!r} and KEPT_SSL_KEYFILE {keyfile or certfile!r} are not a PEM certificate "
            f"with its private key ({reason or 'cannot be used'}); check that they belong together"
        ) from error


def _require_readable(setting: str, path: str | None) -> None:
    """OpenSSL does not say which of the files it could not read."""
    if not path:
        return
    try:
        with Path(path).open("rb") as file:
            file.read(1)
    except OSError as error:
        raise ConfigurationError(
            f"{setting}: {path!r} cannot be read: {error.strerror}; name a file of PEM text that this user may read"
        ) from error
