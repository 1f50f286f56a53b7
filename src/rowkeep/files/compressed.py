"""Compressed files: gzip and Zstandard, found by their first bytes when read, and by the suffix when
written."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

import msgspec

from rowkeep.files.records import FileRefused

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

WINDOW_LOG = 27
"""The maximum window of a Zstandard file, which is the memory that unpacking takes: 128 MiB."""

GZIP_LEVEL = 6
ZSTD_LEVEL = 3

ERRORS = (OSError, EOFError, zlib.error, zstd.ZstdError)
"""What reading a damaged file raises."""


class Compression(msgspec.Struct, frozen=True):
    """A way to compress files: its name, the suffix, and the bytes at the start of every such file."""

    name: str
    suffix: str
    magic: bytes


GZIP = Compression("gzip", ".gz", b"\x1f\x8b")
ZSTD = Compression("zstd", ".zst", b"\x28\xb5\x2f\xfd")
COMPRESSIONS = (GZIP, ZSTD)


def compression_of(head: bytes) -> Compression | None:
    """The compression of a file with these first bytes; None if it is not compressed."""
    return next((each for each in COMPRESSIONS if head.startswith(each.magic)), None)


def without_suffix(path: str) -> tuple[str, Compression | None]:
    """A path without the suffix of a compression, and the compression."""
    for each in COMPRESSIONS:
        if path.lower().endswith(each.suffix):
            return path[: -len(each.suffix)], each
    return path, None


def unpacked(file: BinaryIO, kind: Compression) -> BinaryIO:
    """The content of a compressed file. Reading raises one of ``ERRORS`` if it is damaged."""
    if kind is GZIP:
        return cast("BinaryIO", gzip.GzipFile(fileobj=file, mode="rb"))
    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: WINDOW_LOG}
    return cast("BinaryIO", zstd.ZstdFile(file, mode="rb", options=options))


@contextmanager
def packing(out: BinaryIO, kind: Compression | None) -> Iterator[BinaryIO]:
    """A stream that compresses into ``out`` while the block runs; ``out`` itself without compression. Equal
    contents give equal files."""
    if kind is None:
        yield out
    elif kind is GZIP:
        with gzip.GzipFile(filename="", fileobj=out, mode="wb", compresslevel=GZIP_LEVEL, mtime=0) as packed:
            yield cast("BinaryIO", packed)
    else:
        with zstd.ZstdFile(out, mode="wb", level=ZSTD_LEVEL) as stream:
            yield cast("BinaryIO", stream)


def damaged(name: str, kind: Compression, error: Exception) -> FileRefused:
    """The error for a file that cannot be unpacked."""
    return FileRefused(f"{name} is not a complete {kind.name} file: {str(error).rstrip('.')}.")
