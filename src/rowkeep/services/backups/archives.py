"""Archives: the file of a backup.

It is a ZIP file: the header first, then the parts, and the manifest last. Parts are compressed with zstd and,
if the backup has a passphrase, then encrypted, each with a key of its own.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import io
import os
import secrets
import struct
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import msgspec

from rowkeep.crypto.ciphers import Sealer, WrongKey
from rowkeep.crypto.sealed_streams import SALT_BYTES, StreamSealer, key_of_passphrase, opened_chunks
from rowkeep.errors.catalogue import SetupError, preview
from rowkeep.model.backups import FORMAT, BackupHeader, BackupPart, Manifest
from rowkeep.private_files import create_private

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

HEADER = "rowkeep-backup.json"
MANIFEST = "manifest.json.zst"
ENCRYPTED = ".enc"
BLOCK_BYTES = 1024 * 1024
ENCRYPTED_ENTRY = 1
"""The flag of entries with a password of the ZIP file."""
MAX_HEADER_BYTES = 4096
MAX_MANIFEST_BYTES = 512 * 1024 * 1024
MAX_LINE_BYTES = 1024 * 1024 * 1024
"""No row is larger."""

DAMAGES = (
    zipfile.BadZipFile,
    zstd.ZstdError,
    struct.error,
    EOFError,
    LookupError,
    ValueError,
    OverflowError,
    RecursionError,
    NotImplementedError,
)
"""What the libraries raise for data that is not what it should be."""

PARTIAL = ".partial-"
"""In the name of a backup that is not finished."""


class WrongPassphrase(SetupError):
    pass


def read_passphrase(path: str) -> bytes:
    """The passphrase in a file, without the end of its line. Raises SetupError."""
    try:
        found = Path(path).read_bytes().strip()
    except OSError as error:
        raise SetupError(
            f"The passphrase file {preview(path)} cannot be read: {error.strerror or error}."
        ) from None
    if not found:
        raise SetupError(f"The passphrase file {preview(path)} is empty.")
    return found


# writing


class ArchiveWriter:
    """A backup that is being written."""

    def __init__(self, file: IO[bytes], passphrase: bytes | None) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True)
        salt = secrets.token_bytes(SALT_BYTES) if passphrase is not None else b""
        self._keys = None if passphrase is None else Sealer(key_of_passphrase(passphrase, salt))
        header = BackupHeader(FORMAT, base64.b64encode(salt).decode())
        self._zip.writestr(_entry(HEADER), msgspec.json.encode(header) + b"\n")

    @contextmanager
    def part(self, name: str) -> Iterator[PartWriter]:
        """Write one part; nothing else can be written at the same time."""
        path = name if self._keys is None else name + ENCRYPTED
        with self._zip.open(_entry(path), "w", force_zip64=True) as file:
            writer = PartWriter(file, path, _part_key(self._keys, path))
            yield writer
            writer.end()

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest and the end of the file."""
        with self.part(MANIFEST) as part:
            part.write(msgspec.json.encode(manifest))
        self._zip.close()

    def close(self) -> None:
        """Release the file, also of a backup that failed."""
        with suppress(OSError, ValueError):
            self._zip.close()


class PartWriter:
    """One part that is being written."""

    def __init__(self, file: IO[bytes], path: str, key: bytes | None) -> None:
        self._file = file
        self.path = path
        self._compressor = zstd.ZstdCompressor()
        self._sealer = None if key is None else StreamSealer(key)
        self._hash = hashlib.sha256()
        self.bytes = 0

    def write(self, data: bytes) -> None:
        self._store(self._compressor.compress(data))

    def end(self) -> None:
        self._store(self._compressor.flush())
        if self._sealer is not None:
            self._put(self._sealer.end())

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def _store(self, data: bytes) -> None:
        self._put(data if self._sealer is None else self._sealer.add(data))

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self._hash.update(data)
        self.bytes += len(data)


def _entry(name: str) -> zipfile.ZipInfo:
    """An entry without a time: the manifest has it."""
    return zipfile.ZipInfo(name)


def _part_key(keys: Sealer | None, path: str) -> bytes | None:
    return None if keys is None else keys.derive(f"backup-part:{path}")


@contextmanager
def new_archive(path: Path, passphrase: bytes | None) -> Iterator[ArchiveWriter]:
    """Write a backup to a new file, which gets its name when it is complete and on disk; if that fails,
    there is no file. Raises SetupError."""
    draft = path.with_name(f".{path.name}{PARTIAL}{secrets.token_hex(4)}")
    try:
        if path.exists():
            raise FileExistsError
        _remove_abandoned(path.parent)
        descriptor = create_private(draft, path.parent)
        try:
            with os.fdopen(descriptor, "w+b") as file:
                # the lock shows that the process still exists
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                writer = ArchiveWriter(file, passphrase)
                try:
                    yield writer
                finally:
                    writer.close()
                file.flush()
                os.fsync(descriptor)
                # unlike a rename, this does not replace a file
                os.link(draft, path)
        finally:
            draft.unlink()
        _sync_directory(path.parent)
    except FileExistsError:
        raise SetupError(
            f"The file {preview(str(path))} already exists. Choose another name, or delete it."
        ) from None
    except OSError as error:
        raise SetupError(
            f"The backup {preview(str(path))} cannot be written: {error.strerror or error}."
        ) from error


def _remove_abandoned(directory: Path) -> None:
    """Remove what backups that were killed have left."""
    for path in directory.glob(f".*{PARTIAL}*"):
        with suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# reading


class Archive:
    """A complete backup that is read."""

    def __init__(self, path: Path, file: zipfile.ZipFile, passphrase: bytes | None) -> None:
        self._path = path
        self._zip = file
        with self.damage_named("header"):
            with file.open(HEADER) as found:
                header = msgspec.json.decode(found.read(MAX_HEADER_BYTES), type=BackupHeader)
            salt = base64.b64decode(header.salt)
        if header.format > FORMAT:
            raise SetupError(
                f"The backup {preview(str(path))} was written by a newer version of Rowkeep. Use that "
                "version or a later one."
            )
        self.is_encrypted = bool(salt)
        if self.is_encrypted and passphrase is None:
            raise SetupError(
                f"The backup {preview(str(path))} is encrypted. Give its passphrase with --passphrase-file."
            )
        self._keys = None
        if self.is_encrypted and passphrase is not None:
            self._keys = Sealer(key_of_passphrase(passphrase, salt))
        self.manifest = self._read_manifest()

    def _read_manifest(self) -> Manifest:
        path = MANIFEST + ENCRYPTED if self.is_encrypted else MANIFEST
        try:
            with self.damage_named("manifest"), self._zip.open(path) as file:
                text = _decompressed(self._clear(file, path)).read(MAX_MANIFEST_BYTES)
                return msgspec.json.decode(text, type=Manifest)
        except WrongKey:
            raise WrongPassphrase(
                f"The backup {preview(str(self._path))} cannot be decrypted: the passphrase is wrong, or the "
                "backup is damaged."
            ) from None

    def blocks(self, part: BackupPart) -> Iterator[bytes]:
        """The lines of a part, many at once. Raises SetupError for a part that is damaged, at the latest
        after its last line."""
        lines = 0
        with self.damage_named(part.path), self._zip.open(part.path) as file:
            hashed = _Hashed(file)
            rest = b""
            text = _decompressed(self._clear(hashed, part.path))
            while block := text.read(BLOCK_BYTES):
                whole, end, after = block.rpartition(b"\n")
                if end:
                    lines += whole.count(b"\n") + 1
                    yield rest + whole + end
                    rest = after
                else:
                    rest += block
                if len(rest) > MAX_LINE_BYTES:
                    raise ValueError("a row is too large")
            while hashed.read(BLOCK_BYTES):
                pass
            if rest or lines != part.rows:
                raise ValueError(f"{part.rows} rows are expected, and {lines} were found")
            if (hashed.sha256, hashed.bytes) != (part.sha256, part.bytes):
                raise ValueError("its checksum is another")

    def _clear(self, file: Any, path: str) -> Any:
        key = _part_key(self._keys, path)
        return file if key is None else _Chunks(opened_chunks(file, key))

    @contextmanager
    def damage_named(self, what: str) -> Iterator[None]:
        """Raises SetupError for a part that cannot be read."""
        where = f"The backup {preview(str(self._path))} is damaged: {what}"
        try:
            yield
        except WrongKey:
            if what == "manifest":
                raise
            raise SetupError(f"{where} cannot be decrypted.") from None
        except DAMAGES as error:
            raise SetupError(f"{where}: {error}.") from error
        except OSError as error:
            raise SetupError(f"{where} cannot be read: {error.strerror or error}.") from error


@contextmanager
def open_archive(path: Path, passphrase: bytes | None) -> Iterator[Archive]:
    """Open a complete backup. Raises SetupError."""
    try:
        found = zipfile.ZipFile(path)
    except OSError as error:
        raise SetupError(
            f"The backup {preview(str(path))} cannot be read: {error.strerror or error}."
        ) from None
    except DAMAGES:
        raise SetupError(
            f"The file {preview(str(path))} is not a backup of Rowkeep, or it is damaged."
        ) from None
    with found:
        if HEADER not in found.NameToInfo:
            raise SetupError(f"The file {preview(str(path))} is not a backup of Rowkeep.")
        for each in found.infolist():
            if each.compress_type != zipfile.ZIP_STORED or each.flag_bits & ENCRYPTED_ENTRY:
                raise SetupError(
                    f"The backup {preview(str(path))} is damaged: the entry {preview(each.filename)} was not "
                    "written by Rowkeep."
                )
        yield Archive(path, found, passphrase)


def _decompressed(file: Any) -> zstd.ZstdFile:
    return zstd.ZstdFile(file, "r")


class _Hashed(io.RawIOBase):
    """A stream that is hashed while it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.bytes = 0

    def read(self, size: int = -1, /) -> bytes:
        found = self._file.read(size)
        self._hash.update(found)
        self.bytes += len(found)
        return found

    def readable(self) -> bool:
        return True

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


class _Chunks(io.RawIOBase):
    """A stream of chunks."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def read(self, size: int = -1, /) -> bytes:
        while not self._rest:
            more = next(self._chunks, None)
            if more is None:
                return b""
            self._rest = more
        cut = len(self._rest) if size < 0 else size
        found, self._rest = self._rest[:cut], self._rest[cut:]
        return found

    def readable(self) -> bool:
        return True
