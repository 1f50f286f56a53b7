"""Keys: which master key a backup needs, and where it is found."""

from __future__ import annotations

from pathlib import Path

import msgspec

from rowkeep.crypto.ciphers import decode_key
from rowkeep.crypto.master_key import MasterKeys, find_master_keys, key_file, make_master_key
from rowkeep.errors.catalogue import SetupError
from rowkeep.model.backups import Manifest
from rowkeep.services.backups.contents import fitting_key
from rowkeep.settings import Settings


def backup_settings(settings: Settings, manifest: Manifest, given: str | None) -> Settings:
    """The settings with the master key of a backup: that of a key file that was given, or else the one in the
    backup, or else that of the settings. Raises SetupError for another key, or none."""
    found = settings
    if given is not None:
        found = msgspec.structs.replace(settings, master_key=None, master_key_file=given)
    elif manifest.master_key is not None:
        found = msgspec.structs.replace(settings, master_key=manifest.master_key)
    master = find_master_keys(found)
    if master is None:
        raise SetupError(
            f"No master key: the backup needs the key with the fingerprint {manifest.key_fingerprint}. Give "
            "its key file with --key-file, or set ROWKEEP_MASTER_KEY."
        )
    fitting_key(master, manifest.key_fingerprint)
    # for another store, the default file would be another one
    return msgspec.structs.replace(found, master_key_file=str(key_file(found)))


def keys_for_check(settings: Settings, manifest: Manifest, given: str | None) -> MasterKeys | None:
    """The master key for a check; None if there is none on this machine."""
    if given is None and manifest.master_key is None and find_master_keys(settings) is None:
        return None
    return find_master_keys(backup_settings(settings, manifest, given))


def place_key(settings: Settings, manifest: Manifest) -> list[Path]:
    """Write the key that is in a backup to the key file of the settings, if there is none. Returns what was
    created. Raises SetupError if there is another key."""
    own = find_master_keys(settings)
    if own is not None:
        fitting_key(own, manifest.key_fingerprint)
    elif manifest.master_key is not None:
        key = decode_key(manifest.master_key, "The master key in the backup")
        master, made = make_master_key(settings, key)
        fitting_key(master, manifest.key_fingerprint)
        return made
    return []


def uses_other_file(settings: Settings, given: str | None) -> bool:
    """Whether servers must be given this key file, because it is not theirs."""
    if given is None or settings.master_key is not None:
        return False
    own = key_file(settings)
    return not (own.exists() and Path(given).exists() and own.samefile(given))
