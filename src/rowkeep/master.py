"""Master keys: where the master key is kept, and how it is found, made and replaced.

The key file holds one key, or, while it is replaced, two. Which of them the store is sealed under is written
in the store itself, as a fingerprint; so the order of keys means nothing to a server, and one that finds
itself without the right key reads the file again.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from rowkeep.errors import SetupError
from rowkeep.keys import KEY_BYTES, Sealer, WrongKey, decode_key, encode_key, open_sealed
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
            "The store was initialised with another master key; "
            "set ROWKEEP_MASTER_KEY or ROWKEEP_MASTER_KEY_FILE to that one."
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
            raise SetupError("The store is sealed under another master key; give that one.") from None

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
        raise SetupError(f"The key file {path} cannot be read: {error}.") from None
    if not 1 <= len(lines) <= MAX_KEYS:
        raise SetupError(f"The key file {path} must hold one key, or two during a rotation, each on a line.")
    return [decode_key(line, f"The key file {path}") for line in lines]


def default_key_file(settings: Settings) -> Path:
    """Where the master key lies unless a setting says otherwise: never inside the data directory, so
    that a copy of the data does not bring the key along."""
    scheme, _, path = settings.database_url.partition(":///")
    return Path(path.rstrip("/") + ".key") if scheme == "sqlite" else Path("rowkeep.key")


def key_file(settings: Settings) -> Path:
    return Path(settings.master_key_file) if settings.master_key_file else default_key_file(settings)


def make_master_key(settings: Settings) -> MasterKeys:
    """Make a master key and keep it in the key file, mode 0600. Raises SetupError.

    When several processes start at once, one writes the file and all use what it holds.
    """
    path = key_file(settings)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = _draft(path, [new_master_key()])
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    except OSError as error:
        raise SetupError(f"The key file {path} cannot be written: {error}.") from None
    found = find_master_keys(settings)
    if found is None:
        raise SetupError(f"The key file {path} vanished while it was written.")
    return found


def new_master_key() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


def write_key_file(settings: Settings, keys: Sequence[bytes]) -> None:
    """Put other keys into the key file, all at once. Raises SetupError."""
    path = key_file(settings)
    try:
        _draft(path, keys).replace(path)
        _sync(path.parent)
    except OSError as error:
        raise SetupError(f"The key file {path} cannot be written: {error}.") from None


def _draft(path: Path, keys: Sequence[bytes]) -> Path:
    """A file beside the key file, of its owner alone, that holds these keys on disk."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(encode_key(key) + "\n" for key in keys)
        file.flush()
        os.fsync(file.fileno())
    return draft


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
