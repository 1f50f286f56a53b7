"""Plain HTTP: requests without TLS verification. httpx's default client reads all certificates each time,
which costs more than the tests' own requests."""

from __future__ import annotations

from typing import Any

import httpx

from .processes import PATIENT


def client(**settings: Any) -> httpx.Client:
    """A client like httpx's own; ``settings`` are its arguments."""
    return httpx.Client(**{"timeout": PATIENT, "trust_env": False, "verify": False, **settings})


def request(method: str, url: str, *, follow_redirects: bool = False, **parts: Any) -> httpx.Response:
    """Send one request on a new connection."""
    with client(follow_redirects=follow_redirects) as plain:
        return plain.request(method, url, **parts)


def get(url: str, **parts: Any) -> httpx.Response:
    return request("GET", url, **parts)


def post(url: str, **parts: Any) -> httpx.Response:
    return request("POST", url, **parts)
