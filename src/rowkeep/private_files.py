"""Private files: made for their owner alone, and for the user that the store belongs to.

A command that root runs must not leave files that the server, another user, can neither read nor write. So
what root makes is given to the owner of what it belongs to.
"""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

FILE_MODE = 0o600
DIRECTORY_MODE = 0o700
FOR_OTHERS = 0o077
"""The bits of a mode that give a file to its group or to everybody."""


CATALOG_FILE = "catalog.db"


def owner_model_of(directory: Path) -> Path:
    """What has the owner of the data in a directory: its catalog, for the directory itself may be root's."""
    catalog = directory / CATALOG_FILE
    return catalog if catalog.exists() else directory


def create_private(path: Path, belongs_to: Path) -> int:
    """A new file that its owner alone can read and write, open for writing; its owner is that of
    ``belongs_to`` if we may choose. Raises OSError, FileExistsError among them."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    try:
        os.fchmod(descriptor, FILE_MODE)
        _give_to_owner(descriptor, belongs_to.stat())
    except BaseException:
        os.close(descriptor)
        path.unlink()
        raise
    return descriptor


def make_private_directory(path: Path) -> list[Path]:
    """Make a directory, and those above it, for their owner alone; gives those that were not there yet, the
    innermost first. Raises OSError."""
    made: list[Path] = []
    missing = [each for each in (path, *path.parents) if not each.exists()]
    try:
        for each in reversed(missing):
            try:
                each.mkdir(mode=DIRECTORY_MODE)
            except FileExistsError:
                continue
            made.insert(0, each)
            if os.geteuid() == 0:
                above = each.parent.stat()
                os.chown(each, above.st_uid, above.st_gid, follow_symlinks=False)
        # as mkdir says it, where a file is in the way
        path.mkdir(exist_ok=True)
    except BaseException:
        for each in made:
            each.rmdir()
        raise
    return made


def _give_to_owner(descriptor: int, model: os.stat_result) -> None:
    if os.geteuid() == 0:
        os.fchown(descriptor, model.st_uid, model.st_gid)


def keep_owner_and_mode(descriptor: int, old: os.stat_result) -> None:
    """Make a file what the one was that it replaces. Raises PermissionError if only ``old``'s owner may."""
    mine = os.fstat(descriptor)
    if (mine.st_uid, mine.st_gid) != (old.st_uid, old.st_gid):
        os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))


def owns(path: Path) -> bool:
    """Whether a file is this user's."""
    return path.stat().st_uid == os.geteuid()


def owner_hint(path: Path) -> str:
    """As whom to run a command, for the end of its error; empty where a file is this user's or not there."""
    try:
        number = path.stat().st_uid
    except OSError:
        return ""
    if number == os.geteuid():
        return ""
    try:
        owner = pwd.getpwuid(number).pw_name
    except KeyError:
        owner = str(number)
    return f" It belongs to user {owner}; run the command as that user."


def exposed(paths: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """Those of these files and directories that others than their owner may use, with their modes."""
    for path in paths:
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError:
            continue
        if mode & FOR_OTHERS:
            yield path, f"{mode:04o}"
