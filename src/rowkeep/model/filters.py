"""Filters: the operands, one entry each, and the checked form that a filter takes.

An operand is a primitive :class:`Test` with flags, so a new one is a new row here: checks, SQL, OpenAPI and
docs follow. A checked filter is a *shape* (a tree without values, hashable, compiled to SQL once) and the
values that go with it, in the order in which the tree is walked.
"""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import TypeAlias

import msgspec

MAX_DEPTH = 16
"""How deep filters nest; the outermost counts as 1, and so does each ``not``."""

MAX_LIST = 1000
"""How many values ``in`` and ``not in`` take."""

MAX_VALUES = 30_000
"""How many values a whole filter has: engines and drivers end at 32,766 parameters a statement."""


class Test(StrEnum):
    """What is asked of one cell. Of an empty one all are false, but EQUAL and IN given null, and NULL.

    A string, because shapes are looked up by their hash with each request, and that of a plain Enum is a
    call of Python.
    """

    __test__ = False  # pytest would take the name for a test class

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
    """How many values an operand takes."""

    NOTHING = "no value"
    ONE = "one value"
    PAIR = "an array of two values, [low, high]"
    LIST = "an array of up to 1,000 values"


class Suits(Enum):
    """The columns that an operand goes with."""

    ANY = "all columns"
    COMPARABLE = "all columns except json columns"
    ORDERED = "columns that are not boolean, json or encrypted"
    TEXT = "string columns that are not encrypted"


class Operator(msgspec.Struct, frozen=True):
    """One operand of the contract, section 2."""

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

_ONE, _TEXT = Takes.ONE, Suits.TEXT

OPERATORS: dict[str, Operator] = {
    entry.name: entry
    for entry in (
        Operator("=", Test.EQUAL, _ONE, Suits.COMPARABLE, "equal to the value; `= null` matches null"),
        Operator(
            "!=", Test.EQUAL, _ONE, Suits.COMPARABLE, "not equal to the value; matches null too", negated=True
        ),
        Operator("<", Test.LESS, _ONE, Suits.ORDERED, "less than the value; strings by code point"),
        Operator("<=", Test.LESS_EQUAL, _ONE, Suits.ORDERED, "less than or equal to the value"),
        Operator(">", Test.GREATER, _ONE, Suits.ORDERED, "greater than the value"),
        Operator(">=", Test.GREATER_EQUAL, _ONE, Suits.ORDERED, "greater than or equal to the value"),
        Operator(
            "in", Test.IN, Takes.LIST, Suits.COMPARABLE, "equal to one of the values; `null` matches null"
        ),
        Operator(
            "not in",
            Test.IN,
            Takes.LIST,
            Suits.COMPARABLE,
            "equal to none of the values; matches null too, unless `null` is one of them",
            negated=True,
        ),
        Operator("between", Test.BETWEEN, Takes.PAIR, Suits.ORDERED, "from low to high, inclusive"),
        Operator(
            "contains",
            Test.CONTAINS,
            _ONE,
            _TEXT,
            "strings that contain the text; `%` and `_` are ordinary characters",
        ),
        Operator("starts with", Test.STARTS, _ONE, _TEXT, "strings that start with the text"),
        Operator("ends with", Test.ENDS, _ONE, _TEXT, "strings that end with the text"),
        Operator("icontains", Test.CONTAINS, _ONE, _TEXT, f"like `contains`, {_CASE}", folded=True),
        Operator("istarts with", Test.STARTS, _ONE, _TEXT, f"like `starts with`, {_CASE}", folded=True),
        Operator("iends with", Test.ENDS, _ONE, _TEXT, f"like `ends with`, {_CASE}", folded=True),
        Operator("is null", Test.NULL, Takes.NOTHING, Suits.ANY, "null"),
        Operator("is not null", Test.NULL, Takes.NOTHING, Suits.ANY, "not null", negated=True),
    )
}


class Match(msgspec.Struct, frozen=True, tag=True):
    """One cell put to one test. ``slots`` values go with it; ``or_null`` says that null was among them."""

    column: str
    test: Test
    slots: int
    or_null: bool = False
    negated: bool = False
    folded: bool = False


class Junction(msgspec.Struct, frozen=True, tag=True):
    """All of the parts hold, or, where ``either``, at least one does."""

    parts: tuple[Shape, ...]
    either: bool


class Negation(msgspec.Struct, frozen=True, tag=True):
    """The part does not hold. Two-valued: what is not true is false."""

    part: Shape


Shape: TypeAlias = "Match | Junction | Negation"


class Where(msgspec.Struct, frozen=True):
    """A checked filter: its shape (None for every row), and its values in the order of the shape."""

    shape: Shape | None
    values: tuple[object, ...]


EVERYTHING = Where(None, ())
