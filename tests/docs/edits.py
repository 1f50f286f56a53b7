"""Edits: the diffs of a walk-through in docs/contributing, applied to a tree of the project.

``.venv/bin/python tests/docs/edits.py docs/contributing/operator.md`` applies those of a page to the working
directory, to try them.

A block begins with the file: ``--- PATH`` for one that exists, ``+++ PATH`` for a new one. The lines after it
are unchanged (a space first), removed (``-``) or added (``+``). ``@@`` separates places in one file. The
unchanged and removed lines of a place must be in the file exactly once.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"^```diff\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


class EditError(Exception):
    """An edit that cannot be read or applied; the message says where it is and what to do."""


@dataclass(frozen=True)
class Edit:
    """One place of a file: the lines that must be there, and those to put in their place."""

    path: str
    before: str
    after: str
    place: str
    """Page and line of the block."""

    @property
    def creates(self) -> bool:
        return not self.before

    def apply(self, root: Path) -> None:
        """Change the file below ``root``. Raises EditError."""
        file = root / self.path
        if self.creates:
            if file.exists():
                raise EditError(f"{self.place}: {self.path} exists. Give the new file another name.")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(self.after, "utf-8")
            return
        if not file.exists():
            raise EditError(f"{self.place}: {self.path} does not exist. Name the file where it is now.")
        text = file.read_text("utf-8")
        places = [each.start() for each in re.finditer(f"^(?={re.escape(self.before)})", text, re.MULTILINE)]
        if len(places) != 1:
            raise EditError(
                f"{self.place}: the unchanged and removed lines must be in {self.path} once; they are there "
                f"{len(places)} times. Write them as they are in the file now:\n{self.before}"
            )
        start, end = places[0], places[0] + len(self.before)
        file.write_text(text[:start] + self.after + text[end:], "utf-8")


def edits_of(page: Path) -> list[Edit]:
    """All edits of a page, in order. Raises EditError for a block that has another form."""
    source = page.read_text("utf-8")
    found: list[Edit] = []
    for block in BLOCK.finditer(source):
        place = f"{page.name}:{source.count(chr(10), 0, block.start()) + 1}"
        head, *lines = block["text"].splitlines()
        mark, _, path = head.partition(" ")
        if mark not in ("---", "+++") or not path:
            raise EditError(f"{place}: a diff starts with `--- PATH` or, for a new file, `+++ PATH`")
        places = re.split(r"^@@\n", "".join(f"{line}\n" for line in lines), flags=re.MULTILINE)
        found += [_edit(path, part.splitlines(), place, is_new=mark == "+++") for part in places]
    return found


def _edit(path: str, lines: list[str], place: str, *, is_new: bool) -> Edit:
    if any(line and line[0] not in " +-" for line in lines):
        raise EditError(f"{place}: every line of a diff starts with a space, + or -")
    before = [line[1:] for line in lines if not line.startswith("+")]
    after = [line[1:] for line in lines if not line.startswith("-")]
    if is_new == bool(before):
        raise EditError(f"{place}: a new file has only lines with +, any other place unchanged lines too")
    return Edit(path, "".join(f"{line}\n" for line in before), "".join(f"{line}\n" for line in after), place)


if __name__ == "__main__":
    for edit in edits_of(Path(sys.argv[1])):
        edit.apply(Path.cwd())
        print(edit.path)
