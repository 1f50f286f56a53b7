"""Addresses: to which URLs and IP addresses messages are sent.

A request to an address inside the network could reach services that trust whoever can connect. The address
is checked each time a name is resolved, and the connection is made to the very address that was checked: a
name that resolves to another address a moment later gains nothing.
"""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit

from rowkeep.errors.catalogue import InvalidUrl, preview
from rowkeep.model.webhooks import MAX_URL_LENGTH

Address: TypeAlias = IPv4Address | IPv6Address

RESOLVING_THREADS = 8
RESOLVE_SECONDS = 5.0

NOT_PUBLIC = tuple(
    map(
        ip_network,
        (
            # IPv4: this network, private, shared, loopback, link-local, protocols, documentation, 6to4
            # relays, benchmarks, multicast, reserved
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
            *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
            # IPv6: unspecified, loopback and IPv4-compatible; IPv4-mapped; NAT64; discard; protocols and
            # Teredo; documentation; 6to4; segment routing; unique local; link-local; site-local; multicast
            *("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64"),
            *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7"),
            *("fe80::/10", "fec0::/10", "ff00::/8"),
        ),
    )
)
"""Addresses that are not public, or that contain an IPv4 address which would have to be checked again."""


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet."""
    if any(address.version == each.version and address in each for each in NOT_PUBLIC):
        return False
    return address.is_global and not address.is_multicast


def is_allowed(text: str, allow_private: bool) -> bool:
    """Whether messages may be sent to an IP address. With ``allow_private``, to all that a host can have."""
    try:
        # a link-local address has its interface after a percent sign
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if allow_private:
        return not address.is_multicast and not address.is_unspecified
    return is_public(address)


def read_url(url: str) -> SplitResult:
    """The parts of a URL. Raises InvalidUrl for one that is malformed, or has parts that are not allowed."""

    def refused(why: str) -> InvalidUrl:
        return InvalidUrl(f"{why}; got {preview(url)}.", pointer="/url")

    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url or '"' in url:
        raise refused("url can contain only the ASCII characters of a URL (encode others, as in %20)")
    if len(url) > MAX_URL_LENGTH:
        raise refused(f"url can have at most {MAX_URL_LENGTH:,} characters, not {len(url):,}")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise refused("url must be a valid URL, such as https://hooks.example/rows") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise refused(
            "url must start with https:// or http:// and a host, such as https://hooks.example/rows"
        )
    if parts.username is not None or parts.password is not None:
        raise InvalidUrl(
            "url must have no user and password. Receivers authenticate messages by their signatures.",
            pointer="/url",
        )
    if parts.fragment:
        raise refused("url must have no fragment (the part after #)")
    return parts


class RefusedAddress(Exception):
    """A name resolves to an address that messages are not sent to."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"Host {preview(host)} has an address that is not public (loopback, private, link-local or "
            "reserved). Use a public host, or set ROWKEEP_WEBHOOK_ALLOW_PRIVATE."
        )


class Resolver:
    """Resolves names in threads of its own: a name server that does not respond holds up nothing else."""

    def __init__(self, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._threads = ThreadPoolExecutor(RESOLVING_THREADS, "resolve")

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host, all of them allowed. Raises RefusedAddress if one is not, and OSError
        (TimeoutError too) if there is none."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(RESOLVE_SECONDS):
            try:
                found = await loop.run_in_executor(self._threads, _resolve, host, port)
            except UnicodeError:
                raise OSError("the name is not valid") from None
        addresses = list(dict.fromkeys(found))
        if not all(is_allowed(each, self._allow_private) for each in addresses):
            raise RefusedAddress(host)
        return addresses

    async def check(self, url: str) -> None:
        """Raises InvalidUrl for a URL that messages are never sent to. A name that cannot be resolved now is
        accepted: it is resolved again for each connection."""
        parts = read_url(url)
        assert parts.hostname is not None  # noqa: S101 - it was checked
        try:
            await self.addresses(parts.hostname, port_of(parts))
        except RefusedAddress as error:
            raise InvalidUrl(str(error), pointer="/url") from None
        except OSError:
            return

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def port_of(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _resolve(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(each[4][0]) for each in found]
