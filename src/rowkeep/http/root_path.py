"""Prefix: the application under the path prefix that a proxy serves it under (the setting ``root_path``)."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


def under_prefix(app: ASGIApp, prefix: str) -> ASGIApp:
    """The application, which finds its paths with the prefix and without it; itself where there is none.

    Some proxies remove the prefix, others leave it. A prefix never begins like a path of the application (the
    settings see to it), so both kinds of path are understood without a further setting.
    """
    if not prefix:
        return app
    start = f"{prefix}/"

    async def prefixed(scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if path.startswith(start) or path == prefix:
            scope = {**scope, "path": path[len(prefix) :] or "/"}
        await app(scope, receive, send)

    return prefixed
