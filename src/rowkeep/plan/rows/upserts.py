"""Upserts: inserts that ignore or update a stored row with the same key, as checked plans."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, compress, count, repeat
from operator import getitem, is_, itemgetter
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET

from rowkeep.codec.rows import Cells
from rowkeep.codec.stored_cells import MAX_AT_ONCE, Rekeyed, Row, StoredCells
from rowkeep.errors.catalogue import (
    MAX_PROBLEMS,
    DuplicateColumn,
    DuplicateKey,
    InvalidBody,
    InvalidValue,
    MissingValue,
    Problem,
    pointer,
    preview,
)
from rowkeep.model.changes import Change, Changes
from rowkeep.model.data_requests import Conflict
from rowkeep.model.history import Operation
from rowkeep.model.names import ColumnNames
from rowkeep.model.tables import ROW_KEY, Index, Table

Outcome: TypeAlias = Literal["inserted", "updated", "ignored"]

KEPT, SET, CHANGED = 0, 1, 2
"""What an update does with a column that only some rows bring: the values of its flag."""

ASSIGNED = (ROW_KEY, "sys_Id")
"""The columns that no request can have in its key, because each row gets another value."""


class UpsertShape(msgspec.Struct, frozen=True):
    """An upsert without its rows. ``key`` has the columns of the unique index, ``columns`` what an update
    sets; for the ``optional`` ones of these, the flag of a row says what it does. Without ``returns``, it
    returns no records."""

    key: tuple[str, ...]
    action: Literal["ignore", "update"]
    columns: tuple[str, ...]
    optional: tuple[str, ...]
    returns: bool
    changes: tuple[tuple[str, Change], ...] = ()
    """The columns that some rows change, which are optional, and how. A text that a change makes has at most
    ``max_cell_bytes``."""
    max_cell_bytes: int = 0


class UpsertPlan(msgspec.Struct, frozen=True):
    """Rows as they are inserted if their key is not stored: the table's own columns in their stored form,
    with defaults. ``flags`` has those of each row for the optional columns. The ``incomplete`` rows, by their
    places, lack a required column, so they are not inserted.

    ``shows_ignored`` is whether the response has the records of rows that are ignored. ``max_records``,
    ``max_bytes``, ``rekeyed``, ``is_dry_run`` and ``operation`` are as in an update.
    """

    shape: UpsertShape
    rows: Sequence[Row]
    flags: Sequence[tuple[int, ...]]
    incomplete: frozenset[int]
    writer: str
    shows_ignored: bool
    max_records: int
    max_bytes: int
    rekeyed: Rekeyed = {}
    is_dry_run: bool = False
    operation: Operation | None = None

    def part(self, places: Sequence[int]) -> UpsertPlan:
        """The same for some of the rows."""
        if len(places) == len(self.rows):
            return self
        return msgspec.structs.replace(
            self,
            rows=[self.rows[at] for at in places],
            flags=[self.flags[at] for at in places] if self.flags else self.flags,
            incomplete=frozenset(spot for spot, at in enumerate(places) if at in self.incomplete),
        )

    @property
    def outcome(self) -> Outcome:
        """What happens to a row whose key is stored."""
        return "updated" if self.shape.action == "update" else "ignored"


class UpsertLimits(msgspec.Struct, frozen=True):
    """What the response to an upsert has: at most so many records, of about so many bytes; with those that
    are ignored, if the caller can read them. And the maximum size of a text that a change makes."""

    max_records: int
    max_bytes: int
    shows_ignored: bool
    max_cell_bytes: int


def find_key(table: Table, names: ColumnNames, conflict: Conflict) -> Index:
    """The unique index that a request names by its columns. Raises UnknownColumn, DuplicateColumn and
    InvalidBody."""
    where = pointer("onConflict", "columns")
    found: list[str] = []
    for at, name in enumerate(conflict.columns[: len(table.all_columns) + 1]):
        column = names.find(name, f"{where}/{at}").name
        if column in ASSIGNED:
            raise InvalidBody(
                f"{column} cannot be a conflict column: Rowkeep assigns a new one to each row. "
                f"{_unique_indexes(table)}",
                pointer=f"{where}/{at}",
            )
        if column in found:
            raise DuplicateColumn(
                f"Two names match column {column}. Send one of them.", pointer=f"{where}/{at}"
            )
        found.append(column)
    for index in table.indexes:
        if index.is_unique and {part.name for part in index.columns} == set(found):
            return index
    if not found:
        raise InvalidBody(
            f'"columns" is empty. Name the columns of a unique index. {_unique_indexes(table)}', pointer=where
        )
    given = ", ".join(map(preview, found))
    raise InvalidBody(
        f"No unique index has exactly the columns {given}. {_unique_indexes(table)}", pointer=where
    )


def _unique_indexes(table: Table) -> str:
    known = [
        f"{index.name} ({', '.join(part.name for part in index.columns)})"
        for index in table.indexes
        if index.is_unique and not {part.name for part in index.columns}.intersection(ASSIGNED)
    ]
    if not known:
        return f"Table {table.name} has no unique index that can be used; create one."
    return f"The unique indexes of {table.name} are {', '.join(known)}."


def plan_upsert(
    table: Table,
    stored_cells: StoredCells,
    index: Index,
    action: Literal["ignore", "update"],
    rows: list[Cells],
    writer: str,
    limits: UpsertLimits,
    changes: Changes,
    *,
    is_partial: bool = False,
    is_dry_run: bool = False,
    operation: Operation | None = None,
) -> UpsertPlan:
    """The upsert of rows that have UNSET for columns that they do not bring. Raises DuplicateKey; several
    rows of a partial one can have the same key."""
    changed = {name: change for each in changes.values() for name, change in each.items()}
    lacking = _lacking(len(table.columns), rows)
    complete = _with_defaults(table, rows) if any(lacking) else rows
    stored = stored_cells.store(complete)
    key = tuple(part.name for part in index.columns)
    if not is_partial:
        refuse_repeated(table, key, stored)
    brought = [
        column.name
        for column, missing in zip(table.columns, lacking, strict=True)
        if missing < len(rows) and not (column.name in key and _is_same_cell(table, column.name))
    ]
    optional = [
        column.name
        for column, missing in zip(table.columns, lacking, strict=True)
        if (missing or column.name in changed) and column.name in brought
    ]
    is_update = action == "update"
    returns = limits.max_records > 0 and len(rows) <= limits.max_records
    shape = UpsertShape(
        key,
        action,
        tuple(brought) if is_update else (),
        tuple(optional) if is_update else (),
        returns,
        tuple(sorted(changed.items())),
        limits.max_cell_bytes if changed else 0,
    )
    return UpsertPlan(
        shape,
        stored,
        _flags(table, shape.optional, rows, changes),
        frozenset(_incomplete(table, lacking, rows)),
        writer,
        limits.shows_ignored,
        limits.max_records,
        limits.max_bytes,
        stored_cells.rekeyed(complete),
        is_dry_run,
        operation,
    )


def refuse_changed_keys(index: Index, changes: Changes, *, is_array: bool) -> None:
    """Raises InvalidValue if rows change a column by which they are found."""
    problems: list[Problem] = []
    for at, changed in changes.items():
        problems += changed_keys(index, changed, at if is_array else None)
        if len(problems) >= MAX_PROBLEMS:
            break
    if problems:
        raise InvalidValue(problems[0].msg, problems=problems[:MAX_PROBLEMS])


def changed_keys(index: Index, changed: Mapping[str, Change], number: int | None) -> list[Problem]:
    """The errors of a row that changes a column by which it is found. ``number`` is None for a single row."""
    key = {part.name for part in index.columns}
    prefix, where = ("", "/data") if number is None else (f"Row {number}: ", pointer("data", number))
    return [
        Problem(
            f"{prefix}Column {name} is a conflict column and cannot be changed by {change.value}. Send its "
            "value.",
            InvalidValue.code,
            where + pointer(name),
        )
        for name, change in changed.items()
        if name in key
    ]


def _is_same_cell(table: Table, name: str) -> bool:
    """Whether equal cells of a column are stored in the same way, so that a key need not be written again."""
    column = next(column for column in table.columns if column.name == name)
    return column.is_encrypted or column.type_facts.same is None


def _parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Some rows at a time: other threads can run in between."""
    return (rows[at : at + MAX_AT_ONCE] for at in range(0, len(rows), MAX_AT_ONCE))


def _lacking(width: int, rows: Sequence[Row]) -> list[int]:
    """How many rows do not bring a column, for each column."""
    counts = [0] * width
    for part in _parts(rows):
        for at, column in enumerate(zip(*part, strict=True)):
            counts[at] += sum(map(is_, column, repeat(UNSET)))
    return counts


def _with_defaults(table: Table, rows: Sequence[Row]) -> list[Cells]:
    defaults = [column.default for column in table.columns]
    return list(chain.from_iterable(_filled(defaults, part) for part in _parts(rows)))


def _filled(defaults: Sequence[object], rows: Sequence[Row]) -> Iterable[Cells]:
    columns: list[Iterable[Any]] = [
        map(getitem, zip(column, repeat(default), strict=False), map(is_, column, repeat(UNSET)))
        for column, default in zip(zip(*rows, strict=True), defaults, strict=True)
    ]
    return zip(*columns, strict=True)


def _flags(
    table: Table, optional: Sequence[str], rows: Sequence[Row], changes: Changes
) -> list[tuple[int, ...]]:
    if not optional:
        return []
    found = _brought_flags(table, optional, rows)
    for at, changed in changes.items():
        pairs = zip(optional, found[at], strict=True)
        found[at] = tuple(CHANGED if name in changed else flag for name, flag in pairs)
    return found


def _brought_flags(table: Table, optional: Sequence[str], rows: Sequence[Row]) -> list[tuple[int, ...]]:
    """The flags of the rows without their changes."""
    places = _places(table, optional)
    flags: list[Iterable[int]] = [
        map((SET, KEPT).__getitem__, map(is_, map(itemgetter(at), rows), repeat(UNSET))) for at in places
    ]
    return list(zip(*flags, strict=True))


def _incomplete(table: Table, lacking: Sequence[int], rows: Sequence[Row]) -> set[int]:
    """The places of the rows that lack a required column."""
    found: set[int] = set()
    for at, column in enumerate(table.columns):
        if lacking[at] and column.is_required and column.default is None:
            found.update(compress(count(), map(is_, map(itemgetter(at), rows), repeat(UNSET))))
    return found


def _places(table: Table, names: Iterable[str]) -> list[int]:
    """The places of a table's own columns, of those that it has."""
    own = {column.name: at for at, column in enumerate(table.columns)}
    return [own[name] for name in names if name in own]


def keys_of(table: Table, key: Sequence[str], stored: Sequence[Row]) -> list[tuple[Any, ...]]:
    """The key of each row as it is equal to others, from the table's own columns in their stored form. System
    columns are the same for all rows of a request."""
    columns: list[Iterable[Any]] = []
    for at in _places(table, key):
        cells = map(itemgetter(at), stored)
        column = table.columns[at]
        same = None if column.is_encrypted else column.type_facts.same
        columns.append(cells if same is None else map(_alike, repeat(same), cells))
    return list(zip(*columns, strict=True)) if columns else [()] * len(stored)


def _alike(same: Callable[[Any], Any], cell: Any) -> Any:
    return None if cell is None else same(cell)


def refuse_repeated(table: Table, key: Sequence[str], stored: Sequence[Row]) -> None:
    """Raises DuplicateKey if several rows have the same key."""
    keys = keys_of(table, key, stored)
    if len(set(keys)) == len(keys):
        return
    places: defaultdict[tuple[Any, ...], list[int]] = defaultdict(list)
    for at, each in enumerate(keys):
        if None not in each:
            places[each].append(at)
    repeated = sorted(
        (at, group[0] if at != group[0] else group[1])
        for group in places.values()
        if len(group) > 1
        for at in group
    )
    if not repeated:
        return
    names = " and ".join(key)
    where = pointer(key[0]) if len(key) == 1 and _places(table, key) else ""
    problems = [
        Problem(
            f"Row {at}: Row {other} has the same {names}. Send each key once.",
            DuplicateKey.code,
            pointer("data", at) + where,
        )
        for at, other in repeated[:MAX_PROBLEMS]
    ]
    raise DuplicateKey(problems[0].msg, problems=problems)


def repeated_key(table: Table, key: Sequence[str], number: int) -> Problem:
    """The error of a row of a partial upsert whose key an earlier row has."""
    where = pointer(key[0]) if len(key) == 1 and _places(table, key) else ""
    return Problem(
        f"Row {number}: Another row of the request has the same {' and '.join(key)}. Send each key once.",
        DuplicateKey.code,
        pointer("data", number) + where,
    )


def missing_values(
    table: Table, rows: Sequence[Row], places: Iterable[int], *, is_array: bool
) -> MissingValue:
    """The error for rows that would be inserted, but lack required columns."""
    problems: list[Problem] = []
    for place in places:
        problems += lacking_columns(table, rows[place], place if is_array else None)
        if len(problems) >= MAX_PROBLEMS:
            break
    return MissingValue(problems[0].msg, problems=problems[:MAX_PROBLEMS])


def lacking_columns(table: Table, row: Row, number: int | None) -> list[Problem]:
    """The errors of a row that would be inserted. ``number`` is None for a single row."""
    prefix, where = ("", "/data") if number is None else (f"Row {number}: ", pointer("data", number))
    return [
        Problem(
            f"{prefix}Column {column.name} is required, because no row with this key is stored.",
            MissingValue.code,
            where + pointer(column.name),
        )
        for column, cell in zip(table.columns, row, strict=True)
        if cell is UNSET and column.is_required and column.default is None
    ]
