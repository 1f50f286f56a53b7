"""Filters: the operands, one entry each, and the checked form of a filter.

An operand is a primitive :class:`Test` with flags, so a new one is a new row here: checks, SQL, OpenAPI and
docs are derived from it. A checked filter is a *shape* (a hashable tree without values, compiled to SQL once)
and its values in the order of the tree.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, StrEnum
from operator import attrgetter
from typing import Protocol, TypeAlias

import msgspec

MAX_DEPTH = 16
"""The maximum depth of a filter; the outermost filter and each ``not`` count as 1."""

MAX_LIST = 1000
"""The maximum number of values of ``in`` and ``not in``."""

MAX_VALUES = 30_000
"""The maximum number of values in a filter: engines and drivers allow 32,766 parameters per statement."""


class Test(StrEnum):
    """A test of one cell. For null all are false except NULL, and EQUAL and IN with null among their values.

    A string, because each request looks up a shape by its hash, and hashing a plain Enum calls Python code.
    """

    __test__ = False  # otherwise pytest collects it as a test class

    EQUAL = "equal"
    LESS = "less"
    LESS_EQUAL = "less than or equal to the value"
    GREATER = "greater than the value"
    GREATER_EQUAL = "greater than or equal to the value"
    BETWEEN = "between"
    IN = "in"
    CONTAINS = "contains"
    STARTS = "starts"
    ENDS = "ends"
    NULL = "null"


class Takes(Enum):
    """The number of values of an operand."""

    NOTHING = "no value"
    ONE = "one value"
    PAIR = "an array of two values, [low, high]"
    LIST = "an array of up to 1,000 values"


class ColumnFacts(Protocol):
    """The facts that decide which operands a column supports."""

    @property
    def is_comparable(self) -> bool: ...

    @property
    def is_ordered(self) -> bool: ...

    @property
    def is_text(self) -> bool: ...


class Suits(msgspec.Struct, frozen=True):
    """The columns that an operand can be used with: which ones, in words, and whether it can be used with a
    column, or with unencrypted columns of a type."""

    name: str
    allows: Callable[[ColumnFacts], bool]


ANY = Suits("all columns", lambda _: True)
COMPARABLE = Suits("all columns except json columns", attrgetter("is_comparable"))
ORDERED = Suits("columns that are not boolean, json or encrypted", attrgetter("is_ordered"))
TEXT = Suits("string columns that are not encrypted", attrgetter("is_text"))


class Operator(msgspec.Struct, frozen=True):
    """One operand (contract, section 2)."""

    name: str
    test: Test
    takes: Takes
    suits: Suits
    meaning: str
    negated: bool = False
    folded: bool = False

    @property
    def takes_null(self) -> bool:
        return self.test in (Test.EQUAL, Test.IN)


_CASE = "ignoring case (Unicode simple case folding)"

_ONE = Takes.ONE

OPERATORS: dict[str, Operator] = {
    entry.name: entry
    for entry in (
        Operator("=", Test.EQUAL, _ONE, COMPARABLE, "equal to the value; `= null` matches null"),
        Operator(
            "!=", Test.EQUAL, _ONE, COMPARABLE, "not equal to the value; matches null too", negated=True
        ),
        Operator("<", Test.LESS, _ONE, ORDERED, "less than the value; strings by code point"),
        Operator("<=", Test.LESS_EQUAL, _ONE, ORDERED, "less than or equal to the value"),
        Operator(">", Test.GREATER, _ONE, ORDERED, "greater than the value"),
        Operator(">=", Test.GREATER_EQUAL, _ONE, ORDERED, "greater than or equal to the value"),
        Operator("in", Test.IN, Takes.LIST, COMPARABLE, "equal to one of the values; `null` matches null"),
        Operator(
            "not in",
            Test.IN,
            Takes.LIST,
            COMPARABLE,
            "equal to none of the values; matches null too, unless `null` is one of them",
            negated=True,
        ),
        Operator("between", Test.BETWEEN, Takes.PAIR, ORDERED, "from low to high, inclusive"),
        Operator(
            "contains",
            Test.CONTAINS,
            _ONE,
            TEXT,
            "strings that contain the text; `%` and `_` are ordinary characters",
        ),
        Operator("starts with", Test.STARTS, _ONE, TEXT, "strings that start with the text"),
        Operator("ends with", Test.ENDS, _ONE, TEXT, "strings that end with the text"),
        Operator("icontains", Test.CONTAINS, _ONE, TEXT, f"like `contains`, {_CASE}", folded=True),
        Operator("istarts with", Test.STARTS, _ONE, TEXT, f"like `starts with`, {_CASE}", folded=True),
        Operator("iends with", Test.ENDS, _ONE, TEXT, f"like `ends with`, {_CASE}", folded=True),
        Operator("is null", Test.NULL, Takes.NOTHING, ANY, "null"),
        Operator("is not null", Test.NULL, Takes.NOTHING, ANY, "not null", negated=True),
    )
}


class Match(msgspec.Struct, frozen=True, tag=True):
    """One test of one column. It has ``slots`` values; ``or_null`` says that null was one of them."""

    column: str
    test: Test
    slots: int
    or_null: bool = False
    negated: bool = False
    folded: bool = False


class Junction(msgspec.Struct, frozen=True, tag=True):
    """True if all parts are true, or with ``either`` if at least one is."""

    parts: tuple[Shape, ...]
    either: bool


class Negation(msgspec.Struct, frozen=True, tag=True):
    """True if the part is not true. Two-valued: there is no unknown."""

    part: Shape


Shape: TypeAlias = "Match | Junction | Negation"


class Where(msgspec.Struct, frozen=True):
    """A checked filter: its shape (None for every row), and its values in the order of the shape."""

    shape: Shape | None
    values: tuple[object, ...]


EVERYTHING = Where(None, ())
