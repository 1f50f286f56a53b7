"""Uniqueness: a script that finds out, after the engine refused a bulk, which of its rows are duplicates.

An engine names one row at most, and a cluster none. So what is stored now is searched; if it changed
meanwhile, nothing is found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rowkeep.model.filters import Where
from rowkeep.model.tables import Index
from rowkeep.sql.rows import TableSql
from rowkeep.sql.uniqueness import has_duplicates_after, part_name, present_keys
from rowkeep.storage.contract import Row, Steps

CHUNK = 500
"""Fewer than either engine allows as rows of VALUES, and as parameters with all columns of an index."""


def find_duplicates(
    sql: TableSql, index: Index, rows: Sequence[Row], first: int, limit: int
) -> Steps[list[int]]:
    """The rows whose key in the index an earlier row has, or one that is stored; in their order, at most
    ``limit``. ``rows`` have the table's own columns, as stored; those before the row ``first`` are known to
    fit."""
    keys = _keys_of(sql, index, rows)
    if keys is None:
        return []
    seen: dict[Any, int] = {}
    repeated = {at for at, key in keys.items() if seen.setdefault(_alike(sql, index, key), at) != at}
    found: list[int] = []
    sought = [at for at in keys if at >= first]
    for start in range(0, len(sought), CHUNK):
        chunk = sought[start : start + CHUNK]
        asked = [at for at in chunk if at not in repeated]
        stored: set[int] = set()
        if asked:
            values = {
                part_name(number, place): cell
                for number, at in enumerate(asked)
                for place, cell in enumerate(keys[at])
            }
            there = yield present_keys(sql.physical, index, len(asked)).bind(values)
            stored = {asked[row[0]] for row in there}
        found += [at for at in chunk if at in repeated or at in stored]
        if len(found) >= limit:
            break
    return found[:limit]


def find_other_duplicates(
    sql: TableSql, index: Index, own: Sequence[str], rows: Sequence[Row], limit: int
) -> Steps[list[int]]:
    """The rows of an upsert whose key in the index an earlier row has, or a stored row that is not the one
    with the same ``own`` key. Rows that do not bring a column of the index are taken with its default."""
    keys = _keys_of(sql, index, rows)
    places = {column.name: at for at, column in enumerate(sql.table.columns)}
    if keys is None or any(name not in places for name in own):
        return []
    seen: dict[Any, int] = {}
    found = {at for at, key in keys.items() if seen.setdefault(_alike(sql, index, key), at) != at}
    sought = list(keys)
    for start in range(0, len(sought), CHUNK):
        chunk = sought[start : start + CHUNK]
        values = {
            part_name(number, place): cell
            for number, at in enumerate(chunk)
            for place, cell in enumerate((*keys[at], *(rows[at][places[name]] for name in own)))
        }
        there = yield present_keys(sql.physical, index, len(chunk), own).bind(values)
        found.update(chunk[row[0]] for row in there)
        if len(found) >= limit:
            break
    return sorted(found)[:limit]


def find_updated_duplicates(
    sql: TableSql, indexes: Sequence[Index], given: Mapping[str, Any], where: Where
) -> Steps[Index | None]:
    """The first of these indexes in which two rows would have the same key if the rows that a filter finds
    got the ``given`` cells. It costs about as much as to update them."""
    for index in indexes:
        parts = {part.name: given.get(part.name, ...) for part in index.columns}
        is_set = any(cell is not ... for cell in parts.values())
        if is_set and None not in parts.values():
            found = yield has_duplicates_after(
                sql.physical, index, {name: cell for name, cell in parts.items() if cell is not ...}, where
            )
            if found[0][0]:
                return index
    return None


def _keys_of(sql: TableSql, index: Index, rows: Sequence[Row]) -> dict[int, tuple[Any, ...]] | None:
    """The keys of the rows by their places, without keys with an empty cell, which are never duplicates. None
    if the index has a system column, whose cells differ with each try."""
    places = {column.name: at for at, column in enumerate(sql.table.columns)}
    if any(part.name not in places for part in index.columns):
        return None
    parts = [places[part.name] for part in index.columns]
    keys = ((at, tuple(row[place] for place in parts)) for at, row in enumerate(rows))
    return {at: key for at, key in keys if None not in key}


def _alike(sql: TableSql, index: Index, key: tuple[Any, ...]) -> tuple[Any, ...]:
    """A key as it is equal to others. Encrypted cells are equal if their values are."""
    columns = [sql.physical.columns[part.name] for part in index.columns]
    same = [None if column.is_encrypted else column.type_facts.same for column in columns]
    return tuple(cell if alike is None else alike(cell) for alike, cell in zip(same, key, strict=True))
