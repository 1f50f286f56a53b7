"""Parquet: read and written in parts with pyarrow, with the types of the table's columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import partial
from typing import Any, BinaryIO, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from rowkeep.files.content import Content
from rowkeep.files.dates import zone_of
from rowkeep.files.detection import Detected
from rowkeep.files.reading import Reading
from rowkeep.files.records import (
    ArrayWriter,
    Columns,
    FileRefused,
    Position,
    Record,
    Row,
    Target,
    Unreadable,
)
from rowkeep.files.text_cells import as_text, form_of, reader_of
from rowkeep.files.unfit import UnfitCell
from rowkeep.model.column_types import FileForm
from rowkeep.model.values.scalars import EPOCH, MAX_EPOCH_MS, MIN_EPOCH_MS, canonical_date

pa.set_memory_pool(pa.system_memory_pool())  # pyarrow's own does not return what is freed

ROWS_AT_ONCE = 1000
BUFFER_BYTES = 1024 * 1024

GROUP_ROWS = 16_384
GROUP_BYTES = 32 * 1024 * 1024
"""A row group is written when it has this many rows, or this many bytes as JSON."""

WRITTEN: dict[FileForm, tuple[Any, pa.DataType]] = {
    FileForm.TEXT: (str, pa.string()),
    FileForm.DOUBLE: (float, pa.float64()),
    FileForm.INTEGER: (int, pa.int64()),
    FileForm.BOOLEAN: (bool, pa.bool_()),
    FileForm.MOMENT: (datetime, pa.timestamp("ms", tz="UTC")),
    FileForm.JSON: (msgspec.Raw, pa.string()),
}
"""The Python type that a cell is decoded as, and its type in the file."""

TICKS_OF_MILLISECOND = {"s": (1, 1000), "ms": (1, 1), "us": (1000, 1), "ns": (1_000_000, 1)}
"""The divisor and factor that convert a timestamp of this unit to milliseconds."""


KNOWN_TYPES = {
    pa.types.is_decimal: "decimal",
    pa.types.is_floating: "number",
    pa.types.is_boolean: "boolean",
    pa.types.is_signed_integer: "integer",
    pa.types.is_timestamp: "date",
    pa.types.is_date: "date",
}
"""Types of columns by those of Parquet. Their values need not show them: 1.0 can be a decimal as well, and a
column can be empty."""


class ParquetSource:
    """A Parquet file. Positions are row numbers. Raises FileRefused for an invalid file or column."""

    def __init__(self, content: Content, reading: Reading) -> None:
        self._reading = reading
        self._name = content.name
        try:
            # without pre_buffer, because a row group can be the whole file, and is then read in buffers
            self._file = pq.ParquetFile(content.binary(), pre_buffer=False, buffer_size=BUFFER_BYTES)
            schema = self._file.schema_arrow
            names = tuple(schema.names)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise FileRefused(
                f"{content.name} is not a valid Parquet file: {str(error).strip().rstrip('.')}."
            ) from None
        self.names: tuple[str, ...] = names
        self.left_out: set[str] = set()
        self.known_types: Mapping[str, str] = {
            f"#{at}": known
            for at, field in enumerate(schema, 1)
            for is_known, known in KNOWN_TYPES.items()
            if is_known(field.type)
        }
        self.start = Position(1, 0)
        self.size: int | None = self._file.metadata.num_rows
        self._schema = schema
        self.done = 0
        self.detected = Detected(format="parquet")

    def records(self, start: Position, targets: Sequence[Target | None]) -> Iterator[Record]:
        chosen = [(at, target) for at, target in enumerate(targets) if target is not None]
        columns = [
            _Column(target.key, self._lister(at), _reader(target.type, self._reading))
            for at, target in chosen
        ]
        places = [at for at, _ in chosen]
        at = 0
        for group in range(self._file.metadata.num_row_groups):
            rows = self._file.metadata.row_group(group).num_rows
            if at + rows <= start.offset:
                at += rows  # a group before the start is not read
                continue
            for batch in self._batches(group):
                yield from _rows(batch, at, start, places, columns)
                at += batch.num_rows
                self.done = at

    def _lister(self, at: int) -> Callable[[Any], list[Any]]:
        zone = self._reading.time_zone
        try:
            return _lister(self._schema.field(at), None if zone is None else zone_of(zone))
        except FileRefused as error:
            raise FileRefused(f"{self._name} cannot be imported. {error}") from None

    def _batches(self, group: int) -> Iterator[Any]:
        try:
            yield from self._file.iter_batches(batch_size=ROWS_AT_ONCE, row_groups=[group], use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise FileRefused(f"{self._name} is damaged: {str(error).rstrip('.')}.") from None


class _Column(NamedTuple):
    """A column that is imported: its name in requests, and the functions that convert its cells to values of
    JSON, all at once, and one value to what the table's column accepts."""

    key: str
    lister: Callable[[Any], list[Any]]
    reader: Callable[[Any], object]


def _rows(
    batch: Any, at: int, start: Position, places: Sequence[int], columns: Sequence[_Column]
) -> Iterator[Record]:
    found = [column.lister(batch.column(place)) for place, column in zip(places, columns, strict=True)]
    for number, cells in enumerate(zip(*found, strict=True), at + 1):
        if number <= start.offset:
            continue
        end = Position(number + 1, number)
        try:
            row = {
                column.key: None if cell is None else column.reader(cell)
                for column, cell in zip(columns, cells, strict=True)
            }
            yield Row(number, end, msgspec.json.encode(row))
        except UnfitCell as error:
            text = str({column.key: cell for column, cell in zip(columns, cells, strict=True)})
            yield Unreadable(number, end, text[:1000], f"A value {error}.")


def _reader(column_type: str, reading: Reading) -> Callable[[Any], object]:
    read = reader_of(column_type, reading)

    def cell(value: Any) -> object:
        if isinstance(value, str):
            return value if read is as_text else read(value)
        if isinstance(value, bytes):
            raise UnfitCell("is text that is not in UTF-8")
        if isinstance(value, float) and not math.isfinite(value):
            raise UnfitCell(f"is {value}, which is not a number")
        return value

    return cell


def _lister(field: Any, zone: tzinfo | None) -> Callable[[Any], list[Any]]:
    """A function that converts the cells of a column to JSON values. ``zone`` is that of timestamps without
    one. Raises FileRefused for a type without JSON equivalent."""
    kind = field.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_timestamp(kind) and kind.tz is None and zone is None:
        raise FileRefused(
            f"Column {field.name} has timestamps without a time zone. Use --time-zone, such as "
            "--time-zone UTC."
        )
    if pa.types.is_timestamp(kind):
        divisor, factor = TICKS_OF_MILLISECOND[kind.unit]
        moment = _moment
        if zone is not None and kind.tz is None:
            moment = partial(_local_moment, zone=zone)
        return lambda column: [
            None if ticks is None else moment(ticks // divisor * factor)
            for ticks in _plain(column).cast(pa.int64()).to_pylist()
        ]
    if pa.types.is_decimal(kind):
        return lambda column: [
            None if cell is None else _decimal(cell) for cell in _plain(column).to_pylist()
        ]
    if pa.types.is_date(kind):
        return lambda column: [
            None if days is None else _moment(days * 86_400_000)
            for days in _plain(column).cast(pa.date32()).cast(pa.int32()).to_pylist()
        ]
    is_plain = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_boolean)
    is_number = (pa.types.is_integer, pa.types.is_floating, pa.types.is_null)
    if any(check(kind) for check in (*is_plain, *is_number)):
        return lambda column: _listed(_plain(column))
    raise FileRefused(
        f"Column {field.name} has the type {kind}, which is not supported. Write it as text, or use "
        "--skip-columns."
    )


def _listed(column: Any) -> list[Any]:
    """The cells; texts that are not in UTF-8 as bytes."""
    try:
        cells: list[Any] = column.to_pylist()
    except UnicodeDecodeError:
        return [_decoded(cell) for cell in column.cast(pa.large_binary()).to_pylist()]
    return cells


def _decoded(cell: bytes | None) -> str | bytes | None:
    try:
        return None if cell is None else cell.decode()
    except UnicodeDecodeError:
        return cell


def _plain(column: Any) -> Any:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _moment(milliseconds: int) -> str | int:
    """A timestamp in the format of the API; outside its range, the number, which the server rejects."""
    if not MIN_EPOCH_MS <= milliseconds <= MAX_EPOCH_MS:
        return milliseconds
    return canonical_date(EPOCH + timedelta(milliseconds=milliseconds))


def _local_moment(milliseconds: int, zone: tzinfo) -> str | int:
    """The same for the time on a clock in this zone."""
    if not MIN_EPOCH_MS <= milliseconds <= MAX_EPOCH_MS:
        return milliseconds
    try:
        local = (EPOCH + timedelta(milliseconds=milliseconds)).replace(tzinfo=zone)
        return canonical_date(local.astimezone(UTC))
    except OverflowError:
        return milliseconds


def _decimal(cell: Decimal) -> str:
    return format(cell, "f")


class ParquetWriter(ArrayWriter):
    """Writes records as Parquet, one row group at a time."""

    def __init__(self, out: BinaryIO, columns: Columns) -> None:
        facts = [WRITTEN[form_of(column.type) or FileForm.TEXT] for column in columns]
        self._schema = pa.schema(
            [(column.name, kind) for column, (_, kind) in zip(columns, facts, strict=True)]
        )
        self._kinds = [decoded for decoded, _ in facts]
        fields = [
            # json is copied unchanged, including null
            (f"c{at}", kind if kind is msgspec.Raw else kind | None)
            for at, kind in enumerate(self._kinds)
        ]
        names = {f"c{at}": column.name for at, column in enumerate(columns)}
        record = msgspec.defstruct("Record", fields, rename=names, gc=False)
        self._decoder = msgspec.json.Decoder(list[record])  # type: ignore[valid-type] # defined above
        self._writer = pq.ParquetWriter(pa.PythonFile(out, mode="w"), self._schema, compression="zstd")
        self._pending: list[Any] = []
        self._held_rows = self._held_bytes = 0

    def write(self, records: msgspec.Raw) -> int:
        decoded = self._decoder.decode(records)
        if decoded:
            columns = zip(*map(msgspec.structs.astuple, decoded), strict=True)
            arrays = [
                pa.array(map(_json_text, column) if kind is msgspec.Raw else column, type=field.type)
                for column, field, kind in zip(columns, self._schema, self._kinds, strict=True)
            ]
            self._pending.append(pa.record_batch(arrays, schema=self._schema))
            self._held_rows += len(decoded)
            self._held_bytes += len(bytes(records))
        if self._held_rows >= GROUP_ROWS or self._held_bytes >= GROUP_BYTES:
            self._write_group()
        return len(decoded)

    def _write_group(self) -> None:
        self._writer.write_table(
            pa.Table.from_batches(self._pending, self._schema), row_group_size=GROUP_ROWS * 2
        )
        self._pending, self._held_rows, self._held_bytes = [], 0, 0

    def close(self) -> None:
        if self._pending:
            self._write_group()
        self._writer.close()


def _json_text(cell: msgspec.Raw) -> str | None:
    text = bytes(cell).decode()
    return None if text == "null" else text
