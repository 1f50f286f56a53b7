"""Calls: the management API as commands ask it; what that takes is loaded when they do."""

from __future__ import annotations

from typing import Any


def call(
    method: str,
    *path: str,
    body: Any = None,
    parameters: dict[str, str | int] | None = None,
    patient: bool = False,
) -> Any:
    """One call: its path in parts, its body as JSON or already as bytes. Gives what is answered; if
    ``patient``, however long that takes.

    Raises Refused, SetupError, StorageUnavailable.
    """
    from rowkeep.client.management import ask

    given = parameters or {}
    return ask(
        lambda management: management.call(method, *path, body=body, parameters=given, patient=patient)
    )


def every(what: str, *path: str) -> list[Any]:
    """All of a list, page after page. Raises as :func:`call` does."""
    from rowkeep.client.management import ask

    return ask(lambda management: management.every(what, *path))
