"""Lines: rows in a backup, each a JSON array in a line. It is the same for every engine."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import msgspec

from rowkeep.codec.stored_cells import Change, with_columns
from rowkeep.model.tables import Table
from rowkeep.storage.contract import Row

encode_lines = msgspec.json.Encoder().encode_lines
"""Rows as lines; bytes become base64."""

_decoder: msgspec.json.Decoder[tuple[Any, ...]] = msgspec.json.Decoder(tuple[Any, ...])


def decode_lines(lines: bytes, width: int, binary: Sequence[int]) -> Sequence[Row]:
    """The rows of some lines. Raises ValueError for anything else."""
    rows = _decoder.decode_lines(lines)
    if any(len(row) != width for row in rows):
        raise ValueError(f"a row does not have {width} cells")
    changes: dict[int, Change] = dict.fromkeys(binary, _bytes)
    return with_columns(rows, changes)


def _bytes(text: Any) -> bytes:
    if not isinstance(text, str):
        raise ValueError("a cell is not base64")
    return base64.b64decode(text, validate=True)


def encrypted_columns(table: Table) -> tuple[int, ...]:
    """The places of the encrypted columns."""
    return tuple(at for at, column in enumerate(table.stored_columns) if column.is_encrypted)
