"""Ledger: how far an import has come, on disk before and after each request, so that it can be gone on with.

It stands beside the file that is imported. It is replaced whole: written beside itself, put on disk, renamed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec

from rowkeep.cli.files.output_file import sync_directory
from rowkeep.cli.files.records import FileRefused, Position

HEAD_BYTES = 1024 * 1024


class Import(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What is imported where: all that must be the same when an import is gone on with."""

    size: int
    modified_ns: int
    head_sha256: str
    format: str
    table: str
    server: str
    app: str


WHAT = {
    "size": "the size of the file",
    "modified_ns": "the modification time of the file",
    "head_sha256": "the beginning of the file",
    "format": "the format",
    "table": "the table",
    "server": "the server or store",
    "app": "the app",
}
"""The parts of an import, for people."""


class InFlight(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A request that was sent, or was about to be.

    ``rows`` rows, the first and last from the lines ``first`` and ``last``; ``then`` is how things stand if
    it was carried out. ``mark`` is the newest row that the app had written to the table before, and
    ``sent_on`` what the server's clock showed then, in seconds since 1970.
    """

    rows: int
    first: int
    last: int
    then: Standing
    mark: str | None
    sent_on: float | None


class Standing(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How far it has come: everything before ``next`` is in the table, or among the first ``rejects_bytes``
    bytes of the rejects."""

    next: Position
    inserted: int = 0
    rejected: int = 0
    rejects_bytes: int = 0


class ImportProgress(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All that is written down. ``marks`` are rows that requests before had ended with, the newest last."""

    what: Import
    standing: Standing
    in_flight: InFlight | None = None
    marks: list[str] = []


class Ledger:
    """The progress of one import; without a path (for standard input) it is only remembered."""

    def __init__(self, path: Path | None, progress: ImportProgress) -> None:
        self._path = path
        self.progress = progress

    def record(self, progress: ImportProgress) -> None:
        """It is on disk when this returns. Raises OSError."""
        self.progress = progress
        if self._path is None:
            return
        replace_file(self._path, msgspec.json.encode(progress))

    def finish(self) -> None:
        """The import is done, and nothing is left to go on with."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            sync_directory(self._path.parent)


def replace_file(path: Path, content: bytes) -> None:
    """Put JSON into a file, all at once; it is on disk when this returns. Raises OSError."""
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        file.write(msgspec.json.format(content) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_directory(path.parent)


def progress_path(path: str) -> Path:
    """Where the progress of importing this file is kept."""
    return Path(f"{path}.progress")


def recorded(path: Path) -> ImportProgress | None:
    """What a ledger says; None if there is none. Raises FileRefused for one that cannot be read."""
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
    """A fingerprint of the beginning of a file, which then stands at its start again."""
    file.seek(0)
    digest = hashlib.sha256(file.read(HEAD_BYTES)).hexdigest()
    file.seek(0)
    return digest


@contextmanager
def locked(file: BinaryIO, path: str) -> Iterator[None]:
    """The file is imported by this process alone, for as long as the block runs. Raises FileRefused.

    The lock is the system's, on the file itself: it ends with the process, however that ends.
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
