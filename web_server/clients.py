"""Who asks, for limits: the address of the connection, or what a trusted proxy says of it. Proves nobody's identity."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Scope

from kept.errors import ConfigurationError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LOOPBACK: Final = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
NOBODY: Final = "unknown"
"""Of a connection without an address."""
MOST_HOPS: Final = 20
"""Addresses of X-Forwarded-For that are looked at, from the nearest on."""
_SITE_BITS: Final = 64
"""One subscriber has at least so many bits of an IPv6 address to choose from: they count as one client."""


def networks_of(setting: str, text: str) -> tuple[Network, ...]:
    """The comma separated addresses or networks of `setting`; raises `ConfigurationError`."""
    return tuple(_network(setting, part.strip()) for part in text.split(",") if part.strip())


def is_from(networks: Sequence[Network], scope: Scope) -> bool:
    """Whether the connection itself comes from one of `networks`; what a header says of that is not asked."""
    client = scope.get("client")
    address = _address(client[0]) if client else None
    return address is not None and _is_in(address, networks)


def client_of(scope: Scope, proxies: Sequence[Network]) -> str:
    """Whom a request counts for.

    X-Forwarded-For is believed only of `proxies`, and read from its end: what stands before the first address that is
    no proxy of ours was written by the client, who may write what it likes.
    """
    connection = scope.get("client")
    nearest = _address(connection[0]) if connection else None
    if nearest is None:
        return NOBODY
    if _is_in(nearest, proxies):
        said = ",".join(Headers(scope=scope).getlist("x-forwarded-for")).split(",")
        for text in said[::-1][:MOST_HOPS]:
            address = _address(text.strip())
            if address is None:
                break
            nearest = address
            if not _is_in(address, proxies):
                break
    return client_name(nearest)


def client_name(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """What all addresses of one client have in common."""
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, _SITE_BITS), strict=False))


def connected(host: str, proxies: Sequence[Network]) -> str | None:
    """Whom a connection from `host` counts for; None for a proxy of ours, which brings many."""
    address = _address(host)
    if address is None:
        return NOBODY
    return None if _is_in(address, proxies) else client_name(address)


def _is_in(address: ipaddress.IPv4Address | ipaddress.IPv6Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _network(setting: str, text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise ConfigurationError(
            f"{setting}: {text!r} is no address or network ({error}); valid: such as 10.1.2.3 or 10.1.0.0/16"
        ) from error
