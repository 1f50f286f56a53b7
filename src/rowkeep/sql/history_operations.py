"""Operations: the statements that store an operation in the transaction that changes its rows.

On PostgreSQL a write of one statement stores it as a part of that statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from typing import Any, TypeAlias

import sqlalchemy as sa

from rowkeep.model.history import Operation
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.history_order import next_millisecond
from rowkeep.sql.statements import Statement, Template, template
from rowkeep.sql.system_tables import CACHED_WORKSPACES, workspace_tables

Row: TypeAlias = tuple[Any, ...]

VALUES = ("operation_id", "operation_writer", "operation_stamped")
OPERATION_COLUMNS = ("id", "writer", "stamped")
"""The parameters of a statement that stores an operation, and the columns that they are written to."""

CACHED_TEMPLATES = 4096


def operation_values(operation: Operation, on: str) -> dict[str, Any]:
    """The values of the statements that store an operation at this time."""
    return dict(zip(VALUES, (operation.id, operation.writer, on), strict=True))


@lru_cache(CACHED_WORKSPACES)
def store_operation(dialect: Dialect, namespace: str | None) -> Template:
    """A statement that only stores an operation, where transactions overlap."""
    operations = workspace_tables(namespace).operations
    columns = (operations.c.id, operations.c.writer, operations.c.stamped)
    values = {
        column.name: sa.bindparam(name, type_=sa.Text()) for column, name in zip(columns, VALUES, strict=True)
    }
    return template(sa.insert(operations).values(values), dialect)


class NumberedOperations:
    """The statements that store operations where transactions are written one after the other: an operation
    has its position and its time at once."""

    def __init__(self, dialect: Dialect) -> None:
        system = workspace_tables(None)
        operations, state = system.operations, system.history_state
        one: sa.ColumnElement[int] = sa.literal_column("1")
        start: sa.ColumnElement[int] = sa.literal_column("0")
        newest = sa.select(operations.c.op, operations.c.stamped).order_by(operations.c.op.desc())
        last = newest.limit(one).offset(start).subquery("last")
        joined = state.outerjoin(last, sa.true())
        self.last = template(
            sa.select(last.c.op, last.c.stamped, state.c.moment).select_from(joined), dialect
        )
        """The number and the time of the last operation, and the moment that no later one may be at."""
        self.insert = template(sa.insert(operations), dialect)

    def values(self, operations: Iterable[Operation], on: str, last: Sequence[Any]) -> Iterator[Row]:
        """The parameters that store operations, in their order. Their time is never earlier than that of the
        last one, and later than a moment of the past that somebody has read."""
        number, stamped, moment = last
        time = max(on, stamped or "", next_millisecond(moment))
        numbered = enumerate(operations, (number or 0) + 1)
        return ((op, each.id, each.writer, time, op) for op, each in numbered)


@cache
def numbered_operations(dialect: Dialect) -> NumberedOperations:
    return NumberedOperations(dialect)


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
