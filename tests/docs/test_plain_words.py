"""The docs, help texts, the API's description, docstrings and comments use plain, conventional words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from rowkeep.cli.main import build
from rowkeep.http.openapi.document import describe
from support.plain_words import INSTEAD, Hit, unusual_words, unusual_words_in_code

ROOT = Path(__file__).parents[2]
NOT_COVERED = {"docs/decisions/2026-11-27-tree.md", "docs/decisions/2026-11-27-names.md"}
"""They list old names."""
TOP = ("README.md", "CONTRIBUTING.md", "SECURITY.md")
PAGES = [
    page
    for page in (*(ROOT / name for name in TOP), *sorted((ROOT / "docs").rglob("*.md")))
    if page.relative_to(ROOT).as_posix() not in NOT_COVERED
]

PACKAGE = ROOT / "src" / "rowkeep"
PACKAGE = ROOT / "src" / "rowkeep"
NOT_SEARCHED = PACKAGE / "storage" / "postgres"
"""A package whose docstrings and comments are not searched yet."""

MODULES = [
    *(path for path in sorted(PACKAGE.rglob("*.py")) if NOT_SEARCHED not in path.parents),
    *sorted((ROOT / "benchmarks").glob("*.py")),
    *sorted((ROOT / "tests" / "support").glob("*.py")),
    ROOT / "docs" / "generate.py",
]

NAMES = re.compile(r"^```diff\n(?s:.*?)^```$|`[^`\n]+`|^```.*$|\]\([^)]*\)", re.MULTILINE)
"""What is not prose in a page: changes of source, names, the first lines of blocks, and targets of links."""


def prose_of(page: Path) -> str:
    return NAMES.sub("", page.read_text())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_pages(page: Path) -> None:
    assert unusual_words(prose_of(page)) == []


def helps_of(command: Any, name: str) -> Iterator[tuple[str, str]]:
    """Every help text of a command, its parameters and its subcommands, with its place."""
    yield name, command.help or ""
    for parameter in command.params:
        yield f"{name} {parameter.name}", parameter.help or ""
    for each, part in getattr(command, "commands", {}).items():
        yield from helps_of(part, f"{name} {each}")


def test_help_texts() -> None:
    texts = dict(helps_of(typer.main.get_command(build()), "rowkeep"))
    assert len(texts) > 100
    assert {place: hits for place, text in texts.items() if (hits := unusual_words(text))} == {}


def descriptions_of(part: Any) -> Iterator[str]:
    """Every summary and description in a part of the OpenAPI document."""
    if isinstance(part, dict):
        yield from (part[key] for key in ("summary", "description") if isinstance(part.get(key), str))
    for each in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from descriptions_of(each)


def test_descriptions_of_the_api() -> None:
    texts = set(descriptions_of(describe()))
    assert len(texts) > 100
    assert {text: hits for text in texts if (hits := unusual_words(NAMES.sub("", text)))} == {}


def test_docstrings_and_comments() -> None:
    assert len(MODULES) > 200
    found = {path: unusual_words_in_code(path.read_text()) for path in MODULES}
    assert {path.relative_to(ROOT).as_posix(): hits for path, hits in found.items() if hits} == {}


def test_words_in_code_are_found_with_their_lines() -> None:
    source = '''"""Rows."""

kept = "told"
"""Rows that are kept."""


def told() -> str:
    """Returns ``said``.

    It is said again.
    """
    # one line that goes
    # on in the next
    return kept  # anew
'''
    assert [(hit.line, hit.word) for hit in unusual_words_in_code(source)] == [
        (4, "kept"),
        (10, "said"),
        (12, "goes on"),
        (14, "anew"),
    ]


def test_a_word_is_found_with_its_line() -> None:
    assert unusual_words("Rows are kept.\nNothing else is.\nIt goes\non.") == [
        Hit(1, "kept", INSTEAD["kept"]),
        Hit(3, "goes on", "continue, resume, supports"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer",
        "application/x-www-form-urlencoded",
        "There is no table, and it is no longer used.",
        "The handler of a keep-alive connection delivers a message.",
        "If it is so large that it does not fit, it is rejected.",
    ],
)
def test_words_that_look_alike_are_not_found(text: str) -> None:
    assert unusual_words(text) == []
