"""Reader: follows a page as a reader would, block by block."""

from __future__ import annotations

import shutil
import time
import warnings
from pathlib import Path

from blocks import Block, blocks_of
from likeness import Difference, Likeness
from terminal import END, Shell


def follow(page: Path, shell: Shell, directory: Path, known: dict[str, str]) -> None:
    """Do what the page says in ``shell``, which works in ``directory``, and compare all that is printed.

    ``known`` says what addresses and directories of the page stand for. Raises Difference.
    """
    likeness = Likeness(known)
    blocks = [block for block in blocks_of(page) if block.is_run and not block.is_picture]
    for at, block in enumerate(blocks):
        name = block.value("file")
        if name is not None:
            (directory / name).write_text(likeness.meant(block.text))
        elif block.is_command:
            answer = blocks[at + 1] if at + 1 < len(blocks) and blocks[at + 1].is_answer else None
            try:
                _try(block, answer, shell, likeness)
            except Difference as difference:
                raise Difference(f"{block.place}: {difference}\n\n{block.text}") from None
        elif not (at > 0 and blocks[at - 1].is_command):
            raise ValueError(f"{block.place}: an answer to nothing")


def _try(block: Block, answer: Block | None, shell: Shell, likeness: Likeness) -> None:
    program = block.value("needs")
    if program is not None and shutil.which(program) is None:
        warnings.warn(f"{block.place} was not run: there is no {program} here", stacklevel=2)
        return
    shown = "" if answer is None else answer.text
    if "server" in block.words:
        likeness.check(shown, _first_lines(shell.start(likeness.meant(block.text)), shown.count("\n")))
        return
    printed, status = shell.run(likeness.meant(block.text))
    if status != int(block.value("status") or 0):
        raise Difference(f"exit status {status}, having printed\n{printed}")
    likeness.check(shown, printed)


def _first_lines(log: Path, count: int) -> str:
    """What a server says while it starts."""
    while (text := log.read_text()).count("\n") < count and END not in text:
        time.sleep(0.02)
    return text
