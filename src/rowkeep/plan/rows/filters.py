"""Filters: a filter in a request becomes a checked one, with resolved names and converted values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import UNSET, UnsetType

from rowkeep.errors.catalogue import (
    InvalidFilter,
    InvalidValue,
    MissingFilter,
    RowkeepError,
    UnknownOperand,
    preview,
)
from rowkeep.model.data_requests import Node
from rowkeep.model.filters import (
    EVERYTHING,
    MAX_DEPTH,
    MAX_LIST,
    MAX_VALUES,
    OPERATORS,
    Junction,
    Match,
    Negation,
    Operator,
    Shape,
    Takes,
    Test,
    Where,
)
from rowkeep.model.ids import row_id_of
from rowkeep.model.tables import ROW_KEY, Column
from rowkeep.model.values.case_folding import fold
from rowkeep.model.values.scalars import Cell, Misfit
from rowkeep.plan.rows.relation import Relation

# for each comparison: in an enumeration, a member is found slowly
EQUAL, IN, STARTS = Test.EQUAL, Test.IN, Test.STARTS
NOTHING, ONE, PAIR, LIST = Takes.NOTHING, Takes.ONE, Takes.PAIR, Takes.LIST

TEXT_TESTS = (Test.CONTAINS, Test.STARTS, Test.ENDS)
LAST_CODE_POINT = "\U0010ffff"

OUTERMOST = 'A filter has "expressions"; put comparisons and "not" inside them'
NEGATION = 'An object with "not" has no other keys'
COMPARISON = 'A comparison has "field", "operand" and "value" only'


def plan_where(
    target: Relation, query: Node | UnsetType, max_expressions: int, *, guarded: bool, at: str = "/query"
) -> Where:
    """The checked form of a filter. An update or delete is ``guarded``: it must not match every row by
    accident. ``at`` is the pointer to the filter in the body.

    Raises InvalidFilter, UnknownOperand, UnknownColumn, InvalidValue or MissingFilter, with pointers.
    """
    if isinstance(query, UnsetType) or (not query.expressions and _is_empty(query, at)):
        if guarded:
            raise MissingFilter(
                "The filter has no expressions, so every row would match. To change or delete all rows, send "
                '{"query": {"all": true}}.',
                pointer=at,
            )
        return EVERYTHING
    if query.all_ is not UNSET:
        return _plan_all(query, at)
    planner = _WherePlanner(target, max_expressions, guarded)
    return Where(planner.junction(query, at, 1), tuple(planner.values))


def where_problems(target: Relation, query: Node, at: str) -> Iterator[RowkeepError]:
    """The errors in each single comparison of a filter."""
    if query.field is not UNSET or query.operand is not UNSET:
        try:
            _WherePlanner(target, 1, guarded=False).match(query, at)
        except RowkeepError as error:
            yield error
    if isinstance(query.not_, Node):
        yield from where_problems(target, query.not_, f"{at}/not")
    for place, part in enumerate(query.expressions if isinstance(query.expressions, list) else ()):
        yield from where_problems(target, part, f"{at}/expressions/{place}")


def _is_empty(query: Node, at: str) -> bool:
    _check_outermost(query, at)
    return query.all_ is UNSET


def _check_outermost(query: Node, at: str) -> None:
    _refuse(query, ("field", "operand", "value", "not_"), at, OUTERMOST)
    _check_operator(query, at)


def _plan_all(query: Node, at: str) -> Where:
    _check_outermost(query, at)
    if query.all_ is not True:
        raise InvalidFilter(f'"all" must be true or omitted; got {preview(query.all_)}.', pointer=f"{at}/all")
    if query.expressions is not UNSET and query.expressions:
        raise InvalidFilter('Send either "all": true or "expressions", not both.', pointer=f"{at}/all")
    return EVERYTHING


def _refuse(node: Node, keys: tuple[str, ...], where: str, rule: str) -> None:
    for key in keys:
        if getattr(node, key) is not UNSET:
            name_in_request = key.rstrip("_")
            raise InvalidFilter(
                f'"{name_in_request}" cannot be here. {rule}.', pointer=f"{where}/{name_in_request}"
            )


def _check_operator(node: Node, where: str) -> None:
    if node.operator is not UNSET and node.operator.lower() not in ("and", "or"):
        raise InvalidFilter(
            f'"operator" must be "and" or "or"; got {preview(node.operator)}.', pointer=f"{where}/operator"
        )


def _is_either(node: Node) -> bool:
    return node.operator is not UNSET and node.operator.lower() == "or"


class _WherePlanner:
    """Walks one filter and collects its values in the order of its shape."""

    def __init__(self, target: Relation, max_expressions: int, guarded: bool) -> None:
        self._names = target.names
        self._find = target.find
        self._max_expressions = max_expressions
        self._expressions = 0
        self._guarded = guarded
        self.values: list[object] = []

    def node(self, node: Node, where: str, depth: int, negated: bool = False) -> Shape:
        if node.field is not UNSET or node.operand is not UNSET:
            return self.match(node, where, negated)
        if depth > MAX_DEPTH:
            raise InvalidFilter(
                f"The filter is nested too deeply; at most {MAX_DEPTH} levels are allowed.", pointer=where
            )
        if node.not_ is not UNSET:
            _refuse(node, ("value", "expressions", "operator", "all_"), where, NEGATION)
            return Negation(self.node(node.not_, f"{where}/not", depth + 1, negated=True))
        return self.junction(node, where, depth, negated)

    def junction(self, node: Node, where: str, depth: int, negated: bool = False) -> Shape:
        if depth > 1:
            _refuse(node, ("all_",), where, 'Only the outermost filter can have "all"')
        if not (UNSET is node.field is node.operand is node.value is node.not_):
            _refuse(node, ("field", "operand", "value", "not_"), where, OUTERMOST)
        if node.operator is not UNSET:
            _check_operator(node, where)
        if node.expressions is UNSET or not node.expressions:
            raise InvalidFilter("A nested filter must have at least one expression.", pointer=where)
        if len(node.expressions) == 1:
            return self.node(node.expressions[0], f"{where}/expressions/0", depth + 1, negated)
        parts = tuple(
            self.node(part, f"{where}/expressions/{at}", depth + 1, negated)
            for at, part in enumerate(node.expressions)
        )
        return Junction(parts, either=_is_either(node))

    def match(self, node: Node, where: str, negated: bool = False) -> Shape:
        if not (UNSET is node.expressions is node.operator is node.not_ is node.all_):
            _refuse(node, ("expressions", "operator", "not_", "all_"), where, COMPARISON)
        self._expressions += 1
        if self._expressions > self._max_expressions:
            raise InvalidFilter(
                f"A filter can have at most {self._max_expressions} comparisons (the setting "
                f'max_filter_expressions). Use "in" to compare with up to {MAX_LIST} values.',
                pointer=where,
            )
        operator = None if node.operand is UNSET else OPERATORS.get(node.operand)
        if operator is None:
            raise _unknown_operand(node, where)
        if node.field is UNSET:
            raise InvalidFilter('The comparison has no "field".', pointer=f"{where}/field")
        column = self._names.find(node.field, f"{where}/field")
        if not operator.suits.allows(column):
            raise _unsuitable(operator, column, where)
        cells, or_null = self._values(operator, column, node, f"{where}/value")
        test, name = operator.test, column.name
        if self._guarded and test is IN and not cells and not or_null and (negated or operator.negated):
            raise MissingFilter(
                '"not in" with an empty list matches every row. To change or delete all rows, send '
                '{"query": {"all": true}}.',
                pointer=f"{where}/value",
            )
        values: Sequence[object] = cells
        if test is EQUAL or test is IN:
            name, values = self._stored(column, cells)
        elif test in TEXT_TESTS:
            values = _text_bounds(operator, str(cells[0]))
        self.values += values
        if len(self.values) > MAX_VALUES:
            raise InvalidFilter(f"A filter can have at most {MAX_VALUES} values in total.", pointer=where)
        if test is EQUAL and len(values) > 1:
            test = IN  # a cell that can be stored in two ways matches one of two values
        return Match(name, test, len(values), or_null, operator.negated, operator.folded)

    def _values(self, operator: Operator, column: Column, node: Node, where: str) -> tuple[list[Cell], bool]:
        """The values as cells, without null, and whether null was among them."""
        sent = node.value
        if operator.takes is NOTHING:
            if sent is not UNSET:
                raise InvalidFilter(f'"{operator.name}" takes no value; remove it.', pointer=where)
            return [], False
        if sent is UNSET:
            raise InvalidFilter(f'"{operator.name}" needs {operator.takes.value}.', pointer=where)
        if operator.takes is ONE:
            cell = self._cell(operator, column, sent, where)
            return ([], True) if cell is None else ([cell], False)
        if not isinstance(sent, list) or (operator.takes is PAIR and len(sent) != 2):
            got = f"an array of {len(sent)}" if isinstance(sent, list) else preview(sent)
            raise InvalidFilter(f'"{operator.name}" needs {operator.takes.value}; got {got}.', pointer=where)
        if len(sent) > MAX_LIST:
            raise InvalidFilter(
                f'"{operator.name}" takes at most {MAX_LIST} values; got {len(sent)}.', pointer=where
            )
        found = [self._cell(operator, column, value, where, at) for at, value in enumerate(sent)]
        cells: list[Cell] = [cell for cell in found if cell is not None]
        return _padded(cells) if operator.takes is LIST else cells, len(cells) < len(sent)

    def _cell(
        self, operator: Operator, column: Column, value: object, where: str, at: int | None = None
    ) -> Cell:
        """One value as a cell, which is None for null. ``at`` is its place in an array."""
        if value is None or (value == "" and column.reads_empty_as_null):
            if not operator.takes_null:
                sent_as = "" if value is None else f', and "" is null in column {column.name}'
                raise InvalidFilter(
                    f'"{operator.name}" cannot compare with null{sent_as}.', pointer=_spot(where, at)
                )
            return None
        try:
            return column.type_facts.read(value)
        except Misfit as misfit:
            actual = "" if column.is_encrypted else f"; got {preview(value)}"
            raise InvalidValue(f"Column {column.name} {misfit}{actual}.", pointer=_spot(where, at)) from None

    def _stored(self, column: Column, cells: list[Cell]) -> tuple[str, list[object]]:
        """The stored values, which are equal if the cells are. A sys_Id is not stored: it is found by the
        index of the _id that it contains."""
        if column.name == "sys_Id" and column.is_system:
            # a view can have a column of that name without the other one
            return ROW_KEY, [row_id_of(str(cell)) or "" for cell in cells]
        stored: list[object] = []
        for cell in cells:
            stored += self._find(column, cell)
        return column.name, stored


def _spot(where: str, at: int | None) -> str:
    return where if at is None else f"{where}/{at}"


def _unknown_operand(node: Node, where: str) -> RowkeepError:
    if node.operand is UNSET:
        return InvalidFilter('The comparison has no "operand".', pointer=f"{where}/operand")
    return UnknownOperand(
        f"Unknown operand {preview(node.operand)}. Operands are {', '.join(OPERATORS)}.",
        pointer=f"{where}/operand",
    )


def _unsuitable(operator: Operator, column: Column, where: str) -> InvalidFilter:
    """The error for an operand that the column does not support."""
    described = f"of type {column.type}{' and encrypted' if column.is_encrypted else ''}"
    return InvalidFilter(
        f'"{operator.name}" works on {operator.suits.name}; {column.name} is {described}.',
        pointer=f"{where}/operand",
    )


def _padded(cells: list[Cell]) -> list[Cell]:
    """Padded to a power of two with the last value, so that few shapes are needed for all lengths."""
    if not cells:
        return cells
    return cells + cells[-1:] * ((1 << (len(cells) - 1).bit_length()) - len(cells))


def _text_bounds(operator: Operator, text: str) -> list[Cell]:
    """The values of a text test: none for ``""`` (every cell that is not null), the bounds of the range of a
    prefix (for which an index can be used), otherwise the text."""
    if operator.folded:
        text = fold(text)
    if text == "":
        return []
    if operator.test is STARTS and not operator.folded:
        end = prefix_end(text)
        return [text] if end is None else [text, end]
    return [text]


def prefix_end(prefix: str) -> str | None:
    """The smallest text, by code point, that is greater than all that start with ``prefix``."""
    head = prefix.rstrip(LAST_CODE_POINT)
    if not head:
        return None
    last = ord(head[-1]) + 1
    return head[:-1] + chr(0xE000 if last == 0xD800 else last)
