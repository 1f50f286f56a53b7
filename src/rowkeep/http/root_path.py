"""Root path: the application under the path prefix of a proxy (the setting ``root_path``)."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


def under_prefix(app: ASGIApp, prefix: str) -> ASGIApp:
    """The application, which accepts paths with and without the prefix; unchanged if the prefix is empty.

    Some proxies remove the prefix, others do not. The settings ensure that a prefix never starts like a path
    of the application, so both kinds of paths work without another setting.
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
