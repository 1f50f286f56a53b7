"""Unpacking: request bodies in gzip or zstd, unpacked piece by piece as they arrive.

What a body unpacks to is limited, because a small body can unpack to any size. The limit is checked before
each piece is made, so no more than one piece is ever made in vain.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable

import msgspec

from rowkeep.errors.catalogue import BodyTooLarge, InvalidCompression, UnsupportedMediaType, preview
from rowkeep.http.codings import CODINGS, GZIP, IDENTITY, OTHER_NAMES, ZSTD, zstd

PIECE_BYTES = 128 * 1024
"""The maximum size of a piece. Other requests run between two pieces."""

PART_BYTES = 16 * 1024
"""How much of a chunk is unpacked at a time: what follows the end of a compressed file is copied, and a chunk
can be thousands of files."""

FILES_AT_ONCE = 100
"""After so many files, other requests run, as they do between two pieces: files without content make none."""

FREE_FILES, MIN_FILE_BYTES = 10_000, 100
"""A body can be so many compressed files, and one more for each so many bytes of it: the beginning of each
takes as long as a thousand bytes of a large one."""

MAX_RATIO = 200
"""How many times its size a stream may unpack to."""

FREE_BYTES = 1024 * 1024
"""A stream may unpack to this size whatever its ratio is."""

MAX_WINDOW_LOG = 23
"""The largest window of zstd in HTTP: 8 MiB (RFC 9659)."""

GZIP_WINDOW = 31
"""zlib's number for gzip with the largest window."""


class Bound(msgspec.Struct, frozen=True):
    """How much a body may unpack to: ``max_bytes``, or, for a stream, ``max_ratio`` times what was
    received."""

    max_bytes: int | None = None
    max_ratio: int | None = None

    def check(self, received: int, unpacked: int) -> None:
        """Raises BodyTooLarge."""
        if self.max_bytes is not None and unpacked > self.max_bytes:
            raise BodyTooLarge(
                f"The body is too large: it unpacks to more than {self.max_bytes} bytes (the setting "
                "max_body_bytes)."
            )
        if self.max_ratio is not None and unpacked > max(FREE_BYTES, self.max_ratio * received):
            raise BodyTooLarge(
                f"The body unpacks to more than {self.max_ratio} times its size. Send it uncompressed, or in "
                "smaller requests."
            )


STREAM_BOUND = Bound(max_ratio=MAX_RATIO)


def content_coding(value: str | None) -> str | None:
    """The coding in ``Content-Encoding``; None if the body is not compressed. Raises
    UnsupportedMediaType."""
    if value is None:
        return None
    name = value.strip().lower()
    name = OTHER_NAMES.get(name, name)
    if name in ("", IDENTITY):
        return None
    if name not in CODINGS:
        raise UnsupportedMediaType(
            f"Content-Encoding must be gzip or zstd, and only one of them; got {preview(value)}.",
            headers={"Accept-Encoding": ", ".join(reversed(CODINGS))},
        )
    return name


class _Gzip:
    def __init__(self) -> None:
        self._inner = zlib.decompressobj(GZIP_WINDOW)
        self._is_full = False

    def unpack(self, data: bytes) -> bytes:
        """The next piece; at most :data:`PIECE_BYTES`."""
        piece = self._inner.decompress(self._inner.unconsumed_tail + data, PIECE_BYTES)
        self._is_full = len(piece) == PIECE_BYTES
        return piece

    @property
    def has_more(self) -> bool:
        """Whether there may be another piece without further data."""
        return bool(self._inner.unconsumed_tail) or (self._is_full and not self._inner.eof)

    @property
    def is_at_end(self) -> bool:
        return self._inner.eof

    @property
    def rest(self) -> bytes:
        """What follows after the end."""
        return self._inner.unused_data


class _Zstd:
    def __init__(self) -> None:
        options = {int(zstd.DecompressionParameter.window_log_max): MAX_WINDOW_LOG}
        self._inner = zstd.ZstdDecompressor(options=options)

    def unpack(self, data: bytes) -> bytes:
        return self._inner.decompress(data, PIECE_BYTES)

    @property
    def has_more(self) -> bool:
        return not self._inner.needs_input and not self._inner.eof

    @property
    def is_at_end(self) -> bool:
        return self._inner.eof

    @property
    def rest(self) -> bytes:
        return self._inner.unused_data


_UNPACKERS: dict[str, Callable[[], _Gzip | _Zstd]] = {GZIP: _Gzip, ZSTD: _Zstd}


async def unpacked(chunks: AsyncIterator[bytes], coding: str, bound: Bound) -> AsyncIterator[bytes]:
    """The pieces that ``chunks`` unpack to, none of them empty. A body can consist of several compressed
    files, one after the other.

    Raises BodyTooLarge, InvalidCompression.
    """
    make = _UNPACKERS[coding]
    received = made = files = 0
    unpacker: _Gzip | _Zstd | None = None
    async for part in _parts(chunks):
        received += len(part)
        data = part
        while data or (unpacker is not None and unpacker.has_more):
            unpacker = unpacker or make()
            piece = _piece(unpacker, data, coding)
            made += len(piece)
            bound.check(received, made)
            data = b""
            if unpacker.is_at_end:
                data, unpacker = unpacker.rest, None
                files += 1
                _check_files(files, received)
            if piece:
                yield piece
            if len(piece) == PIECE_BYTES or (unpacker is None and files % FILES_AT_ONCE == 0):
                await asyncio.sleep(0)
    if unpacker is not None:
        raise InvalidCompression(f"The body ends before the end of its {coding} data. Send all of it.")


def _check_files(files: int, received: int) -> None:
    if files > FREE_FILES + received // MIN_FILE_BYTES:
        raise InvalidCompression(
            f"The body consists of more than {FREE_FILES} compressed files, of fewer than {MIN_FILE_BYTES} "
            "bytes on average. Compress it as one."
        )


async def _parts(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        for start in range(0, len(chunk), PART_BYTES):
            yield chunk[start : start + PART_BYTES]


def _piece(unpacker: _Gzip | _Zstd, data: bytes, coding: str) -> bytes:
    try:
        return unpacker.unpack(data)
    except (zlib.error, zstd.ZstdError) as error:
        raise InvalidCompression(
            f"The body is not valid {coding} data, as its header Content-Encoding says."
        ) from error
