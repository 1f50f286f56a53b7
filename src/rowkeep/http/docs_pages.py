"""Documents: the OpenAPI description, and the page that shows it with scripts of this host alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from importlib.resources import files

from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from rowkeep.codec.rows import encode
from rowkeep.http.management.endpoint import readable
from rowkeep.http.openapi import describe
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
"""Its addresses are relative to /docs, so that they hold under any path prefix."""

START = b"""SwaggerUIBundle({
  url: "openapi.json", dom_id: "#api", deepLinking: true, validatorUrl: null,
});
"""

POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Nothing but this host: no script can carry a token that is typed into the page elsewhere."""

ASSETS = {
    "swagger-ui.css": b"text/css; charset=utf-8",
    "swagger-ui-bundle.js": b"text/javascript; charset=utf-8",
    "favicon-32x32.png": b"image/png",
}
"""What the page needs of the files of Swagger UI."""


class Document:
    """One text, always the same; made when it is first asked for, so that a start does not wait for it."""

    def __init__(self, make: Callable[[], bytes], content_type: bytes, *headers: tuple[bytes, bytes]) -> None:
        self._body = cache(make)
        self._content_type = content_type
        self._headers = headers

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await Response(200, self._body(), self._content_type, self._headers, is_public=True).send(send)


class _Redirect:
    """Leads to another path of this host."""

    def __init__(self, path: str) -> None:
        self._answer = Response(307, b"", b"text/plain", ((b"location", path.encode()),))

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await self._answer.send(send)


def document_routes(settings: Settings) -> list[BaseRoute]:
    """The description of a server with these settings, its page, and the way there from ``/``."""
    page = Document(lambda: PAGE, b"text/html; charset=utf-8", (b"content-security-policy", POLICY))
    documents = {
        "/openapi.json": Document(lambda: encode(describe(settings)), JSON),
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


def _asset(name: str) -> bytes:
    # to find the files is to import the package, which brings more along than it weighs itself
    return (files("swagger_ui") / "static" / name).read_bytes()
