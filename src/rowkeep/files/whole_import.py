"""Whole imports: the steps of an import after its file is open and its journal is read."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice, takewhile

from rowkeep.files.file_keys import FileKeys
from rowkeep.files.header import HeaderMatch, match_header
from rowkeep.files.journal import Standing
from rowkeep.files.reading import Reading
from rowkeep.files.records import Record, Row, Source
from rowkeep.files.requests import BulkOptions
from rowkeep.files.row_import import RowImport
from rowkeep.files.table_columns import TableColumns
from rowkeep.files.text_import import TextImport

ROWS_AT_ONCE = 1000


async def run_import(importer: RowImport, records: Iterable[Record] | TextImport) -> None:
    """Import all records, then those that waited for others, then those whose key is in the table. Raises
    what ``RowImport.run`` raises."""
    if isinstance(records, TextImport):
        await records.run()
    else:
        await importer.run(records)
    await importer.run_waiting()
    await importer.run_existing()


def match_columns(columns: TableColumns, reading: Reading, source: Source, name: str) -> HeaderMatch:
    """The columns of the table for those of the file with this name. Raises FileRefused."""
    if source.names is None:
        return HeaderMatch((), frozenset(), {})
    return match_header(source.names, columns, reading, name)


def keys_before(
    columns: TableColumns, bulk: BulkOptions, source: Source, match: HeaderMatch, standing: Standing
) -> FileKeys | None:
    """The keys of the rows before the current position, if the import has a key. Raises UnknownColumn."""
    if not bulk.key:
        return None
    keys = FileKeys(columns, bulk.key)
    if standing.next != source.start:
        every = source.records(source.start, match.targets)
        before = takewhile(lambda each: each.end <= standing.next, every)
        rows = (record for record in before if isinstance(record, Row))
        while part := list(islice(rows, ROWS_AT_ONCE)):
            keys.add(part)
    return keys
