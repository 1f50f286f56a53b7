"""Tags: short texts that identify the content of a definition, so that a change can name the one that it is
based on."""

from __future__ import annotations

from hashlib import sha256

TAG_BYTES = 16


def tag_of(encoded: bytes) -> str:
    """The tag of a definition, which is given as the JSON of its response."""
    return sha256(encoded).hexdigest()[: 2 * TAG_BYTES]
