"""How Kept's settings become aiokafka's and Faust's."""

from __future__ import annotations

import ssl
from typing import Any

import faust

from kept.errors import ConfigurationError
from kept.settings import Settings


def client_settings(settings: Settings) -> dict[str, Any]:
    """Connection options of every aiokafka client."""
    options: dict[str, Any] = {
        "bootstrap_servers": [broker.strip() for broker in settings.brokers.split(",")],
        "security_protocol": settings.security_protocol,
    }
    if settings.security_protocol.endswith("SSL"):
        options["ssl_context"] = _ssl_context(settings)
    if settings.security_protocol.startswith("SASL"):
        options |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.sasl_username,
            "sasl_plain_password": settings.sasl_password,
        }
    return options


def faust_credentials(settings: Settings) -> Any:
    """Faust's credentials object, or None for a plain connection."""
    if settings.security_protocol == "PLAINTEXT":
        return None
    context = _ssl_context(settings) if settings.security_protocol.endswith("SSL") else None
    if settings.security_protocol == "SSL":
        return faust.SSLCredentials(context)
    return faust.SASLCredentials(
        username=settings.sasl_username,
        password=settings.sasl_password,
        mechanism=settings.sasl_mechanism,
        ssl_context=context,
    )


def _ssl_context(settings: Settings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.ssl_cafile)
    except OSError as error:  # also what is no certificate
        raise ConfigurationError(
            f"KEPT_SSL_CAFILE: {settings.ssl_cafile!r} cannot be used: {error}; name a file of PEM certificates"
        ) from error
