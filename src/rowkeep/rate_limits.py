"""Rate limits: how many requests are allowed in a moving window, such as ``600/minute;18000/hour``."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from rowkeep.errors.catalogue import preview

if TYPE_CHECKING:
    from limits import RateLimitItem

UNLIMITED = "none"
"""The limit of an app for which the setting does not apply."""

MAX_LENGTH = 100
MAX_WINDOWS = 4
MAX_AMOUNT = 1_000_000
MAX_SECONDS = 30 * 24 * 3600

ZERO_UNITS = re.compile(r"(/|per)\s*0+\s*[a-z]", re.IGNORECASE)
"""A window of no length, which the library reads as one unit."""

EXAMPLE = "such as 600/minute;18000/hour"


class RateWindow(msgspec.Struct, frozen=True):
    """At most ``amount`` requests in any ``seconds``. ``name`` is that of its policy in responses."""

    amount: int
    seconds: int
    name: str
    item: RateLimitItem
    """The same, for the library ``limits``."""


class RateLimit(msgspec.Struct, frozen=True):
    """The windows of a limit, from the shortest to the longest; none if there is no limit. ``policy`` is the
    header ``RateLimit-Policy``, and ``state`` the header ``RateLimit`` with two places for each window: how
    many requests are left, and in how many seconds the oldest one leaves the window."""

    text: str
    windows: tuple[RateWindow, ...] = ()
    policy: bytes = b""
    state: bytes = b""


@lru_cache(1024)
def parse_rate_limit(text: str) -> RateLimit:
    """A rate limit from its text. Raises ValueError, with a message that follows the name of the setting."""
    if text == UNLIMITED:
        return RateLimit(text)
    from limits import parse_many  # it takes long to load, and few servers need it

    if len(text) > MAX_LENGTH:
        raise ValueError(f"must have at most {MAX_LENGTH} characters; got {len(text)}.")
    try:
        items = parse_many(text)
    except ValueError:
        items = []
    if not items or not text.isprintable() or ZERO_UNITS.search(text):
        raise ValueError(f"must be a number of requests for each window, {EXAMPLE}; got {preview(text)}.")
    items.sort(key=lambda item: item.get_expiry())
    lengths = [item.get_expiry() for item in items]
    if len(items) > MAX_WINDOWS or len(set(lengths)) < len(lengths):
        raise ValueError(
            f"must have at most {MAX_WINDOWS} windows of different lengths, {EXAMPLE}; got {preview(text)}."
        )
    if not all(1 <= item.amount <= MAX_AMOUNT for item in items) or lengths[-1] > MAX_SECONDS:
        raise ValueError(
            f"must allow 1 to {MAX_AMOUNT} requests in windows of at most 30 days; got {preview(text)}."
        )
    windows = tuple(_window(at, item) for at, item in enumerate(items))
    policies = (f'"{each.name}";q={each.amount};w={each.seconds}' for each in windows)
    states = (f'"{each.name}";r=%d;t=%d' for each in windows)
    return RateLimit(text, windows, ", ".join(policies).encode(), ", ".join(states).encode())


def _window(at: int, item: RateLimitItem) -> RateWindow:
    unit = item.GRANULARITY.name
    name = unit if item.multiples == 1 else f"{item.multiples}-{unit}s"
    return RateWindow(item.amount, item.get_expiry(), "default" if at == 0 else name, item)
