"""Codings: the compression of bodies that both sides know (RFC 9110, sections 8.4 and 12.5.3)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import lru_cache

from rowkeep.http.media_types import weight_in

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ("CODINGS", "GZIP", "IDENTITY", "OTHER_NAMES", "ZSTD", "best_coding", "zstd")

GZIP, ZSTD = "gzip", "zstd"
CODINGS = (ZSTD, GZIP)
"""The codings of requests and responses; of equal ones, the first is used."""

OTHER_NAMES = {"x-gzip": GZIP}
IDENTITY = "identity"
CACHED = 256


@lru_cache(CACHED)
def best_coding(accept_encoding: str, ours: Sequence[str] = CODINGS) -> str | None:
    """The coding for a response; None for one that is not compressed. ``ours`` are those that it can have,
    the best first. Of equal weights, ours decide."""
    weights: dict[str, float] = {}
    for each in accept_encoding.lower().split(","):
        name, _, parameters = each.partition(";")
        name = name.strip()
        weights.setdefault(OTHER_NAMES.get(name, name), weight_in(parameters))
    others = weights.get("*", 0.0)
    best = max(ours, key=lambda coding: weights.get(coding, others))
    weight = weights.get(best, others)
    return best if weight > 0 and weight >= weights.get(IDENTITY, 0.0) else None
