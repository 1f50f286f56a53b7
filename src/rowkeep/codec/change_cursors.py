"""Change cursors: the place of a reader in the changes of one table, as an opaque text.

A cursor must be valid as long as the changes after it are stored, which is longer than the data keys of a
workspace are used: so it is not signed, and contains nothing that is secret. Its last bytes are a checksum,
so that a text that was changed or cut is refused instead of read as another place.
"""

from __future__ import annotations

import base64
import struct
from hashlib import blake2b

from rowkeep.errors.catalogue import InvalidCursor, preview
from rowkeep.model.change_feeds import FeedCursor

_PLACE = struct.Struct(">QQ")
CHECK_BYTES = 8
MAX_NUMBER = 2**63 - 1
"""The greatest number that a database stores."""


def write_change_cursor(table_id: str, cursor: FeedCursor) -> str:
    """The text of a cursor of this table."""
    place = _PLACE.pack(cursor.position, cursor.seq)
    return (
        base64.urlsafe_b64encode(place.lstrip(b"\0")[-_PLACE.size :] + _check(table_id, place))
        .decode()
        .rstrip("=")
    )


def read_change_cursor(table_id: str, text: str) -> FeedCursor:
    """Raises InvalidCursor, also for a cursor of another table."""
    refusal = InvalidCursor(
        f"{preview(text)} is not a cursor of this table. Use a nextCursor or the id of a change of it."
    )
    try:
        content = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise refusal from None
    place = content[:-CHECK_BYTES].rjust(_PLACE.size, b"\0")
    if len(place) != _PLACE.size or content[-CHECK_BYTES:] != _check(table_id, place):
        raise refusal
    cursor = FeedCursor(*_PLACE.unpack(place))
    if max(cursor.position, cursor.seq) > MAX_NUMBER or write_change_cursor(table_id, cursor) != text:
        raise refusal
    return cursor


def _check(table_id: str, place: bytes) -> bytes:
    return blake2b(
        place, digest_size=CHECK_BYTES, key=table_id.encode()[:64], person=b"rowkeep-changes"[:16]
    ).digest()
