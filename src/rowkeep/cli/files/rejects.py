"""Rejects: rows that could not be imported, each with its line and errors."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from rowkeep.cli.files.records import FileRefused, Row, Unreadable
from rowkeep.client.responses import RequestProblem


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


class Rejects:
    """The rejects file. Rejects stay in memory until everything before them is settled, and are written in
    the order of their lines. Methods raise OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pending: list[Reject] = []

    def begin(self, known_bytes: int | None, is_new: bool, may_replace: bool) -> int:
        """Truncate the file to the size in the journal (None for its current size); returns the size.

        Raises FileRefused if a new import finds existing rejects.
        """
        size = self.path.stat().st_size if self.path.exists() else 0
        if is_new and size and not may_replace:
            raise FileRefused(
                f"The rejects file {self.path} already exists: it is from another import, or from one that "
                "stopped before it imported any row. Move it, name another file with --rejects, or use "
                "--restart to replace it."
            )
        if known_bytes is not None and size > known_bytes:
            if known_bytes:
                os.truncate(self.path, known_bytes)
            else:
                self.path.unlink()
            return known_bytes
        return size

    def add(self, reject: Reject) -> None:
        self._pending.append(reject)

    @property
    def pending(self) -> int:
        return len(self._pending)

    @property
    def last_line(self) -> int:
        """The line of the last reject in memory."""
        return max((reject.line for reject in self._pending), default=0)

    def write(self, size: int, last_line: int | None = None) -> tuple[int, int]:
        """Write the rejects up to this line after the first ``size`` bytes of the file, replacing everything
        after these, and flush them to disk. They stay in memory until they are settled.

        Returns the number of rejects, and the new size of the file.
        """
        self._pending.sort(key=lambda reject: reject.line)
        due = [reject for reject in self._pending if last_line is None or reject.line <= last_line]
        if not due:
            return 0, size
        with self.path.open("ab") as file:
            if file.tell() > size:
                file.truncate(size)
            file.write(b"".join(msgspec.json.encode(reject) + b"\n" for reject in due))
            file.flush()
            os.fsync(file.fileno())
            return len(due), os.fstat(file.fileno()).st_size

    def settle(self, last_line: int | None = None) -> None:
        """Remove the rejects up to this line from memory: they are stored permanently."""
        self._pending = [] if last_line is None else [each for each in self._pending if each.line > last_line]
