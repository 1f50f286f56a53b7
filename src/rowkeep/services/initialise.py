"""Initialisation of an empty store, and opening an initialised one."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from functools import partial

import msgspec

from rowkeep.catalog.catalog import Catalog, open_catalog
from rowkeep.crypto.ciphers import hash_token
from rowkeep.crypto.master_key import MasterKeys, find_master_keys, key_file, make_master_key, remove_made
from rowkeep.errors.catalogue import SetupError
from rowkeep.model.audit import AuditActor, AuditEntry, Outcome
from rowkeep.model.ids import Stamp
from rowkeep.model.users import OneTimeLink
from rowkeep.model.values.scalars import canonical_date
from rowkeep.services.admin_tokens import new_admin_token
from rowkeep.services.audit import process_actor
from rowkeep.services.sessions import NEVER, new_link_token
from rowkeep.settings import Settings
from rowkeep.sql.statements import Statement
from rowkeep.storage.contract import Row, Store
from rowkeep.storage.known_databases import refuse_without_catalog
from rowkeep.storage.migrations import alone
from rowkeep.storage.scripts.audit import AuditScripts
from rowkeep.storage.scripts.catalog import CatalogScripts
from rowkeep.storage.scripts.sessions import SessionScripts


class FirstSecrets(msgspec.Struct, frozen=True):
    """The first admin token, and the token of the one-time link for the first user; neither is stored."""

    admin_token: str
    link: str


async def initialise(store: Store, settings: Settings) -> FirstSecrets | None:
    """Initialise an empty store with a master key, the workspace ``main``, an admin token and a one-time link
    for the first user.

    Returns the secrets, which are not stored; None if the store was already initialised, possibly by
    another process at the same time. Raises SetupError.
    """
    installation = CatalogScripts(store.catalog.dialect, store.catalog.namespace)
    if await store.catalog.read(installation.key_fingerprint) is not None:
        return None
    present = await store.present()
    # checked again: another process may have initialised the store meanwhile, and created a database
    if await store.catalog.read(installation.key_fingerprint) is not None:
        return None
    refuse_without_catalog(present, "The catalog is empty. Restore it from a backup of the same time.")
    found = find_master_keys(settings)
    master, created = (found, None) if found is not None else make_master_key(settings)
    try:
        return await store.catalog.write(
            partial(_initialise, installation, store, settings, master, process_actor())
        )
    except BaseException:
        if created is not None and await store.catalog.read(installation.key_fingerprint) is None:
            remove_made(created)
        raise


def _initialise(
    installation: CatalogScripts, store: Store, settings: Settings, master: MasterKeys, actor: AuditActor
) -> Generator[Statement, Sequence[Row], FirstSecrets | None]:
    yield from alone(store.catalog.dialect, store.catalog.namespace)
    stamp = store.ids.stamp(1)
    if not (yield from installation.initialise(master.fingerprints[-1], canonical_date(stamp.moment))):
        return None
    token, text = new_admin_token("first", stamp)
    yield from installation.add_admin_token(token, hash_token(text))
    link = new_link_token()
    sessions = SessionScripts(store.catalog.dialect, store.catalog.namespace)
    yield from sessions.add_link(hash_token(link), OneTimeLink.FIRST, "", NEVER)
    yield from AuditScripts(store.catalog.dialect, store.catalog.namespace).add([_first_entry(stamp, actor)])
    if find_master_keys(settings) is None:
        # the process that created the key failed and removed it
        raise SetupError(f"The key file {key_file(settings)} is missing. Start again.")
    return FirstSecrets(text, link)


def _first_entry(stamp: Stamp, actor: AuditActor) -> AuditEntry:
    time = canonical_date(stamp.moment)
    return AuditEntry(f"au-{next(stamp.ids())}", time, actor, "store.initialise", Outcome.SUCCESS)


async def open_initialised(store: Store, settings: Settings) -> Catalog:
    """The catalog of an initialised store. Raises SetupError for one without its master key."""
    master = find_master_keys(settings)
    if master is None:
        raise SetupError(
            f"No master key: set ROWKEEP_MASTER_KEY, or restore the key file {key_file(settings)}. For a new "
            "store, run rowkeep init."
        )
    return await open_catalog(store, master, settings)
