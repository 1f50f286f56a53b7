"""Private files: files that only their owner can access, owned by the user that the store belongs to.

A command that is run as root must not create files that the server, as another user, cannot read or write. So
files that root creates are given to the owner of the related data.
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
"""The permission bits for the group and for others."""


CATALOG_FILE = "catalog.db"

UNFINISHED = ".restore-"
"""The names of directories begin like this in which a store is restored, until it is complete."""


def owner_model_of(directory: Path) -> Path:
    """The file whose owner is the owner of the data in a directory: its catalog, because the directory itself
    may belong to root."""
    catalog = directory / CATALOG_FILE
    return catalog if catalog.exists() else directory


def create_private(path: Path, belongs_to: Path) -> int:
    """Create a file that only its owner can read and write, and open it for writing. As root, its owner
    becomes that of ``belongs_to``. Raises OSError, including FileExistsError."""
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
    """Create a directory and its missing parents, for their owner only. Returns those that were created, the
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
        # raises the error of mkdir if there is a file with this path
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
    """Give a new file the owner and mode of the file that it replaces. Raises PermissionError if only the
    owner of ``old`` could do that."""
    mine = os.fstat(descriptor)
    if (mine.st_uid, mine.st_gid) != (old.st_uid, old.st_gid):
        os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))


def owns(path: Path) -> bool:
    """Whether a file belongs to the current user."""
    return path.stat().st_uid == os.geteuid()


def owner_hint(path: Path) -> str:
    """A hint, for the end of an error, as which user to run a command; empty if the file belongs to the
    current user or does not exist."""
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
    """The files and directories that users other than their owner can access, with their modes."""
    for path in paths:
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError:
            continue
        if mode & FOR_OTHERS:
            yield path, f"{mode:04o}"
