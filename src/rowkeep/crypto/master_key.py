"""The master key: its file, and how it is found, created and replaced.

The key file has one key, or two while the key is replaced. The store has the fingerprint of the key that it
is encrypted with, so the order of keys in the file does not matter to a server. A server without the right
key reads the file again. A key that was replaced is in another file next to the key file: older backups, and
other stores with the same key file, still need it.
"""

from __future__ import annotations

import fcntl
import glob
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from rowkeep.crypto.ciphers import KEY_BYTES, Sealer, WrongKey, decode_key, encode_key, open_sealed
from rowkeep.errors.catalogue import SetupError
from rowkeep.private_files import (
    create_private,
    keep_owner_and_mode,
    make_private_directory,
    owner_hint,
    owner_model_of,
)
from rowkeep.settings import Settings

MAX_KEYS = 2

DRAFT = ".partial-"
"""What follows the name of a key file in the names of files that are written to replace it."""


class MasterKeys:
    """The master keys of a setting or of the key file."""

    def __init__(self, settings: Settings, keys: Sequence[Sealer]) -> None:
        self._settings = settings
        self._keys = list(keys)

    @property
    def fingerprints(self) -> list[str]:
        """The fingerprints of all keys, in the order of the file."""
        return [key.fingerprint() for key in self._keys]

    def sealer(self, fingerprint: str) -> Sealer:
        """The key with this fingerprint. Raises SetupError if it is missing."""
        for _ in range(2):
            for key in self._keys:
                if key.fingerprint() == fingerprint:
                    return key
            self._reload()
        raise SetupError(
            "Wrong master key: the store was initialised with another one. "
            f"Set ROWKEEP_MASTER_KEY or ROWKEEP_MASTER_KEY_FILE to that key.{self._former_hint()}"
        )

    def open(self, sealed: bytes, bound_to: str) -> bytes:
        """Decrypt a secret with one of the keys. Raises SetupError if none is right."""
        return self._open(sealed, bound_to)[1]

    def sealer_of(self, sealed: bytes, bound_to: str) -> Sealer:
        """The key that a secret is encrypted with. Raises SetupError if it is missing."""
        return self._open(sealed, bound_to)[0]

    def _open(self, sealed: bytes, bound_to: str) -> tuple[Sealer, bytes]:
        try:
            return open_sealed(self._keys, sealed, bound_to)
        except WrongKey:
            self._reload()
        try:
            return open_sealed(self._keys, sealed, bound_to)
        except WrongKey:
            raise SetupError(
                "Wrong master key: the store is encrypted with another one. "
                f"Set ROWKEEP_MASTER_KEY or ROWKEEP_MASTER_KEY_FILE to that key.{self._former_hint()}"
            ) from None

    def _former_hint(self) -> str:
        former = former_key_file(self._settings)
        return f" Keys that were replaced are in {former}." if former.exists() else ""

    def _reload(self) -> None:
        """Read the key file again: it may have another key now."""
        self._keys = _read(self._settings) or self._keys


def find_master_keys(settings: Settings) -> MasterKeys | None:
    """The master keys of the settings or of the key file; None if there are none yet.

    Raises SetupError for an invalid key or a file that cannot be read.
    """
    keys = _read(settings)
    return MasterKeys(settings, keys) if keys else None


def _read(settings: Settings) -> list[Sealer]:
    if settings.master_key is not None:
        return [Sealer(decode_key(settings.master_key, "ROWKEEP_MASTER_KEY"))]
    return [Sealer(key) for key in read_key_file(settings)]


def read_key_file(settings: Settings) -> list[bytes]:
    """The keys in the key file; empty if the file does not exist. Raises SetupError."""
    path = key_file(settings)
    try:
        lines = path.read_text().split()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"The key file {path} cannot be read: {error}.{owner_hint(path)}") from None
    if not 1 <= len(lines) <= MAX_KEYS:
        raise SetupError(f"The key file {path} must contain one key, or two during a rotation, one per line.")
    return [decode_key(line, f"Each key in the key file {path}") for line in lines]


def key_of(settings: Settings, fingerprint: str) -> bytes:
    """The master key with this fingerprint, itself. Raises SetupError if it is missing."""
    if settings.master_key is not None:
        keys = [decode_key(settings.master_key, "ROWKEEP_MASTER_KEY")]
    else:
        keys = read_key_file(settings)
    for key in keys:
        if Sealer(key).fingerprint() == fingerprint:
            return key
    raise SetupError(f"The master key is missing: set ROWKEEP_MASTER_KEY, or restore {key_file(settings)}.")


def default_key_file(settings: Settings) -> Path:
    """The default path of the key file: never inside the data directory, so that a copy of the data does not
    include the key."""
    scheme, _, path = settings.database_url.partition(":///")
    if scheme != "sqlite":
        return Path("rowkeep.key")
    directory = Path(path)
    if directory.name in ("", ".."):
        # it ends in . or .., and has its name elsewhere
        directory = directory.resolve()
    # where versions up to 0.9.1 wrote the key of a directory that ends in a dot
    former = Path(path.rstrip("/") + ".key")
    return former if path.endswith(".") and former.exists() else Path(f"{directory}.key")


def key_file(settings: Settings) -> Path:
    return Path(settings.master_key_file) if settings.master_key_file else default_key_file(settings)


def former_key_file(settings: Settings) -> Path:
    """The file of the keys that were replaced, one in each line and the newest last."""
    path = key_file(settings)
    return path.with_name(f"{path.name}.old")


def data_directory(settings: Settings) -> Path | None:
    """The data directory; None if the data is not in files of Rowkeep."""
    scheme, _, path = settings.database_url.partition(":///")
    return Path(path) if scheme == "sqlite" and path else None


def owner_model(settings: Settings) -> Path:
    """The path whose owner the key file and the token file get if root creates them: that of the data."""
    directory = data_directory(settings)
    if directory is None:
        return key_file(settings).absolute().parent
    return owner_model_of(directory) if directory.exists() else directory.absolute().parent


def make_master_key(settings: Settings, key: bytes | None = None) -> tuple[MasterKeys, list[Path]]:
    """Create a master key, or store this one, in the key file with mode 0600. Returns the keys and the paths
    that were created.

    If several processes start at once, one writes the file and all use its key. Raises SetupError.
    """
    path = key_file(settings)
    made: list[Path] = []
    try:
        made = make_private_directory(path.parent)
        draft = _draft(path, [key or new_master_key()], owner_model(settings))
        try:
            os.link(draft, path)
            made.insert(0, path)
        except OSError:
            # another process has written it, and may have removed this draft with others
            if not path.exists():
                raise
        finally:
            draft.unlink(missing_ok=True)
        _remove_drafts(path)
        found = find_master_keys(settings)
    except OSError as error:
        remove_made(made)
        raise SetupError(f"The key file {path} cannot be written: {error}.") from None
    if found is None:
        raise SetupError(f"The key file {path} disappeared while it was written.")
    return found, made


def remove_made(made: Sequence[Path]) -> None:
    """Remove what :func:`make_master_key` created, except directories that are not empty."""
    for path in made:
        with suppress(OSError):
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink()


def new_master_key() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


@contextmanager
def replacing_keys(settings: Settings) -> Iterator[None]:
    """Lock the directory of the key file while its keys are replaced: of two that each add another new key,
    one would lose the key that data is encrypted with. Raises SetupError if another process has the lock."""
    path = key_file(settings)
    try:
        descriptor = os.open(path.parent, os.O_RDONLY)
    except OSError as error:
        raise SetupError(f"The key file {path} cannot be read: {error}.{owner_hint(path)}") from None
    try:
        # some network file systems have no such locks
        with suppress(OSError):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise SetupError(
                    f"Another command replaces the master key in {path.parent}. Run this command again when "
                    "the other one has ended."
                ) from None
        _remove_drafts(path)
        yield
    finally:
        os.close(descriptor)


def write_key_file(settings: Settings, keys: Sequence[bytes]) -> None:
    """Replace the keys in the key file atomically; its owner and mode do not change. Raises SetupError."""
    path = key_file(settings)
    with _writing(path):
        old = path.stat()
        _draft(path, keys, owner_model(settings), old).replace(path)
        _sync(path.parent)


def keep_former_key(settings: Settings, key: bytes) -> None:
    """Add a key that is about to be removed from the key file to the file of former keys, unless it is there.
    Raises SetupError."""
    path = former_key_file(settings)
    with _writing(path):
        former = path.read_text().split() if path.exists() else []
        if encode_key(key) not in former:
            keys = [*(decode_key(line, f"Each key in {path}") for line in former), key]
            _draft(path, keys, owner_model(settings), key_file(settings).stat()).replace(path)
            _sync(path.parent)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Raises SetupError instead of OSError."""
    try:
        yield
    except (OSError, UnicodeDecodeError) as error:
        reason = f"The key file {path} cannot be written: {error}."
        raise SetupError(reason + owner_hint(path)) from None


def _remove_drafts(path: Path) -> None:
    """Remove what commands that were killed have left, when no other process needs its draft."""
    for draft in path.parent.glob(f"{glob.escape(path.name)}{DRAFT}*"):
        with suppress(OSError):
            draft.unlink()


def _draft(path: Path, keys: Sequence[bytes], belongs_to: Path, old: os.stat_result | None = None) -> Path:
    """Write these keys to a new file next to the key file and sync it. It gets the owner and mode of the old
    key file; the first one is private to the owner of the data."""
    draft = path.with_name(f"{path.name}{DRAFT}{secrets.token_hex(4)}")
    with os.fdopen(create_private(draft, belongs_to), "w") as file:
        try:
            if old is not None:
                keep_owner_and_mode(file.fileno(), old)
            file.writelines(encode_key(key) + "\n" for key in keys)
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    return draft


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
