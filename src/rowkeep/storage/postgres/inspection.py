"""Inspection: the tables of a PostgreSQL schema, from its catalogs.

PostgreSQL checks foreign keys itself and keeps its pages with checksums where the cluster has them; what can
be wrong without an error is an index or a constraint that an interrupted command left invalid.
"""

from __future__ import annotations

from collections.abc import Sequence

from rowkeep.sql.statements import Statement
from rowkeep.storage.contract import Steps
from rowkeep.storage.inspection import MAX_DAMAGES, Inspection, StoredIndex, StoredTable

UNFINISHED = "rowkeep_restore"
"""The schema with the names of the schemas that a restore has not finished. It has no rows of users."""


class PostgresInspection(Inspection):
    """The catalogs pg_attribute, pg_index and pg_constraint of PostgreSQL."""

    engine = "postgresql"

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace

    def version(self) -> Steps[str]:
        rows = yield Statement("SELECT current_setting('server_version')")
        return str(rows[0][0])

    def damage(self) -> Steps[Sequence[str]]:
        rows = yield Statement(
            "SELECT conname, conrelid::regclass::text FROM pg_catalog.pg_constraint "
            "WHERE connamespace = to_regnamespace(quote_ident($1::text)) AND NOT convalidated "
            "ORDER BY 1 LIMIT $2",
            (self._namespace, MAX_DAMAGES),
        )
        return [f"the constraint {name} of {table} is not validated" for name, table in rows]

    def unfinished(self) -> Steps[Sequence[str]]:
        rows = yield Statement(
            "SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname = $1", (UNFINISHED,)
        )
        return [str(row[0]) for row in rows]

    def tables(self) -> Steps[dict[str, StoredTable]]:
        columns = yield self._of_tables(
            "t.relname, a.attname, a.attnotnull",
            "JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped",
        )
        found: dict[str, StoredTable] = {}
        for table, name, is_required in columns:
            found.setdefault(table, StoredTable({}, {}, set())).columns[name] = not is_required
        indexes = yield self._of_tables(
            "t.relname, c.relname, i.indisunique, i.indisvalid AND i.indisready, "
            "ARRAY(SELECT a.attname FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place) "
            "LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number "
            "WHERE k.place <= i.indnkeyatts ORDER BY k.place)::text[]",
            "JOIN pg_catalog.pg_index i ON i.indrelid = t.oid AND NOT i.indisprimary "
            "JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid",
        )
        for table, name, is_unique, is_valid, names in indexes:
            found[table].indexes[name] = StoredIndex(tuple(names), is_unique, is_valid)
        references = yield self._of_tables(
            "t.relname, a.attname",
            "JOIN pg_catalog.pg_constraint k ON k.conrelid = t.oid AND k.contype = 'f' "
            "JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY (k.conkey)",
        )
        for table, name in references:
            found[table].references.add(name)
        triggers = yield self._of_tables(
            "t.relname, g.tgname",
            "JOIN pg_catalog.pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal AND g.tgenabled <> 'D'",
        )
        for table, name in triggers:
            found[table].triggers.add(name)
        return found

    def _of_tables(self, what: str, joined: str) -> Statement:
        """Select facts of the tables of the schema, joined with other catalogs."""
        return Statement(
            f"SELECT {what} FROM pg_catalog.pg_class t {joined} "  # noqa: S608 - ours
            "WHERE t.relnamespace = to_regnamespace(quote_ident($1::text)) AND t.relkind IN ('r', 'p')",
            (self._namespace,),
        )
