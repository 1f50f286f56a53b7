"""Keys: the master key, and what is derived from and sealed under it.

The master key wraps one data key for each workspace; all else that a workspace keeps secret is sealed under
keys derived from its data key (HKDF, RFC 5869), so that a new master key has little to re-wrap.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from rowkeep.errors import DamagedCell, SetupError
from rowkeep.settings import Settings

KEY_BYTES = 32
NONCE_BYTES = 12


def encode_key(key: bytes) -> str:
    """A key as base64url without padding, the form that settings and key files hold."""
    return base64.urlsafe_b64encode(key).rstrip(b"=").decode("ascii")


def decode_key(text: str, source: str) -> bytes:
    """The 32 bytes that ``text`` spells; SetupError, naming ``source``, if it does not."""
    try:
        key = base64.urlsafe_b64decode(text.strip() + "=" * (-len(text.strip()) % 4))
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise SetupError(f"{source} must hold base64url of {KEY_BYTES} bytes.")
    return key


class Sealer:
    """Seals and opens small secrets with AES-256-GCM under one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._cipher = AESGCM(key)

    def seal(self, secret: bytes, bound_to: str) -> bytes:
        """``secret`` encrypted; it can be opened only with the same ``bound_to``."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, bound_to.encode())

    def open(self, sealed: bytes, bound_to: str) -> bytes:
        """What was sealed. SetupError if it was sealed under another key or for something else."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to.encode())
        except InvalidTag:
            raise SetupError("The store was initialised with another master key; give that one.") from None

    def derive(self, purpose: str, length: int = KEY_BYTES) -> bytes:
        """A key of ``length`` bytes for one purpose (HKDF-SHA256, RFC 5869)."""
        return HKDF(SHA256(), length, salt=None, info=f"rowkeep:{purpose}".encode()).derive(self._key)

    def cipher(self, table_id: str, column_id: str) -> ColumnCipher:
        """What encrypts the cells of one column, under a key of its own."""
        column = f"column:{table_id}:{column_id}"
        return ColumnCipher(self.derive(column, 2 * KEY_BYTES), column)

    def fingerprint(self) -> str:
        """Tells this key from others without giving anything of it away."""
        return self.derive("fingerprint").hex()[:16]


class ColumnCipher:
    """Encrypts the cells of one column with AES-SIV (RFC 5297): authenticated, and deterministic, so that
    equal cells stay equal. Bound to ids that never change: in another column the same bytes do not open."""

    def __init__(self, key: bytes, bound_to: str) -> None:
        self._cipher = AESSIV(key)
        self._bound_to = [bound_to.encode()]

    def seal(self, text: bytes) -> bytes:
        """``text`` encrypted; 16 bytes longer."""
        return self._cipher.encrypt(text, self._bound_to)

    def open(self, sealed: bytes) -> bytes:
        """What was sealed. Raises DamagedCell if it was not sealed for this column, or changed since."""
        try:
            return self._cipher.decrypt(sealed, self._bound_to)
        except InvalidTag:
            raise DamagedCell() from None


def new_data_key() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


def hash_token(token: str) -> str:
    """What is kept of an admin token. It has 256 random bits, so one round of SHA-256 is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def default_key_file(settings: Settings) -> Path:
    """Where the master key lies unless a setting says otherwise: never inside the data directory, so
    that a copy of the data does not bring the key along."""
    scheme, _, path = settings.database_url.partition(":///")
    return Path(path.rstrip("/") + ".key") if scheme == "sqlite" else Path("rowkeep.key")


def find_master_key(settings: Settings) -> Sealer | None:
    """The master key of the settings or of the key file; None if there is none yet.

    Raises SetupError for a key that is not one, or a file that cannot be read.
    """
    if settings.master_key is not None:
        return Sealer(decode_key(settings.master_key, "ROWKEEP_MASTER_KEY"))
    path = key_file(settings)
    try:
        return Sealer(decode_key(path.read_text(), f"The key file {path}"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"The key file {path} cannot be read: {error}.") from None


def key_file(settings: Settings) -> Path:
    return Path(settings.master_key_file) if settings.master_key_file else default_key_file(settings)


def write_master_key(settings: Settings) -> Sealer:
    """Make a master key and keep it in the key file, mode 0600.

    When several processes start at once, one writes the file and all use what it holds.
    """
    path = key_file(settings)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(encode_key(secrets.token_bytes(KEY_BYTES)) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    except OSError as error:
        raise SetupError(f"The key file {path} cannot be written: {error}.") from None
    found = find_master_key(settings)
    if found is None:
        raise SetupError(f"The key file {path} vanished while it was written.")
    return found
