"""Content: the bytes of a file or of standard input, unpacked, and text as UTF-8."""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import BinaryIO, cast

from rowkeep.files.compressed import ERRORS, Compression, compression_of, damaged, unpacked
from rowkeep.files.encoding import UTF8, AsUtf8, Encoding, encoding_of
from rowkeep.files.reading import Reading
from rowkeep.files.records import FileRefused

STANDARD_INPUT = "Standard input"

HEAD_BYTES = 1024 * 1024
"""How much of a file is read to find its delimiter, and on standard input its encoding."""

SCANNED_BYTES = 64 * 1024 * 1024
"""How much of a file is read to find its encoding."""

MAGIC_BYTES = 8
PART_BYTES = 1024 * 1024

OTHER_KINDS = (
    (b"PK\x03\x04", "an Excel or OpenDocument file", "xlsx"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file", "xlsx"),
    (b"PAR1", "a Parquet file", "parquet"),
)
"""The first bytes of files that are not text, what they are, and the format to name."""


def opened(path: str) -> BinaryIO:
    """Open a file. Raises FileRefused."""
    try:
        return open(path, "rb")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FileRefused(f"The file {path} cannot be read: {reason}.") from None


@contextmanager
def reading_content(path: str, reading: Reading) -> Iterator[Content]:
    """The content of a file, or of standard input if ``path`` is ``-``. Raises FileRefused."""
    if path == "-":
        yield Content(sys.stdin.buffer, STANDARD_INPUT, None, reading)
        return
    with opened(path) as file:
        yield Content(file, path, os.fstat(file.fileno()).st_size, reading)


class Content:
    """A file that can be read several times from its start or, if it is a pipe, once. ``size`` is in bytes as
    stored; None if unknown. Methods raise FileRefused, OSError."""

    def __init__(
        self,
        file: BinaryIO,
        name: str,
        size: int | None,
        reading: Reading,
        max_unpacked_bytes: int | None = None,
    ) -> None:
        """``max_unpacked_bytes`` is how large a compressed file may become."""
        self.name = name
        self._max_unpacked_bytes = max_unpacked_bytes
        self.size = size
        self._file = file
        self._reading = reading
        self._can_seek = size is not None
        head = _peeked(file, self._can_seek)
        self.compression: Compression | None = compression_of(head)
        self._once: BinaryIO | None = None
        if not self._can_seek:
            self._once = self._unpacked(_prefixed(head, file))
            self._head = _full(self._once, HEAD_BYTES)
            self._once = _prefixed(self._head, self._once)
        else:
            self._head = _full(self._start(), HEAD_BYTES)
        self._encoding: Encoding | None = None

    @property
    def done(self) -> int:
        """How many of the stored bytes were read."""
        return self._file.tell() if self._can_seek else 0

    @property
    def encoding(self) -> Encoding:
        """The encoding of a text file. Raises FileRefused if this is not one, or its encoding is unknown."""
        if self._encoding is None:
            if self.compression is not None and compression_of(self._head) is not None:
                raise FileRefused(f"{self.name} is compressed twice. Unpack it once.")
            for magic, what, kind in OTHER_KINDS:
                if self._head.startswith(magic):
                    raise FileRefused(f"{self.name} is {what}. Use --format {kind}.")
            sample = self._head
            if self._can_seek and len(sample) == HEAD_BYTES:
                sample = _full(self._start(), SCANNED_BYTES)
            is_whole = len(sample) not in (HEAD_BYTES, SCANNED_BYTES)
            try:
                self._encoding = encoding_of(sample, self._reading.encoding, is_whole=is_whole)
            except FileRefused as error:
                raise FileRefused(f"{self.name} cannot be read. {error}") from None
        return self._encoding

    @property
    def head(self) -> str:
        """The start of the text, without half a character at its end."""
        text = self._head.decode(self.encoding.name, "replace")
        return text.removeprefix("\ufeff").rstrip("\ufffd")

    @property
    def is_whole_head(self) -> bool:
        """Whether the start is the whole text."""
        return len(self._head) < HEAD_BYTES

    @property
    def is_plain_text(self) -> bool:
        """Whether the bytes of the file are its text, which can be read from any place on."""
        return self._can_seek and self.compression is None and self.encoding.name == UTF8

    def text(self, offset: int = 0) -> BinaryIO:
        """The text as UTF-8, from this number of its bytes on."""
        encoding = self.encoding
        if self._once is not None:
            once, self._once = self._once, None
            return _as_utf8(once, encoding)
        if self.is_plain_text:
            self._file.seek(offset)
            return self._file
        stream = _as_utf8(self._start(), encoding)
        while offset > 0:
            passed = len(stream.read(min(offset, PART_BYTES)))
            if not passed:
                break
            offset -= passed
        return stream

    def binary(self) -> BinaryIO:
        """The content as a file that can be read in any order. A pipe is copied to a temporary file, and so
        is a compressed file."""
        if self._can_seek and self.compression is None:
            self._file.seek(0)
            return self._file
        copy = TemporaryFile()  # noqa: SIM115 - it is closed with the object
        source = self._once if self._once is not None else self._start()
        shutil.copyfileobj(source, copy, PART_BYTES)
        copy.seek(0)
        return copy

    def _start(self) -> BinaryIO:
        if not self._can_seek:
            raise FileRefused("Standard input can be read only once.")
        self._file.seek(0)
        return self._unpacked(self._file)

    def _unpacked(self, file: BinaryIO) -> BinaryIO:
        if self.compression is None:
            return file
        return cast(
            "BinaryIO",
            io.BufferedReader(
                _Checked(file, self.compression, self.name, self._max_unpacked_bytes), PART_BYTES
            ),
        )


def _peeked(file: BinaryIO, can_seek: bool) -> bytes:
    head = _full(file, MAGIC_BYTES)
    if can_seek:
        file.seek(0)
    return head


def _full(file: BinaryIO, size: int) -> bytes:
    """The next bytes, as many as this if there are so many."""
    parts: list[bytes] = []
    while size > 0 and (part := file.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _as_utf8(file: BinaryIO, encoding: Encoding) -> BinaryIO:
    if encoding.name == UTF8:
        return file
    return cast("BinaryIO", io.BufferedReader(AsUtf8(file, encoding), PART_BYTES))


class _Reader(io.RawIOBase):
    def readable(self) -> bool:
        return True

    def readinto(self, target: bytearray | memoryview, /) -> int:  # type: ignore[override] # what buffers pass
        part = self._part(len(target))
        target[: len(part)] = part
        return len(part)

    def _part(self, size: int) -> bytes:
        raise NotImplementedError


class _Rest(_Reader):
    """Bytes that were read before, and then the rest of a stream."""

    def __init__(self, head: bytes, file: BinaryIO) -> None:
        self._head = head
        self._file = file

    def _part(self, size: int) -> bytes:
        if self._head:
            part, self._head = self._head[:size], self._head[size:]
            return part
        return self._file.read(size)


def _prefixed(head: bytes, file: BinaryIO) -> BinaryIO:
    return cast("BinaryIO", io.BufferedReader(_Rest(head, file), PART_BYTES))


class _Checked(_Reader):
    """Unpacks a file, with errors that name it."""

    def __init__(self, file: BinaryIO, kind: Compression, name: str, most: int | None) -> None:
        self._left = most
        self._most = most
        self._stream = unpacked(file, kind)
        self._kind = kind
        self._name = name

    def _part(self, size: int) -> bytes:
        try:
            part = self._stream.read(size)
        except ERRORS as error:
            raise damaged(self._name, self._kind, error) from None
        if self._left is not None:
            self._left -= len(part)
            if self._left < 0:
                raise FileRefused(
                    f"{self._name} has more than {self._most:,} bytes when it is unpacked. Divide it into "
                    "several files."
                )
        return part
