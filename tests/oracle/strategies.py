"""Hypothesis strategies for values, table definitions and rows."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from oracle.columns import SYSTEM_COLUMNS, find_column
from oracle.edges import HELD
from oracle.values import END_MS, EPOCH_MS, MOST_DIGITS, canonical, sealed, spell_instant

TRICKY = (
    "aAbBäÄßẞſsSKkKiIıİΣσςǅǆǄᾈᾀÅåꭰᎠﬀ%_\\'\"*?[]^$. 0\t\n\u0301\ud7ff\ue000\uffff"
    "\U00010400\U00010428\U0010ffff"
)
"""Few characters, so that values share parts; among them all that case, LIKE, globs and UTF-16 make hard."""

NOT_SET: tuple[Any, ...] = (None, "", {})
"""What a default cannot be, for it means that there is none."""

LONGEST_DRAWN = 12
"""Characters of a drawn string; a string in an indexed column may not be long."""

any_text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=LONGEST_DRAWN)
tricky_text = st.text(st.sampled_from(TRICKY), max_size=6)
edge_text = st.sampled_from([text for raw in HELD["string"] if len(text := json.loads(raw)) <= LONGEST_DRAWN])

doubles = st.floats(allow_nan=False, allow_infinity=False)
exact_integers = st.integers(-(2**53) + 1, 2**53 - 1)
instants = st.integers(-EPOCH_MS, END_MS - EPOCH_MS - 1)
offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59)


SHORT_EDGE = 250
"""Characters of a value from the edges that is drawn; longer ones are for tests of their own."""


def edges(type_name: str) -> st.SearchStrategy[Any]:
    short = [json.loads(raw) for raw in HELD[type_name] if len(raw) <= SHORT_EDGE]
    # what is beyond doubles (1e400) cannot be sent by a client that reads numbers as such
    return st.sampled_from([value for value in short if value != math.inf])


def spelled(numbers: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The numbers, or strings that spell them."""
    return numbers | numbers.map(json.dumps)


@st.composite
def spelled_instants(draw: st.DrawFn) -> str:
    """An RFC 3339 date-time with any offset and any number of digits behind the second."""
    offset = draw(offsets)
    local = draw(instants) + EPOCH_MS + offset * 60_000
    if not 0 <= local < END_MS:
        local, offset = local - offset * 60_000, 0
    text = spell_instant(local)[:-1] + draw(st.text("0123456789", max_size=4))
    sign, minutes = "-" if offset < 0 else "+", abs(offset)
    return f"{text}{sign}{minutes // 60:02}:{minutes % 60:02}"


@st.composite
def spelled_decimals(draw: st.DrawFn) -> str:
    """Few or many digits, with the point among them or far away, zeros at the end, as JSON spells numbers."""
    digits = str(draw(st.integers(0, 30) | st.integers(0, 10**MOST_DIGITS - 1)))
    fraction = draw(st.sampled_from(["", ".0", ".00"]) if len(digits) < MOST_DIGITS else st.just(""))
    exponent = draw(st.sampled_from(["", "", "e0", "e1", "E+2", "e-1", "e-2", "e30", "e-30", "e-900"]))
    return draw(st.sampled_from(["", "-"])) + digits + fraction + exponent


json_leaves = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.integers(-(2**70), 2**70), doubles, st.text(max_size=4)
)
json_values = st.recursive(
    json_leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)

TYPE_STRATEGIES: dict[str, st.SearchStrategy[Any]] = {
    "string": st.one_of(tricky_text, any_text, edge_text),
    "number": st.one_of(
        spelled(st.integers(-3, 3)), spelled(exact_integers), spelled(doubles), edges("number")
    ),
    "integer": st.one_of(
        spelled(st.integers(-3, 3)), spelled(st.integers(-(2**63), 2**63 - 1)), edges("integer")
    ),
    "boolean": st.one_of(st.booleans(), edges("boolean")),
    "date": st.one_of(
        st.integers(-3, 3),
        instants,
        instants.map(lambda ms: spell_instant(ms + EPOCH_MS)[:10]),
        spelled_instants(),
        edges("date"),
    ),
    "decimal": st.one_of(spelled(st.integers(-3, 3)), spelled_decimals(), spelled(doubles), edges("decimal")),
    "json": st.one_of(json_values.filter(lambda value: value is not None), edges("json")),
}
"""Column type → strategy of values as a client may send them."""

NAMES = (
    *(
        "First_Name",
        "FirstName",
        "first_name2",
        "Number",
        "Order",
        "select",
        "xmin",
        "ctid",
        "tableoid",
        "oid",
    ),
    *("rowid", "cmax", "Id", "sysId", "CreatedBy", "user", "A" * 63, "A" * 62 + "b", "z", "column", "null"),
)
"""Names that are near others, mean something to an engine, or are as long as can be."""

names = st.sampled_from(NAMES) | st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,62}", fullmatch=True)


@dataclass(frozen=True)
class Column:
    """What a drawn table demands of one column."""

    name: str
    type: str
    required: bool = False
    max_length: int | None = None
    default: Any = None
    encrypted: bool = False

    @property
    def is_indexable(self) -> bool:
        return self.type != "json"

    @property
    def is_sortable(self) -> bool:
        return self.type != "json" and not self.encrypted

    def stored(self, value: Any) -> Any:
        """The cell that a value as sent must have become."""
        cell = canonical(self.type, value)
        return sealed(self.type, cell) if self.encrypted else cell

    def values(self) -> st.SearchStrategy[Any]:
        """Values as sent that the column holds; never empty."""
        strategy = TYPE_STRATEGIES[self.type]
        if self.max_length is not None:
            longest = self.max_length
            return strategy.map(lambda text: text[:longest])
        return strategy

    def cells(self) -> st.SearchStrategy[Any]:
        """Values as sent, None among them where the column may be empty."""
        return self.values() if self.required else st.none() | self.values()

    def definition(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "type": self.type,
            "isRequired": self.required,
            "isEncrypted": self.encrypted,
            "maxLength": "" if self.max_length is None else self.max_length,
            "default": "" if self.default is None else self.default,
        }


@dataclass(frozen=True)
class Table:
    """A drawn table: its columns, and its indexes as a definition has them."""

    columns: tuple[Column, ...]
    indexes: list[dict[str, Any]] = field(default_factory=list)

    @property
    def own(self) -> dict[str, str]:
        """Its own columns: name → type."""
        return {column.name: column.type for column in self.columns}

    @property
    def sortable(self) -> list[str]:
        """Its own columns that it can be sorted by."""
        return [column.name for column in self.columns if column.is_sortable]

    def definition(self, name: str) -> dict[str, Any]:
        return {
            "name": name,
            "schemaDef": [column.definition() for column in self.columns],
            "indexes": self.indexes,
        }

    def stored(self, row: dict[str, Any]) -> dict[str, Any]:
        """The cells that a row as sent must have become: every own column, in the table's order."""
        sent = {find_column(name, self.own): value for name, value in row.items()}
        return {c.name: c.stored(sent.get(c.name, c.default)) for c in self.columns}

    def changed(self, change: dict[str, Any]) -> dict[str, Any]:
        """The cells that an update's data, as sent, sets."""
        sent = {find_column(name, self.own): value for name, value in change.items()}
        return {c.name: c.stored(sent[c.name]) for c in self.columns if c.name in sent}


@st.composite
def columns(draw: st.DrawFn, name: str) -> Column:
    type_name = draw(st.sampled_from(sorted(TYPE_STRATEGIES)))
    longest = draw(st.none() | st.integers(1, LONGEST_DRAWN)) if type_name == "string" else None
    column = Column(name, type_name, draw(st.booleans()), longest)
    if draw(st.sampled_from([False, False, True])):
        return replace(column, encrypted=True)
    default = draw(st.none() | column.values().filter(lambda value: value not in NOT_SET))
    return replace(column, default=default)


@st.composite
def index_definitions(draw: st.DrawFn, own: list[str]) -> list[dict[str, Any]]:
    several = st.lists(st.sampled_from([*own, *SYSTEM_COLUMNS]), min_size=1, max_size=3, unique=True)
    orders = st.sampled_from(["asc", "desc"])
    return [
        {"name": f"by_{number}", "columns": [{"name": name, "order": draw(orders)} for name in chosen]}
        for number, chosen in enumerate(draw(st.lists(several, max_size=2)))
    ]


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Tables of one to five columns with any names and types, and up to two indexes that are not unique."""
    taken = {name.lower() for name in SYSTEM_COLUMNS}
    usable = names.filter(lambda name: name.lower() not in taken)
    chosen = draw(st.lists(usable, min_size=1, max_size=5, unique_by=str.lower))
    drawn = tuple(draw(columns(name)) for name in chosen)
    return Table(drawn, draw(index_definitions([column.name for column in drawn if column.is_indexable])))


@st.composite
def near_names(draw: st.DrawFn, column: str, own: dict[str, str]) -> str:
    """The column's name, or another spelling of it that can mean no other."""
    spellings = [column, column.swapcase(), column.replace("_", "-"), column.replace("_", " ").upper()]
    spelling = draw(st.sampled_from([*spellings, column.replace("_", ""), f" {column}-"]))
    try:
        return spelling if find_column(spelling, own) == column else column
    except LookupError:
        return column


@st.composite
def rows(draw: st.DrawFn, table: Table, least: int, most: int) -> list[dict[str, Any]]:
    """Rows as a client may send them: near names, cells missing where they may be, many cells alike."""
    pools = {column.name: draw(st.lists(column.cells(), min_size=1, max_size=3)) for column in table.columns}

    def cell(column: Column) -> Any:
        alike = draw(st.sampled_from([True, True, False]))
        return draw(st.sampled_from(pools[column.name]) if alike else column.cells())

    def is_sent(column: Column) -> bool:
        return (column.required and column.default is None) or draw(
            st.sampled_from([True, True, True, False])
        )

    return [
        {
            draw(near_names(column.name, table.own)): cell(column)
            for column in table.columns
            if is_sent(column)
        }
        for _ in range(draw(st.integers(least, most)))
    ]


@st.composite
def changes(draw: st.DrawFn, table: Table) -> dict[str, Any]:
    """The data of an update: any of the columns, or none."""
    chosen = [column for column in table.columns if draw(st.booleans())]
    return {draw(near_names(column.name, table.own)): draw(column.cells()) for column in chosen}
