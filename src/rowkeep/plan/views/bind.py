"""Binding: a view and its tables become one relation, for which queries are planned and compiled."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import UNSET

from rowkeep.model.definitions.views import ViewNames
from rowkeep.model.filters import Where
from rowkeep.model.tables import ROW_KEY, Column, Index, Table
from rowkeep.model.views import AGGREGATES, MAX_VIEW_FILTER, JoinKind, View, columns_by_key
from rowkeep.plan.rows.filters import plan_where
from rowkeep.plan.rows.relation import Relation
from rowkeep.plan.rows.sort import MAX_SORT, Order
from rowkeep.plan.views.names import OutputNames, SourceNames, output_column


class BoundView(msgspec.Struct, frozen=True):
    """A view with its tables.

    ``tables`` and ``sources`` are in the order of its sources; ``sources`` has their names in ``where``.
    ``columns`` are its own columns, which ``having`` uses.
    """

    view: View
    tables: tuple[Table, ...]
    sources: tuple[str, ...]
    columns: tuple[Column, ...]
    where: Where
    having: Where
    order: Order

    @property
    def name(self) -> str:
        return self.view.name

    @property
    def encrypted(self) -> dict[str, tuple[str, str, tuple[int, ...]]]:
        """For each encrypted column, the ids of its table and column, and the numbers of its data keys."""
        origins: dict[str, tuple[str, str, tuple[int, ...]]] = {}
        for column, own in zip(self.view.columns, self.columns, strict=True):
            table = self.tables[column.ref.source]
            if own.is_encrypted:
                origins[own.name] = (
                    table.id,
                    column.ref.column,
                    columns_by_key(table)[column.ref.column].keys,
                )
        return origins

    @property
    def indexes(self) -> tuple[Index, ...]:
        """Empty: a view has no indexes of its own."""
        return ()

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """A view has only the system columns that it names."""
        return self.columns


def bind_view(view: View, tables: Mapping[str, Table]) -> BoundView:
    """Bind a view. ``tables`` has the tables that the view uses, by id."""
    names = ViewNames(view, tables)
    columns = _columns(view, names)
    sources = SourceNames(list(zip(names.sources, names.tables, strict=True)))
    outputs = OutputNames({column.name: column for column in columns})
    filter_ = names.filter(view)
    return BoundView(
        view=view,
        tables=tuple(names.tables),
        sources=tuple(names.sources),
        columns=columns,
        where=plan_where(
            Relation(view.id, sources, as_it_is, unchanged_cell),
            UNSET if filter_ is None else filter_,
            MAX_VIEW_FILTER,
            guarded=False,
        ),
        having=plan_where(
            Relation(view.id, outputs, as_it_is, unchanged_cell),
            UNSET if view.having is None else view.having,
            MAX_VIEW_FILTER,
            guarded=False,
        ),
        order=_order(view, columns),
    )


def view_columns(view: View, tables: Mapping[str, Table]) -> tuple[Column, ...]:
    """The columns of a view only."""
    return _columns(view, ViewNames(view, tables))


def as_it_is(_column: Column, cell: object) -> object:
    return cell


def unchanged_cell(_column: Column, cell: object) -> tuple[object, ...]:
    return (cell,)


def _columns(view: View, names: ViewNames) -> tuple[Column, ...]:
    may_be_empty = _padded_sources(view)
    return tuple(
        output_column(
            column.name,
            names.column(column.ref),
            AGGREGATES.get(column.aggregate),
            may_be_empty=column.ref.source in may_be_empty,
        )
        for column in view.columns
    )


def _padded_sources(view: View) -> set[int]:
    """The sources whose columns can be null because a join found no match."""
    padded: set[int] = set()
    for at, join in enumerate(view.joins, start=1):
        if join.kind is JoinKind.LEFT:
            padded.add(at)
        elif join.kind is JoinKind.RIGHT:
            padded |= set(range(at))
    return padded


def _order(view: View, columns: tuple[Column, ...]) -> Order:
    last = tuple(column.name for column in columns if column.is_sortable)
    return Order(first=view.sort_by, last=last, key=_key(view), same={})


def _key(view: View) -> frozenset[str] | None:
    """The columns that identify a row: for groups those of groupBy, otherwise the key of every table."""
    named = {column.ref: column.name for column in view.columns if not column.aggregate}
    if view.is_grouped:
        wanted = [named.get(ref) for ref in view.group_by]
    else:
        keys = {(ref.source, ref.column): name for ref, name in named.items()}
        wanted = [keys.get((at, ROW_KEY)) or keys.get((at, "sys_Id")) for at in range(len(view.table_ids))]
    found = frozenset(name for name in wanted if name is not None)
    return found if len(found) == len(wanted) and len(found) <= MAX_SORT else None
