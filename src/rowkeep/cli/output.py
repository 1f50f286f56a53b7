"""Output: what commands print: tables for people, or the API's JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

UNBOUNDED = 10_000
"""The width of what is no terminal: nothing is wrapped or cut for those who read it by program."""


class Fact(NamedTuple):
    """One thing that is shown of an answer: under which title, and how it is found there."""

    title: str
    find: Callable[[dict[str, Any]], Any]
    whole: bool = False
    """Whether it must not be broken over lines, for it will be copied."""


def fact(title: str, key: str, whole: bool = False) -> Fact:
    """A fact that stands in the answer as it is."""
    return Fact(title, lambda answer: answer.get(key), whole)


def console() -> Console:
    """Standard output, without guesses at what text means."""
    found = Console(highlight=False, markup=False, emoji=False)
    if not found.is_terminal:
        found.width = UNBOUNDED
    return found


def text(value: Any) -> Text:
    """A value as it is shown; nothing in it can steer the terminal."""
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    shown = "" if value is None else str(value)
    return Text("".join(c if c.isprintable() else repr(c)[1:-1] for c in shown))


def print_json(answer: Any) -> None:
    """JSON as it is stored and sent on; escaped where standard output is not UTF-8."""
    plain = "utf" not in (sys.stdout.encoding or "").lower()
    print(json.dumps(answer, indent=2, ensure_ascii=plain))


def print_line(line: str) -> None:
    """One line, however long."""
    console().print(text(line), soft_wrap=True)


def print_list(answers: Iterable[dict[str, Any]], facts: tuple[Fact, ...], title: str | None = None) -> None:
    """A table with a row for each answer."""
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False, show_edge=False)
    for each in facts:
        table.add_column(each.title, overflow="fold", no_wrap=each.whole)
    for answer in answers:
        table.add_row(*(text(each.find(answer)) for each in facts))
    console().print(table)


def print_one(answer: dict[str, Any], facts: tuple[Fact, ...]) -> None:
    """One answer, a line for each fact that it has."""
    known = [(each.title, text(each.find(answer))) for each in facts]
    width = max(len(title) for title, _ in known)
    for title, value in known:
        if value.plain:
            console().print(Text(title.ljust(width + 1), "bold"), value, soft_wrap=True)
