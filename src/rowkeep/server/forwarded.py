"""Forwarded: the address and the scheme of a client of trusted proxies.

Each proxy adds the address that it received a request from at the end of ``X-Forwarded-For``. They are read
from the right, through proxies that are trusted: the first other address is the client, and what it sent
itself, on the left, has no effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from rowkeep.setting_rules import Network

Address = IPv4Address | IPv6Address

MAX_HOPS = 32
"""How many proxies are followed."""

SCHEMES = ("http", "https")


def read_address(text: str) -> Address | None:
    """An address as proxies write it: with or without a port, IPv6 also in brackets. None for other texts."""
    host = text.strip().strip('"')
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        found = ip_address(host)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return found if mapped is None else mapped


def is_trusted(address: Address | None, trusted: Sequence[Network]) -> bool:
    """Whether an address is one of the proxies."""
    return address is not None and any(
        address.version == network.version and address in network for network in trusted
    )


def origin_of(
    peer: str, forwarded_for: Sequence[str], forwarded_proto: Sequence[str], trusted: Sequence[Network]
) -> tuple[str, str | None]:
    """The address of the client, and the scheme that it used if a trusted proxy says so.

    ``peer`` is the address of the connection; the others are the values of all headers of these names. A text
    that is not an address ends the search: the proxy before it is the last one that is known.
    """
    if not is_trusted(read_address(peer), trusted):
        return peer, None
    hops = _parts(forwarded_for)
    client, passed = peer, 0
    for text in reversed(hops[-MAX_HOPS:]):
        address = read_address(text)
        if address is None:
            break
        client = str(address)
        passed += 1
        if not is_trusted(address, trusted):
            break
    schemes = [each.lower() for each in _parts(forwarded_proto)]
    scheme = schemes[-min(max(passed, 1), len(schemes))] if schemes else None
    return client, scheme if scheme in SCHEMES else None


def _parts(values: Sequence[str]) -> list[str]:
    return [part.strip() for value in values for part in value.split(",") if part.strip()]
