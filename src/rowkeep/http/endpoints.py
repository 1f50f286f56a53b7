"""Endpoints: what a call is, as a row of a table. Routing, checks and OpenAPI follow from the rows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from rowkeep.errors import RowkeepError


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One call of the management API.

    ``call`` is given the services and an :class:`Asked`, and gives what is answered; ``answer`` names its
    schema, ``errors`` what it may be refused with beside what every call may be.
    """

    method: str
    path: str
    name: str
    summary: str
    call: Callable[[Any, Asked], Awaitable[Any]]
    body: type | None = None
    answer: str | None = None
    status: int = 200
    is_list: bool = False
    errors: tuple[type[RowkeepError], ...] = ()


class Asked(msgspec.Struct, frozen=True):
    """The parts of a request that a call works with, decoded and checked."""

    path: dict[str, str]
    body: Any
    page: Any
