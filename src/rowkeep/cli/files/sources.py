"""Sources: the records of the file of a command.

A file of a format that is read as a whole, or in parts of any size, is read by another process, as in the
server: it has limits, and its errors end only itself.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from rowkeep.files.content import Content
from rowkeep.files.formats import Format
from rowkeep.files.isolated import IMPORT_CPU_SECONDS, MAX_UNPACKED_BYTES, isolated
from rowkeep.files.reading import Reading
from rowkeep.files.reading_frames import FileToRead, ReadingBounds
from rowkeep.files.records import Source
from rowkeep.setting_rules import PREFIX
from rowkeep.settings import Settings

COMMAND_MEMORY_BYTES = 4 * 1024 * 1024 * 1024
"""The memory for a file unless the setting allows more: one of a user's own is not one of somebody else."""


@contextmanager
def source_of(path: str, content: Content, kind: Format, reading: Reading) -> Iterator[Source]:
    """The records of a file while the block runs; ``path`` is ``-`` for standard input. Raises
    FileRefused, SetupError, OSError."""
    if not kind.is_isolated:
        yield kind.open(content, reading)
        return
    with TemporaryDirectory() as directory:
        if path == "-":
            path = str(Path(directory) / "standard-input")
            with open(path, "wb") as copy:
                shutil.copyfileobj(content.binary(), copy)
        file = FileToRead(path=path, name=content.name, format=kind.name, reading=reading, bounds=_bounds())
        with isolated(file, directory) as source:
            yield source


def _bounds() -> ReadingBounds:
    """Raises SetupError."""
    name = f"{PREFIX}MAX_FILE_MEMORY_BYTES"
    settings = Settings.from_environment({name: os.environ.get(name, "")})
    return ReadingBounds(
        memory_bytes=max(COMMAND_MEMORY_BYTES, settings.max_file_memory_bytes),
        unpacked_bytes=MAX_UNPACKED_BYTES,
        cpu_seconds=IMPORT_CPU_SECONDS,
    )
