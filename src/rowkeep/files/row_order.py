"""Row order: puts rows after the rows that they refer to, and rows that refer to each other in a circle
together.

These are the strongly connected components of a graph, in the order of Tarjan's algorithm: a component comes
after all components that it refers to. Its time grows linearly with the rows and references. What it stores
is on disk, because a chain of references can be as long as the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rowkeep.files.disk_arrays import DiskArray, DiskStack

NOT_VISITED = 0

ROWS_AT_ONCE = 1000


class RowGraph:
    """The references between rows, which are numbered from 0."""

    def __init__(self, rows: Iterable[tuple[Sequence[str], Sequence[str]]]) -> None:
        """``rows`` has the values that each row is known by, and the values that it refers to."""
        import sqlite3  # a megabyte, which a server takes for few imports

        self._database = sqlite3.connect("", isolation_level=None)  # a temporary file
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute("CREATE TABLE known (value TEXT, row INTEGER)")
        self._database.execute("CREATE TABLE referred (value TEXT, row INTEGER)")
        self.length = self._fill(rows)
        self._database.execute("CREATE INDEX by_value ON known (value, row)")
        self._first, self._targets = self._edges()
        self._database.close()

    def _fill(self, rows: Iterable[tuple[Sequence[str], Sequence[str]]]) -> int:
        known: list[tuple[str, int]] = []
        referred: list[tuple[str, int]] = []
        length = 0
        self._database.execute("BEGIN")
        for number, (names, targets) in enumerate(rows):
            known += [(name, number) for name in names]
            referred += [(target, number) for target in targets]
            length = number + 1
            if length % ROWS_AT_ONCE == 0:
                self._store(known, referred)
        self._store(known, referred)
        self._database.execute("COMMIT")
        return length

    def _store(self, known: list[tuple[str, int]], referred: list[tuple[str, int]]) -> None:
        self._database.executemany("INSERT INTO known VALUES (?, ?)", known)
        self._database.executemany("INSERT INTO referred VALUES (?, ?)", referred)
        known.clear()
        referred.clear()

    def _edges(self) -> tuple[DiskArray, DiskArray]:
        """For each row, where its targets start; and all targets.

        If several rows have one value, a row refers to the last of them, and each of them to the one before:
        that is enough to put it after all of them, with few edges.
        """
        query = """
            SELECT row, (SELECT max(row) FROM known WHERE known.value = referred.value) AS target
            FROM referred WHERE target IS NOT NULL AND target != row
            UNION ALL
            SELECT row, before FROM
                (SELECT row, lag(row) OVER (PARTITION BY value ORDER BY row) AS before FROM known)
            WHERE before IS NOT NULL AND before != row
            ORDER BY 1, 2
        """
        (most,) = self._database.execute(
            "SELECT (SELECT count(*) FROM referred) + (SELECT count(*) FROM known)"
        ).fetchone()
        first, targets = DiskArray(self.length + 1), DiskArray(most)
        count = filled = 0
        for row, target in self._database.execute(query):
            while filled <= row:
                first[filled] = count
                filled += 1
            targets[count] = target
            count += 1
        for number in range(filled, self.length + 1):
            first[number] = count
        return first, targets

    def components(self) -> Iterator[list[int]]:
        """The rows in order, in groups that must be inserted together."""
        search = _Search(self._first, self._targets, self.length)
        for row in range(self.length):
            if search.visited[row] == NOT_VISITED:
                yield from search.run(row)


class _Search:
    """The state of Tarjan's algorithm, without recursion."""

    def __init__(self, first: DiskArray, targets: DiskArray, length: int) -> None:
        self._first, self._targets = first, targets
        self.visited = DiskArray(length)
        """When each row was visited, counted from 1."""
        self._low = DiskArray(length)
        """The earliest open row that each row leads to; -1 if its component is complete."""
        self._next = DiskArray(length)
        """The next target to follow."""
        self._path = DiskStack(length)
        self._open = DiskStack(length)
        self._clock = 0

    def run(self, start: int) -> Iterator[list[int]]:
        self._enter(start)
        while len(self._path):
            row = self._path.top
            at = self._next[row]
            if at < self._first[row + 1]:
                self._next[row] = at + 1
                target = self._targets[at]
                if self.visited[target] == NOT_VISITED:
                    self._enter(target)
                elif self._low[target] >= 0:
                    self._low[row] = min(self._low[row], self.visited[target])
                continue
            self._path.pop()
            if self._low[row] == self.visited[row]:
                yield self._close(row)
            elif len(self._path):
                before = self._path.top
                self._low[before] = min(self._low[before], self._low[row])

    def _enter(self, row: int) -> None:
        self._clock += 1
        self.visited[row] = self._low[row] = self._clock
        self._next[row] = self._first[row]
        self._path.push(row)
        self._open.push(row)

    def _close(self, row: int) -> list[int]:
        component: list[int] = []
        while not component or component[-1] != row:
            component.append(self._open.pop())
            self._low[component[-1]] = -1
        component.reverse()
        return component
