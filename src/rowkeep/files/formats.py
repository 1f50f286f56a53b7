"""Formats: a table of file formats; a new format needs only a new row and its module."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, BinaryIO

import msgspec

from rowkeep.errors.catalogue import SetupError, preview
from rowkeep.files.compressed import without_suffix
from rowkeep.files.content import Content
from rowkeep.files.reading import Reading
from rowkeep.files.records import Columns, FileRefused, RecordWriter, Source

COLUMN_OPTIONS = frozenset({"renames", "only", "skipped"})
CELL_OPTIONS = frozenset({"decimal", "thousands", "date_formats", "time_zone"})
CSV_OPTIONS = COLUMN_OPTIONS | CELL_OPTIONS | {"delimiter", "quote", "encoding", "header_line", "nulls"}
SHEET_OPTIONS = COLUMN_OPTIONS | CELL_OPTIONS | {"header_line", "nulls", "sheet"}

OPTION_NAMES = {
    "delimiter": "--delimiter",
    "quote": "--quote",
    "encoding": "--encoding",
    "header_line": "--header",
    "decimal": "--decimal",
    "thousands": "--thousands",
    "date_formats": "--date-format",
    "time_zone": "--time-zone",
    "nulls": "--null",
    "sheet": "--sheet",
}
"""The options that only some formats have."""


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """``source`` and ``writer`` are names of classes in ``module``, which is loaded when it is needed;
    without a writer, files can only be read. ``needs`` is the name of the extra with its dependencies.
    ``options`` are the fields of Reading that the source uses. ``is_isolated`` says that commands read the
    file in another process too: how much memory it takes does not follow from its size."""

    name: str
    suffixes: tuple[str, ...]
    module: str
    source: str
    writer: str | None
    options: frozenset[str]
    needs: str | None = None
    is_isolated: bool = False

    def open(self, content: Content, reading: Reading) -> Source:
        """A source of the records in the file. Raises FileRefused, SetupError."""
        make: Callable[[Content, Reading], Source] = self._load(self.source)
        return make(content, reading)

    def create(self, out: BinaryIO, columns: Columns) -> RecordWriter:
        """A writer of records with these columns. Raises SetupError."""
        self.check_writer()
        make: Callable[[BinaryIO, Columns], RecordWriter] = self._load(str(self.writer))
        return make(out, columns)

    def check(self, reading: Reading | None = None) -> None:
        """Raises SetupError if the dependencies of the format are not installed, or if it has no such
        options."""
        self._load(self.source)
        usual = Reading()
        for name, option in OPTION_NAMES.items():
            is_given = reading is not None and getattr(reading, name) != getattr(usual, name)
            if is_given and name not in self.options:
                having = ", ".join(each.name for each in FORMATS.values() if name in each.options)
                raise SetupError(f"{option} is for files of the formats {having}; this one is {self.name}.")

    def check_writer(self) -> None:
        """Raises SetupError if files of the format cannot be written."""
        self.check()
        if self.writer is None:
            having = ", ".join(each.name for each in FORMATS.values() if each.writer)
            raise SetupError(f"{self.name} files can be read, but not written. Formats are {having}.")

    def _load(self, name: str) -> Any:
        try:
            return getattr(import_module(f"rowkeep.files.{self.module}"), name)
        except ImportError as error:
            if self.needs is None:
                raise
            raise SetupError(
                f"{self.name} files need the extra {self.needs}, which is not installed ({error}). Run "
                f"pip install 'rowkeep[{self.needs}]'."
            ) from None


FORMATS: dict[str, Format] = {
    entry.name: entry
    for entry in (
        Format(
            name="csv", suffixes=(".csv",),
            module="csv_format", source="CsvSource", writer="CsvWriter", options=CSV_OPTIONS,
        ),
        Format(
            name="tsv", suffixes=(".tsv", ".tab"),
            module="csv_format", source="TsvSource", writer="TsvWriter", options=CSV_OPTIONS,
        ),
        Format(
            name="ndjson", suffixes=(".ndjson", ".jsonl"),
            module="ndjson_format", source="NdjsonSource", writer="NdjsonWriter",
            options=COLUMN_OPTIONS | {"encoding"},
        ),
        Format(
            name="parquet", suffixes=(".parquet",),
            module="parquet_format", source="ParquetSource", writer="ParquetWriter",
            options=COLUMN_OPTIONS | CELL_OPTIONS, needs="parquet", is_isolated=True,
        ),
        Format(
            name="xlsx", suffixes=(".xlsx",),
            module="excel_format", source="ExcelSource", writer="ExcelWriter", options=SHEET_OPTIONS,
            is_isolated=True,
        ),
        Format(
            name="xls", suffixes=(".xls", ".xlsb", ".xlsm"),
            module="excel_format", source="ExcelSource", writer=None, options=SHEET_OPTIONS,
            is_isolated=True,
        ),
        Format(
            name="ods", suffixes=(".ods",),
            module="excel_format", source="ExcelSource", writer=None, options=SHEET_OPTIONS,
            is_isolated=True,
        ),
    )
}  # fmt: skip


def format_of(path: str, asked: str | None) -> Format:
    """The format of the option if it is set, otherwise that of the file's suffix. Raises FileRefused."""
    if asked is not None:
        found = FORMATS.get(asked.lower())
        if found is None:
            raise FileRefused(f"Unknown format {preview(asked)}. Formats are {', '.join(FORMATS)}.")
        return found
    plain, _ = without_suffix(path)
    for each in FORMATS.values():
        if plain.lower().endswith(each.suffixes):
            return each
    known = ", ".join(suffix for each in FORMATS.values() for suffix in each.suffixes)
    what = "Standard input and output have no suffix" if path == "-" else f"Unknown suffix of {path}"
    raise FileRefused(f"{what} ({known} are known). Use --format {'|'.join(FORMATS)}.")
