"""Request context: what is known about the request that the current task serves, for logs and traces."""

from __future__ import annotations

import random
import time
from contextvars import ContextVar
from typing import Any


class RequestContext:
    """One request. The layers add to it what they find."""

    trace_id: str | None = None
    operation: str | None = None
    """The id of its operation, once it is needed; an empty text if it only reads."""

    # what each request reads or changes is set here: Python looks for attributes of a class much longer
    def __init__(self, request_id: str, started: float) -> None:
        self.id = request_id
        self.started = started
        """On the clock of time.perf_counter."""
        self.route = 0
        """The number of its route; 0 until it is known."""
        self.app: str | None = None
        """The client id of the app, once its token is verified."""
        self.table: str | None = None
        """The name of the table or view of the request."""
        self.is_answered = False


CURRENT: ContextVar[RequestContext | None] = ContextVar("request", default=None)
current_request = CURRENT.get


def new_operation_id() -> str:
    """An id that no other operation has, 24 hexadecimal digits; later ones are greater, to the second. It is
    not a secret, and Python makes its random numbers different in each process, also after a fork."""
    return f"{int(time.time() * 65536):012x}{random.getrandbits(48):012x}"


def note_no_operation(current: RequestContext | None) -> None:
    """The request only reads."""
    if current is not None:
        current.operation = ""


def operation_id(current: RequestContext | None) -> str:
    """The id of the operation of a request, the same each time, and empty if it only reads; outside of a
    request, a new one."""
    if current is None:
        return new_operation_id()
    if current.operation is None:
        # in one step, because several threads can be the first
        return str(vars(current).setdefault("operation", new_operation_id()))
    return current.operation


def note_change(current: RequestContext | None, workspace: Any, table_id: str) -> None:
    """The request writes to a table whose changes others may wait for."""
    if current is not None:
        # in one step, because several threads can write
        vars(current).setdefault("changed", {})[table_id] = workspace


def changed_tables(current: RequestContext | None) -> dict[str, Any]:
    """The tables that the request has written to, each with its workspace."""
    found: dict[str, Any] = {} if current is None else vars(current).get("changed", {})
    return found


def set_app(client_id: str) -> RequestContext | None:
    """The app of the request is known. Returns the request."""
    current = CURRENT.get()
    if current is not None:
        current.app = client_id
    return current


def set_route(number: int) -> None:
    """The route of the request is known."""
    current = CURRENT.get()
    if current is not None:
        current.route = number


def add_request(_logger: Any, _method: str, event: Any) -> Any:
    """A processor of structlog: each log line of a request has its id, and its trace if there is one."""
    current = CURRENT.get()
    if current is not None:
        event.setdefault("request_id", current.id)
        if current.trace_id is not None:
            event.setdefault("trace_id", current.trace_id)
    return event
