"""Reading charts: a chart in a request is checked and stored by the keys of its columns; a stored one gets
the names that its columns have now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec import UNSET, structs

from rowkeep.errors.catalogue import InvalidChart, InvalidValue, RowkeepError, preview
from rowkeep.model.charts import MAX_CHART_NAME, MAX_SEARCH, ChartPlan, ChartSource
from rowkeep.model.data_requests import Node
from rowkeep.model.definitions.views import with_comparisons, with_field
from rowkeep.model.names import ColumnNames
from rowkeep.model.tables import SYSTEM_COLUMNS, Column, Table
from rowkeep.model.views import View, column_key, comparisons_of
from rowkeep.plan.rows.filters import plan_where
from rowkeep.plan.rows.relation import Relation
from rowkeep.plan.views.bind import as_it_is, unchanged_cell, view_columns

ANY_LIMIT = 1 << 30
"""For comparisons that do not depend on how many expressions a filter may have."""


def chart_source(thing: Table | View, tables: Mapping[str, Table]) -> ChartSource:
    """The columns of a table or view; ``tables`` has the tables that a view uses, by id."""
    if isinstance(thing, View):
        return ChartSource(thing.id, thing.name, True, view_columns(thing, tables))
    return ChartSource(thing.id, thing.name, False, thing.columns, SYSTEM_COLUMNS)


def chart_sources(things: Iterable[Table | View], tables: Mapping[str, Table]) -> dict[str, ChartSource]:
    """The columns of tables and views, by their ids."""
    return {thing.id: chart_source(thing, tables) for thing in things}


def read_chart(plan: ChartPlan, source: ChartSource, max_expressions: int) -> ChartPlan:
    """The chart as it is stored. Raises InvalidChart, InvalidValue, and what plan_where raises."""
    _check_search(plan.search)
    reader = _ChartReader(plan, source)
    category, value = reader.category(), reader.value()
    query = reader.query(max_expressions)
    used = [each for each in (category, value) if each is not None]
    if query is not None:
        used += [reader.names.find(str(node.field), "") for node in comparisons_of(query)]
    key = _key_of(source)
    return structs.replace(
        plan,
        category=None if category is None else key(category),
        value=None if value is None else key(value),
        query=None if query is None else _with_fields(query, lambda name: key(reader.names.find(name, ""))),
        names={key(column): column.name for column in used},
    )


def named_chart(stored: ChartPlan, source: ChartSource, max_expressions: int) -> tuple[ChartPlan, str | None]:
    """A stored chart with the names of its columns, and why it cannot be drawn; None if it can. A column that
    is missing has the name that it had."""
    key = _key_of(source)
    present = {key(column): column.name for column in source.all_columns}

    def name(each: str) -> str:
        return present.get(each) or stored.names.get(each, each)

    plan = structs.replace(
        stored,
        category=None if stored.category is None else name(stored.category),
        value=None if stored.value is None else name(stored.value),
        query=None if stored.query is None else _with_fields(stored.query, name),
        names={},
    )
    missing = [each for each in _keys(stored) if each not in present]
    if missing:
        kind = "View" if source.is_view else "Table"
        return plan, f"{kind} {source.name} no longer has the column {preview(name(missing[0]))}."
    try:
        read_chart(plan, source, max_expressions)
    except RowkeepError as error:
        return plan, error.msg
    return plan, None


def check_chart_name(name: str) -> str:
    """The name without spaces around it. Raises InvalidValue."""
    found = name.strip()
    if not 0 < len(found) <= MAX_CHART_NAME or not found.isprintable():
        raise InvalidValue(
            f"The name of a chart must have 1 to {MAX_CHART_NAME} printable characters; got {preview(name)}.",
            pointer="/name",
        )
    return found


def _check_search(search: str) -> None:
    if len(search) > MAX_SEARCH or "\x00" in search:
        raise InvalidValue(
            f"A search can have at most {MAX_SEARCH:,} characters, and not the character U+0000; got "
            f"{preview(search)}.",
            pointer="/search",
        )


def _keys(stored: ChartPlan) -> Iterator[str]:
    """The keys of all columns that a stored chart uses."""
    yield from (each for each in (stored.category, stored.value) if each is not None)
    if stored.query is not None:
        yield from (str(node.field) for node in comparisons_of(stored.query))


def _key_of(source: ChartSource) -> Callable[[Column], str]:
    return _name_of if source.is_view else column_key


def _name_of(column: Column) -> str:
    return column.name


def _with_fields(query: Node, name: Callable[[str], str]) -> Node:
    return with_comparisons(query, lambda node: with_field(node, name(str(node.field))))


class _ChartReader:
    def __init__(self, plan: ChartPlan, source: ChartSource) -> None:
        self._plan = plan
        self._id = source.id
        self.names = ColumnNames(source, "View" if source.is_view else "Table")

    def category(self) -> Column | None:
        kind, name = self._plan.kind, self._plan.category
        if kind == "number":
            if name is not None:
                raise InvalidChart(
                    f"A number has no category; got {preview(name)}. Set category to null.",
                    pointer="/category",
                )
            return None
        if name is None:
            raise InvalidChart(
                f"A chart of kind {preview(kind)} needs a category: the column by which rows are grouped.",
                pointer="/category",
            )
        column = self.names.find(name, "/category")
        if not column.is_sortable:
            raise InvalidChart(
                f"Rows cannot be grouped by {column.name}: it is {_described(column)}.", pointer="/category"
            )
        return column

    def value(self) -> Column | None:
        aggregate, name = self._plan.aggregate, self._plan.value
        if aggregate == "count":
            if name is not None:
                raise InvalidChart(
                    f'The aggregate "count" counts rows and has no value; got {preview(name)}. Set value to '
                    "null.",
                    pointer="/value",
                )
            return None
        if name is None:
            raise InvalidChart(
                f"The aggregate {preview(aggregate)} needs a value: a numeric column.", pointer="/value"
            )
        column = self.names.find(name, "/value")
        if not column.is_number:
            raise InvalidChart(
                f"{preview(aggregate)} needs a numeric column; {column.name} is {_described(column)}.",
                pointer="/value",
            )
        return column

    def query(self, max_expressions: int) -> Node | None:
        """The filter; None if it matches every row."""
        sent = self._plan.query
        if sent is None:
            return None
        target = Relation(self._id, self.names, as_it_is, unchanged_cell)
        where = plan_where(target, sent, max_expressions, guarded=False)
        if where.shape is None:
            return None
        for node in comparisons_of(sent):
            column = self.names.find(str(node.field), "/query")
            if column.is_encrypted and node.value is not UNSET:
                raise InvalidChart(
                    f"{column.name} is encrypted: a chart, which is stored in plain text, cannot have values "
                    'of it. Use "is null" or "is not null".',
                    pointer="/query",
                )
        return _lower(sent)


def _lower(node: Node) -> Node:
    """A valid filter with its operators in lower case, as they are documented."""
    operator = node.operator if node.operator is UNSET else node.operator.lower()
    parts = node.expressions if node.expressions is UNSET else [_lower(each) for each in node.expressions]
    not_ = node.not_ if node.not_ is UNSET else _lower(node.not_)
    return structs.replace(node, operator=operator, expressions=parts, not_=not_)


def _described(column: Column) -> str:
    return "encrypted" if column.is_encrypted else f"of type {column.type}"
