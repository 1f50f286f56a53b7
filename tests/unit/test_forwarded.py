"""The address of a client behind proxies: read from the right, only through proxies that are trusted."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from rowkeep.errors.catalogue import SetupError
from rowkeep.server.forwarded import MAX_HOPS, origin_of
from rowkeep.setting_rules import networks
from rowkeep.settings import Settings

PEERS = ("127.0.0.1", "::1", "10.0.0.1")
TRUSTED = networks("10.0.0.0/8, 192.0.2.1,fd00::/8")


@pytest.mark.parametrize(
    ("peer", "sent", "client"),
    [
        ("10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["10.9.9.9, 203.0.113.7, 10.0.0.2"], "203.0.113.7"),
        ("10.0.0.1", ["198.51.100.1", "203.0.113.7", "10.0.0.2"], "203.0.113.7"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("192.0.2.1", ["203.0.113.7:4711"], "203.0.113.7"),
        ("::ffff:10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("fd00::1", ['"[2001:db8::7]:4711"'], "2001:db8::7"),
        ("10.0.0.1", ["2001:DB8::7"], "2001:db8::7"),
        ("10.0.0.1", ["203.0.113.7, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.7, 10.0.0.2\x00"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.7, <script>, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", ["", " , "], "10.0.0.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),
        ("192.0.2.2", ["198.51.100.1"], "192.0.2.2"),
        ("", ["198.51.100.1"], ""),
    ],
)
def test_the_client_is_the_first_address_that_is_not_a_proxy(peer: str, sent: list[str], client: str) -> None:
    assert origin_of(peer, sent, [], TRUSTED)[0] == client


def test_only_so_many_proxies_are_followed() -> None:
    sent = ["203.0.113.7, " + ", ".join(["10.0.0.2"] * (MAX_HOPS + 1))]
    assert origin_of("10.0.0.1", sent, [], TRUSTED)[0] == "10.0.0.2"


@pytest.mark.parametrize(
    ("peer", "sent", "schemes", "scheme"),
    [
        ("10.0.0.1", ["203.0.113.7"], ["https"], "https"),
        ("10.0.0.1", ["203.0.113.7"], ["HTTPS"], "https"),
        ("10.0.0.1", [], ["https"], "https"),
        ("10.0.0.1", ["203.0.113.7"], ["https, http"], "http"),
        ("10.0.0.1", ["203.0.113.7, 10.0.0.2"], ["http, https, http"], "https"),
        ("10.0.0.1", ["203.0.113.7"], ["wss"], None),
        ("10.0.0.1", ["203.0.113.7"], [], None),
        ("203.0.113.7", [], ["https"], None),
    ],
)
def test_the_scheme_is_that_of_the_client(
    peer: str, sent: Sequence[str], schemes: Sequence[str], scheme: str | None
) -> None:
    assert origin_of(peer, sent, schemes, TRUSTED)[1] == scheme


def test_nobody_is_trusted_if_the_setting_says_so() -> None:
    trusted = networks(Settings.from_environment({"ROWKEEP_TRUSTED_PROXIES": "none"}).trusted_proxies)
    assert origin_of("127.0.0.1", ["203.0.113.7"], ["https"], trusted) == ("127.0.0.1", None)


def test_by_default_proxies_on_this_machine_are_trusted() -> None:
    trusted = networks(Settings().trusted_proxies)
    assert [
        origin_of(peer, ["203.0.113.7"], [], trusted)[0] for peer in ("127.0.0.1", "::1", "10.0.0.1")
    ] == [
        "203.0.113.7",
        "203.0.113.7",
        "10.0.0.1",
    ]


@pytest.mark.parametrize(
    "text", ["proxy.example", "10.0.0.1/8", "10.0.0.1;10.0.0.2", ",", "*", "10.0.0.1,none"]
)
def test_a_proxy_is_an_address_or_a_network(text: str) -> None:
    with pytest.raises(SetupError, match=r'^ROWKEEP_TRUSTED_PROXIES: ".*" is not an address or a network'):
        Settings.from_environment({"ROWKEEP_TRUSTED_PROXIES": text})
