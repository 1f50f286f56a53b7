"""Blocks: the fenced blocks of a page, and what its info string says is to be done with each.

- ``sh`` is run, all of it at once, in one shell for the whole page. ``sh server`` is left running behind the
  rest of the page, ``sh needs=node`` needs that program.
- ``json answer`` and ``text answer`` are what the ``sh`` block just before printed; an ``sh`` block without
  one prints nothing.
- ``file=NAME``, with any language, is saved under that name, for the blocks that follow.
- ``text`` alone is a picture.
- Every other block must say ``not-run``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(
    r"^(?P<indent> *)```(?P<info>[^`\n]*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, the other words of its info string, and where it stands."""

    language: str
    words: tuple[str, ...]
    text: str
    place: str

    def value(self, name: str) -> str | None:
        """What stands behind ``name=`` in the info string."""
        return next((word.partition("=")[2] for word in self.words if word.startswith(f"{name}=")), None)

    @property
    def is_command(self) -> bool:
        return self.language == "sh" and self.is_run and self.value("file") is None

    @property
    def is_answer(self) -> bool:
        return "answer" in self.words

    @property
    def is_picture(self) -> bool:
        return (self.language, self.words) == ("text", ())

    @property
    def is_run(self) -> bool:
        return "not-run" not in self.words


def blocks_of(page: Path) -> list[Block]:
    """All fenced blocks of a page, in order. Raises ValueError for one that must say what it is for."""
    source = page.read_text()
    found = []
    for fence in FENCE.finditer(source):
        language, *words = fence["info"].split() or [""]
        place = f"{page.name}:{source.count(chr(10), 0, fence.start()) + 1}"
        text = re.sub(f"^{fence['indent']}", "", fence["text"], flags=re.MULTILINE)
        block = Block(language, tuple(words), text, place)
        is_known = (
            block.is_command or block.is_answer or block.is_picture or block.value("file") or not block.is_run
        )
        if not is_known:
            raise ValueError(f"{place}: a block is run, an answer, a file, a picture, or marked not-run")
        found.append(block)
    if source.count("\n```") + source.startswith("```") < 2 * len(found):
        raise ValueError(f"{page.name}: a fence is not closed")
    return found
