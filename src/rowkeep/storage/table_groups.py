"""Table groups: which tables share a connection.

A connection keeps some hundred statements prepared, on either engine, and to prepare one takes longer than
to run it. So where requests go to more tables than that, each connection serves some of them: as many as it
can keep the statements of.
"""

from __future__ import annotations

TABLES_EACH = 256
"""How many tables are a group: half of the statements that a connection keeps, for a table has several."""

MAX_KNOWN = 65_536


class TableGroups:
    """The groups of the tables and views that a process has met, by id. There are at most ``most``.

    Tables that are met one after the other are of different groups, for they may well be asked for so again,
    and then each finds its connection at rest. When there are more groups, many tables change theirs.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._places: dict[str, int] = {}
        self._met = 0
        self.count = 1

    def of(self, table_id: str) -> int:
        """The number of a table's group, from 0 to below ``count``."""
        place = self._places.get(table_id)
        return (self._meet(table_id) if place is None else place) % self.count

    def _meet(self, table_id: str) -> int:
        if len(self._places) >= MAX_KNOWN:
            # the one met first may have been dropped long ago; else it is met anew
            del self._places[next(iter(self._places))]
        place = self._places[table_id] = self._met
        self._met += 1
        self.count = min(self._most, 1 + place // TABLES_EACH)
        return place
