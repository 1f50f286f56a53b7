"""Table copies: how far the copy of each table has come."""

from __future__ import annotations

import msgspec

from rowkeep.model.tables import Table


class CopiedTable(msgspec.Struct, frozen=True):
    """A table that is being copied. ``source`` is its name there, and ``plan`` what it was copied by: if that
    changes, it is copied again. ``ids`` is the time and the beginning of the ids of its rows, if it has none
    yet; ``copied`` the number of its rows that are stored, and ``digest`` their checksum at the source;
    ``indexed`` the number of its indexes."""

    source: str
    plan: str
    table: Table
    ids: str = ""
    copied: int = 0
    digest: str = ""
    indexed: int = 0


class CopyState(msgspec.Struct, frozen=True):
    """An unfinished copy into a workspace: from where (``source``), the process that copies, or did so last
    (``owner``), the number of the data key that its encrypted cells have, and its tables by their names at
    the source."""

    source: str
    owner: str
    key: int
    tables: dict[str, CopiedTable]
