"""Inputs: the tables that a copy reads, each as one sequence of rows in a form that both ends have."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import msgspec

from rowkeep.codec.stored_cells import Change, with_columns
from rowkeep.crypto.ciphers import ColumnCipher
from rowkeep.model.table_copies import CopiedTable
from rowkeep.model.tables import Table
from rowkeep.sql.table_copies import CopySql
from rowkeep.storage.contract import Row
from rowkeep.storage.snapshots import Snapshot

DIGEST_BYTES = 16
_encode_lines = msgspec.json.Encoder().encode_lines


class RowDigest:
    """A checksum over rows in their order, however they are divided into batches."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=DIGEST_BYTES)
        self.rows = 0

    def add(self, rows: Sequence[Row]) -> None:
        self._hash.update(_encode_lines(rows))
        self.rows += len(rows)

    @property
    def text(self) -> str:
        return self._hash.copy().hexdigest()


class TableInput(ABC):
    """One table of the source. ``name`` is its name there, ``plan`` a text that changes if the table must be
    copied again, ``total`` the number of its rows."""

    name: str
    plan: str
    table: Table
    total: int
    width: int
    """How many columns the checksum is about: the first ones of a stored row."""
    is_new: bool
    """Whether its rows get new ids and times."""
    left_out = 0
    """The number of rows that were refused."""
    key: Sequence[str] = ()
    """The columns that identify a row for people."""

    @abstractmethod
    def batches(self) -> AsyncIterator[Sequence[Row]]:
        """All rows in batches, their cells without encryption."""

    @abstractmethod
    def stored(self, rows: Sequence[Row], first: int, copied: CopiedTable) -> Sequence[Row]:
        """The rows as the target stores them; ``first`` is the place of the first one among all rows."""


async def clear_rows(
    snapshot: Snapshot, table: Table, ciphers: Mapping[str, ColumnCipher]
) -> AsyncIterator[Sequence[Row]]:
    """The rows of a table of Rowkeep in the order of their ids, as its columns store them, without
    encryption."""
    sql = CopySql(table, snapshot.dialect, snapshot.namespace)
    changes: dict[int, Change] = dict(sql.decoders)
    for at, column in enumerate(sql.columns):
        if column.is_encrypted:
            changes[at] = _opener(ciphers[column.name])
    async for rows in snapshot.stream(sql.rows()):
        yield with_columns(rows, changes)


def _opener(cipher: ColumnCipher) -> Change:
    def opened(cell: Any) -> bytes:
        return cipher.open(bytes(cell))

    return opened
