"""Output: what commands print: tables for people, or the JSON of the API."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

OTHER_THAN_ASCII = re.compile(r"[^\x00-\x7f]")

UNBOUNDED = 10_000
"""The width if the output is not a terminal: nothing is wrapped or cut for programs."""


class Fact(NamedTuple):
    """One item of printed output: its title, and a function that extracts it from a response."""

    title: str
    find: Callable[[dict[str, Any]], Any]
    whole: bool = False
    """Whether it must not be wrapped, because users copy it."""


def fact(title: str, key: str, whole: bool = False) -> Fact:
    """A fact that is a key of the response."""
    return Fact(title, lambda answer: answer.get(key), whole)


def console() -> Console:
    """Standard output, without interpretation of text as markup."""
    found = Console(highlight=False, markup=False, emoji=False)
    if not found.is_terminal:
        found.width = UNBOUNDED
    return found


def text(value: Any) -> Text:
    """A value as text; characters that could control the terminal are escaped."""
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    shown = "" if value is None else str(value)
    return Text("".join(c if c.isprintable() else repr(c)[1:-1] for c in shown))


def print_json(answer: Any) -> None:
    """JSON in UTF-8, or with escapes if standard output has another encoding."""
    shown = msgspec.json.format(msgspec.json.encode(answer), indent=2).decode()
    if "utf" not in (sys.stdout.encoding or "").lower():
        # JSON has other characters than ASCII only in strings
        shown = OTHER_THAN_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], shown)
    print(shown)


def cell_text(cell: Any) -> Any:
    """A cell of a row; arrays and objects as JSON in one line, and numbers as they were sent."""
    if isinstance(cell, msgspec.Raw):
        return bytes(cell).decode()
    if isinstance(cell, dict | list):
        return msgspec.json.format(msgspec.json.encode(cell), indent=0).decode()
    return cell


def print_line(line: str) -> None:
    """One line of any length."""
    console().print(text(line), soft_wrap=True)


def print_list(answers: Iterable[dict[str, Any]], facts: tuple[Fact, ...], title: str | None = None) -> None:
    """A table with one row for each item."""
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False, show_edge=False)
    for each in facts:
        table.add_column(each.title, overflow="fold", no_wrap=each.whole)
    for answer in answers:
        table.add_row(*(text(each.find(answer)) for each in facts))
    console().print(table)


def print_one(answer: dict[str, Any], facts: tuple[Fact, ...]) -> None:
    """One item, with one line for each fact that is not empty."""
    known = [(each.title, text(each.find(answer))) for each in facts]
    width = max(len(title) for title, _ in known)
    for title, value in known:
        if value.plain:
            console().print(Text(title.ljust(width + 1), "bold"), value, soft_wrap=True)
