"""Table groups: which tables share a connection.

A connection caches some hundred prepared statements, on either engine, and preparing one takes longer than
running it. So if requests use more tables than that, each connection serves some of the tables: as many as it
can cache the statements of.
"""

from __future__ import annotations

TABLES_EACH = 256
"""How many tables are in a group: half of the number of statements that a connection caches, because a table
has several."""

MAX_KNOWN = 65_536


class TableGroups:
    """The groups of the tables and views that a process has used, by id. There are at most ``most``.

    Tables that are first used one after the other are in different groups: they may well be requested in the
    same order again, and then each request finds a connection that is idle. When the number of groups grows,
    many tables change their group.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._places: dict[str, int] = {}
        self._met = 0
        self.count = 1

    def of(self, table_id: str) -> int:
        """The number of a table's group, from 0 to ``count`` - 1."""
        place = self._places.get(table_id)
        return (self._meet(table_id) if place is None else place) % self.count

    def _meet(self, table_id: str) -> int:
        if len(self._places) >= MAX_KNOWN:
            # the table that was added first may have been dropped long ago; otherwise it is added again
            del self._places[next(iter(self._places))]
        place = self._places[table_id] = self._met
        self._met += 1
        self.count = min(self._most, 1 + place // TABLES_EACH)
        return place
