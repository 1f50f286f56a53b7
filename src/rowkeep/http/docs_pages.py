"""Docs pages: the OpenAPI document, and an HTML page that shows it with scripts from this server only."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from importlib.resources import files

from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from rowkeep.codec.rows import encode
from rowkeep.http.methods import readable
from rowkeep.http.responses import JSON, Response
from rowkeep.settings import Settings

PAGE = b"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Rowkeep API</title>
<link rel="icon" href="docs/assets/favicon-32x32.png">
<link rel="stylesheet" href="docs/assets/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<script src="docs/assets/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
"""All URLs are relative to /docs, so that they work under any path prefix."""

START = b"""SwaggerUIBundle({
  url: "openapi.json", dom_id: "#api", deepLinking: true, validatorUrl: null,
});
"""

POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Only this server is allowed: no script can send a token that is typed into the page to another host."""

ASSETS = {
    "swagger-ui.css": b"text/css; charset=utf-8",
    "swagger-ui-bundle.js": b"text/javascript; charset=utf-8",
    "favicon-32x32.png": b"image/png",
}
"""The files of Swagger UI that the page needs."""


class Document:
    """A constant text, created at the first request so that it does not delay the start."""

    def __init__(self, make: Callable[[], bytes], content_type: bytes, *headers: tuple[bytes, bytes]) -> None:
        self._body = cache(make)
        self._content_type = content_type
        self._headers = headers

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await Response(200, self._body(), self._content_type, self._headers, is_public=True).send(send)


class _Redirect:
    """Redirects to another path of this server."""

    def __init__(self, path: str) -> None:
        self._answer = Response(307, b"", b"text/plain", ((b"location", path.encode()),))

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await self._answer.send(send)


def document_routes(settings: Settings) -> list[BaseRoute]:
    """The OpenAPI document of a server with these settings, its page, and a redirect from ``/`` to the
    page."""
    page = Document(lambda: PAGE, b"text/html; charset=utf-8", (b"content-security-policy", POLICY))
    documents = {
        "/openapi.json": Document(partial(_openapi, settings), JSON),
        "/docs": page,
        "/docs/start.js": Document(lambda: START, b"text/javascript; charset=utf-8"),
    } | {
        f"/docs/assets/{name}": Document(partial(_asset, name), content_type)
        for name, content_type in ASSETS.items()
    }
    return [
        Route("/", readable(_Redirect(f"{settings.root_path}/docs"))),
        *(Route(path, readable(document)) for path, document in documents.items()),
    ]


def _openapi(settings: Settings) -> bytes:
    # few servers are asked for it; its modules take two megabytes
    from rowkeep.http.openapi import describe

    return encode(describe(settings))


def _asset(name: str) -> bytes:
    # finding the files imports the package, which loads modules that use more memory than the files
    return (files("swagger_ui") / "static" / name).read_bytes()
