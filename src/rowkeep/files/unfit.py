"""Unfit cells: the error for a cell of a file that cannot be sent."""

from __future__ import annotations

import json

MAX_SHOWN = 100


class UnfitCell(ValueError):
    """A cell that cannot be sent; the message says why, after the name of its column."""


def shown(text: str) -> str:
    """A text of a file for a message, in quotes and shortened."""
    cut = text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"
    return json.dumps(cut, ensure_ascii=False)
