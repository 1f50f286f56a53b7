"""Pages: the statements that read rows of one table or view, each compiled once a shape.

SQLite and PostgreSQL differ in what one statement can do. On PostgreSQL every statement reads the
workspace's version along, so that a request takes one trip; on SQLite, where a trip costs nothing, the
version is read by a statement of its own in the same transaction.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

import msgspec
import sqlalchemy as sa

from rowkeep.model.columns import Kind
from rowkeep.model.filters import Shape
from rowkeep.plan.select import SelectShape
from rowkeep.sql.conditions import Comparable, beyond, condition
from rowkeep.sql.dialects import POSTGRES, SQLITE, Dialect, Expression
from rowkeep.sql.statements import Template, template
from rowkeep.sql.system import workspace_tables

CACHED_SHAPES = 256
"""How many shapes of each kind a table or a view keeps compiled."""


class Readable(Comparable, Protocol):
    """Where rows come from. ``physical`` is what stands in FROM."""

    physical: Any

    def answered(self, name: str) -> Expression:
        """A column as it is answered, under its own name."""

    def ordered(self, name: str, *, descending: bool) -> Expression:
        """A column in a sort: empty cells are least of all, on every engine."""


class SelectSql(msgspec.Struct, frozen=True):
    """A page's statements. Its rows bear the answered columns, then sort columns that are not among them;
    ``key`` says where each sort column stands, ``booleans`` which columns are booleans, and ``never_null``
    where one stands that no row leaves empty."""

    page: Template
    count: Template | None
    width: int
    key: tuple[int, ...]
    booleans: tuple[int, ...]
    never_null: int


class Pages(ABC):
    """What reads a table or a view, spelt for one engine.

    ``conditions`` hold for all of its rows, and ``ties`` end every sort; ``constants`` are the values of the
    parameters in them.
    """

    dialect: Dialect
    conditions: Sequence[Expression] = ()
    ties: Sequence[Expression] = ()
    constants: Mapping[str, Any] = {}
    has_key: bool = True
    """Whether every sort ends with a column that no row leaves empty."""

    def __init__(self, source: Readable, names: tuple[str, ...], schema: str | None) -> None:
        self.schema = source
        self.names = names
        self.system = workspace_tables(schema)
        self.select = lru_cache(CACHED_SHAPES)(self._compile_select)

    @abstractmethod
    def _compile_select(self, shape: SelectShape) -> SelectSql: ...

    def _page(self, shape: SelectShape) -> tuple[sa.Select[Any], SelectSql]:
        """One page, in order, and where its columns stand (its templates still empty)."""
        answered = list(shape.fields or self.names)
        hidden = [name for name, _ in shape.sort if name not in answered]
        columns = [*answered, *hidden]
        chosen = [self.schema.answered(name) for name in columns]
        key = tuple(columns.index(name) for name, _ in shape.sort)
        never_null = key[-1] if self.has_key else len(columns)
        if not self.has_key:
            chosen.append(sa.literal_column("1").label("_is_row"))
        page = sa.select(*chosen).select_from(self.schema.physical).where(*self._chosen(shape.where))
        if shape.after is not None:
            page = page.where(beyond(self.schema, shape.sort, shape.after))
        page = (
            page.order_by(
                *(self.schema.ordered(name, descending=desc) for name, desc in shape.sort), *self.ties
            )
            .limit(number("limit"))
            .offset(number("offset"))
        )
        booleans = self._booleans(columns)
        return page, SelectSql(Template("", ()), None, len(answered), key, booleans, never_null)

    def _count(self, where: Shape | None) -> sa.Select[Any]:
        return sa.select(sa.func.count()).select_from(self.schema.physical).where(*self._chosen(where))

    def _chosen(self, where: Shape | None) -> list[Expression]:
        return [*self.conditions, *([] if where is None else [condition(self.schema, where)])]

    def _booleans(self, names: list[str]) -> tuple[int, ...]:
        return tuple(at for at, name in enumerate(names) if self.schema.kind(name) is Kind.BOOLEAN)


def number(name: str) -> sa.BindParameter[int]:
    return sa.bindparam(name, type_=sa.BigInteger())


class SqlitePages(Pages):
    dialect = SQLITE

    def _compile_select(self, shape: SelectShape) -> SelectSql:
        page, sql = self._page(shape)
        count = template(self._count(shape.where), self.dialect) if shape.is_counted else None
        return msgspec.structs.replace(sql, page=template(page, self.dialect), count=count)


class PostgresPages(Pages):
    """Each row of a page begins with the version and the count."""

    dialect = POSTGRES

    @property
    def _version(self) -> sa.Column[Any]:
        return self.system.workspace.c.version

    def _compile_select(self, shape: SelectShape) -> SelectSql:
        inner, sql = self._page(shape)
        page = inner.subquery("page")
        total = self._count(shape.where).scalar_subquery() if shape.is_counted else sa.null()
        # joined to one row on the left, the page keeps its order; and an empty page still gives the version
        joined = self.system.workspace.outerjoin(page, sa.true())
        whole = sa.select(self._version, total.label("total"), *page.c).select_from(joined)
        return msgspec.structs.replace(sql, page=template(whole, self.dialect))
