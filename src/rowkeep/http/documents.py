"""Documents: the OpenAPI description, and the page that shows it with scripts of this host alone."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from rowkeep.codec import encode
from rowkeep.http.openapi import describe
from rowkeep.http.respond import Answer


class Document:
    """One text, always the same."""

    def __init__(self, body: bytes, content_type: bytes) -> None:
        self._answer = Answer(200, body, content_type)

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await self._answer.send(send)


PAGE = b"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Rowkeep API</title>
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""

START = b"""SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#api", deepLinking: true, validatorUrl: null, persistAuthorization: true,
});
"""


def document_routes() -> list[BaseRoute]:
    spec = find_spec("swagger_ui")
    assert spec is not None, "swagger-ui-py is a dependency"  # noqa: S101 - it cannot be missing
    assert spec.origin is not None  # noqa: S101 - it is a package on disk
    assets = Path(spec.origin).parent / "static"
    return [
        Route("/openapi.json", Document(encode(describe()), b"application/json")),
        Route("/docs", Document(PAGE, b"text/html; charset=utf-8")),
        Route("/docs/start.js", Document(START, b"text/javascript")),
        Mount("/docs/assets", StaticFiles(directory=assets)),
    ]
