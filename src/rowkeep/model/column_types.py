"""Column types: one entry per type. DDL, codec, checks, OpenAPI and docs are derived from it."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from rowkeep.model.changes import Change
from rowkeep.model.values import scalars as cells
from rowkeep.model.values.decimals import MAX_DIGITS, MAX_PLACES, normal_decimal, read_decimal
from rowkeep.model.values.json_values import read_document
from rowkeep.model.values.scalars import MAX_EXACT, MAX_INTEGER, MIN_INTEGER, Cell


class Kind(Enum):
    """The storage class of a cell; ``sql`` has the type of each engine for it."""

    TEXT = "text"
    DOUBLE = "double"
    INT64 = "int64"
    BOOLEAN = "boolean"
    MOMENT = "moment"
    DECIMAL = "decimal"
    DOCUMENT = "document"
    SEALED = "sealed"
    """Encrypted columns of any type: bytes that can only be compared for equality."""


class FileForm(Enum):
    """The format of a cell in a file; CSV and Parquet have one row for each."""

    TEXT = "text"
    DOUBLE = "double"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    MOMENT = "moment"
    JSON = "json"


Settle: TypeAlias = Callable[[list[Cell]], list[Cell] | None]


class ColumnType(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of a column type.

    ``wire`` is the type for the strict decoder, which accepts canonical values only (msgspec.Raw for a type
    whose values must not be converted to Python's numbers). ``read`` is the lenient reader of one value.
    ``settle`` corrects or checks a whole column after the strict decoder: it returns None if nothing changes
    and raises ValueError if a value needs ``read``. ``answer`` converts a cell to the value that is encoded,
    if that is not the cell itself. ``same`` maps equal cells to one form.
    """

    name: str
    kind: Kind
    wire: Any
    read: Callable[[object], Cell]
    settle: Settle | None = None
    answer: Callable[[Cell], Any] | None = None
    same: Callable[[Any], Cell] | None = None
    cell: Any
    """The Python type of a cell."""
    file_form: FileForm
    is_text: bool = False
    """Whether cells are text that users write: it can be searched, and has a length."""
    is_number: bool = False
    """Whether cells have a sum and a mean."""
    changes: frozenset[Change] = frozenset()
    """What an update can do with a cell other than set it."""
    result_rule: str = ""
    """What the result of a change must be, for errors; the limits of the column are added to it."""
    is_ordered: bool = True
    """Whether cells have an order, and so a minimum and a maximum."""
    is_comparable: bool = True
    """Whether cells can be compared for equality, and so counted as distinct."""
    is_document: bool = False
    """Whether a value may be an array or an object."""
    has_empty_text: bool = False
    """Whether ``""`` is a value, and not an empty cell."""
    sum_type: str = ""
    """The type of a sum, if it is a different one."""
    mean_type: str = ""
    """The type of a mean, if it is a different one."""
    converts_as_text: bool = False
    """Whether stored numbers and booleans of another type are read as the text that JSON has for them."""
    reads_numeric_text: bool = True
    """Whether a string such as ``"263"`` is read as the number would be."""
    check_exact: Callable[[str, Cell], None] | None = None
    """Raises Misfit for a text that ``read`` rounds or cuts to this cell: a stored value is not changed."""
    accepts: tuple[tuple[Any, Any], ...]
    """Examples: a value in a request, and the value in the response."""
    refuses: tuple[Any, ...] = ()
    refuses_letters: int | None = None
    """A text of so many letters is refused too. As an example, it would take that much memory."""
    schema: dict[str, Any]
    """The JSON Schema of a value in a response that is not null."""
    meaning: str

    @property
    def refused(self) -> tuple[Any, ...]:
        """Examples of refused values."""
        return self.refuses if self.refuses_letters is None else (*self.refuses, "x" * self.refuses_letters)

    @property
    def is_raw(self) -> bool:
        """Whether ``read`` gets values as raw JSON."""
        return self.wire is msgspec.Raw


def _settle_dates(column: list[Cell]) -> None:
    cells.check_dates(column)


_decode = msgspec.json.Decoder(float_hook=cells.ExactDouble).decode


def decode_value(raw: msgspec.Raw | bytes) -> Any:
    """Decode a JSON value; doubles keep their text. Raises ValueError, RecursionError."""
    return _decode(raw)


def _read_raw_decimal(value: object) -> Cell:
    if isinstance(value, msgspec.Raw):
        value = decode_value(value)
        if value is None:
            return None
    return read_decimal(value)


def _settle_raw(read: Callable[[object], Cell]) -> Settle:
    """Read raw JSON, one value at a time; a value that is not raw is a default."""

    def settle(column: list[Any]) -> list[Cell]:
        return [read(cell) if isinstance(cell, msgspec.Raw) else cell for cell in column]

    return settle


COLUMN_TYPES: dict[str, ColumnType] = {
    entry.name: entry
    for entry in (
        ColumnType(
            name="string",
            kind=Kind.TEXT,
            wire=str,
            read=cells.read_string,
            cell=str,
            file_form=FileForm.TEXT,
            is_text=True,
            changes=frozenset({Change.APPEND}),
            has_empty_text=True,
            converts_as_text=True,
            accepts=(("Jane", "Jane"), ("", ""), ("ŝ😀", "ŝ😀")),
            refuses=(1, True, [], {}, "nul\x00"),
            schema={"type": "string"},
            meaning="Text in UTF-8, without U+0000; `maxLength` counts characters (code points).",
        ),
        ColumnType(
            name="number",
            kind=Kind.DOUBLE,
            wire=Annotated[int, Meta(ge=-MAX_EXACT, le=MAX_EXACT)] | float,
            read=cells.read_number,
            settle=cells.settle_numbers,
            cell=int | float,
            file_form=FileForm.DOUBLE,
            is_number=True,
            changes=frozenset({Change.INCREMENT}),
            result_rule=f"must be a finite number, and a sum of integers is at most ±{MAX_EXACT}",
            check_exact=cells.check_exact_number,
            accepts=((263, 263), ("263", 263), (263.0, 263), (0.1, 0.1), ("-1.5e3", -1500), (1e300, 1e300)),
            refuses=("0x1", "1_0", " 1", "NaN", True, MAX_EXACT + 2, [], {}),
            schema={"type": "number"},
            meaning="A double. Integers are exact up to ±9007199254740991; larger ones are rejected.",
        ),
        ColumnType(
            name="integer",
            kind=Kind.INT64,
            wire=Annotated[int, Meta(ge=MIN_INTEGER, le=MAX_INTEGER)],
            read=cells.read_integer,
            cell=int,
            file_form=FileForm.INTEGER,
            is_number=True,
            changes=frozenset({Change.INCREMENT}),
            result_rule=f"must be from {MIN_INTEGER} to {MAX_INTEGER}",
            sum_type="decimal",
            mean_type="number",
            accepts=((MAX_INTEGER, MAX_INTEGER), (MIN_INTEGER, MIN_INTEGER), ("1.0", 1), (1e3, 1000)),
            refuses=(1.5, "1.5", MAX_INTEGER + 1, True, [], {}),
            schema={"type": "integer", "minimum": MIN_INTEGER, "maximum": MAX_INTEGER},
            meaning="A signed 64-bit integer.",
        ),
        ColumnType(
            name="boolean",
            kind=Kind.BOOLEAN,
            wire=bool,
            read=cells.read_boolean,
            cell=bool,
            file_form=FileForm.BOOLEAN,
            is_ordered=False,
            accepts=((True, True), (False, False), ("TRUE", True), ("false", False)),
            refuses=(0, 1, "yes", [], {}),
            schema={"type": "boolean"},
            meaning="true or false.",
        ),
        ColumnType(
            name="date",
            kind=Kind.MOMENT,
            wire=Annotated[str, Meta(pattern=cells.CANONICAL_DATE)],
            read=cells.read_date,
            settle=_settle_dates,
            cell=str,
            file_form=FileForm.MOMENT,
            reads_numeric_text=False,
            check_exact=cells.check_exact_date,
            accepts=(
                ("2020-03-28T07:02:09.652Z", "2020-03-28T07:02:09.652Z"),
                ("2020-03-28T09:02:09.6529+02:00", "2020-03-28T07:02:09.652Z"),
                ("2020-03-28", "2020-03-28T00:00:00.000Z"),
                (1585378929652, "2020-03-28T07:02:09.652Z"),
            ),
            refuses=("28.3.2020", "2021-02-30", "2020-03-28T07:02", "1585378929652", True, 1.5, [], {}),
            schema={"type": "string", "format": "date-time"},
            meaning="A point in time, stored in UTC with milliseconds. Request: RFC 3339, a date without "
            "a time, or epoch milliseconds as a number. Response: `2020-03-28T07:02:09.652Z`.",
        ),
        ColumnType(
            name="decimal",
            kind=Kind.DECIMAL,
            wire=msgspec.Raw,
            read=_read_raw_decimal,
            settle=_settle_raw(_read_raw_decimal),
            same=normal_decimal,
            cell=str,
            file_form=FileForm.TEXT,
            is_number=True,
            changes=frozenset({Change.INCREMENT}),
            result_rule=f"must have at most {MAX_DIGITS} significant digits, none more than {MAX_PLACES} "
            "places from the decimal point",
            converts_as_text=True,
            accepts=(
                ("1.50", "1.50"),
                ("-0.0", "0.0"),
                (263, "263"),
                ("1e3", "1000"),
                ("9" * MAX_DIGITS, "9" * MAX_DIGITS),
                ("0." + "1" * MAX_DIGITS, "0." + "1" * MAX_DIGITS),
                ("1e-1000", "0." + "0" * 999 + "1"),
            ),
            refuses=(
                "1." + "1" * MAX_DIGITS,
                "NaN",
                "1_0",
                " 1",
                ".5",
                "1e1000",
                "1e-1001",
                True,
                [],
                {},
            ),
            schema={"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"},
            meaning=f"An exact number of up to {MAX_DIGITS} significant digits, as a string that "
            "preserves the scale. Request: a string or a JSON number, which is read digit by "
            "digit.",
        ),
        ColumnType(
            name="json",
            kind=Kind.DOCUMENT,
            wire=msgspec.Raw,
            read=read_document,
            settle=_settle_raw(read_document),
            answer=lambda cell: None if cell is None else msgspec.Raw(str(cell)),
            cell=str,
            file_form=FileForm.JSON,
            is_ordered=False,
            is_comparable=False,
            is_document=True,
            has_empty_text=True,
            accepts=(
                ({"b": 1, "a": [1.5, None]}, {"b": 1, "a": [1.5, None]}),
                ("text", "text"),
                (0, 0),
                (False, False),
                ([], []),
                ({}, {}),
            ),
            refuses_letters=1024 * 1024,
            schema={},
            meaning="Any JSON value up to 1 MiB, stored as it was sent; `null` is null.",
        ),
    )
}
