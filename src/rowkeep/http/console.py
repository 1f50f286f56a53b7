"""Console: the built files of the web console, served under ``/console``."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable
from html import escape
from pathlib import Path
from typing import Any

from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

import rowkeep
from rowkeep.errors.catalogue import NoSuchEndpoint
from rowkeep.http.codings import best_coding
from rowkeep.http.methods import readable
from rowkeep.http.responses import Response, error_response, reply
from rowkeep.settings import Settings

CONSOLE = "/console"

FILES = Path(rowkeep.__file__).parent / "web"
"""Where ``make console`` writes the built files; a wheel contains them."""

HTML = b"text/html; charset=utf-8"
TYPES = {
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
    ".txt": b"text/plain; charset=utf-8",
    ".woff2": b"font/woff2",
}
SUFFIXES = {"br": ".br", "gzip": ".gz"}
"""The codings that the build writes next to a file, the smallest first."""

ASSET_HEADERS = ((b"cache-control", b"public, max-age=31536000, immutable"),)
"""The name of an asset contains a hash of its content, so it never changes."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
"""Only this server is allowed; libraries that add styles have the nonce of the page."""

HARDENED = (
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=()"),
)

NOT_BUILT = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Rowkeep console</title></head>
<body>
<main>
<h1>The console is not built</h1>
<p>This copy of Rowkeep has no console. In a clone of the source, run <code>make console</code>, then load
this page again. A wheel made by <code>make wheel</code> contains the console.</p>
<p>The API works without it: <a href="{prefix}/docs">API docs</a>.</p>
</main>
</body>
</html>
"""

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")
"""The name of an asset; nothing else is opened."""


class Console:
    """Serves the built files. Nothing is read before the first request, and no file is held in memory."""

    def __init__(self, settings: Settings) -> None:
        self._prefix = settings.root_path
        self._files = FILES

    async def page(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """The page of the application, the same for every path: the application itself finds the view."""
        await (await asyncio.to_thread(self._page)).send(send)

    async def asset(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """One of the files with a hash in its name."""
        name: str = scope["path_params"]["name"]
        content_type = TYPES.get(Path(name).suffix) if NAME.fullmatch(name) else None
        if content_type is None:
            await error_response(NoSuchEndpoint()).send(send)
            return
        await reply(asyncio.to_thread(self._asset, name, content_type, _accepted(scope)), scope, send)

    def _asset(self, name: str, content_type: bytes, accepted: str) -> Response:
        """Raises NoSuchEndpoint."""
        path = self._files / "assets" / name
        built = {coding: path.with_name(name + suffix) for coding, suffix in SUFFIXES.items()}
        present = tuple(coding for coding, file in built.items() if file.is_file())
        coding = best_coding(accepted, present) if accepted and present else None
        if coding is not None:
            headers = (*ASSET_HEADERS, (b"content-encoding", coding.encode()))
            return Response(200, built[coding].read_bytes(), content_type, headers, is_public=True)
        try:
            body = path.read_bytes()
        except FileNotFoundError:
            raise NoSuchEndpoint from None
        return Response(200, body, content_type, ASSET_HEADERS, is_public=True)

    def _page(self) -> Response:
        nonce = secrets.token_urlsafe(16)
        headers = (
            (b"content-security-policy", POLICY.format(nonce=nonce).encode()),
            (b"cache-control", b"no-store"),
            *HARDENED,
        )
        try:
            page = (self._files / "index.html").read_text()
        except FileNotFoundError:
            body = NOT_BUILT.replace("{prefix}", escape(self._prefix))
            return Response(503, body.encode(), HTML, headers, is_public=True)
        values = {"%ROWKEEP_BASE%": f"{escape(self._prefix)}{CONSOLE}/", "%ROWKEEP_NONCE%": nonce}
        for name, value in values.items():
            page = page.replace(name, value)
        return Response(200, page.encode(), HTML, headers, is_public=True)


def console_routes(settings: Settings) -> list[BaseRoute]:
    """The routes of the console: its files, and its page for every other path."""
    console = Console(settings)
    page = _get(console.page)
    return [
        Route(f"{CONSOLE}/assets/{{name}}", _get(console.asset)),
        Route(CONSOLE, page),
        Route(f"{CONSOLE}/{{path:path}}", page),
    ]


def _get(answer: Callable[[Scope, Receive, Send], Awaitable[None]]) -> Any:
    return readable(answer)


def _accepted(scope: Scope) -> str:
    """The header ``Accept-Encoding``; empty if there is none."""
    return ",".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"accept-encoding")
