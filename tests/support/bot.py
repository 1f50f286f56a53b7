"""Bot: an app as its developer would write it, a client of the Data API."""

from __future__ import annotations

from typing import Any

import httpx

from .http_client import Client
from .tokens import sign


class Bot:
    """Uses the Data API with tokens that it signs itself.

    ``secret`` is the app's secret as printed, or its private key in PEM. Every method returns the
    httpx.Response; ``prefer="return=minimal"`` sends that header, and other keyword arguments are passed to
    httpx.
    """

    def __init__(self, server_url: str, client_id: str, secret: str, algorithm: str = "HS256") -> None:
        self.server_url = server_url
        self.client_id = client_id
        self.secret = secret
        self.algorithm = algorithm
        self.client = Client(base_url=server_url)
        self._usual = self.token()

    def token(self, **claims: Any) -> str:
        """A signed token; ``claims`` are added to the default ones."""
        payload = {"sub": "1234567890", "appId": self.client_id, **claims}
        return sign(payload, self.secret, self.algorithm)

    def request(self, method: str, path: str, *, prefer: str | None = None, **kw: Any) -> httpx.Response:
        """Send any request, with a token unless ``headers`` has one. ``path`` starts with ``/``."""
        headers = httpx.Headers(kw.pop("headers", None))
        if "auth" not in headers and "authorization" not in headers:
            headers["auth"] = self._usual
        if prefer is not None:
            headers["Prefer"] = prefer
        return self.client.request(method, path, headers=headers, **kw)

    def insert(self, table: str, data: Any, **kw: Any) -> httpx.Response:
        """Insert one row, or an array of rows as in the sample of the bulk page."""
        return self.request("POST", f"/api/public/tables/{table}", json={"data": data}, **kw)

    def bulk(self, table: str, rows: Any, **kw: Any) -> httpx.Response:
        return self.request("POST", f"/api/public/tables/{table}/bulk", json={"data": rows}, **kw)

    def update(self, table: str, query: Any, data: Any, **kw: Any) -> httpx.Response:
        body = {"query": query, "data": data}
        return self.request("PUT", f"/api/public/tables/{table}", json=body, **kw)

    def delete(self, table: str, query: Any, **kw: Any) -> httpx.Response:
        return self.request("DELETE", f"/api/public/tables/{table}", json={"query": query}, **kw)

    def query(self, table: str, body: Any = None, **params: Any) -> httpx.Response:
        """Query with a complete body (``{"query": …, "sort": …}``) or none; ``params`` are added to the
        URL."""
        path = f"/api/public/tables/{table}/query"
        if body is None:
            return self.request("POST", path, params=params)
        return self.request("POST", path, params=params, json=body)
