"""Short JSON: JSON for readers, on few lines and with shortened lists."""

from __future__ import annotations

import json
import textwrap
from typing import Any

HIDDEN = {"clientSecret"}
UNBROKEN = "\N{NO-BREAK SPACE}"


def brief(value: Any, width: int, depth: int = 0, used: int = 0) -> str:
    """A value as JSON in lines of at most about ``width``.

    Lines after the first are indented by ``depth``; ``used`` is the number of characters before the value on
    the first line.
    """
    whole = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or len(whole) <= width - depth - used:
        return whole
    before, after = "{}" if isinstance(value, dict) else "[]"
    if any(each and isinstance(each, dict | list) for each in _elements(value)):
        margin = " " * (depth + 2)
        inner = ",\n".join(margin + part for part in _parts(value, width, depth + 2))
        return f"{before}\n{inner}\n{' ' * depth}{after}"
    # only scalars: as many on a line as fit, none split
    parts = [part.replace(" ", UNBROKEN) for part in _parts(value, width, depth)]
    lines = textwrap.wrap(", ".join(parts), width - depth - 2, break_long_words=False, break_on_hyphens=False)
    return before + f"\n{' ' * depth} ".join(lines).replace(UNBROKEN, " ") + after


def _elements(value: dict[str, Any] | list[Any]) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value


def _parts(value: dict[str, Any] | list[Any], width: int, depth: int) -> list[str]:
    if isinstance(value, dict):
        keys = {f"{json.dumps(key)}: ": each for key, each in value.items()}
        return [key + brief(each, width, depth, len(key)) for key, each in keys.items()]
    return [brief(each, width, depth) for each in value]


def shortened(value: Any, shown: int) -> Any:
    """The same value with at most ``shown`` elements in each list, and without secrets."""
    if isinstance(value, dict):
        return {key: "…" if key in HIDDEN else shortened(each, shown) for key, each in value.items()}
    if isinstance(value, list):
        more = [f"… {len(value) - shown} more"] if len(value) > shown else []
        return [shortened(each, shown) for each in value[:shown]] + more
    return value
