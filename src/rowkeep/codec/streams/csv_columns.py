"""CSV columns: the texts of one column of a block as cells, without a step of Python for each where they are
canonical."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from rowkeep.codec.cells import checked_cell
from rowkeep.codec.json_scan import is_deeper
from rowkeep.codec.row_types import wire_type
from rowkeep.model.column_types import FileForm
from rowkeep.model.tables import Column

BOOLEANS = {
    "true": True,
    "false": False,
    "TRUE": True,
    "FALSE": False,
    "True": True,
    "False": False,
    None: None,
}


def read_column(column: Column, texts: Sequence[str | None], max_depth: int) -> list[Any] | None:
    """The cells; None if one of them is not valid, which a slower reader then names."""
    facts = column.type_facts
    cells = list(texts)
    if column.reads_empty_as_null and "" in cells:
        cells = [cell or None for cell in cells]
    if column.is_required and None in cells:
        return None
    try:
        found = _fast(column)(cells)
    except (ValueError, KeyError):
        try:
            found = _one_by_one(column, cells, max_depth)
        except (ValueError, RecursionError):
            return None
    return found if not (column.is_required and facts.is_document and None in found) else None


def _fast(column: Column) -> Callable[[list[Any]], list[Any]]:
    """Reads a column of canonical texts. It raises ValueError or KeyError for others."""
    form, facts = column.type_facts.file_form, column.type_facts
    if facts.is_raw:
        return _none_is_fast
    if form is FileForm.BOOLEAN:
        return lambda cells: list(map(BOOLEANS.__getitem__, cells))
    if form in (FileForm.DOUBLE, FileForm.INTEGER):
        read = _numbers(wire_type(column))
    else:
        wanted = list[wire_type(column)]  # type: ignore[valid-type, misc] # made for the column
        read = lambda cells: msgspec.convert(cells, wanted)  # noqa: E731
    settle = facts.settle
    if settle is None:
        return read

    def settled(cells: list[Any]) -> list[Any]:
        found = read(cells)
        return settle(found) or found

    return settled


def _none_is_fast(_cells: list[Any]) -> list[Any]:
    raise ValueError


@lru_cache(64)
def _numbers(wire: Any) -> Callable[[list[Any]], list[Any]]:
    decoder = msgspec.json.Decoder(list[wire])

    def read(cells: list[Any]) -> list[Any]:
        """Numbers as they are written in JSON, decoded together."""
        text = ",".join(["null" if cell is None else cell for cell in cells])
        found: list[Any] = decoder.decode(f"[{text}]")
        # a text can be null, two numbers, or have blanks, which no number may have
        if len(found) != len(cells) or found.count(None) != cells.count(None) or len(text.split()) > 1:
            raise ValueError
        if text[:1].isspace() or text[-1:].isspace():
            raise ValueError
        return found

    return read


def _one_by_one(column: Column, cells: list[Any], max_depth: int) -> list[Any]:
    """Each distinct text is read once. Raises ValueError, RecursionError."""
    read = _document if column.type_facts.is_document else checked_cell
    known: dict[Any, Any] = {None: None}
    for cell in set(cells) - {None}:
        if column.type_facts.is_document and is_deeper(cell.encode(), max_depth):
            raise RecursionError
        known[cell] = read(column, cell)
    return list(map(known.__getitem__, cells))


def _document(column: Column, cell: str) -> Any:
    return checked_cell(column, msgspec.Raw(bytes(_raw_decoder.decode(cell))))


_raw_decoder = msgspec.json.Decoder(msgspec.Raw)
