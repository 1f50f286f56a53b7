"""A stream that was encrypted is decrypted as a whole, or not at all."""

from __future__ import annotations

from io import BytesIO

import pytest

from rowkeep.crypto.ciphers import WrongKey
from rowkeep.crypto.sealed_streams import CHUNK_BYTES, TAG_BYTES, StreamSealer, opened_chunks

KEY = b"k" * 32
CHUNK = CHUNK_BYTES + TAG_BYTES


def sealed(data: bytes) -> bytes:
    sealer = StreamSealer(KEY)
    return sealer.add(data[:7]) + sealer.add(data[7:]) + sealer.end()


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
def test_every_size(size: int) -> None:
    data = bytes(at % 251 for at in range(251)) * (size // 251 + 1)
    assert b"".join(opened_chunks(BytesIO(sealed(data[:size])), KEY)) == data[:size]


@pytest.mark.parametrize(
    "changed",
    [
        lambda whole: whole[:CHUNK],
        lambda whole: whole[: 2 * CHUNK],
        lambda whole: whole[CHUNK:],
        lambda whole: whole[CHUNK : 2 * CHUNK] + whole[:CHUNK] + whole[2 * CHUNK :],
        lambda whole: whole + whole[-20:],
        lambda whole: whole[:-1],
        lambda whole: b"?" + whole[1:],
        lambda whole: whole[:0],
    ],
)
def test_any_change_is_found(changed) -> None:  # type: ignore[no-untyped-def] # a function of bytes
    whole = sealed(b"x" * (2 * CHUNK_BYTES + 5))
    with pytest.raises(WrongKey):
        list(opened_chunks(BytesIO(changed(whole)), KEY))


def test_another_key() -> None:
    with pytest.raises(WrongKey):
        list(opened_chunks(BytesIO(sealed(b"x")), b"l" * 32))
