"""View sources: the tables and joins of a view, read from its definition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from rowkeep.errors.catalogue import (
    InvalidDefinition,
    ProblemList,
    RowkeepError,
    UnknownOperand,
    pointer,
    preview,
)
from rowkeep.model.definitions.columns import check_name
from rowkeep.model.definitions.tables import EmptyObject
from rowkeep.model.definitions.views import JoinBody, OnBody, ViewBody
from rowkeep.model.tables import Column, Table, name_key
from rowkeep.model.views import COMPARISONS, MAX_CONDITIONS, MAX_JOINS, Join, JoinKind, On, Ref, is_comparable
from rowkeep.plan.views.names import SourceNames, Unknowable

T = TypeVar("T")


class SourceReader:
    """Reads the tables and joins of one definition; errors are added to ``problems``.

    ``tables`` has the existing tables among its names, and ``views`` the views among them, both by
    :func:`name_key`.
    """

    def __init__(
        self, body: ViewBody, tables: Mapping[str, Table], views: Mapping[str, str], problems: ProblemList
    ) -> None:
        self._body = body
        self._tables = tables
        self._views = views
        self._problems = problems
        self._joins = sent_list(body.joins)
        self._sources = self._read_sources()
        self.names = SourceNames(self._sources)

    def joins(self) -> tuple[Join, ...]:
        return tuple(self._read_join(join, at) for at, join in enumerate(self._joins, start=1))

    def _read_sources(self) -> list[tuple[str, Table | None]]:
        sent = [(self._body.table, self._body.as_, "")]
        sent += [(join.table, join.as_, pointer("joins", at)) for at, join in enumerate(self._joins)]
        if len(self._joins) > MAX_JOINS:
            self._problems.add(
                InvalidDefinition,
                f"A view can have at most {MAX_JOINS} joins; got {len(self._joins)}.",
                "/joins",
            )
        sources: list[tuple[str, Table | None]] = []
        taken: set[str] = set()
        for table_name, alias, where in sent:
            if alias:
                check_name(alias, "table", f"{where}/as", self._problems)
            name = alias or table_name
            if name_key(name) in taken:
                self._problems.add(
                    InvalidDefinition,
                    f'Duplicate table {preview(name)} in the view. Give one of them another name with "as".',
                    f"{where}/as",
                )
            taken.add(name_key(name))
            sources.append((name, self._find_table(table_name, f"{where}/table")))
        return sources

    def _find_table(self, name: str, where: str) -> Table | None:
        table = self._tables.get(name_key(name))
        if table is not None and table.name == name:
            return table
        if name_key(name) in self._views:
            message = f"{self._views[name_key(name)]} is a view. A view can only read tables."
        else:
            hint = f" Did you mean {table.name}?" if table is not None else ""
            message = f"No such table: {preview(name)}.{hint}"
        self._problems.add(InvalidDefinition, message, where)
        return None

    def table_id(self, at: int) -> str:
        """The id of the table number ``at``; ``""`` if it does not exist."""
        table = self._sources[at][1]
        return "" if table is None else table.id

    def ref(self, name: str, where: str, until: int | None = None) -> tuple[Ref, Column] | None:
        """The column with this name in one of the first ``until`` tables; None if there is none."""
        try:
            return self.names.ref(name, where, until)
        except Unknowable:
            return None
        except RowkeepError as error:
            self._problems.add(type(error), error.msg, where)
            return None

    def _read_join(self, body: JoinBody, at: int) -> Join:
        where = pointer("joins", at - 1)
        kinds = {kind.value: kind for kind in JoinKind}
        if body.type and body.type not in kinds:
            self._problems.add(
                InvalidDefinition,
                f"Unknown join type {preview(body.type)}. Types are {', '.join(kinds)}.",
                f"{where}/type",
            )
        if not 1 <= len(body.on) <= MAX_CONDITIONS:
            self._problems.add(
                InvalidDefinition,
                f'A join must have 1 to {MAX_CONDITIONS} conditions in "on"; got {len(body.on)}.',
                f"{where}/on",
            )
        read = [self._read_on(on, at, f"{where}{pointer('on', place)}") for place, on in enumerate(body.on)]
        on = tuple(each for each in read if each is not None)
        return Join(self.table_id(at), body.as_ or "", kinds.get(body.type or "", JoinKind.INNER), on)

    def _read_on(self, body: OnBody, at: int, where: str) -> On | None:
        left = self.ref(body.left, f"{where}/left", at + 1)
        right = self.ref(body.right, f"{where}/right", at + 1)
        comparison = COMPARISONS.get(body.operand)
        if comparison is None:
            self._problems.add(
                UnknownOperand,
                f"Unknown operand {preview(body.operand)} in a join. Operands are {', '.join(COMPARISONS)}.",
                f"{where}/operand",
            )
        if left is None or right is None or comparison is None:
            return None
        sides = ((body.left, *left), (body.right, *right))
        if [ref.source for _, ref, _ in sides].count(at) != 1:
            self._problems.add(
                InvalidDefinition,
                f"A join condition must compare a column of {self._sources[at][0]} with a column of a table "
                "before it.",
                where,
            )
        for key, (field_name, _, column) in zip(("left", "right"), sides, strict=True):
            if not is_comparable(column, comparison):
                self._problems.add(
                    InvalidDefinition,
                    f"Cannot use {body.operand} on {field_name}: it is {kind_of(column)}.",
                    f"{where}/{key}",
                )
        if left[1].type != right[1].type:
            self._problems.add(
                InvalidDefinition,
                f"Cannot join {body.left} of type {left[1].type} with {body.right} of type {right[1].type}: "
                "both columns must have the same type.",
                where,
            )
        return On(left[0], body.operand, right[0])


def sent_list(given: list[T] | EmptyObject | str | None) -> list[T]:
    """A list in a request; empty if it is a value that means not set."""
    return given if isinstance(given, list) else []


def kind_of(column: Column) -> str:
    return "encrypted" if column.is_encrypted else f"of type {column.type}"
