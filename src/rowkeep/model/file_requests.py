"""Request bodies about files of rows, as msgspec decodes them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from rowkeep.model.definitions.tables import TableBody

MAX_MAPPED = 2000
"""The maximum number of columns that a request can name."""

ShortText = Annotated[str, msgspec.Meta(max_length=200)]


class FileReading(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """How a file is read; what is missing is detected. ``headerLine`` is the line of the header, 0 for none.
    ``quote`` is an empty text if nothing is quoted. ``nulls`` are texts that mean null."""

    format: Literal["csv", "tsv", "ndjson", "parquet", "xlsx", "xls", "ods"] | None = None
    delimiter: Annotated[str, msgspec.Meta(min_length=1, max_length=1)] | None = None
    quote: Annotated[str, msgspec.Meta(max_length=1)] = '"'
    encoding: ShortText | None = None
    header_line: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 1
    decimal: Annotated[str, msgspec.Meta(min_length=1, max_length=1)] = "."
    thousands: Annotated[str, msgspec.Meta(max_length=1)] = ""
    date_formats: Annotated[list[ShortText], msgspec.Meta(max_length=20)] = []
    time_zone: ShortText | None = None
    nulls: Annotated[list[ShortText], msgspec.Meta(max_length=20)] = []
    sheet: ShortText | None = None


class MappedColumn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Where a column of a file goes: its label, and the column of the table; null leaves it out."""

    label: Annotated[str, msgspec.Meta(max_length=1000)]
    column: ShortText | None


class ImportBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """An import. Columns of the file that ``columns`` does not name go to the column with their name.
    ``newTable`` is the definition of a table that does not exist yet: with ``dryRun``, the rows are checked
    against it. With ``keepFile`` the file is stored after its import too."""

    table: ShortText
    reading: FileReading = FileReading()
    columns: Annotated[list[MappedColumn], msgspec.Meta(max_length=MAX_MAPPED)] = []
    mode: Literal["partial", "atomic"] = "partial"
    on_conflict: Literal["error", "ignore", "update"] = "error"
    key: Annotated[list[ShortText], msgspec.Meta(max_length=50)] = []
    dry_run: bool = False
    new_table: TableBody | None = None
    keep_file: bool = False
