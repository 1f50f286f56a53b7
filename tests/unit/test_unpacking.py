"""Unpacking of request bodies: what arrives in any pieces, what ends early, and what grows too large."""

from __future__ import annotations

import asyncio
import gzip
import random
from collections.abc import AsyncIterator, Callable

import pytest

from rowkeep.errors.catalogue import BodyTooLarge, InvalidCompression, UnsupportedMediaType
from rowkeep.http import unpacking
from rowkeep.http.codings import zstd
from rowkeep.http.unpacking import (
    FILES_AT_ONCE,
    MIN_FILE_BYTES,
    PIECE_BYTES,
    STREAM_BOUND,
    Bound,
    content_coding,
    unpacked,
)

pytestmark = pytest.mark.anyio

WITH_A_SUM = {zstd.CompressionParameter.checksum_flag: 1}

PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": lambda data: zstd.compress(data, options=WITH_A_SUM),
}
ANY = Bound()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=list(PACK))
def coding(request: pytest.FixtureRequest) -> str:
    return request.param


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def unpack(coding: str, *parts: bytes, bound: Bound = ANY) -> bytes:
    pieces = [piece async for piece in unpacked(chunks(*parts), coding, bound)]
    assert all(0 < len(piece) <= PIECE_BYTES for piece in pieces)
    return b"".join(pieces)


def mixed(size: int) -> bytes:
    """Text of which a part repeats."""
    draw = random.Random(size)
    return b"".join(draw.randbytes(50) + b"x" * 50 for _ in range(size // 100))


@pytest.mark.parametrize("size", [0, 100, PIECE_BYTES, 3 * PIECE_BYTES + 100])
@pytest.mark.parametrize("step", [1, 1000, 10**9])
async def test_any_pieces(coding: str, size: int, step: int) -> None:
    text = mixed(size)
    packed = PACK[coding](text)
    if step == 1:
        packed = packed[:300]
        parts = [packed[at : at + 1] for at in range(len(packed))]
        if size > 100:
            with pytest.raises(InvalidCompression):
                await unpack(coding, *parts)
            return
    else:
        parts = [packed[at : at + step] for at in range(0, len(packed), step)]
    assert await unpack(coding, *parts) == text


async def test_sizes_around_a_piece(coding: str) -> None:
    for size in range(PIECE_BYTES - 3, PIECE_BYTES + 300, 7):
        assert len(await unpack(coding, PACK[coding](b"a" * size))) == size


async def test_several_files_one_after_the_other(coding: str) -> None:
    packed = PACK[coding](b"one, ") + PACK[coding](b"") + PACK[coding](b"two")
    assert await unpack(coding, packed) == b"one, two"
    assert await unpack(coding, packed[:9], packed[9:-5], packed[-5:]) == b"one, two"


async def test_a_body_of_too_many_small_files(coding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "FREE_FILES", 300)
    small, large = PACK[coding](b"x"), PACK[coding](random.Random(1).randbytes(MIN_FILE_BYTES))
    assert len(small) < MIN_FILE_BYTES / 2
    assert await unpack(coding, small * 300) == b"x" * 300
    assert len(await unpack(coding, large * 1000)) == 1000 * MIN_FILE_BYTES
    with pytest.raises(InvalidCompression, match="Compress it as one"):
        await unpack(coding, small * 1000)


async def test_other_requests_run_between_many_files(coding: str) -> None:
    """Files without content make no piece, but each of them takes time."""
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    others = asyncio.create_task(count_turns())
    packed = PACK[coding](b"") * (20 * FILES_AT_ONCE) + PACK[coding](b"end")
    assert await unpack(coding, packed) == b"end"
    others.cancel()
    assert turns >= 20


async def test_nothing_is_nothing(coding: str) -> None:
    assert await unpack(coding) == b""
    assert await unpack(coding, b"") == b""


@pytest.mark.parametrize("damage", ["cut", "other", "after", "changed"])
async def test_what_is_not_whole(coding: str, damage: str) -> None:
    packed = PACK[coding](mixed(5000))
    middle = len(packed) // 2
    damaged = {
        "cut": packed[:-1],
        "other": b'{"data": {}}',
        "after": packed + b"rest",
        "changed": packed[:middle] + bytes([packed[middle] ^ 255]) + packed[middle + 1 :],
    }[damage]
    with pytest.raises(InvalidCompression, match=coding):
        await unpack(coding, damaged)


async def test_a_body_unpacks_to_at_most_so_many_bytes(coding: str) -> None:
    packed = PACK[coding](bytes(1000))
    assert len(await unpack(coding, packed, bound=Bound(max_bytes=1000))) == 1000
    with pytest.raises(BodyTooLarge, match="max_body_bytes"):
        await unpack(coding, packed, bound=Bound(max_bytes=999))


async def test_a_bomb_is_stopped_at_once(coding: str) -> None:
    """Of 300 MB, only some pieces are made."""
    packed = PACK[coding](bytes(50_000_000)) * 6
    pieces = unpacked(chunks(packed[:2000], packed[2000:4000]), coding, STREAM_BOUND)
    made = 0

    async def make_all() -> None:
        nonlocal made
        async for piece in pieces:
            made += len(piece)

    with pytest.raises(BodyTooLarge, match="200 times"):
        await make_all()
    assert made <= 1024 * 1024


async def test_a_stream_may_be_of_any_size(coding: str) -> None:
    packed = PACK[coding](mixed(2_000_000))
    assert len(await unpack(coding, packed, packed, bound=STREAM_BOUND)) == 4_000_000


async def test_a_window_of_zstd_is_limited() -> None:
    options = {
        zstd.CompressionParameter.window_log: 27,
        zstd.CompressionParameter.enable_long_distance_matching: 1,
    }
    compressor = zstd.ZstdCompressor(options=options)
    packed = compressor.compress(mixed(100_000)) + compressor.flush()
    with pytest.raises(InvalidCompression):
        await unpack("zstd", packed)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (None, None),
        ("", None),
        ("identity", None),
        ("gzip", "gzip"),
        (" GZIP ", "gzip"),
        ("x-gzip", "gzip"),
        ("zstd", "zstd"),
    ],
)
def test_codings(value: str | None, found: str | None) -> None:
    assert content_coding(value) == found


@pytest.mark.parametrize("value", ["br", "deflate", "gzip, gzip", "gzip,zstd", "identity, gzip"])
def test_other_codings_are_refused(value: str) -> None:
    with pytest.raises(UnsupportedMediaType) as refused:
        content_coding(value)
    assert refused.value.headers == {"Accept-Encoding": "gzip, zstd"}
    assert f'"{value}"' in refused.value.msg
