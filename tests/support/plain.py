"""Plain HTTP: requests of no client in particular."""

from __future__ import annotations

from typing import Any

import httpx

from .http_client import Client


def client(**settings: Any) -> httpx.Client:
    """A client like httpx's own; ``settings`` are its arguments."""
    return Client(**settings)


def request(method: str, url: str, *, follow_redirects: bool = False, **parts: Any) -> httpx.Response:
    """Send one request on a new connection."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    with client(base_url=f"{scheme}://{host}", follow_redirects=follow_redirects) as plain:
        return plain.request(method, slash + path, **parts)


def get(url: str, **parts: Any) -> httpx.Response:
    return request("GET", url, **parts)


def post(url: str, **parts: Any) -> httpx.Response:
    return request("POST", url, **parts)
