"""Conditions: the shape of a filter, and of a cursor, as SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import count, islice
from typing import Protocol

import sqlalchemy as sa

from rowkeep.model.filters import Junction, Match, Negation, Shape, Test
from rowkeep.model.tables import Column
from rowkeep.plan.rows.sort import Sort
from rowkeep.sql.dialects import Dialect, StoredKind
from rowkeep.sql.expressions import Expression
from rowkeep.sql.lists import Listed

COMPARISONS = {
    Test.LESS: sa.ColumnElement.__lt__,
    Test.LESS_EQUAL: sa.ColumnElement.__le__,
    Test.GREATER: sa.ColumnElement.__gt__,
    Test.GREATER_EQUAL: sa.ColumnElement.__ge__,
}


class Comparable(Protocol):
    """A source of columns that can be compared, by name."""

    @property
    def dialect(self) -> Dialect: ...

    @property
    def columns(self) -> Mapping[str, Column]: ...

    def kind(self, name: str) -> StoredKind: ...

    def column(self, name: str) -> Expression:
        """The expression that compares and sorts a column."""

    def identity(self, name: str) -> Expression:
        """An expression that is equal for equal cells of a column, and faster to find."""


def where_name(at: int) -> str:
    """The parameter of the filter's value number ``at``."""
    return f"w{at}"


def after_name(at: int) -> str:
    """The parameter of the cursor's value number ``at``."""
    return f"a{at}"


def parameter(kind: StoredKind, name: str) -> Expression:
    """A parameter of this kind without a value, ready for comparisons."""
    return kind.compared(kind.open_parameter(name))


def condition(source: Comparable, shape: Shape, name: Callable[[int], str] = where_name) -> Expression:
    """The filter as a condition, with its values as the parameters that ``name`` returns. An unknown result
    counts as false: below a ``not``, IS NOT TRUE is explicit; elsewhere WHERE does it."""
    return _condition(source, shape, map(name, count()))


def _condition(source: Comparable, shape: Shape, slots: Iterator[str]) -> Expression:
    if isinstance(shape, Junction):
        return _joined([_condition(source, part, slots) for part in shape.parts], either=shape.either)
    if isinstance(shape, Negation):
        return _not_true(_condition(source, shape.part, slots))
    return _match(source, shape, slots)


def is_never_true(condition: Expression) -> bool:
    """Whether no row can fulfil a condition, whatever its values are."""
    return isinstance(condition, sa.False_)


def _joined(parts: list[Expression], *, either: bool) -> Expression:
    """AND or OR. Constants are worked out here, so that a condition that is always false is ``sa.false()``
    itself."""
    deciding, neutral = (sa.true(), sa.false()) if either else (sa.false(), sa.true())
    if any(isinstance(part, type(deciding)) for part in parts):
        return deciding
    rest = [part for part in parts if not isinstance(part, type(neutral))]
    if not rest:
        return neutral
    return sa.or_(*rest) if either else sa.and_(*rest)


def _not_true(condition: Expression) -> Expression:
    if isinstance(condition, sa.False_):
        return sa.true()
    if isinstance(condition, sa.True_):
        return sa.false()
    return condition.self_group().op("IS NOT", is_comparison=True)(sa.literal_column("TRUE"))


def _match(source: Comparable, match: Match, slots: Iterator[str]) -> Expression:
    by_identity = match.test in (Test.EQUAL, Test.IN, Test.NULL)
    column = source.identity(match.column) if by_identity else source.column(match.column)
    kind = source.kind(match.column)
    names = tuple(islice(slots, match.slots))
    values = _values(kind, match, names)
    if match.folded:
        column = source.dialect.fold(column)
    found = _found(source, match, column, values)
    if not match.negated:
        return found
    if match.test is Test.NULL or (match.test is Test.EQUAL and match.or_null):
        return column.is_not(None)
    if match.test is Test.EQUAL:
        return column.is_distinct_from(values[0])
    return _not_true(found)


def _values(kind: StoredKind, match: Match, names: tuple[str, ...]) -> list[Expression]:
    if match.test is Test.IN and len(names) > 1:
        return [Listed(parameter(kind, names[0]), names)]
    return [parameter(kind, name) for name in names]


def _found(source: Comparable, match: Match, column: Expression, values: list[Expression]) -> Expression:
    test = match.test
    if test in COMPARISONS:
        return COMPARISONS[test](column, values[0])
    if test is Test.BETWEEN:
        return sa.and_(column >= values[0], column <= values[1])
    if test is Test.NULL:
        return column.is_(None)
    if test in (Test.EQUAL, Test.IN):
        return _one_of(column, values, match.or_null)
    if not values:
        return column.is_not(None)
    if test is Test.STARTS and not match.folded:
        return sa.and_(column >= values[0], *(column < end for end in values[1:]))
    text_test = {
        Test.STARTS: source.dialect.starts_with,
        Test.ENDS: source.dialect.ends_with,
        Test.CONTAINS: source.dialect.contains,
    }[test]
    return text_test(column, values[0])


def _one_of(column: Expression, values: list[Expression], or_null: bool) -> Expression:
    parts: list[Expression] = []
    if values and isinstance(values[0], Listed):
        parts.append(column.in_(values))
    elif values:
        parts.append(column == values[0])
    if or_null:
        parts.append(column.is_(None))
    return sa.or_(*parts) if parts else sa.false()


def beyond(source: Comparable, sort: Sort, nulls: tuple[bool, ...]) -> Expression:
    """The rows after the row of a cursor, in the order of a sort; null is less than every value."""
    follows = _beyond(source, sort, nulls, 0)
    name, descending = sort[0]
    if len(sort) == 1 or nulls[0]:
        return follows
    column, value = source.column(name), parameter(source.kind(name), after_name(0))
    # implied by the next condition, but an index can use it to start at the position of the cursor
    if not descending:
        return sa.and_(column >= value, follows)
    if source.columns[name].is_required:
        return sa.and_(column <= value, follows)
    return follows


def _beyond(source: Comparable, sort: Sort, nulls: tuple[bool, ...], at: int) -> Expression:
    name, descending = sort[at]
    column = source.column(name)
    value = parameter(source.kind(name), after_name(at))
    follows: Expression
    if nulls[at]:
        follows = sa.false() if descending else column.is_not(None)
    elif not descending:
        follows = column > value
    elif source.columns[name].is_required:
        follows = column < value
    else:
        follows = sa.or_(column < value, column.is_(None))
    if at + 1 == len(sort):
        return follows
    same = column.is_(None) if nulls[at] else column == value
    return sa.or_(follows, sa.and_(same, _beyond(source, sort, nulls, at + 1)))
