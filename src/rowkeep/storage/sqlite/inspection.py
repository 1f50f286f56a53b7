"""Inspection: SQLite's own checks, and its tables, from its pragmas."""

from __future__ import annotations

from collections.abc import Sequence

from rowkeep.sql.statements import Statement
from rowkeep.storage.contract import Steps
from rowkeep.storage.inspection import MAX_DAMAGES, Inspection, StoredIndex, StoredTable


class SqliteInspection(Inspection):
    """https://sqlite.org/pragma.html: integrity_check, foreign_key_check and the functions of pragmas."""

    engine = "sqlite"

    def version(self) -> Steps[str]:
        rows = yield Statement("SELECT sqlite_version()")
        return str(rows[0][0])

    def damage(self) -> Steps[Sequence[str]]:
        rows = yield Statement(f"PRAGMA integrity_check({MAX_DAMAGES})")
        found = [str(row[0]) for row in rows if row[0] != "ok"]
        orphans = yield Statement(
            'SELECT "table", parent, count(*) FROM pragma_foreign_key_check GROUP BY 1, 2 ORDER BY 1, 2'
        )
        found += [
            f"{count} rows of table {table} refer to missing rows of table {parent}"
            for table, parent, count in orphans
        ]
        return found[:MAX_DAMAGES]

    def unfinished(self) -> Steps[Sequence[str]]:
        """What a killed restore leaves are files."""
        yield from ()
        return ()

    def tables(self) -> Steps[dict[str, StoredTable]]:
        names = yield Statement(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_'"
        )
        found = {name: StoredTable({}, {}, set()) for (name,) in names}
        for table, stored in found.items():
            columns = yield Statement('SELECT name, "notnull" FROM pragma_table_xinfo(?1)', (table,))
            stored.columns = {name: not is_required for name, is_required in columns}
            indexes = yield Statement(
                'SELECT l.name, l."unique", x.name FROM pragma_index_list(?1) AS l '
                "JOIN pragma_index_xinfo(l.name) AS x WHERE l.origin = 'c' AND x.\"key\" "
                "ORDER BY l.name, x.seqno",
                (table,),
            )
            for name, is_unique, column in indexes:
                before = stored.indexes.get(name, StoredIndex((), bool(is_unique)))
                stored.indexes[name] = StoredIndex((*before.columns, column), bool(is_unique))
            references = yield Statement('SELECT "from" FROM pragma_foreign_key_list(?1)', (table,))
            stored.references = {row[0] for row in references}
        triggers = yield Statement("SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'")
        for table, name in triggers:
            found[table].triggers.add(name)
        return found
