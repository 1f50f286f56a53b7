"""History tables: the records of the changes of one table, and the triggers that write them.

A record has the row before a change; its columns are named by the ids of the table's columns, so that a
rename changes nothing. An update that does not change ``Updated_On`` was not made by a user, and is not
recorded: it encrypts cells again, or fills a new column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex, CreateTable, DropTable
from sqlalchemy.sql import quoted_name

from rowkeep.model.history import ChangeKind
from rowkeep.model.tables import ROW_KEY, Column, Table
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.expressions import Expression
from rowkeep.sql.names import column_name, quoted, sort_key_name, table_name
from rowkeep.sql.statements import Statement, ddl
from rowkeep.sql.system_tables import HISTORY_SEQUENCE, workspace_tables

SEQ, OP, KIND, KEY_OF_ROW = "seq", "op", "kind", "row_key"
"""The columns of a record before those of the row."""

RECORD_COLUMNS = (SEQ, OP, KIND, KEY_OF_ROW)

UPDATED_ON = "Updated_On"

RECORDED = "rowkeep.recorded"
"""A setting of a transaction on PostgreSQL: ``on`` if its insert stores the records itself."""

UNLESS_RECORDED = f"WHEN (current_setting('{RECORDED}', true) IS DISTINCT FROM 'on')"
"""The condition of the trigger of inserts."""


def history_sequence(namespace: str | None) -> sa.Sequence:
    return sa.Sequence(HISTORY_SEQUENCE, schema=quoted(namespace) if namespace else None)


def cell_id(column: Column) -> quoted_name:
    """The column of a record for the cells of a column of the table."""
    return quoted(column.id)


def key_id(column: Column) -> quoted_name:
    """The column of a record for the sort keys of a column of the table."""
    return quoted(f"key_{column.id}")


class HistoryTable:
    """The records of one table. ``dropped`` are columns that only records still have."""

    def __init__(
        self, table: Table, dialect: Dialect, namespace: str | None, dropped: Sequence[Column] = ()
    ) -> None:
        self.table = table
        self.dialect = dialect
        self.namespace = namespace
        self.system = workspace_tables(namespace)
        self._spell = dialect.compiler.identifier_preparer
        self._schema = quoted(namespace) if namespace else None
        self._recorded = [column for column in table.stored_columns if column.name != ROW_KEY]
        self.columns = (*self._recorded, *dropped)
        """The columns whose cells a record has, the dropped ones last."""
        self._ids = {column.name: column for column in table.all_columns}
        name = quoted(f"_rowkeep_history_{table.id}")
        self.from_clause = sa.Table(
            name,
            sa.MetaData(),
            self._number(),
            sa.Column(OP, _integer(), nullable=False),
            sa.Column(KIND, sa.SmallInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
            sa.Column(KEY_OF_ROW, dialect.kinds[self._ids[ROW_KEY].kind].type, nullable=False),
            *(each for column in self.columns for each in record_columns(column, dialect)),
            schema=self._schema,
            **dialect.table_options,
        )
        self.indexes = [
            sa.Index(quoted(f"_hx_{table.id}_row"), self.from_clause.c[KEY_OF_ROW], self.from_clause.c[SEQ]),
            sa.Index(quoted(f"_hx_{table.id}_op"), self.from_clause.c[OP], self.from_clause.c[SEQ]),
        ]

    def _number(self) -> sa.Column[Any]:
        if not self.dialect.has_concurrent_writers:
            return sa.Column(SEQ, sa.Integer, primary_key=True)
        sequence = self._spell.format_sequence(history_sequence(self.namespace))
        default = sa.text(f"nextval('{sequence}')")
        return sa.Column(SEQ, sa.BigInteger, primary_key=True, autoincrement=False, server_default=default)

    def cell(self, name: str) -> Expression:
        """The column of a record for a column of the table, by its present name."""
        if name == ROW_KEY:
            return self.from_clause.c[KEY_OF_ROW]
        return self.from_clause.c[cell_id(self._ids[name])]

    def answered(self, name: str) -> Expression:
        """A column of the row before a change as it is answered, under the column's present name."""
        column = self._ids[name]
        cell = self.cell(ROW_KEY if name == "sys_Id" else name)
        if name == "sys_Id" or column.holds_sys_ids:
            cell = self.dialect.sys_id(cell)
        return self.dialect.kinds[column.kind].answered(cell).label(quoted(name))

    def create(self) -> list[Statement]:
        """Create the table of records with its indexes, and the triggers."""
        return [*self.create_empty(), *self.triggers()]

    def create_empty(self) -> list[Statement]:
        """Only create the table of records, to be filled with those of another database."""
        indexes = (ddl(CreateIndex(index), self.dialect) for index in self.indexes)
        return [ddl(CreateTable(self.from_clause), self.dialect), *indexes]

    def drop(self) -> list[Statement]:
        """Drop the triggers and the table of records."""
        return [*self.drop_triggers(), ddl(DropTable(self.from_clause, if_exists=True), self.dialect)]

    def count_on(self) -> list[Statement]:
        """After records of another database were written: note which operations changed the table, and number
        new records after the greatest number, where the engine must be set to it."""
        operations = self._spell.format_table(self.system.operations)
        tables = self._spell.format_table(self.system.operation_tables)
        noted = Statement(
            f"INSERT INTO {tables} (table_id, op, position, last_seq) "  # noqa: S608 - our own names
            f"SELECT '{self.table.id}', h.op, min(o.position), max(h.seq) FROM {self._records()} h "
            f"JOIN {operations} o ON o.op = h.op GROUP BY h.op"
        )
        if not self.dialect.has_concurrent_writers:
            return [noted]
        sequence = self._spell.format_sequence(history_sequence(self.namespace))
        numbered = Statement(
            f"SELECT setval('{sequence}', "  # noqa: S608 - our own names
            f"greatest((SELECT last_value FROM {sequence}), (SELECT max(seq) FROM {self._records()})))"
        )
        return [noted, numbered]

    # triggers

    def triggers(self) -> list[Statement]:
        """Create the triggers, which record each change of a row from now on."""
        if self.dialect.has_concurrent_writers:
            return [self._function(), *self._statement_triggers()]
        return list(self._row_triggers())

    def drop_triggers(self) -> list[Statement]:
        if self.dialect.has_concurrent_writers:
            drops = [
                Statement(f"DROP TRIGGER IF EXISTS {self._trigger(kind)} ON {self._watched()}")
                for kind in ChangeKind
            ]
            return [*drops, Statement(f"DROP FUNCTION IF EXISTS {self._function_name()}()")]
        return [Statement(f"DROP TRIGGER IF EXISTS {self._trigger(kind)}") for kind in ChangeKind]

    @property
    def trigger_names(self) -> set[str]:
        return {self._trigger_name(kind) for kind in ChangeKind}

    def _trigger_name(self, kind: ChangeKind) -> str:
        return f"_rowkeep_history_{self.table.id}_{kind.name.lower()}"

    def _trigger(self, kind: ChangeKind) -> str:
        return self._spell.quote(quoted(self._trigger_name(kind)))

    def _watched(self) -> str:
        """The table whose changes are recorded."""
        return self._spell.format_table(sa.Table(table_name(self.table), sa.MetaData(), schema=self._schema))

    def _records(self) -> str:
        return self._spell.format_table(self.from_clause)

    def _pairs(self) -> Iterator[tuple[str, str]]:
        """The columns of a record, and those of the table that they are filled from."""
        for column in self._recorded:
            yield self._spell.quote(cell_id(column)), self._spell.quote(column_name(column.name))
            if self.dialect.kinds[column.kind].key:
                yield self._spell.quote(key_id(column)), self._spell.quote(sort_key_name(column.name))

    def _row_triggers(self) -> Iterator[Statement]:
        operations = self._spell.format_table(self.system.operations)
        op = f"(SELECT max(op) FROM {operations})"  # noqa: S608 - our own name
        pairs = list(self._pairs())
        images = "".join(f", {mine}" for mine, _ in pairs)
        cells = "".join(f", OLD.{theirs}" for _, theirs in pairs)
        row_key = self._spell.quote(quoted(ROW_KEY))
        on = self._spell.quote(quoted(UPDATED_ON))
        for kind in ChangeKind:
            of = "NEW" if kind is ChangeKind.INSERT else "OLD"
            when = f" WHEN NEW.{on} IS NOT OLD.{on}" if kind is ChangeKind.UPDATE else ""
            names, values = ("", "") if kind is ChangeKind.INSERT else (images, cells)
            record = (
                f"INSERT INTO {self._records()} (op, kind, row_key{names}) "  # noqa: S608 - our own names
                f"VALUES ({op}, {int(kind)}, {of}.{row_key}{values})"
            )
            yield Statement(
                f"CREATE TRIGGER {self._trigger(kind)} AFTER {kind.name} ON {self._watched()}{when} "
                f"BEGIN {record}; END"
            )

    def bulk_of_inserts(self) -> tuple[Statement, Statement, Statement]:
        """For many rows at a time on SQLite, where each statement with a trigger costs more with each page
        that was changed before: what drops the trigger of inserts, records the insert of the row with this
        ``_id``, and creates the trigger again."""
        operations = self._spell.format_table(self.system.operations)
        record = (
            f"INSERT INTO {self._records()} (op, kind, row_key) "  # noqa: S608 - our own names
            f"VALUES ((SELECT max(op) FROM {operations}), {int(ChangeKind.INSERT)}, ?)"
        )
        drop = Statement(f"DROP TRIGGER {self._trigger(ChangeKind.INSERT)}")
        return drop, Statement(record), next(self._row_triggers())

    def _function_name(self) -> str:
        name = self._spell.quote(quoted(f"_rowkeep_history_{self.table.id}"))
        return f"{self._spell.quote(quoted(str(self.namespace)))}.{name}"

    def _statement_triggers(self) -> Iterator[Statement]:
        seen = {
            ChangeKind.INSERT: "NEW TABLE AS _new_rows",
            ChangeKind.UPDATE: "OLD TABLE AS _old_rows NEW TABLE AS _new_rows",
            ChangeKind.DELETE: "OLD TABLE AS _old_rows",
        }
        for kind, tables in seen.items():
            when = f"{UNLESS_RECORDED} " if kind is ChangeKind.INSERT else ""
            yield Statement(
                f"CREATE TRIGGER {self._trigger(kind)} AFTER {kind.name} ON {self._watched()} "
                f"REFERENCING {tables} FOR EACH STATEMENT {when}EXECUTE FUNCTION {self._function_name()}()"
            )

    def _function(self) -> Statement:
        """The function of the triggers. The operation is the one that this transaction has inserted; if there
        is none, somebody else than Rowkeep changes the table."""
        operations = self._spell.format_table(self.system.operations)
        tables = self._spell.format_table(self.system.operation_tables)
        sequence = self._spell.format_sequence(history_sequence(self.namespace))
        pairs = list(self._pairs())
        images = "".join(f", {mine}" for mine, _ in pairs)
        cells = "".join(f", {theirs}" for _, theirs in pairs)
        on, row_key = self._spell.quote(quoted(UPDATED_ON)), self._spell.quote(quoted(ROW_KEY))
        body = f"""
DECLARE
  _op bigint;
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NOT EXISTS (SELECT FROM _new_rows) THEN RETURN NULL; END IF;
  ELSIF NOT EXISTS (SELECT FROM _old_rows) THEN
    RETURN NULL;
  ELSIF TG_OP = 'UPDATE' THEN
    IF (SELECT {on} FROM _old_rows LIMIT 1) = (SELECT {on} FROM _new_rows LIMIT 1) THEN
      RETURN NULL;
    END IF;
  END IF;
  SELECT o.op INTO _op FROM {operations} o
    WHERE o.position IS NULL AND o.xid = pg_current_xact_id()::text;
  IF _op IS NULL THEN
    INSERT INTO {operations} (id, writer, stamped)
      VALUES (substr(md5(random()::text || clock_timestamp()::text), 1, 24), '',
        to_char(timezone('UTC', clock_timestamp()), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
      RETURNING op INTO _op;
  END IF;
  IF TG_OP = 'INSERT' THEN
    INSERT INTO {self._records()} (op, kind, row_key) SELECT _op, 0, {row_key} FROM _new_rows;
  ELSE
    INSERT INTO {self._records()} (op, kind, row_key{images})
      SELECT _op, CASE TG_OP WHEN 'UPDATE' THEN 1 ELSE 2 END, {row_key}{cells} FROM _old_rows;
  END IF;
  INSERT INTO {tables} (table_id, op, last_seq) VALUES ('{self.table.id}', _op, currval('{sequence}'))
    ON CONFLICT (table_id, op) DO UPDATE SET last_seq = excluded.last_seq;
  RETURN NULL;
END"""  # noqa: S608 - our own names
        return Statement(
            f"CREATE FUNCTION {self._function_name()}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$history${body}$history$"
        )


def _integer() -> Any:
    return sa.BigInteger().with_variant(sa.Integer, "sqlite")


def record_columns(column: Column, dialect: Dialect) -> list[sa.Column[Any]]:
    """The columns of a record for a column of the table: its cells, and their sort keys if it has them."""
    kind = dialect.kinds[column.kind]
    cells: sa.Column[Any] = sa.Column(cell_id(column), kind.type)
    return [cells, sa.Column(key_id(column), sa.Text())] if kind.key else [cells]
