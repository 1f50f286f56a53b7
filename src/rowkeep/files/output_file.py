"""Output file: the target of an export. A file appears only when it is complete; standard output is written
directly."""

from __future__ import annotations

import io
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from rowkeep.files.records import FileRefused

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

BUFFER_BYTES = 1024 * 1024


@contextmanager
def outlet(path: str, is_forced: bool) -> Iterator[BinaryIO]:
    """A stream to write to. If the block succeeds, the file exists durably; otherwise nothing changes.

    Raises FileRefused if the file exists and must not be replaced, or cannot be made, and OSError.
    """
    if path == "-":
        with Piped(sys.stdout.buffer) as piped:
            yield cast("BinaryIO", piped)
        return
    # a symbolic link stays: its target is replaced
    target = Path(os.path.realpath(path))
    _check(target, path, is_forced)
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except OSError as error:
        raise FileRefused(f"The file {path} cannot be written: {error.strerror}.") from None
    try:
        with open(descriptor, "wb", BUFFER_BYTES) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _check(target, path, is_forced)
        part.replace(target)
        sync_directory(target.parent)
    finally:
        part.unlink(missing_ok=True)


def _check(target: Path, path: str, is_forced: bool) -> None:
    if target.exists() and not target.is_file():
        raise FileRefused(f"{path} is not a regular file. To write to standard output, use -o -.")
    if target.exists() and not is_forced:
        raise FileRefused(f"The file {path} already exists. Use --force to replace it.")


def sync_directory(directory: Path) -> None:
    """Flush the names in a directory to disk, if the system supports that."""
    with suppress(PermissionError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class Piped(io.RawIOBase):
    """A stream that counts the bytes written, for formats that store positions."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._count = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer, /) -> int:
        written = self._stream.write(data)
        self._count += written
        return written

    def tell(self) -> int:
        return self._count

    def flush(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        if not self.closed:
            self.flush()
        super().close()
