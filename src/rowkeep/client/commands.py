"""Commands: requests to the management API; the modules for that are loaded when a command needs them."""

from __future__ import annotations

from typing import Any


def call(
    method: str,
    *path: str,
    body: Any = None,
    parameters: dict[str, str | int] | None = None,
    patient: bool = False,
) -> Any:
    """Send one request. ``path`` is its path in parts, ``body`` a value that is sent as JSON, or bytes.
    Returns the JSON of the response. If ``patient``, there is no time limit.

    Raises Refused, SetupError, StorageUnavailable.
    """
    from rowkeep.client.management import ask

    given = parameters or {}
    return ask(
        lambda management: management.call(method, *path, body=body, parameters=given, patient=patient)
    )


def every(what: str, *path: str, parameters: dict[str, str | int] | None = None) -> list[Any]:
    """All items of a list, over all its pages. Raises the same errors as :func:`call`."""
    from rowkeep.client.management import ask

    given = parameters or {}
    return ask(lambda management: management.every(what, *path, parameters=given))
