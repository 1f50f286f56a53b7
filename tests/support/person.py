"""Person: somebody who signs in with a browser, which keeps the cookie and sends the origin of its page."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx

from .http_client import Client
from .server import RowkeepServer

PASSWORD = "correct horse battery staple"


def browser(server: RowkeepServer, **headers: str) -> httpx.Client:
    """A browser on a page of the server that is not signed in."""
    return Client(base_url=server.url + "/api/v1", headers={"Origin": server.url} | headers)


class Person:
    """A new user of the server, signed in."""

    def __init__(self, server: RowkeepServer, *, admin: bool = False, name: str = "") -> None:
        self.email = f"{uuid4().hex[:12]}@example.com"
        self.name = name or f"Person {self.email[:6]}"
        body = {"email": self.email, "name": self.name, "admin": admin, "password": PASSWORD}
        with server.admin() as administrator:
            created = administrator.post("/users", json=body)
        assert created.status_code == 201, created.text
        self.user: dict[str, Any] = created.json()
        self.id: str = self.user["id"]
        self.http = browser(server)
        self.sign_in()

    def sign_in(self) -> None:
        signed_in = self.http.post("/session", json={"email": self.email, "password": PASSWORD})
        assert signed_in.status_code == 201, signed_in.text
