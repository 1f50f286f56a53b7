"""Operations: the statements that store an operation in the transaction that changes its rows.

On PostgreSQL a write of one statement stores it as a part of that statement.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from rowkeep.model.history import Operation
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.statements import Statement, Template, template
from rowkeep.sql.system_tables import CACHED_WORKSPACES, workspace_tables

VALUES = ("operation_id", "operation_writer", "operation_stamped")

CACHED_TEMPLATES = 4096


def operation_values(operation: Operation, on: str) -> dict[str, Any]:
    """The values of the statements that store an operation at this time."""
    return dict(zip(VALUES, (operation.id, operation.writer, on), strict=True))


@lru_cache(CACHED_WORKSPACES)
def store_operation(dialect: Dialect, namespace: str | None) -> Template:
    """A statement that only stores an operation. Where transactions are written one after the other, it gives
    it its position and its time: never earlier than that of the last one, and later than a moment of the
    past that somebody has read."""
    system = workspace_tables(namespace)
    operations, state = system.operations, system.history_state
    id_, writer, stamped = (sa.bindparam(name, type_=sa.Text()) for name in VALUES)
    columns = [operations.c.id, operations.c.writer, operations.c.stamped]
    if dialect.has_concurrent_writers:
        values = dict(zip(columns, (id_, writer, stamped), strict=True))
        return template(sa.insert(operations).values({c.name: v for c, v in values.items()}), dialect)
    last = (
        sa.select(operations.c.op, operations.c.stamped)
        .order_by(operations.c.op.desc())
        .limit(sa.literal_column("1"))
        .offset(sa.literal_column("0"))
        .subquery("last")
    )
    nothing: sa.ColumnElement[str] = sa.literal_column("''")
    op = sa.func.coalesce(last.c.op, sa.literal_column("0")) + sa.literal_column("1")
    later = dialect.next_millisecond(state.c.moment)
    since = sa.case((state.c.moment == nothing, nothing), else_=later)
    time = sa.func.max(stamped, sa.func.coalesce(last.c.stamped, nothing), since)
    row = sa.select(op, id_, writer, time, op).select_from(state.outerjoin(last, sa.true()))
    names = ["op", "id", "writer", "stamped", "position"]
    return template(sa.insert(operations).from_select(names, row), dialect)


@lru_cache(CACHED_TEMPLATES)
def recorded(write: Template, dialect: Dialect, namespace: str | None) -> Template:
    """A statement that checks the version, with a part that stores an operation. It is stored too if the
    version is not current: then nothing refers to it."""
    if "version" not in write.order:
        # it finds nothing in any case
        return write
    operations = dialect.compiler.identifier_preparer.format_table(workspace_tables(namespace).operations)
    values = ", ".join(f"${len(write.order) + at}::TEXT" for at in range(1, len(VALUES) + 1))
    insert = f"INSERT INTO {operations} (id, writer, stamped) VALUES ({values})"  # noqa: S608 - our own name
    operation = f"_operation AS ({insert})"
    head, text = "WITH ", write.text
    rest = f", {text[len(head) :]}" if text.startswith(head) else f" {text}"
    return Template(f"{head}{operation}{rest}", (*write.order, *VALUES))


def bound_operation(dialect: Dialect, namespace: str | None, operation: Operation, on: str) -> Statement:
    """The statement that only stores an operation, ready to run."""
    return store_operation(dialect, namespace).bind(operation_values(operation, on))
