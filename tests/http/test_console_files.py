"""The files of the console: compressed at build time, cached for long, under a strict policy."""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
from starlette.routing import Router

import rowkeep.http.console as console
from rowkeep.http.console import console_routes
from rowkeep.settings import Settings

SCRIPT = b"console.log(1)"
PAGE = '<base href="%ROWKEEP_BASE%"><meta name="csp-nonce" content="%ROWKEEP_NONCE%">'


class Client:
    """Asks the routes of the console, without a server."""

    def __init__(self, settings: Settings) -> None:
        self._app = Router(routes=console_routes(settings))

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return self.request("GET", path, headers)

    def request(self, method: str, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return asyncio.run(self._request(method, path, headers))

    async def _request(self, method: str, path: str, headers: Mapping[str, str] | None) -> httpx.Response:
        transport = httpx.ASGITransport(self._app)
        async with httpx.AsyncClient(transport=transport, base_url="http://rowkeep") as client:
            return await client.request(method, path, headers=headers)


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory like that of a build."""
    assets = tmp_path / "assets"
    assets.mkdir()
    (tmp_path / "index.html").write_text(PAGE)
    (assets / "index-a1.js").write_bytes(SCRIPT)
    (assets / "index-a1.js.br").write_bytes(b"brotli")
    (assets / "index-a1.js.gz").write_bytes(gzip.compress(SCRIPT))
    (assets / "plain-b2.css").write_bytes(b"a{}")
    (tmp_path / "secret.js").write_bytes(b"secret")
    monkeypatch.setattr(console, "FILES", tmp_path)
    return tmp_path


@pytest.fixture
def client(built: Path) -> Client:
    return Client(Settings())


@pytest.mark.parametrize("path", ["", "/", "/sign-in", "/w/main/tables/people", "/w/main/tables/a.js"])
def test_every_path_is_the_page(client: Client, path: str) -> None:
    response = client.get(f"/console{path}")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert '<base href="/console/">' in response.text


def test_the_policy_has_a_nonce_of_each_response(client: Client) -> None:
    found = set()
    for _ in range(3):
        response = client.get("/console")
        policy = response.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'; script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        nonce = re.findall(r"'nonce-([^']+)'", policy)
        assert f'content="{nonce[0]}"' in response.text
        found.add(nonce[0])
    assert len(found) == 3


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("br ; Q=0.0,gzip", "gzip"),
        ("*", "br"),
        ("*;q=0", None),
        ("identity", None),
        ("", None),
        ("br;q=none", None),
    ],
)
def test_assets_are_compressed_as_the_client_asks(client: Client, accepted: str, coding: str | None) -> None:
    response = client.get("/console/assets/index-a1.js", headers={"accept-encoding": accepted})
    raw = response.headers.get("content-encoding")
    assert (response.status_code, raw) == (200, coding)
    assert response.headers["vary"] == "accept-encoding"
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["content-type"] == "text/javascript; charset=utf-8"


def test_an_asset_without_a_compressed_form(client: Client) -> None:
    response = client.get("/console/assets/plain-b2.css", headers={"accept-encoding": "br, gzip"})
    assert (response.content, response.headers.get("content-encoding")) == (b"a{}", None)


@pytest.mark.parametrize(
    "name",
    [
        "gone.js",
        "..%2fsecret.js",
        "%2e%2e",
        "index-a1.js.br",
        "index.html",
        ".js",
        "a%00.js",
        "x" * 300 + ".js",
    ],
)
def test_nothing_else_is_a_file(client: Client, name: str) -> None:
    response = client.get(f"/console/assets/{name}")
    assert response.status_code in (200, 404)
    assert b"secret" not in response.content
    assert response.status_code == 404 or "text/html" in response.headers["content-type"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_it_is_only_read(client: Client, method: str) -> None:
    assert client.request(method, "/console").status_code == 405


def test_under_a_prefix(built: Path) -> None:
    client = Client(Settings(root_path="/shop/rows"))
    assert '<base href="/shop/rows/console/">' in client.get("/console/w/main").text


def test_not_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "FILES", tmp_path / "nothing")
    client = Client(Settings())
    response = client.get("/console")
    assert response.status_code == 503
    assert "make console" in response.text
    assert client.get("/console/assets/index-a1.js").status_code == 404
