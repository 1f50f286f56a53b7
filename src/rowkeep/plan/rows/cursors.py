"""Cursors: the end of a page, signed, and bound to the filter and sort that produced it."""

from __future__ import annotations

import base64
import hmac
from hashlib import blake2b, sha256

import msgspec

from rowkeep.errors.catalogue import InvalidCursor
from rowkeep.model.filters import Where
from rowkeep.model.values.scalars import Cell

TAG_BYTES = 16
FINGERPRINT_BYTES = 12


class _Content(msgspec.Struct, frozen=True, array_like=True):
    fingerprint: str
    key: list[Cell]


_decoder = msgspec.json.Decoder(_Content)


class CursorSigner:
    """Creates and reads the cursors of one workspace: it signs with the first key and accepts all keys."""

    def __init__(self, *keys: bytes) -> None:
        self._keys = keys

    def sign(self, fingerprint: str, key: list[Cell]) -> str:
        """A cursor after the row with these sort values."""
        content = msgspec.json.encode(_Content(fingerprint, key))
        return base64.urlsafe_b64encode(_tag(self._keys[0], content) + content).decode().rstrip("=")

    def read(self, cursor: str, fingerprint: str) -> list[Cell]:
        """The sort values in a cursor. Raises InvalidCursor."""
        refusal = InvalidCursor(
            "Invalid cursor: use it with the same filter and sort that produced it.",
            pointer="/cursor",
        )
        try:
            signed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except ValueError:
            raise refusal from None
        tag, content = signed[:TAG_BYTES], signed[TAG_BYTES:]
        if not any(hmac.compare_digest(tag, _tag(key, content)) for key in self._keys):
            raise refusal
        cursor_content = _decoder.decode(content)
        if cursor_content.fingerprint != fingerprint:
            raise refusal
        return cursor_content.key


def _tag(key: bytes, content: bytes) -> bytes:
    return hmac.digest(key, content, sha256)[:TAG_BYTES]


def fingerprint_of(
    table_id: str, where: Where, sort: tuple[tuple[str, bool], ...], types: tuple[str, ...]
) -> str:
    """Identifies a query, so that its cursors are not used with another. ``types`` are those of the sort's
    columns, because a cursor has their values."""
    query = msgspec.json.encode((table_id, where.shape, where.values, sort, types))
    return blake2b(query, digest_size=FINGERPRINT_BYTES).hexdigest()
