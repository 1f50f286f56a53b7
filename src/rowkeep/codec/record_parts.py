"""Record parts: large responses, encoded a part at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, TypeAlias

import msgspec

PART_BYTES = 1024 * 1024
"""Larger results are encoded in parts of about this size; other requests run in between."""

Encoded: TypeAlias = bytes | list[bytes]
"""JSON in one piece or in parts, so that a large response need not be copied."""

_encoder = msgspec.json.Encoder()
encode = _encoder.encode


def encoded_parts(records: Iterator[Any]) -> Iterator[bytes]:
    """Parts of an array of records, without its brackets. The size of each part determines the number of
    records in the next one."""
    size = 1
    while part := list(islice(records, size)):
        text = encode(part)
        size = max(1, min(4 * size, len(part) * PART_BYTES // len(text)))
        yield text[1:-1]


def with_records(before: dict[str, Any], name: str, parts: list[bytes], after: dict[str, Any]) -> Encoded:
    """An object with an array of records, which is encoded in parts (without its brackets), between other
    members."""
    opening = encode(before)[:-1] + (b"," if before else b"") + encode(name) + b":["
    closing = b"]" + (b"," if after else b"") + encode(after)[1:]
    commas = [b","] * (2 * len(parts) - 1)
    commas[::2] = parts
    encoded = [opening, *commas, closing]
    return b"".join(encoded) if sum(map(len, parts)) <= PART_BYTES else encoded
