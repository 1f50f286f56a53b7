"""Pages: the statements that read rows of one table or view, compiled once for each shape.

SQLite and PostgreSQL differ in what one statement can do. On PostgreSQL every statement also reads the
version of the workspace, so that a request takes one round trip. On SQLite, where a round trip costs nothing,
a separate statement reads the version, if the file has changed since it was last read.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, cached_property, lru_cache
from typing import Any, Protocol, TypeAlias

import msgspec
import sqlalchemy as sa
from sqlalchemy.sql import quoted_name

from rowkeep.model.filters import Shape
from rowkeep.model.tables import Column
from rowkeep.plan.rows.select import SelectPlan, SelectShape
from rowkeep.sql.conditions import Comparable, beyond, condition
from rowkeep.sql.dialects import POSTGRES, SQLITE, Dialect
from rowkeep.sql.expressions import Expression
from rowkeep.sql.names import quoted
from rowkeep.sql.pieces import Pieces
from rowkeep.sql.statements import Template, template
from rowkeep.sql.system_tables import WorkspaceTables, workspace_tables

CACHED_SHAPES = 256
"""How many compiled shapes of each kind are cached for a table or view."""


Decoders: TypeAlias = tuple[tuple[int, Callable[[Any], Any]], ...]
"""The positions of columns whose cells the driver does not return as they are in responses, each with its
decoder."""


class Readable(Comparable, Protocol):
    """A source of rows. ``from_clause`` is what FROM contains."""

    from_clause: Any

    def answered(self, name: str) -> sa.Label[Any]:
        """A column for responses, under its own name. It has no parameters."""

    def ordered(self, name: str, *, descending: bool) -> Expression:
        """A column in a sort: null is less than every value, on every engine."""


class ShortPages(msgspec.Struct):
    """Which pages of a lookup are read as short ones: all, until one is not short; then none for a while."""

    skipped: int = 0
    """So many pages more are not read as short ones."""

    def tries_next(self) -> bool:
        """Whether the next page is read as a short one."""
        if self.skipped:
            self.skipped -= 1
            return False
        return True

    def was_long(self) -> None:
        """A page was not short, and had to be read again."""
        self.skipped += SKIPPED_PAGES


class SelectSql(msgspec.Struct, frozen=True):
    """The statements of a page. Its rows have the requested columns, followed by sort columns that are not
    among them. ``key`` has the positions of the sort columns, ``decoders`` converts the cells of some
    columns, and ``never_null`` is the position of a column that is never null.

    With ``short``, ``page`` reads only pages that are short. ``several`` then reads those of several lookups:
    each parameter is an array with one value for each of them, and each row ends with the number of its
    lookup, from 1. It is None for a filter that can take long."""

    page: Template
    count: Template | None
    width: int
    key: tuple[int, ...]
    decoders: Decoders
    never_null: int
    short: ShortPages | None = None
    several: Template | None = None


class StreamSql(msgspec.Struct, frozen=True):
    """The statement of a stream, with ``width`` requested columns, which may be followed by sort columns.
    ``is_large`` says whether single rows can be large."""

    rows: Template
    width: int
    decoders: Decoders
    is_large: bool


class Pages(ABC):
    """The statements that read a table or a view, for one engine.

    ``conditions`` apply to all of its rows, and every sort ends with ``ties``; ``constants`` are the values
    of the parameters in them.
    """

    dialect: Dialect
    conditions: Sequence[Expression] = ()
    ties: Sequence[Expression] = ()
    constants: Mapping[str, Any] = {}
    has_key: bool = True
    """Whether every sort ends with a column that is never null."""

    def __init__(self, names: tuple[str, ...], namespace: str | None) -> None:
        self.names = names
        self.namespace = namespace
        self.select = lru_cache(CACHED_SHAPES)(self._compile_select)
        self._text = cache(self._text_of)

    @property
    @abstractmethod
    def physical(self) -> Readable:
        """What is read."""

    @property
    def system(self) -> WorkspaceTables:
        return workspace_tables(self.namespace)

    @cached_property
    def stream(self) -> Callable[[SelectShape, bool], StreamSql]:
        """The statements of streams by their shapes, and whether a limit or an offset was given."""
        return lru_cache(CACHED_SHAPES)(self._compile_stream)

    def _compile_stream(self, shape: SelectShape, is_limited: bool) -> StreamSql:
        page, sql = self._page(shape)
        if not is_limited:
            # with a LIMIT, SQLite sorts in a tree, which is slower
            page = page.limit(None).offset(None)
        large = (has_large_cells(self.physical.columns[name]) for name in shape.fields or self.names)
        return StreamSql(template(page, self.dialect), sql.width, sql.decoders, any(large))

    @abstractmethod
    def _compile_select(self, shape: SelectShape) -> SelectSql: ...

    def limited(self, shape: SelectShape, limit: int) -> SelectSql:  # noqa: ARG002 - for engines that use it
        """The same for a page of ``limit`` rows from the start, where a known limit helps the engine."""
        return self.select(shape)

    def any_page(self, plan: SelectPlan) -> SelectSql:
        """The statements of the page of a plan, whatever rows it has."""
        return self.select(plan.shape) if plan.offset else self.limited(plan.shape, plan.limit)

    def _page(
        self, shape: SelectShape, limit: int = 0, *, is_text: bool = True
    ) -> tuple[sa.Select[Any], SelectSql]:
        """One page, in order, and the positions of its columns (the templates are still empty). ``limit`` is
        the number of rows of a page from the start; if it is 0, limit and offset are parameters."""
        columns = self._names_of(shape)
        key = tuple(columns.index(name) for name, _ in shape.sort)
        never_null = key[-1] if self.has_key else len(columns)
        chosen = self._columns(columns, is_text=is_text)
        page = sa.select(*chosen).select_from(self.physical.from_clause).where(*self._chosen(shape.where))
        if shape.after is not None:
            page = page.where(beyond(self.physical, shape.sort, shape.after))
        page = page.order_by(
            *(self.physical.ordered(name, descending=desc) for name, desc in shape.sort), *self.ties
        )
        page = (
            page.limit(sa.literal_column(str(limit + 1)))
            if limit
            else page.limit(number("limit")).offset(number("offset"))
        )
        decoders = self._decoders(columns)
        width = len(shape.fields or self.names)
        return page, SelectSql(Template("", ()), None, width, key, decoders, never_null)

    def _names_of(self, shape: SelectShape) -> list[str]:
        """The columns of a page: those that are answered, and then those that it is only sorted by."""
        return list(dict.fromkeys([*(shape.fields or self.names), *(name for name, _ in shape.sort)]))

    def _columns(self, names: Sequence[str], *, is_text: bool) -> list[Expression]:
        """Columns for responses; with ``is_text`` as one expression, of which only the text counts."""
        is_row: list[Expression] = [] if self.has_key else [sa.literal_column("1").label(IS_ROW)]
        if is_text:
            return [sa.literal_column(", ".join(map(self._text, names))), *is_row]
        return [*map(self.physical.answered, names), *is_row]

    def _text_of(self, name: str) -> str:
        """A column for responses as text, compiled once for all statements: most of the time that it takes to
        compile them."""
        return str(as_text([self.physical.answered(name)], self.dialect).name)

    def _quoted(self, name: str) -> str:
        return self.dialect.compiler.identifier_preparer.quote(name)

    def _count(self, where: Shape | None) -> sa.Select[Any]:
        return sa.select(sa.func.count()).select_from(self.physical.from_clause).where(*self._chosen(where))

    def _chosen(self, where: Shape | None) -> list[Expression]:
        return [*self.conditions, *([] if where is None else [condition(self.physical, where)])]

    def _decoders(self, names: Sequence[str]) -> Decoders:
        decoders = ((at, self.physical.kind(name).decode) for at, name in enumerate(names))
        return tuple((at, decode) for at, decode in decoders if decode is not None)


def as_text(
    columns: Iterable[sa.Label[Any]], dialect: Dialect, *, with_table: bool = True
) -> sa.ColumnClause[Any]:
    """Columns under their names as one expression, compiled already. They have no parameters."""
    quote = dialect.compiler.identifier_preparer.quote
    options = {"include_table": with_table}
    texts = (
        f"{each.element.compile(dialect=dialect.compiler, compile_kwargs=options)} AS {quote(each.name)}"
        for each in columns
    )
    return sa.literal_column(", ".join(texts))


def number(name: str) -> sa.BindParameter[int]:
    return sa.bindparam(name, type_=sa.BigInteger())


class SqlitePages(Pages):
    dialect = SQLITE

    def _compile_select(self, shape: SelectShape) -> SelectSql:
        page, sql = self._page(shape)
        count = template(self._count(shape.where), self.dialect) if shape.is_counted else None
        return msgspec.structs.replace(sql, page=template(page, self.dialect), count=count)


class PostgresPages(Pages):
    """Each row of a page begins with the version, the count, and how many bytes the texts of the page take.

    The count is null where the page itself shows it: then all rows that were found are on the page. If its
    texts take more than ``max_bytes``, the page has no rows; ``cut`` then returns those that fit.

    Most pages of lookups are short: they have all rows that match, and none of these is large. Such a page
    has a statement of its own, which takes PostgreSQL a third less time; its rows begin with the version, and
    with whether the row is small. Where a page turns out not to be short, ``whole`` reads it.
    """

    dialect = POSTGRES

    @cached_property
    def _limited(self) -> Callable[[SelectShape, int], SelectSql]:
        return lru_cache(CACHED_SHAPES)(self._compile_limited)

    @cached_property
    def whole(self) -> Callable[[SelectShape, int], SelectSql]:
        """The statement for any page of a lookup."""
        return lru_cache(CACHED_SHAPES)(self._compile_whole)

    @cached_property
    def cut(self) -> Callable[[SelectShape], SelectSql]:
        return lru_cache(CACHED_SHAPES)(self._compile_cut)

    @property
    def _version(self) -> sa.Column[Any]:
        return self.system.workspace.c.version

    @cached_property
    def version(self) -> Template:
        """Only the version."""
        return template(sa.select(self._version), self.dialect)

    def is_lookup(self, shape: SelectShape) -> bool:  # noqa: ARG002 - a view has no indexes
        """Whether one plan is good for a page with any values of its filter."""
        return False

    def is_exact_lookup(self, shape: SelectShape) -> bool:  # noqa: ARG002 - a view has no indexes
        """Whether such a page reads no other rows than its own, so that its time is known."""
        return False

    def limited(self, shape: SelectShape, limit: int) -> SelectSql:
        """PostgreSQL reuses a plan only if its estimated cost is as low as that of a plan for the current
        values. For a limit that is a parameter it assumes a tenth of all rows, so the cost of such a plan is
        always too high."""
        return self._limited(shape, limit) if limit in INLINED_LIMITS else self.select(shape)

    def any_page(self, plan: SelectPlan) -> SelectSql:
        found = super().any_page(plan)
        return found if found.short is None else self.whole(plan.shape, plan.limit)

    def _compile_limited(self, shape: SelectShape, limit: int) -> SelectSql:
        if not self.is_lookup(shape):
            return self.select(shape)
        if limit > MAX_SHORT_ROWS:
            return self.whole(shape, limit)
        return msgspec.structs.replace(self._compile_short(shape, limit), short=ShortPages())

    def _compile_whole(self, shape: SelectShape, limit: int) -> SelectSql:
        return self._compile(shape, limit)

    def _compile_short(self, shape: SelectShape, limit: int) -> SelectSql:
        inner, sql = self._page(shape, limit)
        large = self._large(shape)
        size = row_size([self.physical.answered(name) for name in large])
        share: Expression = sa.literal_column(str(SHORT_BYTES // (limit + 1)))
        page = template(inner.add_columns((size <= share).label(IS_SMALL)), self.dialect)
        cells = (
            f"CASE WHEN page.{IS_SMALL} THEN page.{self._quoted(name)} END"
            if name in large
            else f"page.{self._quoted(name)}"
            for name in map(quoted, self._names_of(shape))
        )
        columns = f"({self.version.text}), page.{IS_SMALL}, {', '.join(cells)}"
        # left joins, for an empty page still returns the version
        one = f"SELECT {columns} FROM (SELECT) AS one LEFT JOIN ({page.text}) AS page ON true"  # noqa: S608 - ours
        several = _several(columns, page) if self.is_exact_lookup(shape) else None
        return msgspec.structs.replace(sql, page=Template(one, page.order), several=several)

    def _compile_select(self, shape: SelectShape) -> SelectSql:
        return self._compile(shape, 0)

    def _compile(self, shape: SelectShape, limit: int) -> SelectSql:
        inner, sql = self._page(shape, limit)
        page = inner.cte("page")
        size = size_of([sa.literal_column(f"page.{self._quoted(name)}") for name in self._large(shape)])
        facts = sa.select(sa.func.count().label("found"), size.label("size")).select_from(page)
        found = facts.subquery("facts")
        # a left join to one row: the page keeps its order, and an empty page still returns the version
        joined = self.system.workspace.join(found, sa.true()).outerjoin(page, found.c.size <= MAX_BYTES)
        names = (*(quoted(name) for name in self._names_of(shape)), *([] if self.has_key else [IS_ROW]))
        columns: Expression = sa.literal_column(", ".join(f"page.{self._quoted(name)}" for name in names))
        total = self._total(shape, limit, found).label("total")
        complete = sa.select(self._version, total, found.c.size, columns).select_from(joined)
        return msgspec.structs.replace(sql, page=template(complete, self.dialect))

    def _total(self, shape: SelectShape, limit: int, found: Any) -> Expression:
        """The count, where the page does not show it: PostgreSQL runs the subquery only then."""
        if not shape.is_counted:
            return sa.null()
        count = self._count(shape.where).scalar_subquery()
        if shape.after is not None:
            return count
        most = sa.literal_column(str(limit + 1)) if limit else number("limit")
        is_open = found.c.found >= most
        if not limit:
            # an empty page that does not begin at the start shows nothing
            is_open = is_open | ((found.c.found == _NOTHING) & (number("offset") > _NOTHING))
        return sa.case((is_open, count))

    def _compile_cut(self, shape: SelectShape) -> SelectSql:
        """The page up to the row with which its texts take more than ``max_bytes``. After the version and the
        count follows the number of rows of the whole page."""
        inner, sql = self._page(shape, is_text=False)
        page = inner.cte("page")
        upto = size_of([page.c[name] for name in self._large(shape)], over_rows=True).label("_upto")
        summed = sa.select(*page.c, upto).subquery("summed")
        found = sa.select(sa.func.count().label("found")).select_from(page).subquery("facts")
        joined = self.system.workspace.join(found, sa.true()).outerjoin(summed, summed.c._upto <= MAX_BYTES)
        total = self._count(shape.where).scalar_subquery() if shape.is_counted else sa.null()
        columns = [column for column in summed.c if column.name != "_upto"]
        complete = sa.select(self._version, total.label("total"), found.c.found, *columns).select_from(joined)
        return msgspec.structs.replace(sql, page=template(complete, self.dialect))

    def _large(self, shape: SelectShape) -> list[quoted_name]:
        """The columns of a page that can be large."""
        columns = self.physical.columns
        return [quoted(name) for name in self._names_of(shape) if is_large(columns[name], self.dialect)]


def _several(columns: str, page: Template) -> Template | None:
    """The statement for the pages of several lookups, with these columns. The arrays are read by subqueries,
    for PostgreSQL would otherwise plan it again for each number of lookups."""
    if len(page.order) > MAX_ARRAYS:
        return None
    types = dict(PARAMETER.findall(page.text))
    arrays = ", ".join(f"(SELECT ${at}::{types[str(at)]}[])" for at in range(1, len(types) + 1))
    names = ", ".join([*(f"value{at}" for at in range(1, len(types) + 1)), "number"])
    each = PARAMETER.sub(r"_lookups.value\1", page.text)
    lookups = f"unnest({arrays}) WITH ORDINALITY AS _lookups({names})"
    joined = f"{lookups} LEFT JOIN LATERAL ({each}) AS page ON true"
    return Template(f"SELECT {columns}, _lookups.number FROM {joined}", page.order)  # noqa: S608 - ours


PARAMETER = re.compile(r"\$(\d+)::([A-Z]+)")
"""A parameter of PostgreSQL with its type. No name contains a dollar sign."""

MAX_ARRAYS = 8
"""With more parameters, a lookup is not read together with others."""

IS_ROW = "_is_row"
"""The last column of a page whose other columns may all be null."""

INLINED_LIMITS = frozenset({1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000})
"""Limits with their own statements; few, because each connection prepares each of them."""

MAX_BYTES = sa.bindparam("max_bytes", type_=sa.BigInteger())

MAX_SHORT_ROWS = 100
SHORT_BYTES = 1_000_000
"""A short page has at most so many rows, whose large texts take at most so many bytes; each of them at most
its share."""

SKIPPED_PAGES = 8
"""After a page that was not short, so many are not read as short ones."""

IS_SMALL = "_is_small"

SMALL_LENGTH = 64
"""Texts of at most this many characters are not measured."""


def is_large(column: Column, dialect: Dialect) -> bool:
    """Whether a column's cells can be so large that a page of them is measured."""
    if column.is_system or column.holds_sys_ids:
        return False
    is_short = column.max_length is not None and column.max_length <= SMALL_LENGTH
    return dialect.kinds[column.kind].is_long and not is_short


def has_large_cells(column: Column) -> bool:
    """Whether a cell of a column can have some kilobytes or megabytes, on any engine."""
    if column.is_system or column.holds_sys_ids:
        return False
    if column.type_facts.is_document or column.type_facts.is_text:
        return column.max_length is None or column.max_length > SMALL_LENGTH
    return False


def size_of(cells: Sequence[Expression], *, over_rows: bool = False) -> Expression:
    """How many bytes these columns take in all rows, or, for each row, in those up to it. PostgreSQL tells
    without reading the texts."""
    if not cells:
        return sa.literal_column("0", sa.BigInteger())
    in_all: Any = sa.func.sum(row_size(cells))
    if over_rows:
        return sa.cast(in_all.over(rows=(None, 0)), sa.BigInteger())
    return sa.func.coalesce(in_all, _NOTHING)


def row_size(cells: Sequence[Expression]) -> Expression:
    """How many bytes these columns take in one row."""
    if not cells:
        return _NOTHING
    of_row = " + ".join(f"coalesce(octet_length({{{at}}}), 0)" for at in range(len(cells)))
    return Pieces(of_row, sa.Integer(), *map(_bare, cells))


def _bare(cell: Expression) -> Expression:
    return cell.element if isinstance(cell, sa.Label) else cell


_NOTHING: sa.ColumnClause[int] = sa.literal_column("0", sa.Integer())
