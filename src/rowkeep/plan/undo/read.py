"""Read: the body of a request becomes the choice of changes to be undone."""

from __future__ import annotations

import re

from msgspec import UNSET, UnsetType

from rowkeep.errors.catalogue import InvalidBody, pointer, preview
from rowkeep.model.history import OPERATION_ID
from rowkeep.model.ids import writer_of
from rowkeep.model.undo_requests import UndoBody, UndoChangesBody
from rowkeep.model.values.scalars import Misfit, canonical_date, parsed_date
from rowkeep.plan.undo.requests import OnConflict, UndoPlan

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
APP = re.compile(rf"(cs|st)-{UUID}")
USER = re.compile(rf"us-[0-9a-f]{{24}}|st-{UUID}")

MAX_TABLES = 1_000


def read_undo(body: UndoBody, own: str, writer: str, now: str) -> UndoPlan:
    """An operation of the writer itself. Raises InvalidBody."""
    return UndoPlan(
        own,
        writer,
        now,
        operation=_operation(body.operation),
        on_conflict=OnConflict(body.conflicts),
        only_own=True,
    )


def read_undo_changes(body: UndoChangesBody, own: str, writer: str, now: str) -> UndoPlan:
    """Changes of anybody; the tables are still to be found. Raises InvalidBody."""
    given = (body.operation, body.app, body.user, body.tables, body.since, body.until)
    if all(each is UNSET for each in given):
        raise InvalidBody(
            'Name what to undo: at least one of "operation", "app", "user", "tables", "since" and "until".'
        )
    if body.app is not UNSET and body.user is not UNSET:
        raise InvalidBody('Send "app" or "user", not both: an operation has one writer.', pointer="/user")
    if body.tables is not UNSET and not 0 < len(body.tables) <= MAX_TABLES:
        raise InvalidBody(
            f'"tables" must name 1 to {MAX_TABLES} tables; got {len(body.tables)}.', pointer="/tables"
        )
    since, until = _time("since", body.since), _time("until", body.until)
    if since is not None and until is not None and since >= until:
        raise InvalidBody(
            f'"until" must be later than "since" ({since}); got {preview(until)}.', pointer="/until"
        )
    return UndoPlan(
        own,
        writer,
        now,
        operation=None if body.operation is UNSET else _operation(body.operation),
        writer=_writer("app", body.app, APP) or _writer("user", body.user, USER),
        since=since,
        until=until,
        on_conflict=OnConflict(body.conflicts),
    )


def _operation(given: str) -> str:
    if OPERATION_ID.fullmatch(given) is None:
        raise InvalidBody(
            f'"operation" must be an Operation-Id, 24 hexadecimal digits; got {preview(given)}.',
            pointer="/operation",
        )
    return given


def _writer(name: str, given: str | UnsetType, form: re.Pattern[str]) -> str | None:
    """The writer of an app or user, which can also be given as in Updated_By."""
    if given is UNSET:
        return None
    if form.fullmatch(given) is None:
        own = "client id of an app (cs-...)" if name == "app" else "id of a user (us-...)"
        raise InvalidBody(
            f'"{name}" must be the {own}, or an id as in Updated_By (st-...); got {preview(given)}.',
            pointer=pointer(name),
        )
    return given if given.startswith("st-") else writer_of(given)


def _time(name: str, given: str | UnsetType) -> str | None:
    if given is UNSET:
        return None
    try:
        return canonical_date(parsed_date(given))
    except Misfit as misfit:
        raise InvalidBody(f'"{name}" {misfit}; got {preview(given)}.', pointer=pointer(name)) from None
