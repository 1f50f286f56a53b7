"""Rejects: rows that could not be imported, or not yet, each with its line and errors."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from rowkeep.files.records import Row, Unreadable
from rowkeep.files.responses import RequestProblem


class RowError(msgspec.Struct, frozen=True):
    """An error in the API's format, with a pointer relative to the row."""

    msg: str
    code: str
    pointer: str | UnsetType = UNSET


class Reject(msgspec.Struct, frozen=True):
    """A row as it was sent, or the text of an invalid record."""

    line: int
    row: Any
    errors: list[RowError]


class _Stored(Reject, frozen=True):
    """A row that is not decoded."""

    row: msgspec.Raw


_decoder: msgspec.json.Decoder[_Stored] = msgspec.json.Decoder(_Stored)


def refused(row: Row, msg: str, code: str, pointer: str | UnsetType = UNSET) -> Reject:
    """A row that the import itself rejects."""
    return Reject(row.line, msgspec.Raw(row.json), [RowError(msg, code, pointer)])


def rejected_row(row: Row, problems: list[RequestProblem], prefix: str) -> Reject:
    """A row that the server rejected; ``prefix`` is the pointer to the row in the request."""
    errors = [RowError(_of_row(each.msg), each.code, each.pointer.removeprefix(prefix)) for each in problems]
    return Reject(row.line, msgspec.Raw(row.json), errors)


def _of_row(msg: str) -> str:
    """The message without the position of the row in the request, which users do not know."""
    head, _, tail = msg.partition(": ")
    return tail if head.startswith("Row ") and head[4:].isdigit() else msg


def unreadable(record: Unreadable) -> Reject:
    return Reject(record.line, record.text, [RowError(record.reason, "unreadable_record")])


class RowLog:
    """A file of rows with their errors, one per line, to which each request adds its own. What the journal
    does not have is overwritten. Methods raise OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self, known_bytes: int) -> None:
        """Remove what the journal does not have: it belongs to a request that is sent again."""
        if self.size() > known_bytes:
            if known_bytes:
                os.truncate(self.path, known_bytes)
            else:
                self.path.unlink()

    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def count(self) -> int:
        """The number of rows."""
        if not self.path.exists():
            return 0
        with self.path.open("rb") as file:
            return sum(1 for _ in file)

    def read(self, start: int, most: int, max_bytes: int) -> tuple[list[Reject], int]:
        """The next rows after ``start`` bytes, at most ``most`` and about ``max_bytes``, and where they
        end."""
        found: list[Reject] = []
        end = start
        with self.path.open("rb") as file:
            file.seek(start)
            while len(found) < most:
                line = file.readline()
                if not line or (found and end + len(line) - start > max_bytes):
                    break
                found.append(_decoder.decode(line))
                end += len(line)
        return found, end

    def add(self, rejects: Sequence[Reject], size: int) -> int:
        """Write rows after the first ``size`` bytes, replacing everything after these; they are on disk when
        this returns. Returns the new size."""
        if not rejects:
            return size
        with self.path.open("ab") as file:
            if file.tell() > size:
                file.truncate(size)
            file.write(b"".join(msgspec.json.encode(reject) + b"\n" for reject in rejects))
            file.flush()
            os.fsync(file.fileno())
            return os.fstat(file.fileno()).st_size
