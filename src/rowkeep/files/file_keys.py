"""File keys: finds rows whose key an earlier row of the file has.

What such a row would do depends on the requests that the rows come in, so it is rejected. The keys are stored
in a temporary file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rowkeep.files.records import Row
from rowkeep.files.table_columns import TableColumns

DIGEST_BYTES = 16


class FileKeys:
    """The keys of the rows of a file so far."""

    def __init__(self, columns: TableColumns, key: Iterable[str]) -> None:
        """Raises UnknownColumn if a column of the key does not exist."""
        self._columns = columns
        self._names = tuple(columns.find(name).name for name in key)
        import sqlite3  # a megabyte, which a server takes for few imports

        self._database = sqlite3.connect("", isolation_level=None)  # a temporary file
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute("CREATE TABLE keys (key BLOB PRIMARY KEY, line INTEGER) WITHOUT ROWID")

    @property
    def names(self) -> str:
        return " and ".join(self._names)

    def add(self, rows: Iterable[Row]) -> dict[int, int]:
        """Add rows. Returns the lines of those whose key an earlier row has, each with the line of that
        row."""
        digests = [(self._digest(row), row.line) for row in rows]
        found = [each for each in digests if each[0] is not None]
        self._database.execute("BEGIN")
        before = self._database.total_changes
        self._database.executemany("INSERT OR IGNORE INTO keys VALUES (?, ?)", found)
        added = self._database.total_changes - before
        self._database.execute("COMMIT")
        if added == len(found):
            return {}
        repeated: dict[int, int] = {}
        for digest, line in found:
            (first,) = self._database.execute("SELECT line FROM keys WHERE key = ?", (digest,)).fetchone()
            if first != line:
                repeated[line] = first
        return repeated

    @contextmanager
    def in_one_step(self) -> Iterator[None]:
        """For many calls of ``take`` and ``give_back``."""
        self._database.execute("BEGIN")
        yield
        self._database.execute("COMMIT")

    def take(self, row: Row) -> bool:
        """Add the key of a row; false if an earlier row has it."""
        digest = self._digest(row)
        if digest is None:
            return True
        added = self._database.execute("INSERT OR IGNORE INTO keys VALUES (?, ?)", (digest, row.line))
        return added.rowcount == 1

    def give_back(self, row: Row) -> None:
        """Remove the key that a row has taken."""
        self._database.execute("DELETE FROM keys WHERE key = ?", (self._digest(row),))

    def _digest(self, row: Row) -> bytes | None:
        """None for a row without a complete key, which conflicts with no other."""
        cells = self._columns.cells(row.json, self._names)
        if None in cells:
            return None
        return hashlib.blake2b(repr(cells).encode(), digest_size=DIGEST_BYTES).digest()
