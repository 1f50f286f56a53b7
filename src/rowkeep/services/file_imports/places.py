"""Places: the private directories of uploaded files. Each has the file, what it is, and its import; so every
process of a server can read the progress of an import that another one runs."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

import msgspec

from rowkeep.files.journal import replace_file
from rowkeep.model.file_requests import ImportBody
from rowkeep.private_files import FILE_MODE, FOR_OTHERS, make_private_directory
from rowkeep.services.file_imports.states import ImportState, UploadedFile
from rowkeep.settings import Settings

T = TypeVar("T")

LOCK = "lock"
ID = re.compile(r"fi-[0-9a-f]{24}")


def uploads_directory(settings: Settings) -> Path:
    """The directory of all uploaded files of a store."""
    if settings.upload_directory:
        return Path(settings.upload_directory)
    url = settings.database_url
    if url.startswith("sqlite:"):
        return Path(url.removeprefix("sqlite:///")) / "uploads"
    store = hashlib.sha256(url.encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"rowkeep-uploads-{store}"


class Place:
    """The directory of one file. Methods raise OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = path / "data"
        self.journal = path / "progress"
        self.rejects = path / "rejects"
        self.waiting = path / "waiting"
        self.existing = path / "existing"
        self._file = path / "file.json"
        self._state = path / "state.json"
        self._request = path / "request.json"
        self._cancel = path / "cancel"
        self._owner = path / "owner"
        self._lock = path / "lock"

    def create_data(self) -> BinaryIO:
        """The content of the file, which must not exist, for writing."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        return cast("BinaryIO", open(os.open(self.data, flags, FILE_MODE), "wb", 0))

    @property
    def owner(self) -> str | None:
        """Whose file it is, also while it is uploaded."""
        file = self.file()
        if file is not None:
            return file.owner
        try:
            return self._owner.read_text()
        except FileNotFoundError:
            return None

    def write_owner(self, owner: str) -> None:
        self._owner.write_text(owner)

    def is_abandoned(self) -> bool:
        """Whether its upload was killed: it has no file, and no process uploads one."""
        if self.file() is not None:
            return False
        with self.locked() as is_mine:
            return is_mine and self.file() is None

    def file(self) -> UploadedFile | None:
        return _read(self._file, UploadedFile)

    def write_file(self, file: UploadedFile) -> None:
        replace_file(self._file, msgspec.json.encode(file))

    def state(self) -> ImportState | None:
        """The import; None if there is none."""
        return _read(self._state, ImportState)

    def write_state(self, state: ImportState) -> None:
        # without a flush to disk: the journal has what must not be lost
        part = self._state.with_suffix(".part")
        part.write_bytes(msgspec.json.encode(state))
        part.replace(self._state)

    def request(self) -> ImportBody | None:
        return _read(self._request, ImportBody)

    def begin(self, request: ImportBody, state: ImportState) -> None:
        """Store a new import instead of the former one, with nothing of it."""
        for each in (self._cancel, self.journal, self.rejects, self.waiting, self.existing):
            each.unlink(missing_ok=True)
        replace_file(self._request, msgspec.json.encode(request))
        self.write_state(state)

    def begun_at(self) -> int:
        """When the import was requested: identifies it among those of the same file."""
        return self._request.stat().st_mtime_ns

    def cancel(self) -> None:
        self._cancel.touch(FILE_MODE)

    @property
    def is_cancelled(self) -> bool:
        return self._cancel.exists()

    @property
    def has_data(self) -> bool:
        return self.data.exists()

    def drop_data(self) -> None:
        """Delete the file and what its import stored; the rejects remain."""
        for each in (self.data, self.journal, self.waiting, self.existing):
            each.unlink(missing_ok=True)

    def changed_at(self) -> float:
        """When the file or its import changed last, in seconds since 1970."""
        times = [self.path.stat().st_mtime]
        for each in (self._file, self._state, self.data):
            with suppress(FileNotFoundError):
                times.append(each.stat().st_mtime)
        return max(times)

    def delete(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    @contextmanager
    def locked(self) -> Iterator[bool]:
        """Yields whether this process has the import for itself while the block runs."""
        try:
            descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        except FileNotFoundError:
            yield False  # the file was deleted
            return
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            yield False
            return
        try:
            yield True
        finally:
            os.close(descriptor)


class Places:
    """The directories of all uploaded files."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def make(self, file_id: str) -> Place:
        """A new directory. Raises OSError."""
        self._make_root()
        path = self.root / file_id
        make_private_directory(path)
        return Place(path)

    def _make_root(self) -> None:
        make_private_directory(self.root)
        if not self._is_private():
            raise PermissionError(errno.EPERM, "It belongs to another user, or others can access it")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """No other process or thread makes a place while the block runs. Raises OSError."""
        self._make_root()
        descriptor = os.open(self.root / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def find(self, file_id: str) -> Place | None:
        if not ID.fullmatch(file_id) or not self._is_private() or not (self.root / file_id).is_dir():
            return None
        return Place(self.root / file_id)

    def _is_private(self) -> bool:
        """Whether nobody else can have put anything there: it can be in a directory that all users share."""
        try:
            found = self.root.lstat()
        except FileNotFoundError:
            return False
        is_mine = found.st_uid == os.geteuid()
        if os.geteuid() == 0 and not is_mine:
            # root's own may belong to the owner of the store, but not where everybody can make it
            is_mine = not self.root.parent.stat().st_mode & stat.S_IWOTH
        return stat.S_ISDIR(found.st_mode) and is_mine and not found.st_mode & FOR_OTHERS

    def all(self) -> list[Place]:
        """All places, the oldest first."""
        if not self._is_private():
            return []
        found = [Place(each) for each in self.root.iterdir() if ID.fullmatch(each.name)]
        dated = []
        for place in found:
            with suppress(FileNotFoundError):
                dated.append((place.changed_at(), place.path.name, place))
        return [place for _, _, place in sorted(dated, key=lambda each: each[:2])]


def _read(path: Path, kind: type[T]) -> T | None:
    """The content of a file; None if there is none, or if it is damaged."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
