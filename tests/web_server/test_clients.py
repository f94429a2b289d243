"""For whom a request counts: the connection's address, or what a trusted proxy says; never what a client says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kept.errors import ConfigurationError
from web_server.clients import LOOPBACK, NOBODY, client_of, connected, is_from, networks_of

PROXIES = networks_of("KEPT_TRUSTED_PROXIES", "10.0.0.0/8, 2001:db8:1::/48")


def asked(client: str | None, *forwarded: str) -> dict[str, Any]:
    headers = [(b"x-forwarded-for", value.encode("latin-1")) for value in forwarded]
    return {"type": "http", "headers": headers, "client": None if client is None else (client, 4000)}


@pytest.mark.parametrize(
    ("client", "forwarded", "counts_for"),
    [
        ("192.0.2.1", (), "192.0.2.1"),
        ("192.0.2.1", ("198.51.100.7",), "192.0.2.1"),
        ("10.0.0.1", (), "10.0.0.1"),
        ("10.0.0.1", ("198.51.100.7",), "198.51.100.7"),
        ("::ffff:10.0.0.1", ("198.51.100.7",), "198.51.100.7"),
        ("10.0.0.1", ("203.0.113.1, 198.51.100.7",), "198.51.100.7"),
        ("10.0.0.1", ("203.0.113.1", "198.51.100.7"), "198.51.100.7"),
        ("10.0.0.1", ("203.0.113.1, 198.51.100.7, 10.0.0.2",), "198.51.100.7"),
        ("10.0.0.1", ("10.0.0.3, 10.0.0.2",), "10.0.0.3"),
        ("10.0.0.1", ("198.51.100.7, nonsense",), "10.0.0.1"),
        ("10.0.0.1", ("",), "10.0.0.1"),
        ("2001:db8:7:1:2:3:4:5", (), "2001:db8:7:1::/64"),
        ("2001:db8:7:1:ffff::9", (), "2001:db8:7:1::/64"),
        ("2001:db8:1::1", ("2001:db8:7:1::9",), "2001:db8:7:1::/64"),
        ("unix", ("198.51.100.7",), NOBODY),
        (None, ("198.51.100.7",), NOBODY),
    ],
)
def test_a_request_counts_for(client: str | None, forwarded: tuple[str, ...], counts_for: str) -> None:
    assert client_of(asked(client, *forwarded), PROXIES) == counts_for


@given(st.lists(st.text(st.characters(max_codepoint=255), max_size=60), max_size=3))
def test_no_header_of_a_stranger_changes_for_whom_it_counts(forwarded: list[str]) -> None:
    assert client_of(asked("192.0.2.1", *forwarded), PROXIES) == "192.0.2.1"


@given(st.lists(st.text(st.characters(max_codepoint=255), max_size=60), max_size=3))
def test_whatever_a_proxy_hands_on_is_survived(forwarded: list[str]) -> None:
    assert client_of(asked("10.0.0.1", *forwarded), PROXIES)


def test_connections_of_a_proxy_are_nobodys() -> None:
    assert connected("10.0.0.1", PROXIES) is None
    assert connected("192.0.2.1", PROXIES) == "192.0.2.1"
    assert connected("", PROXIES) == NOBODY


def test_a_connection_is_from_a_network() -> None:
    assert is_from(LOOPBACK, asked("127.0.0.9"))
    assert not is_from(LOOPBACK, asked("192.0.2.1", "127.0.0.1"))
    assert not is_from(LOOPBACK, asked(None))


@pytest.mark.parametrize("text", ["proxy", "10.0.0.1/8", "10.0.0.1;10.0.0.2"])
def test_what_is_no_network_is_refused_by_its_setting(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"KEPT_TRUSTED_PROXIES: .* is no address or network"):
        networks_of("KEPT_TRUSTED_PROXIES", text)
