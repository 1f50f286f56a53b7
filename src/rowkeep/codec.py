"""Codec: JSON to rows and rows to JSON, for one table, compiled once.

Rows are read twice at most. The strict decoder takes canonical rows in C, with no step of Python for a row;
what it refuses is read again by the lenient reader, cell by cell, which mends what may be mended (near
names, strings that spell numbers) and says all that is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain, repeat, starmap
from operator import add, getitem, is_, itemgetter
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from rowkeep.bodies import (
    body_decoder,
    complaint,
    decode_body,
    has_keys,
    refuse_other_encodings,
    refuse_repeated_keys,
)
from rowkeep.errors import (
    DuplicateColumn,
    InvalidBody,
    InvalidValue,
    MalformedJson,
    ProblemList,
    RequiredValue,
    RowkeepError,
    SystemColumn,
    pointer,
    quoted,
)
from rowkeep.model.cells import Cell, Misfit
from rowkeep.model.columns import decode_value
from rowkeep.model.forms import Row, StoredForms
from rowkeep.model.identity import Stamp
from rowkeep.model.names import ColumnNames
from rowkeep.model.requests import InsertBody
from rowkeep.model.tables import Column, Columns, Table

MAX_KEY_LENGTH = 200

Cells: TypeAlias = tuple[Cell, ...]
"""One row's own columns, canonical, in the order of the definition."""

_encoder = msgspec.json.Encoder()
encode = _encoder.encode

_insert_decoder = body_decoder(InsertBody)
_row_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])


class RowEncoder:
    """The encoders of one table or view."""

    def __init__(self, table: Columns, forms: StoredForms) -> None:
        self.forms = forms
        self.record = _record([column.name for column in table.all_columns])
        self.projection = lru_cache(maxsize=64)(_record)

    def encode_records(self, rows: Sequence[Row], fields: tuple[str, ...] | None = None) -> bytes:
        """A JSON array of records from rows in the order of ``fields``, or of a whole record."""
        return encode(self.records(rows, fields))

    def records(self, rows: Sequence[Row], fields: tuple[str, ...] | None = None) -> list[Any]:
        """The same as records that are yet to be encoded, together with what stands around them."""
        record = self.record if fields is None else self.projection(fields)
        return list(starmap(record, self.forms.answer(rows, fields)))


class TableCodec(RowEncoder):
    """The decoders and encoders of one table."""

    def __init__(self, table: Table, names: ColumnNames, forms: StoredForms) -> None:
        super().__init__(table, forms)
        self._table = table
        self._names = names
        self._columns = table.columns
        self._positions = {column.name: at for at, column in enumerate(table.columns)}
        self._defaults = tuple(column.default for column in table.columns)
        self._settlers = [
            (at, column.type_facts.settle)
            for at, column in enumerate(table.columns)
            if column.type_facts.settle is not None
        ]
        self._strict = msgspec.json.Decoder(_strict_body(table))

    # rows in

    def decode_rows(self, body: bytes) -> tuple[list[Cells], bool]:
        """The rows of an insert's body, checked, and whether it was an array.

        Raises MalformedJson, InvalidBody or UnknownKey for the body, else every problem of its rows
        together: UnknownColumn, DuplicateColumn, SystemColumn, InvalidValue, RequiredValue.
        """
        rows = None if b"\\u0000" in body else self._decode_strictly(body)
        if rows is not None:
            return rows
        refuse_other_encodings(body)
        data = decode_body(body, _insert_decoder).data
        many = isinstance(data, list)
        refuse_repeated_keys(body)
        return self._read_rows(data if many else [data], many), many

    def _decode_strictly(self, body: bytes) -> tuple[list[Cells], bool] | None:
        try:
            data = self._strict.decode(body).data
            many = isinstance(data, list)
            cells: list[Cells] = list(map(msgspec.structs.astuple, data if many else (data,)))
            missing = sum(map(is_, chain.from_iterable(cells), repeat(UNSET)))
            if not has_keys(body, len(cells) * len(self._columns) - missing + 1):
                refuse_repeated_keys(body)
            return self._settle(self._with_defaults(cells) if missing else cells), many
        except (ValueError, RecursionError):
            return None

    def _with_defaults(self, rows: list[Cells]) -> list[Cells]:
        """Defaults where a cell is missing, a column at a time."""
        columns = zip(*rows, strict=True)
        return list(zip(*map(_filled, columns, self._defaults), strict=True))

    def _settle(self, rows: list[Cells]) -> list[Cells]:
        """Whole columns mended or checked where a type asks for it; ValueError if only ``read`` can judge."""
        changed: dict[int, list[Cell]] = {}
        for at, settle in self._settlers:
            settled = settle(list(map(itemgetter(at), rows)))
            if settled is not None:
                if self._columns[at].is_required and None in settled:
                    raise ValueError
                changed[at] = settled
        if not changed:
            return rows
        columns = [changed.get(at) or map(itemgetter(at), rows) for at in range(len(self._columns))]
        return list(zip(*columns, strict=True))

    def _read_rows(self, data: Sequence[Any], many: bool) -> list[Cells]:
        problems = ProblemList()
        rows = []
        for at, row in enumerate(data):
            where = pointer("data", at) if many else "/data"
            said = f"Row {at}: " if many else ""
            try:
                given = row if isinstance(row, dict) else _row_decoder.decode(row)
                rows.append(self._read_row(given, where, said, problems))
            except msgspec.ValidationError:
                problems.add(InvalidBody, f"{said}A row is an object of columns and values.", where)
            if problems.full:
                break
        problems.raise_if_any()
        return rows

    def _read_row(self, row: dict[str, msgspec.Raw], where: str, said: str, problems: ProblemList) -> Cells:
        cells = list(self._defaults)
        given = self.read_cells(row, where, said, problems)
        for name, cell in given.items():
            cells[self._positions[name]] = cell
        for column in self._columns:
            if column.is_required and column.default is None and column.name not in given:
                problems.add(
                    RequiredValue,
                    f"{said}Column {column.name} is required.",
                    f"{where}{pointer(column.name)}",
                )
        return tuple(cells)

    def read_cells(
        self, row: dict[str, msgspec.Raw], where: str, said: str, problems: ProblemList
    ) -> dict[str, Cell]:
        """The cells that an object gives, by column name; what is wrong with them goes into ``problems``."""
        given: dict[str, Cell] = {}
        for key, value in row.items():
            if problems.full:
                break
            # a key that no column can have is not repeated in full
            spot = f"{where}{pointer(key)}" if len(key) <= MAX_KEY_LENGTH else where
            try:
                column = self._names.find(key, spot)
            except RowkeepError as error:
                problems.add(type(error), f"{said}{error.msg}", spot)
                continue
            if column.is_system:
                problems.add(
                    SystemColumn, f"{said}{column.name} is a system column; it cannot be written.", spot
                )
            elif column.name in given:
                problems.add(DuplicateColumn, f"{said}Two keys mean the column {column.name}.", spot)
            else:
                given[column.name] = _read_cell(column, value, spot, said, problems)
        return given

    # rows out

    def encode_written(self, rows: Sequence[Row], stamp: Stamp, writer: str, many: bool) -> bytes:
        """The answer to an insert: the record, or ``{"records":[…]}`` in the order of the request."""
        on = stamp.written_on
        system = zip(
            repeat(on), repeat(on), repeat(writer), repeat(writer), stamp.sys_ids(), stamp.ids(), strict=False
        )
        records = starmap(self.record, map(add, self.forms.answer_sent(rows), system))
        return encode({"records": list(records)}) if many else encode(next(records))


def _filled(column: Sequence[Any], default: Cell) -> Iterable[Any]:
    missing = map(is_, column, repeat(UNSET))
    return map(getitem, zip(column, repeat(default)), missing)


def _read_cell(column: Column, raw: msgspec.Raw, where: str, said: str, problems: ProblemList) -> Cell:
    try:
        value = decode_value(raw)
    except (ValueError, RecursionError) as error:
        raise MalformedJson(complaint(error), pointer=where) from None
    if value is None:
        if column.is_required:
            problems.add(RequiredValue, f"{said}Column {column.name} is required.", where)
        return None
    try:
        return checked_cell(column, raw if column.type_facts.is_raw else value)
    except Misfit as misfit:
        told = "" if column.is_encrypted else f", not {quoted(value)}"
        problems.add(InvalidValue, f"{said}Column {column.name} {misfit}{told}.", where)
        return None


def checked_cell(column: Column, value: object) -> Cell:
    """One value as a cell of this column, its limits kept; Misfit if it cannot be one."""
    cell = column.type_facts.read(value)
    if isinstance(cell, str) and column.type_facts.is_text:
        if column.max_length is not None and len(cell) > column.max_length:
            raise Misfit(f"has a maxLength of {column.max_length} characters")
        if column.max_bytes is not None and len(cell.encode()) > column.max_bytes:
            raise Misfit(f"is indexed and so takes at most {column.max_bytes} bytes")
    return cell


def _wire_type(column: Column) -> Any:
    """What the strict decoder takes for this column."""
    wire = column.type_facts.wire
    if column.type_facts.is_raw:
        return wire
    if column.type_facts.is_text:
        # a code point has at most 4 bytes, so this many characters surely fit
        limits = [column.max_length, column.max_bytes and column.max_bytes // 4]
        known = [limit for limit in limits if limit is not None]
        wire = Annotated[str, Meta(max_length=min(known))] if known else str
    return wire if column.is_required else wire | None


def _strict_body(table: Table) -> Any:
    """``{"data": row or [row, …]}`` with a Struct of exactly this table's columns.

    Its fields are numbered, and renamed to the columns, for a column may be called what Python forbids.
    """
    fields: list[Any] = []
    for at, column in enumerate(table.columns):
        required = column.is_required and column.default is None
        wire = _wire_type(column)
        fields.append((f"c{at}", wire if required else wire | UnsetType) + (() if required else (UNSET,)))
    row: Any = msgspec.defstruct(
        "Row",
        fields,
        kw_only=True,
        frozen=True,
        gc=False,
        forbid_unknown_fields=True,
        rename={f"c{at}": column.name for at, column in enumerate(table.columns)},
    )
    return msgspec.defstruct(
        "Body", [("data", row | list[row])], frozen=True, gc=False, forbid_unknown_fields=True
    )


def _record(names: Sequence[str]) -> Any:
    """A Struct that is encoded as an object with these keys, in this order."""
    fields = [(f"c{at}", Any) for at in range(len(names))]
    rename = {f"c{at}": name for at, name in enumerate(names)}
    return msgspec.defstruct("Record", fields, frozen=True, gc=False, rename=rename)


def meta_info(columns: Iterable[Column]) -> msgspec.Raw:
    """What a query's answer says of its columns, encoded once."""
    return msgspec.Raw(encode([{"name": column.name, "type": column.type} for column in columns]))
