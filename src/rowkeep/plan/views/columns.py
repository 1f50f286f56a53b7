"""View columns: the columns and groups of a view, read from its definition."""

from __future__ import annotations

import re

from rowkeep.errors.catalogue import DuplicateColumn, InvalidDefinition, ProblemList, pointer, preview
from rowkeep.model.definitions.columns import check_name
from rowkeep.model.definitions.views import ViewBody, ViewColumnBody, default_name
from rowkeep.model.tables import NAME, Column, name_key
from rowkeep.model.views import AGGREGATES, MAX_VIEW_COLUMNS, Aggregate, Ref, ViewColumn, is_comparable
from rowkeep.plan.views.names import OutputNames, output_column
from rowkeep.plan.views.sources import SourceReader, kind_of, sent_list

EXPRESSION = re.compile(
    r"\s*(?:(?P<function>[A-Za-z]+)\s*\(\s*(?P<distinct>[Dd][Ii][Ss][Tt][Ii][Nn][Cc][Tt]\s+)?"
    r"(?P<argument>[^\s()]*)\s*\)|(?P<bare>[^\s()]+))\s*"
)
"""``table.column`` or an aggregate of one."""

_SYNTAX = (
    f'Use "table.column" or an aggregate ({", ".join(AGGREGATES)}), such as "count(distinct people.City)"'
)


class ColumnReader:
    """Reads the columns and groups of one definition; errors are added to ``problems``."""

    def __init__(self, body: ViewBody, sources: SourceReader, problems: ProblemList) -> None:
        self._body = body
        self._sources = sources
        self._problems = problems
        self._outputs: dict[str, Column | None] = {}
        self.group_by = self._read_group_by()
        self.columns = self._read_columns(self.group_by)
        self.names = OutputNames(self._outputs)
        """The view's own columns by name; None for an invalid one."""

    @property
    def is_grouped(self) -> bool:
        return bool(self._body.group_by) or any(column.aggregate for column in self.columns)

    def _read_group_by(self) -> tuple[Ref, ...]:
        refs: dict[Ref, None] = {}
        sent = sent_list(self._body.group_by)
        if len(sent) > MAX_VIEW_COLUMNS:
            self._problems.add(
                InvalidDefinition, f"groupBy names at most {MAX_VIEW_COLUMNS} columns.", "/groupBy"
            )
        for at, name in enumerate(sent):
            where = pointer("groupBy", at)
            found = self._sources.ref(name, where)
            if found is None:
                continue
            ref, column = found
            if not is_comparable(column):
                self._problems.add(
                    InvalidDefinition, f"Cannot group by {name}: it is {kind_of(column)}.", where
                )
            if ref in refs:
                self._problems.add(DuplicateColumn, f"Column {name} is in groupBy twice.", where)
            refs[ref] = None
        return tuple(refs)

    def _read_columns(self, group_by: tuple[Ref, ...]) -> tuple[ViewColumn, ...]:
        sent = self._body.columns
        if not 1 <= len(sent) <= MAX_VIEW_COLUMNS:
            self._problems.add(
                InvalidDefinition,
                f"A view must have 1 to {MAX_VIEW_COLUMNS} columns; got {len(sent)}.",
                "/columns",
            )
        read = [self._read_column(each, pointer("columns", at)) for at, each in enumerate(sent)]
        columns = [(at, column) for at, column in enumerate(read) if column is not None]
        if self._body.group_by or any(column.aggregate for _, column in columns):
            for at, column in columns:
                if not column.aggregate and column.ref not in group_by and self._group_by_is_whole(group_by):
                    self._problems.add(
                        InvalidDefinition,
                        f"Column {column.name} must be in groupBy or be an aggregate, because a group has "
                        "many values of it.",
                        pointer("columns", at),
                    )
        return tuple(column for _, column in columns)

    def _group_by_is_whole(self, group_by: tuple[Ref, ...]) -> bool:
        """Whether all of groupBy is valid, so that missing columns can be reported."""
        return len(group_by) == len(sent_list(self._body.group_by))

    def _read_column(self, sent: str | ViewColumnBody, where: str) -> ViewColumn | None:
        body = ViewColumnBody(sent) if isinstance(sent, str) else sent
        spot = where if isinstance(sent, str) else f"{where}/expr"
        parts = EXPRESSION.fullmatch(body.expr)
        if parts is None:
            self._problems.add(
                InvalidDefinition, f"{preview(body.expr)} is not a valid column expression. {_SYNTAX}.", spot
            )
            self._name_output(body.as_ or "", None, where)
            return None
        aggregate = self._read_aggregate(parts, spot)
        found = self._sources.ref(parts["bare"] or parts["argument"], spot)
        if found is None or (aggregate is None and not parts["bare"]):
            self._name_output(body.as_ or "", None, where)
            return None
        ref, column = found
        if aggregate is not None and not aggregate.suits(column):
            self._problems.add(
                InvalidDefinition,
                f"Cannot use {aggregate.name} on {parts['argument']}: it is {kind_of(column)}.",
                spot,
            )
            aggregate = AGGREGATES["count"]
        aggregate_name = aggregate.name if aggregate else ""
        name = body.as_ or default_name(column, aggregate_name)
        if not (NAME.fullmatch(name) or name == column.name):
            check_name(name, "column", f"{where}/as" if body.as_ else where, self._problems)
        self._name_output(name, output_column(name, column, aggregate, may_be_empty=True), where)
        return ViewColumn(name, ref, aggregate_name)

    def _read_aggregate(self, parts: re.Match[str], where: str) -> Aggregate | None:
        if parts["bare"]:
            return None
        aggregate_name = parts["function"] + (" distinct" if parts["distinct"] else "")
        aggregate = AGGREGATES.get(aggregate_name)
        if aggregate is None:
            self._problems.add(
                InvalidDefinition,
                f"Unknown aggregate {preview(aggregate_name)}. Aggregates are {', '.join(AGGREGATES)}.",
                where,
            )
        return aggregate

    def _name_output(self, name: str, column: Column | None, where: str) -> None:
        taken = {name_key(each) for each in self._outputs}
        if name and name_key(name) in taken:
            self._problems.add(
                DuplicateColumn,
                f'Duplicate column {preview(name)} in the view. Give one of them another name with "as".',
                where,
            )
        if name:
            self._outputs.setdefault(name, column)
