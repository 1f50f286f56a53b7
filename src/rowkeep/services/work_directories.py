"""Work directories: temporary directories that a process locks while it uses them, so that others can
recognise what a process that was killed has left."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rowkeep.settings import Settings
from rowkeep.storage.opening import stream_directory

RESTORE = "rowkeep-restore-"
EXPORT = "rowkeep-export-"
PREFIXES = (RESTORE, EXPORT)


@contextmanager
def work_directory(settings: Settings, prefix: str) -> Iterator[Path]:
    """A new directory, which is removed at the end, as are those that killed processes have left. Raises
    OSError."""
    for path in abandoned(settings, (prefix,)):
        shutil.rmtree(path, ignore_errors=True)
    path, lock = _locked_directory(settings, prefix)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def _locked_directory(settings: Settings, prefix: str) -> tuple[Path, int]:
    """A new directory, and the descriptor that locks it."""
    while True:
        path = Path(tempfile.mkdtemp(prefix=prefix, dir=stream_directory(settings)))
        lock = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            return path, lock
        # another process has removed it before it was locked
        os.close(lock)


def abandoned(settings: Settings, prefixes: tuple[str, ...] = PREFIXES) -> list[Path]:
    """The work directories that no process uses."""
    parent = Path(stream_directory(settings) or tempfile.gettempdir())
    found = []
    for prefix in prefixes:
        for path in sorted(parent.glob(f"{prefix}*")):
            with suppress(OSError):
                if not _is_used(path):
                    found.append(path)
    return found


def is_in_use(directory: str) -> bool:
    """Whether a process of this machine uses the work directory with this path; false for any other text."""
    with suppress(OSError):
        return directory.startswith("/") and _is_used(Path(directory))
    return False


def _is_used(path: Path) -> bool:
    lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False
