"""View definitions: a definition in a request is checked against its tables and becomes a view."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec
from msgspec import UNSET

from rowkeep.errors.catalogue import (
    DuplicateColumn,
    InvalidDefinition,
    ProblemList,
    RowkeepError,
    pointer,
    preview,
)
from rowkeep.model.data_requests import Node
from rowkeep.model.definitions.columns import check_name
from rowkeep.model.definitions.views import (
    ViewBody,
    definition_of_view,
    is_unset,
    with_comparisons,
    with_field,
)
from rowkeep.model.tables import MAX_DESCRIPTION, Column, Table, name_key
from rowkeep.model.views import (
    MAX_VIEW_FILTER,
    MAX_VIEW_VALUES,
    View,
    comparisons_of,
    field_of,
    is_comparable,
)
from rowkeep.plan.rows.filters import plan_where, where_problems
from rowkeep.plan.rows.relation import Names, Relation
from rowkeep.plan.rows.sort import MAX_SORT
from rowkeep.plan.views.bind import as_it_is, unchanged_cell
from rowkeep.plan.views.columns import ColumnReader
from rowkeep.plan.views.names import Unknowable
from rowkeep.plan.views.sources import SourceReader, kind_of, sent_list

T = TypeVar("T")


def read_view(
    body: ViewBody, view_id: str, tables: Mapping[str, Table], views: Mapping[str, str] | None = None
) -> View:
    """The view of a definition. ``tables`` has the existing tables among its names, and ``views`` the views
    among them, both by :func:`name_key`.

    Raises all errors in it together, with pointers.
    """
    return _ViewReader(body, tables, views or {}).view(view_id)


def broken_by(view: View, tables: Mapping[str, Table]) -> str | None:
    """The error that a view would have with these tables, by id; None if it is valid. All columns that it
    uses must exist."""
    body = msgspec.convert(definition_of_view(view, tables), ViewBody)
    try:
        read_view(body, view.id, {name_key(table.name): table for table in tables.values()})
    except RowkeepError as error:
        return error.msg
    return None


class _ViewReader:
    """Reads one definition and collects its errors."""

    def __init__(self, body: ViewBody, tables: Mapping[str, Table], views: Mapping[str, str]) -> None:
        self._body = body
        self._problems = ProblemList()
        check_name(body.name, "view", "/name", self._problems)
        self._description = self._read_description()
        self._sources = SourceReader(body, tables, views, self._problems)
        self._joins = self._sources.joins()
        self._columns = ColumnReader(body, self._sources, self._problems)

    def view(self, view_id: str) -> View:
        filter_ = self._read_filter(self._body.filter, self._sources.names, "/filter")
        having = self._read_having()
        sort_by = self._read_sort_by()
        self._problems.raise_if_any()
        return View(
            id=view_id,
            name=self._body.name,
            description=self._description,
            table=self._sources.table_id(0),
            alias=self._body.as_ or "",
            joins=self._joins,
            columns=self._columns.columns,
            filter=None if filter_ is None else with_comparisons(filter_, self._stored_comparison),
            group_by=self._columns.group_by,
            having=None if having is None else with_comparisons(having, self._stored_choice),
            sort_by=sort_by,
        )

    def _read_description(self) -> str:
        sent = self._body.description
        description = sent if isinstance(sent, str) else ""
        if len(description) > MAX_DESCRIPTION or "\x00" in description:
            self._problems.add(
                InvalidDefinition,
                f"A description can have at most {MAX_DESCRIPTION} characters, and not the character U+0000.",
                "/description",
            )
        return description

    def _stored_comparison(self, node: Node) -> Node:
        ref, column = self._sources.names.ref(str(node.field), "")
        return with_field(_with_cells(node, column), field_of(ref))

    def _stored_choice(self, node: Node) -> Node:
        return _with_cells(node, self._columns.names.find(str(node.field), ""))

    def _read_filter(self, sent: Node | str | None, names: Names, at: str) -> Node | None:
        if not isinstance(sent, Node) or is_unset(sent):
            return None
        before = len(self._problems.found)
        target = Relation("", names, as_it_is, unchanged_cell)
        for error in where_problems(target, sent, at):
            if not isinstance(error, Unknowable):
                self._problems.add(type(error), error.msg, error.problems[0].pointer or at)
        self._refuse_secrets(names, sent, at)
        try:
            where = plan_where(target, sent, MAX_VIEW_FILTER, guarded=False, at=at)
        except Unknowable:
            return sent
        except RowkeepError as error:
            if len(self._problems.found) == before:
                self._problems.add(type(error), error.msg, error.problems[0].pointer or at)
            return sent
        if len(where.values) > MAX_VIEW_VALUES:
            self._problems.add(
                InvalidDefinition, f"A view's filter can have at most {MAX_VIEW_VALUES} values.", at
            )
        return None if where.shape is None else sent

    def _refuse_secrets(self, names: Names, sent: Node, at: str) -> None:
        """Values for encrypted columns would be stored in plain text in the definition."""
        for node in comparisons_of(sent):
            try:
                column = names.find(str(node.field), at)
            except RowkeepError:
                continue
            if column.is_encrypted and node.value is not UNSET:
                self._problems.add(
                    InvalidDefinition,
                    f"{node.field} is encrypted: a definition, which is stored in plain text, cannot have "
                    'values of it. Use "is null" or "is not null".',
                    at,
                )

    def _read_having(self) -> Node | None:
        having = self._read_filter(self._body.having, self._columns.names, "/having")
        if having is not None and not self._columns.is_grouped and self._problems.first is None:
            self._problems.add(
                InvalidDefinition,
                '"having" needs groups, and the view has neither groupBy nor aggregates. Use "filter".',
                "/having",
            )
        return having

    def _read_sort_by(self) -> tuple[tuple[str, bool], ...]:
        names = self._columns.names
        sort: dict[str, bool] = {}
        sent = sent_list(self._body.sort_by)
        if len(sent) > MAX_SORT:
            self._problems.add(
                InvalidDefinition,
                f"sortBy can have at most {MAX_SORT} columns; got {len(sent)}.",
                "/sortBy",
            )
        for at, key in enumerate(sent):
            where = pointer("sortBy", at)
            if key.order and key.order not in ("asc", "desc"):
                self._problems.add(
                    InvalidDefinition,
                    f'order must be "asc" or "desc"; got {preview(key.order)}.',
                    f"{where}/order",
                )
            if key.field in sort:
                self._problems.add(
                    DuplicateColumn, f"Column {preview(key.field)} is in sortBy twice.", f"{where}/field"
                )
            try:
                column = names.find(key.field, f"{where}/field")
                if not is_comparable(column):
                    self._problems.add(
                        InvalidDefinition, f"Cannot sort by {key.field}: it is {kind_of(column)}.", where
                    )
            except Unknowable:
                continue
            except RowkeepError as error:
                self._problems.add(type(error), error.msg, f"{where}/field")
            sort[key.field] = key.order == "desc"
        return tuple(sort.items())


def _with_cells(node: Node, column: Column) -> Node:
    """A comparison with its values converted to the type of its column."""

    def cell(value: object) -> object:
        is_null = value is None or (value == "" and column.reads_empty_as_null)
        return None if is_null else column.type_facts.read(value)

    value = node.value
    if value is UNSET:
        return node
    read = [cell(each) for each in value] if isinstance(value, list) else cell(value)
    return msgspec.structs.replace(node, value=read)
