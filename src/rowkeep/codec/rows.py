"""Rows: JSON to rows and rows to JSON, compiled once per table.

Rows are read at most twice. The strict decoder reads canonical rows in C, without a step of Python per row.
What it refuses is read again by the lenient reader, cell by cell: it accepts similar names and numeric
strings, and reports all errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache, partial
from itertools import chain, repeat, starmap
from operator import add, getitem, is_, itemgetter
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import msgspec
from msgspec import UNSET

from rowkeep.codec.bulk_slices import (
    MAX_SLICE_BYTES,
    MAX_SLICE_CELLS,
    RowSlice,
    count_rows,
    row_too_large,
    sliced_body,
)
from rowkeep.codec.cells import read_cell
from rowkeep.codec.insert_envelope import loose_envelope
from rowkeep.codec.json_bodies import (
    MAX_DEPTH,
    MAX_VALUES,
    complaint,
    has_keys,
    refuse_deep,
    refuse_other_encodings,
    refuse_repeated_keys,
    refuse_sprawling,
)
from rowkeep.codec.json_scan import count, first_keys, has_more_values, marked_halves
from rowkeep.codec.partial_rows import ColumnRule, FailedRow, FailedRows, RowReaders, read_partly
from rowkeep.codec.record_parts import PART_BYTES, Encoded, encode, encoded_parts, with_records
from rowkeep.codec.row_types import record_type, strict_body, strict_row
from rowkeep.codec.stored_cells import Row, StoredCells
from rowkeep.errors.catalogue import (
    DuplicateColumn,
    InvalidBody,
    MissingValue,
    ProblemList,
    RepeatedKey,
    RowkeepError,
    SystemColumn,
    TooManyCells,
    UnknownColumn,
    pointer,
)
from rowkeep.model.changes import Change, Changes
from rowkeep.model.data_requests import DEFAULT_OPTIONS, InsertOptions
from rowkeep.model.ids import Stamp
from rowkeep.model.names import ColumnNames
from rowkeep.model.tables import SYSTEM_COLUMNS, Column, Columns, Table
from rowkeep.model.values.scalars import HALF, HALF_SURROGATES, Cell

__all__ = ("Encoded", "encode")
"""Re-exported for modules that encode responses."""

MAX_KEY_LENGTH = 200
MAX_ROW_KEYS = 1000
"""The maximum number of keys that are read from a row: with more, there are more errors than are listed."""

SYSTEM_CELLS = len(SYSTEM_COLUMNS)
LARGE_ROW_BYTES = 64 * 1024

Cells: TypeAlias = tuple[Cell, ...]
"""The table's own columns of one row, in canonical form and in the order of the definition. Only a row of an
upsert has UNSET, for columns that it does not bring; in other rows these have their defaults."""

_row_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_rows_decoder = msgspec.json.Decoder(list[msgspec.Raw])


class InsertLimits(msgspec.Struct, frozen=True):
    """The settings max_bulk_cells, max_json_depth, max_row_bytes and max_bulk_errors."""

    max_cells: int = 5_000_000
    max_depth: int = MAX_DEPTH
    max_row_bytes: int = 8 * 1024 * 1024
    max_errors: int = 100_000


DEFAULT_LIMITS = InsertLimits()


class DecodedRows(NamedTuple):
    """The rows of the body of an insert, whether they were sent as an array, and its other members. With the
    mode ``partial``, ``failed`` are the rows that cannot be read."""

    rows: list[Cells]
    is_array: bool
    options: InsertOptions = DEFAULT_OPTIONS
    failed: Sequence[FailedRow] = ()
    changes: Changes = MappingProxyType({})
    """The cells that are what a change adds; only in an upsert that updates."""


class RowEncoder:
    """The encoders of one table or view."""

    def __init__(self, table: Columns, stored_cells: StoredCells) -> None:
        self.stored_cells = stored_cells
        self.record = record_type([column.name for column in table.all_columns])
        self.projection = lru_cache(maxsize=64)(record_type)

    def encode_records(self, rows: Sequence[Row], fields: tuple[str, ...] | None = None) -> bytes:
        """A JSON array of records. The rows are in the order of ``fields``, or of a whole record."""
        return encode(self.records(rows, fields))

    def records(self, rows: Sequence[Row], fields: tuple[str, ...] | None = None) -> list[Any]:
        """The same as records to be encoded later, as a part of a response."""
        record = self.record if fields is None else self.projection(fields)
        return list(starmap(record, self.stored_cells.answer(rows, fields)))

    def some_records(self, rows: Sequence[Row | None]) -> list[Any]:
        """The same, with null for what is not shown."""
        if None not in rows:
            return self.records(rows)  # type: ignore[arg-type]  # none of them is None
        shown = iter(self.records([row for row in rows if row is not None]))
        return [None if row is None else next(shown) for row in rows]


class TableCodec(RowEncoder):
    """The decoders and encoders of one table."""

    def __init__(self, table: Table, names: ColumnNames, stored_cells: StoredCells) -> None:
        super().__init__(table, stored_cells)
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
        self._has_documents = any(column.type_facts.is_document for column in table.columns)
        self._strict = msgspec.json.Decoder(strict_body(strict_row(table)))

    @cached_property
    def _strict_upsert(self) -> msgspec.json.Decoder[Any]:
        """The same for rows that may lack any column."""
        return msgspec.json.Decoder(strict_body(strict_row(self._table, is_upsert=True)))

    # rows in

    def cells_of(self, body: bytes) -> int:
        """The maximum number of cells in the rows of a body, without decoding it."""
        return count(body, b"{") * len(self._columns)

    def decode_rows(self, body: bytes, limits: InsertLimits = DEFAULT_LIMITS) -> DecodedRows:
        """The checked body of an insert.

        Raises TooManyCells, BodyTooLarge, MalformedJson, InvalidBody, UnknownKey or RepeatedKey for the body,
        else every problem of its rows together: UnknownColumn, DuplicateColumn, SystemColumn, InvalidValue,
        MissingValue.
        """
        cells = self.cells_of(body)
        if cells > limits.max_cells:
            self._refuse_too_many(count_rows(body, limits.max_row_bytes), limits)
        if len(body) > MAX_SLICE_BYTES or cells > MAX_SLICE_CELLS:
            sliced = sliced_body(body, len(self._columns), limits.max_row_bytes)
            if sliced is not None:
                return self._read_slices(sliced.slices, limits, sliced.options)
            if len(body) > limits.max_row_bytes:
                raise row_too_large(limits.max_row_bytes)
        return self._decode_strictly(body, limits) or self._decode_loosely(body, limits)

    def _decode_loosely(self, body: bytes, limits: InsertLimits) -> DecodedRows:
        """The same for a body that the strict decoder refuses."""
        refuse_other_encodings(body)
        body = marked_halves(body)
        start, end, options = loose_envelope(body)
        data = body[start:end]
        if options is not DEFAULT_OPTIONS:
            strict = self._decode_strictly(
                b'{"data":%b}' % data, limits, is_upsert=options.is_upsert, is_partial=options.is_partial
            )
            if strict is not None:
                return strict._replace(options=options)
        many = data[:1] == b"["
        refuse_deep(data, limits.max_depth + 1 + many)
        if not many:
            refuse_sprawling(data)
        if many and options.is_partial:
            return self._read_partly(data, options, limits)
        problems = ProblemList()
        if len(data) <= MAX_SLICE_BYTES:
            refuse_repeated_keys(data, "/data")
        raw = _rows_decoder.decode(data) if many else [msgspec.Raw(data)]
        changes: dict[int, dict[str, Change]] = {}
        read = partial(self._read_row, options, changes)
        first = 0 if many else None
        found = self._read_rows(raw, first, problems, read, is_checked=len(data) <= MAX_SLICE_BYTES)
        problems.raise_if_any()
        return DecodedRows(found, many, options, changes=changes)

    def _read_partly(self, data: bytes, options: InsertOptions, limits: InsertLimits) -> DecodedRows:
        """The rows of an array that can be read."""
        failed = FailedRows(limits.max_errors)
        changes: dict[int, dict[str, Change]] = {}
        readers = self._readers(options, changes)
        found = read_partly(readers, data, _rows_decoder.decode(data), 0, failed)
        return DecodedRows(found, True, options, tuple(failed.rows), failed.places_of(changes))

    def _refuse_too_many(self, rows: int, limits: InsertLimits) -> None:
        width = len(self._columns)
        if rows * width > limits.max_cells:
            raise TooManyCells(
                f"The insert has {rows * width} cells ({rows} rows of {width} columns); at most "
                f"{limits.max_cells} are allowed (the setting max_bulk_cells). Send fewer rows per request.",
                pointer="/data",
            )

    def _read_slices(
        self, slices: Iterable[RowSlice], limits: InsertLimits, options: InsertOptions
    ) -> DecodedRows:
        """The rows of all slices; of a partial bulk, without those that failed."""
        failed = FailedRows(limits.max_errors) if options.is_partial else None
        problems = ProblemList()
        rows: list[Cells] = []
        changes: dict[int, dict[str, Change]] = {}
        read = partial(self._read_row, options, changes)
        readers = self._readers(options, changes)
        for part in slices:
            body = b'{"data":%b}' % part.text
            strict = self._decode_strictly(
                body, limits, part.first, is_upsert=options.is_upsert, is_partial=options.is_partial
            )
            if strict is not None:
                rows += strict.rows
                continue
            refuse_other_encodings(part.text)
            refuse_deep(part.text, limits.max_depth + 2)
            if failed is not None:
                rows += read_partly(readers, part.text, part.rows, part.first, failed)
                continue
            is_usual = len(part.text) <= MAX_SLICE_BYTES
            if is_usual:
                refuse_repeated_keys(part.text, "/data", part.first)
            rows += self._read_rows(part.rows, part.first, problems, read, is_checked=is_usual)
            if problems.full:
                break
        problems.raise_if_any()
        if failed is None:
            return DecodedRows(rows, True, options, changes=changes)
        return DecodedRows(rows, True, options, tuple(failed.rows), failed.places_of(changes))

    @cached_property
    def _strict_part(self) -> msgspec.json.Decoder[Any]:
        """The strict decoder of a single row."""
        return msgspec.json.Decoder(strict_row(self._table))

    @cached_property
    def _strict_upsert_part(self) -> msgspec.json.Decoder[Any]:
        """The same for a row that may lack any column."""
        return msgspec.json.Decoder(strict_row(self._table, is_upsert=True))

    def _readers(self, options: InsertOptions, changes: dict[int, dict[str, Change]]) -> RowReaders:
        """What a partial bulk is read by. Changes are added to ``changes`` by the number of the row."""
        read = partial(self._read_row, options, changes)

        def lenient(rows: Iterable[msgspec.Raw], first: int, problems: ProblemList) -> list[Cells]:
            return self._read_rows(rows, first, problems, read, is_checked=True)

        rules = [ColumnRule(at, settle, self._columns[at].is_required) for at, settle in self._settlers]
        if options.is_upsert:
            return RowReaders(self._strict_upsert_part, lenient, lambda rows: rows, self._settle_some, rules)
        return RowReaders(self._strict_part, lenient, self._with_defaults, self._settle, rules)

    def _decode_strictly(
        self,
        body: bytes,
        limits: InsertLimits,
        first: int = 0,
        *,
        is_upsert: bool = False,
        is_partial: bool = False,
    ) -> DecodedRows | None:
        """The rows of a body without other members, if all are canonical; ``first`` is the number of the
        first. In a partial bulk a repeated key is not canonical."""
        if b"\\u0000" in body:
            return None
        try:
            data = (self._strict_upsert if is_upsert else self._strict).decode(body).data
            many = isinstance(data, list)
            cells: list[Cells] = list(map(msgspec.structs.astuple, data if many else (data,)))
            missing = sum(map(is_, chain.from_iterable(cells), repeat(UNSET)))
            if not missing:
                rows = self._settle(cells)
            else:
                rows = self._settle_some(cells) if is_upsert else self._settle(self._with_defaults(cells))
        except (ValueError, RecursionError):
            return None
        if not has_keys(body, len(cells) * len(self._columns) - missing + 1):
            try:
                _refuse_repetition(body, first)
            except RepeatedKey:
                if is_partial:
                    return None
                raise
        if self._has_documents and body.count(b"[") + body.count(b"{") - len(cells) > limits.max_depth:
            refuse_deep(body, limits.max_depth + 2 + many)
        return DecodedRows(rows, many)

    def _with_defaults(self, rows: list[Cells]) -> list[Cells]:
        """The rows with defaults for missing cells, a column at a time."""
        columns = zip(*rows, strict=True)
        return list(zip(*map(_filled, columns, self._defaults), strict=True))

    def _settle(self, rows: list[Cells]) -> list[Cells]:
        """Correct or check whole columns if their type requires it. Raises ValueError if a value needs
        ``read``."""
        changed: dict[int, list[Any]] = {}
        for at, settle in self._settlers:
            settled = settle(list(map(itemgetter(at), rows)))
            if settled is not None:
                if self._columns[at].is_required and None in settled:
                    raise ValueError
                changed[at] = settled
        return self._with_changed(rows, changed)

    def _with_changed(self, rows: list[Cells], changed: dict[int, list[Any]]) -> list[Cells]:
        if not changed:
            return rows
        columns = [changed.get(at) or map(itemgetter(at), rows) for at in range(len(self._columns))]
        return list(zip(*columns, strict=True))

    def _settle_some(self, rows: list[Cells]) -> list[Cells]:
        """The same for rows that lack some columns."""
        changed: dict[int, list[Any]] = {}
        for at, settle in self._settlers:
            column = list(map(itemgetter(at), rows))
            settled = settle([cell for cell in column if cell is not UNSET])
            if settled is not None:
                if self._columns[at].is_required and None in settled:
                    raise ValueError
                brought = iter(settled)
                changed[at] = [cell if cell is UNSET else next(brought) for cell in column]
        return self._with_changed(rows, changed)

    def _read_rows(
        self,
        data: Iterable[msgspec.Raw],
        first: int | None,
        problems: ProblemList,
        read_row: Callable[[int, dict[str, msgspec.Raw], str, str, ProblemList], Cells],
        *,
        is_checked: bool,
    ) -> list[Cells]:
        """The rows of an array; ``first`` is the number of the first, None for a single row. ``is_checked``
        means that they have no repeated keys."""
        rows = []
        for at, row in enumerate(data, first or 0):
            where = "/data" if first is None else pointer("data", at)
            prefix = "" if first is None else f"Row {at}: "
            try:
                given = _decoded_row(row, where, is_checked=is_checked)
                rows.append(read_row(at, given, where, prefix, problems))
            except msgspec.ValidationError:
                problems.add(InvalidBody, f"{prefix}{no_object(bytes(row))}", where)
            except msgspec.DecodeError as error:
                problems.add(InvalidBody, complaint(error, bytes(row), f"{prefix}A key of the row"), where)
            if problems.full:
                break
        return rows

    def _read_row(
        self,
        options: InsertOptions,
        changes: dict[int, dict[str, Change]],
        at: int,
        row: dict[str, msgspec.Raw],
        where: str,
        prefix: str,
        problems: ProblemList,
    ) -> Cells:
        """The cells of row number ``at``, whose changes are added to ``changes``."""
        cells: list[Any] = [UNSET] * len(self._columns) if options.is_upsert else list(self._defaults)
        own: dict[str, Change] | None = {} if options.action == "update" else None
        given = self.read_cells(row, where, prefix, problems, own)
        for name, cell in given.items():
            cells[self._positions[name]] = cell
        if own:
            changes[at] = own
        if options.is_upsert:
            return tuple(cells)
        for column in self._columns:
            if column.is_required and column.default is None and column.name not in given:
                problems.add(
                    MissingValue,
                    f"{prefix}Column {column.name} is required.",
                    f"{where}{pointer(column.name)}",
                )
        return tuple(cells)

    def read_cells(
        self,
        row: dict[str, msgspec.Raw],
        where: str,
        prefix: str,
        problems: ProblemList,
        changes: dict[str, Change] | None = None,
    ) -> dict[str, Cell]:
        """The cells of an object by column name; errors are added to ``problems``. Where an object may have
        changes, they are added to ``changes`` by column name, and the cell is what the change adds."""
        given: dict[str, Cell] = {}
        for key, value in row.items():
            if problems.full:
                break
            # a key that is too long for a column is left out of pointers
            spot = f"{where}{pointer(key)}" if len(key) <= MAX_KEY_LENGTH else where
            if HALF in key:
                problems.add(UnknownColumn, f"{prefix}A column name {HALF_SURROGATES}.", where)
                continue
            try:
                column = self._names.find(key, spot, problems.takes_hint)
            except RowkeepError as error:
                problems.add(type(error), f"{prefix}{error.msg}", spot)
                continue
            if column.is_system:
                problems.add(
                    SystemColumn, f"{prefix}{column.name} is a system column and cannot be written.", spot
                )
            elif column.name in given:
                problems.add(
                    DuplicateColumn, f"{prefix}Two keys match column {column.name}. Send one of them.", spot
                )
            else:
                given[column.name] = read_cell(column, value, spot, prefix, problems, changes)
        return given

    # rows of streams

    @property
    def table(self) -> Table:
        return self._table

    @property
    def names(self) -> ColumnNames:
        return self._names

    def canonical_rows(self, body: bytes, options: InsertOptions, limits: InsertLimits) -> list[Cells] | None:
        """The rows of ``{"data": [...]}`` if all are canonical; a body with any error is not."""
        try:
            found = self._decode_strictly(body, limits, is_upsert=options.is_upsert, is_partial=True)
        except RowkeepError:
            return None
        return None if found is None else found.rows

    def read_each(
        self, rows: Sequence[msgspec.Raw], options: InsertOptions, failed: FailedRows
    ) -> tuple[list[Cells], Changes]:
        """Rows of valid JSON that can be read, and their changes by their places; the others are added to
        ``failed``. Raises TooManyFailedRows."""
        changes: dict[int, dict[str, Change]] = {}
        found = read_partly(self._readers(options, changes), b"\t:", rows, 0, failed)
        return found, failed.places_of(changes)

    # rows out

    def encode_written(
        self,
        rows: Sequence[Row],
        stamp: Stamp,
        writer: str,
        many: bool,
        sent_bytes: int = 0,
        after: Mapping[str, Any] = MappingProxyType({}),
    ) -> Encoded:
        """The response to an insert: the record, or ``{"records":[…]}`` in the order of the request, with the
        members ``after`` if there are any.

        Only a limited number of bytes is encoded at a time, so that other threads run in between: rows with
        many ``sent_bytes`` are encoded in parts.
        """
        records = self._written(rows, stamp, writer)
        if not (many or after):
            return encode(next(records))
        most = max(1, MAX_SLICE_CELLS // (len(self._columns) + SYSTEM_CELLS))
        if sent_bytes <= PART_BYTES and len(rows) <= most:
            return encode({"records": list(records), **after})
        return with_records({}, "records", list(encoded_parts(records)), dict(after))

    def encode_partly_written(
        self, rows: Sequence[Row], numbers: Sequence[int], count: int, stamp: Stamp, writer: str, after: Any
    ) -> Encoded:
        """The response to a partial bulk of ``count`` rows: the records of the rows with these ``numbers``,
        null for the others, then other members."""
        records = self._written(rows, stamp, writer)
        stored = frozenset(numbers)
        each = (next(records) if number in stored else None for number in range(count))
        return with_records({}, "records", list(encoded_parts(each)), after)

    def _written(self, rows: Sequence[Row], stamp: Stamp, writer: str) -> Iterator[Any]:
        """The records of rows that were just written."""
        on = stamp.written_on
        system = zip(
            repeat(on), repeat(on), repeat(writer), repeat(writer), stamp.sys_ids(), stamp.ids(), strict=False
        )
        return starmap(self.record, map(add, self.stored_cells.answer_sent(rows), system))


def _filled(column: Sequence[Any], default: Cell) -> Iterable[Any]:
    missing = map(is_, column, repeat(UNSET))
    return map(getitem, zip(column, repeat(default)), missing)


def _refuse_repetition(body: bytes, first: int) -> None:
    refuse_repeated_keys(body[len(b'{"data":') : -1], "/data", first) if first else refuse_repeated_keys(body)


def _decoded_row(row: msgspec.Raw, where: str, *, is_checked: bool) -> dict[str, msgspec.Raw]:
    """The members of a row. If it has far too many keys, only the first are read."""
    if not is_checked or memoryview(row).nbytes > LARGE_ROW_BYTES:
        text = bytes(row)
        if has_more_values(text, MAX_VALUES):
            raise InvalidBody(f"A row has too many values: at most {MAX_VALUES} are allowed.", pointer=where)
        row = msgspec.Raw(first_keys(text, MAX_ROW_KEYS))
        if not is_checked:
            refuse_repeated_keys(bytes(row), where)
    given: dict[str, msgspec.Raw] = _row_decoder.decode(row)
    return given


def no_object(row: bytes) -> str:
    """The message for a JSON text that is not an object."""
    return f"A row must be an object; got {_JSON_TYPES.get(row[:1], 'a number')}."


_JSON_TYPES = {b"[": "an array", b'"': "a string", b"t": "true", b"f": "false", b"n": "null"}
"""By the first byte of a JSON text."""


def meta_info(columns: Iterable[Column]) -> msgspec.Raw:
    """The ``metaInfo`` of a query's response, encoded once."""
    return msgspec.Raw(encode([{"name": column.name, "type": column.type} for column in columns]))
