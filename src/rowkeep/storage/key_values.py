"""Key values: what the statements of idempotency keys are bound to."""

from __future__ import annotations

from typing import Any

from rowkeep.storage.contract import StoredResponse, WriteKey

NO_RESPONSE = StoredResponse(0, 0, b"")
"""Of a key whose write has just begun, in the same transaction."""


def key_values(key: WriteKey, stored: StoredResponse = NO_RESPONSE) -> dict[str, Any]:
    """The values of a key with its response."""
    return {
        "key_writer": key.writer,
        "key_key": key.key,
        "key_status": stored.status,
        "key_data_key": stored.data_key,
        "key_response": stored.response,
        "key_operation": stored.operation,
        "key_expires": key.expires,
        "key_now": key.now,
    }
