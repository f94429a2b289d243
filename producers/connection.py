"""How Kept's settings become kafka-python options, and its errors become ours. The only place that knows both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kafka import errors

from kept.errors import ConfigurationError, KeptError, Retry, Stop
from kept.settings import Settings

PERMANENT: tuple[tuple[type[errors.KafkaError], str], ...] = (
    (errors.SaslAuthenticationFailedError, "the broker refuses these credentials; check KEPT_SASL_USERNAME"),
    (errors.UnsupportedSaslMechanismError, "the broker does not know this mechanism; check KEPT_SASL_MECHANISM"),
    (errors.AuthorizationError, "not allowed to write there; grant this user the right to write"),
    (errors.MessageSizeTooLargeError, "an event is larger than the topic takes; raise max.message.bytes of the topic"),
    (errors.InvalidTopicError, "not a valid topic name; check KEPT_TOPIC_PREFIX"),
    (errors.UnsupportedVersionError, "the broker is too old; Kafka 2.5 or newer is needed"),
    (errors.KafkaConfigurationError, "the connection settings make no sense"),
)
"""Client errors that trying again does not cure, the narrower first, with what to do. All others are worth a retry."""


def client_options(settings: Settings) -> dict[str, Any]:
    """Connection options for any kafka-python client."""
    options: dict[str, Any] = {
        "bootstrap_servers": [server.strip() for server in settings.brokers.split(",")],
        "security_protocol": settings.security_protocol,
    }
    if settings.ssl_cafile:
        if not Path(settings.ssl_cafile).is_file():
            raise ConfigurationError(f"KEPT_SSL_CAFILE: {settings.ssl_cafile!r}: no such file of PEM certificates")
        options["ssl_cafile"] = settings.ssl_cafile
    if settings.security_protocol.startswith("SASL"):
        options |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.sasl_username,
            "sasl_plain_password": settings.sasl_password,
        }
    return options


PUBLISH_AGAIN = "nothing is lost, publish the same again when the broker answers"


def kept_error(error: Exception, where: str, advice: str = PUBLISH_AGAIN) -> KeptError:
    """The `Stop` or `Retry` that a kafka-python error means; `where` begins the message, `advice` ends a `Retry`."""
    for kind, cure in PERMANENT:
        if isinstance(error, kind):
            return Stop(f"{where}: {cure} ({error})")
    return Retry(f"{where}: {error}; {advice}")
