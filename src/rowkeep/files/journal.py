"""Journal: the progress of an import, written to disk before and after each request, so that it can be
resumed.

The journal is stored next to the imported file. It is replaced as a whole: a new file is written, flushed to
disk and renamed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec

from rowkeep.files.output_file import sync_directory
from rowkeep.files.records import FileRefused, Position

HEAD_BYTES = 1024 * 1024


class Import(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The file, the target and the options of an import, which must be unchanged when the import is
    resumed."""

    size: int
    modified_ns: int
    head_sha256: str
    format: str
    table: str
    server: str
    app: str
    mode: str = "partial"
    on_conflict: str = "error"
    key: str = ""
    reading: str = ""
    """The options that say how the file is read."""


WHAT = {
    "size": "the size of the file",
    "modified_ns": "the modification time of the file",
    "head_sha256": "the beginning of the file",
    "format": "the format",
    "table": "the table",
    "server": "the server or store",
    "app": "the app or administrator",
    "mode": "the option --mode",
    "on_conflict": "the option --on-conflict",
    "key": "the option --key",
    "reading": "the options that say how the file is read",
}
"""Descriptions of these fields, for messages."""


class Standing(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The progress so far: everything before ``next`` is in the table, in the first ``rejects_bytes`` bytes
    of the rejects file, or in the first bytes of the files of waiting rows and of rows that exist.

    ``resent`` is how many of the ``waiting`` rows were sent again, in their order, and ``upserted`` how many
    bytes of rows that exist. ``replayed`` is how many rows were written by earlier requests with the same
    keys, before this import started.
    """

    next: Position
    inserted: int = 0
    updated: int = 0
    ignored: int = 0
    rejected: int = 0
    rejects_bytes: int = 0
    waiting: int = 0
    waiting_bytes: int = 0
    resent: int = 0
    existing_bytes: int = 0
    upserted: int = 0
    replayed: int = 0

    @property
    def written(self) -> int:
        """The rows that the server accepted."""
        return self.inserted + self.updated + self.ignored


class InFlight(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A request that was sent, or was about to be sent, and whose response is not yet recorded.

    It has ``rows`` rows, of the records from the current position to ``end``, or of the waiting rows from
    ``Standing.resent`` to ``resent``. ``first`` and ``last`` are the lines of its first and last row. ``key``
    is its idempotency key, and ``sent_on`` when it was sent first, in seconds since 1970 by the clock of this
    machine. ``is_streamed`` says whether it was a stream, of all or none of its rows, and ``is_text`` whether
    this was the text of the file.
    """

    rows: int
    first: int
    last: int
    end: Position
    resent: int
    key: str
    sent_on: float
    is_streamed: bool = False
    is_text: bool = False

    @property
    def title(self) -> str:
        """What the request has, for messages."""
        if self.end == WHOLE:
            return "the rows of the file"
        return f"lines {self.first} to {self.last}"


WHOLE = Position(2**62, 2**62)
"""The end of a file that is imported as a whole, however many rows it has."""


class ImportProgress(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The content of the journal. ``run`` is the part of the idempotency keys that all requests of an import
    share."""

    what: Import
    run: str = ""
    standing: Standing
    in_flight: InFlight | None = None


class Ledger:
    """The progress of one import. Without a path (for standard input) it is only in memory."""

    def __init__(self, path: Path | None, progress: ImportProgress) -> None:
        self._path = path
        self.progress = progress

    def record(self, progress: ImportProgress) -> None:
        """Store the progress; it is on disk when this returns. Raises OSError."""
        self.progress = progress
        if self._path is None:
            return
        replace_file(self._path, msgspec.json.encode(progress))

    def finish(self) -> None:
        """Remove the journal: the import is complete."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            sync_directory(self._path.parent)


def replace_file(path: Path, content: bytes) -> None:
    """Replace a JSON file in one step; it is on disk when this returns. Raises OSError."""
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        file.write(msgspec.json.format(content) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_directory(path.parent)


def progress_path(path: str) -> Path:
    """The path of the journal for imports of this file."""
    return Path(f"{path}.progress")


def recorded(path: Path) -> ImportProgress | None:
    """The progress in a journal; None if there is no journal. Raises FileRefused if it cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=ImportProgress)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise FileRefused(
            f"The progress file {path} cannot be read ({error}). Use --resume-at LINE if you know which line "
            "the import reached, or --restart to import the whole file."
        ) from None


def head_sha256(file: BinaryIO) -> str:
    """A hash of the start of a file. The file is positioned at its start again."""
    file.seek(0)
    digest = hashlib.sha256(file.read(HEAD_BYTES)).hexdigest()
    file.seek(0)
    return digest


@contextmanager
def locked(file: BinaryIO, path: str) -> Iterator[None]:
    """Lock the file for this process while the block runs. Raises FileRefused.

    The lock is one of the operating system on the file itself, so it ends with the process in every case.
    """
    try:
        import fcntl
    except ImportError:  # pragma: no cover - a system without such locks
        yield
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise FileRefused(f"{path} is being imported by another process.") from None
    yield
