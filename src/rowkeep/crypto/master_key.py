"""Master keys: where the master key is kept, and how it is found, made and replaced.

The key file holds one key, or, while it is replaced, two. Which of them the store is sealed under is written
in the store itself, as a fingerprint; so the order of keys means nothing to a server, and one that finds
itself without the right key reads the file again.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
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


class MasterKeys:
    """The keys of a setting or of the key file."""

    def __init__(self, settings: Settings, keys: Sequence[Sealer]) -> None:
        self._settings = settings
        self._keys = list(keys)

    @property
    def fingerprints(self) -> list[str]:
        """Of each key, in the order of the file."""
        return [key.fingerprint() for key in self._keys]

    def sealer(self, fingerprint: str) -> Sealer:
        """The key of this fingerprint. Raises SetupError if it is not at hand."""
        for _ in range(2):
            for key in self._keys:
                if key.fingerprint() == fingerprint:
                    return key
            self._reload()
        raise SetupError(
            "Wrong master key: the store was initialised with another one. "
            "Set ROWKEEP_MASTER_KEY or ROWKEEP_MASTER_KEY_FILE to that key."
        )

    def open(self, sealed: bytes, bound_to: str) -> bytes:
        """What was sealed under one of the keys. Raises SetupError if it was under none of them."""
        try:
            return open_sealed(self._keys, sealed, bound_to)
        except WrongKey:
            self._reload()
        try:
            return open_sealed(self._keys, sealed, bound_to)
        except WrongKey:
            raise SetupError(
                "Wrong master key: the store is encrypted with another one. "
                "Set ROWKEEP_MASTER_KEY or ROWKEEP_MASTER_KEY_FILE to that key."
            ) from None

    def _reload(self) -> None:
        """The key file may have been given another key since it was read."""
        self._keys = _read(self._settings) or self._keys


def find_master_keys(settings: Settings) -> MasterKeys | None:
    """The master key of the settings or of the key file; None if there is none yet.

    Raises SetupError for a key that is not one, or a file that cannot be read.
    """
    keys = _read(settings)
    return MasterKeys(settings, keys) if keys else None


def _read(settings: Settings) -> list[Sealer]:
    if settings.master_key is not None:
        return [Sealer(decode_key(settings.master_key, "ROWKEEP_MASTER_KEY"))]
    return [Sealer(key) for key in read_key_file(settings)]


def read_key_file(settings: Settings) -> list[bytes]:
    """The keys in the key file, none if there is no such file. Raises SetupError."""
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


def default_key_file(settings: Settings) -> Path:
    """Where the master key lies unless a setting says otherwise: never inside the data directory, so
    that a copy of the data does not bring the key along."""
    scheme, _, path = settings.database_url.partition(":///")
    return Path(path.rstrip("/") + ".key") if scheme == "sqlite" else Path("rowkeep.key")


def key_file(settings: Settings) -> Path:
    return Path(settings.master_key_file) if settings.master_key_file else default_key_file(settings)


def data_directory(settings: Settings) -> Path | None:
    """The directory of the data; None where they are not in files of ours."""
    scheme, _, path = settings.database_url.partition(":///")
    return Path(path) if scheme == "sqlite" and path else None


def owner_model(settings: Settings) -> Path:
    """Whose owner the key file and the token file get where root makes them: that of the data."""
    directory = data_directory(settings)
    if directory is None:
        return key_file(settings).absolute().parent
    return owner_model_of(directory) if directory.exists() else directory.absolute().parent


def make_master_key(settings: Settings) -> tuple[MasterKeys, list[Path]]:
    """Make a master key and store it in the key file, mode 0600; gives, too, what was made.

    When several processes start at once, one writes the file and all use what it holds. Raises
    SetupError.
    """
    path = key_file(settings)
    made: list[Path] = []
    try:
        made = make_private_directory(path.parent)
        draft = _draft(path, [new_master_key()], owner_model(settings))
        try:
            os.link(draft, path)
            made.insert(0, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        found = find_master_keys(settings)
    except OSError as error:
        remove_made(made)
        raise SetupError(f"The key file {path} cannot be written: {error}.") from None
    if found is None:
        raise SetupError(f"The key file {path} disappeared while it was written.")
    return found, made


def remove_made(made: Sequence[Path]) -> None:
    """Remove what :func:`make_master_key` made, but no directory that is in use."""
    for path in made:
        with suppress(OSError):
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink()


def new_master_key() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


def write_key_file(settings: Settings, keys: Sequence[bytes]) -> None:
    """Put other keys into the key file, all at once; its owner and mode stay. Raises SetupError."""
    path = key_file(settings)
    try:
        old = path.stat()
        draft = _draft(path, keys, owner_model(settings), old)
        draft.replace(path)
        _sync(path.parent)
    except OSError as error:
        reason = f"The key file {path} cannot be written: {error}."
        raise SetupError(reason + owner_hint(path)) from None


def _draft(path: Path, keys: Sequence[bytes], belongs_to: Path, old: os.stat_result | None = None) -> Path:
    """A file next to the key file that holds these keys on disk, with the owner and mode of the old one; a
    first one is for the owner of the data alone."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(create_private(draft, belongs_to), "w") as file:
        try:
            if old is not None:
                keep_owner_and_mode(file.fileno(), old)
            file.writelines(encode_key(key) + "\n" for key in keys)
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            draft.unlink()
            raise
    return draft


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
