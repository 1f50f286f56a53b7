"""Webhook addresses: to which URLs and addresses messages are sent, and that a name that resolves to another
address a moment later gains nothing."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from typing import Any

import pytest

from rowkeep.errors.catalogue import InvalidUrl
from rowkeep.services.webhooks import addresses
from rowkeep.services.webhooks.addresses import RefusedAddress, Resolver, is_allowed, read_url
from rowkeep.services.webhooks.sender import Sender, sign
from rowkeep.settings import Settings
from support.receiver import receiving

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

PUBLIC = ("8.8.8.8", "93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "2a00:1450:4001:81b::200e")
INSIDE = (
    *("127.0.0.1", "127.255.255.254", "10.0.0.7", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *(
        "100.64.0.1",
        "169.254.169.254",
        "198.18.0.1",
        "192.0.0.8",
        "::1",
        "fd00::7",
        "fe80::1",
        "fe80::1%eth0",
    ),
    *("fec0::1", "64:ff9b::7f00:1", "64:ff9b:1::a00:7", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1"),
    *("2002:7f00:1::1", "2001:0:1::1", "2001:db8::1", "203.0.113.9", "240.0.0.1", "192.88.99.1"),
)
NEVER = ("0.0.0.0", "224.0.0.1", "239.1.2.3", "::", "ff02::1", "not an address", "")  # noqa: S104


def test_which_addresses_are_public() -> None:
    assert [each for each in PUBLIC if not is_allowed(each, False)] == []
    assert [each for each in (*INSIDE, *NEVER, "255.255.255.255") if is_allowed(each, False)] == []
    assert [each for each in (*PUBLIC, *INSIDE) if not is_allowed(each, True)] == []
    assert [each for each in NEVER if is_allowed(each, True)] == []


REFUSED = {
    "ftp://hooks.example/": "must start with",
    "//hooks.example/": "must start with",
    "https:///path": "must start with",
    "https://hooks.example:0/": "must start with",
    "https://hooks.example:99999/": "valid URL",
    "https://[::1/": "valid URL",
    "https://me:secret@hooks.example/": "no user and password",
    "https://me@hooks.example/": "no user and password",
    "https://hooks.example/#part": "no fragment",
    "https://hooks.example/a b": "only the ASCII characters",
    "https://hooks.example/\r\nX: y": "only the ASCII characters",
    "https://hooks.example\\@127.0.0.1/": "only the ASCII characters",
    "https://höoks.example/": "only the ASCII characters",
    "https://hooks.example/" + "x" * 2000: "at most 2,000 characters",
    "": "must start with",
}


@pytest.mark.parametrize("url", REFUSED)
def test_urls_that_are_refused(url: str) -> None:
    with pytest.raises(InvalidUrl) as refused:
        read_url(url)
    assert REFUSED[url] in refused.value.msg
    assert "secret" not in refused.value.msg
    assert refused.value.problems[0].pointer == "/url"


def test_urls_that_are_accepted() -> None:
    for url in ("https://hooks.example", "http://HOOKS.example:8080/a/b?c=%20#", "https://[2606:2800::1]/;x"):
        assert read_url(url).hostname


def test_signatures_are_those_of_the_specification() -> None:
    """The example in the specification's reference libraries."""
    moment = datetime.fromtimestamp(1614265330, UTC)
    body = b'{"test": 2432232314}'
    expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert sign("msg_p5jXN8AQM9LWM0D4loKWxJek", body, [SECRET], moment) == expected
    assert sign("msg_p5jXN8AQM9LWM0D4loKWxJek", body, [SECRET, SECRET], moment) == f"{expected} {expected}"


HOSTS: dict[str, list[str]] = {
    "public.example": ["8.8.8.8", "2a00:1450:4001:81b::200e"],
    "inside.example": ["10.0.0.7"],
    "both.example": ["8.8.8.8", "127.0.0.1"],
}


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Names and their addresses; other ones are resolved as usual."""
    known = dict(HOSTS)
    usual = socket.getaddrinfo

    def resolve(host: str, port: int, **more: Any) -> list[Any]:
        if host in known:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in known[host]]
        if host.endswith(".example"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return list(usual(host, port, **more))

    monkeypatch.setattr(addresses.socket, "getaddrinfo", resolve)
    return known


@pytest.mark.anyio
async def test_a_host_with_an_address_inside_is_refused(names: dict[str, list[str]]) -> None:
    resolver = Resolver(allow_private=False)
    assert await resolver.addresses("public.example", 443) == names["public.example"]
    # what the C library reads as an address, too
    inside = ["inside.example", "both.example", "127.0.0.1", "127.1", "0x7f000001", "2130706433", "[::1]"]
    for host in (*inside, "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "localhost"):
        with pytest.raises(InvalidUrl) as refused:
            await resolver.check(f"https://{host}/hook")
        assert "ROWKEEP_WEBHOOK_ALLOW_PRIVATE" in refused.value.msg
    await resolver.check("https://unknown.example/hook")
    with pytest.raises(OSError, match="not known"):
        await resolver.addresses("unknown.example", 443)
    with pytest.raises(OSError, match="not valid"):
        await resolver.addresses("x" * 70 + ".test", 443)
    with pytest.raises(RefusedAddress):
        await resolver.addresses("both.example", 443)
    resolver.close()


@pytest.mark.anyio
async def test_a_name_that_changes_its_address_is_refused_at_the_next_connection(
    names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address is checked after each look-up, and the connection is made to that address: there is no
    second look-up, which could have another result."""
    sender = Sender(Settings())
    looked_up: list[str] = []
    usual = addresses._resolve

    def resolve(host: str, port: int) -> list[str]:
        looked_up.append(host)
        return usual(host, port)

    monkeypatch.setattr(addresses, "_resolve", resolve)
    async with receiving() as receiver:
        url = f"http://rebound.example:{receiver.port}/hook"
        names["rebound.example"] = ["8.8.8.8"]
        await sender.resolver.check(url)
        names["rebound.example"] = ["127.0.0.1"]
        outcome = await sender.send(url, "dl-1", b"{}", [SECRET], NOW)
        assert (outcome.is_delivered, outcome.status) == (False, None)
        assert "not public" in str(outcome.error)
        assert receiver.requests == []
        assert looked_up == ["rebound.example"] * 2
    await sender.close()


@pytest.mark.anyio
async def test_no_proxy_of_the_environment_is_used(
    names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    sender = Sender(Settings(webhook_allow_private=True))
    async with receiving() as receiver:
        names["hooks.example"] = ["127.0.0.1"]
        url = f"http://hooks.example:{receiver.port}/a;b?c=d"
        assert (await sender.send(url, "dl-1", b"{}", [SECRET], NOW)).status == 204
        request = receiver.requests[0]
        assert request.path == "/a;b?c=d"
        assert request.headers["host"] == f"hooks.example:{receiver.port}"
    await sender.close()
