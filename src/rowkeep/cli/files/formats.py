"""Formats: a table of file formats; a new format needs only a new row and its module."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, BinaryIO

import msgspec

from rowkeep.cli.files.records import Columns, FileRefused, RecordWriter, Source
from rowkeep.errors.catalogue import SetupError, preview


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """``source`` and ``writer`` are names of classes in ``module``, which is loaded when it is needed;
    ``needs`` is the name of the extra with its dependencies. ``is_stream`` says whether the format can be
    read from a pipe."""

    name: str
    suffixes: tuple[str, ...]
    module: str
    source: str
    writer: str
    needs: str | None = None
    is_stream: bool = True

    def open(self, file: BinaryIO, size: int | None) -> Source:
        """A source of the records in the file. Raises FileRefused, SetupError."""
        make: Callable[[BinaryIO, int | None], Source] = self._load(self.source)
        return make(file, size)

    def create(self, out: BinaryIO, columns: Columns) -> RecordWriter:
        """A writer of records with these columns. Raises SetupError."""
        make: Callable[[BinaryIO, Columns], RecordWriter] = self._load(self.writer)
        return make(out, columns)

    def check(self) -> None:
        """Raises SetupError if the dependencies of the format are not installed."""
        self._load(self.source)

    def _load(self, name: str) -> Any:
        try:
            return getattr(import_module(f"rowkeep.cli.files.{self.module}"), name)
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
            module="csv_format", source="CsvSource", writer="CsvWriter",
        ),
        Format(
            name="ndjson", suffixes=(".ndjson", ".jsonl"),
            module="ndjson_format", source="NdjsonSource", writer="NdjsonWriter",
        ),
        Format(
            name="parquet", suffixes=(".parquet",),
            module="parquet_format", source="ParquetSource", writer="ParquetWriter",
            needs="parquet", is_stream=False,
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
    for each in FORMATS.values():
        if path.lower().endswith(each.suffixes):
            return each
    known = ", ".join(suffix for each in FORMATS.values() for suffix in each.suffixes)
    what = "Standard input and output have no suffix" if path == "-" else f"Unknown suffix of {path}"
    raise FileRefused(f"{what} ({known} are known). Use --format {'|'.join(FORMATS)}.")
