"""Calls: the management API as commands ask it; what that takes is loaded when they do."""

from __future__ import annotations

from typing import Any


def call(method: str, *path: str, body: Any = None) -> Any:
    """One call: its path in parts, its body as JSON or already as bytes. Gives what is answered.

    Raises Refused, SetupError, StorageUnavailable.
    """
    from rowkeep.cli.management import ask

    return ask(lambda management: management.call(method, *path, body=body))


def every(what: str, *path: str) -> list[Any]:
    """All of a list, page after page. Raises as :func:`call` does."""
    from rowkeep.cli.management import ask

    return ask(lambda management: management.every(what, *path))
