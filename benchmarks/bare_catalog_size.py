"""Bare catalog size: the cost of rows in many tables in SQLite itself, measured with a copy of Rowkeep's
file."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import apsw

from benchmarks.rounds import Run


class BareCrowd:
    """A copy of a workspace's file. Rows are inserted as Rowkeep does: several in a transaction, each on
    disk."""

    def __init__(self, store: Path, directory: Path, rows_each: int) -> None:
        (theirs,) = (store / "workspaces").glob("*_wide.db")
        self._rows_each = rows_each
        self._connection = apsw.Connection(str(directory / "bare.sqlite"))
        source = apsw.Connection(str(theirs), flags=apsw.SQLITE_OPEN_READONLY)
        with self._connection.backup("main", source, "main") as copy:
            copy.step()
        source.close()
        for setting in ("journal_mode = WAL", "synchronous = FULL", "cache_size = -16384"):
            self._connection.execute(f"PRAGMA {setting}").fetchall()
        names = self._connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'people%' ORDER BY name"
        ).fetchall()
        # the names are those of the benchmark
        *cells, _ = self._connection.execute(f'SELECT * FROM "{names[0][0]}"').fetchall()[0]  # noqa: S608
        self._cells = tuple(cells)
        places = ", ".join("?" * (len(cells) + 1))
        inserts = [f'INSERT INTO "{name}" VALUES ({places})' for (name,) in names]  # noqa: S608 - as above
        self._inserts = itertools.cycle(inserts)
        self._numbers = itertools.count()

    def insert(self, seconds: float) -> Run:
        """Insert a row into each table in turn."""
        run, count = self._connection.execute, 0
        cpu, started = time.process_time(), time.perf_counter()
        while time.perf_counter() - started < seconds:
            run("BEGIN IMMEDIATE")
            for insert in itertools.islice(self._inserts, self._rows_each):
                self._connection.executemany(insert, [(*self._cells, f"7fffffff{next(self._numbers):016x}")])
            run("COMMIT")
            count += self._rows_each
        return Run(units=count, seconds=time.perf_counter() - started, cpu_seconds=time.process_time() - cpu)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
