"""Stored entries of the audit log: with their change in one transaction, and deleted when they are old."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from rowkeep.catalog.catalog import Catalog
from rowkeep.errors.catalogue import Busy, NameTaken, NoSuchTable, ShuttingDown, StorageUnavailable
from rowkeep.model.audit import NOBODY, AuditEntry, AuditFilter, Outcome
from rowkeep.model.ids import IdSource, wall_clock
from rowkeep.model.management_requests import WorkspaceBody
from rowkeep.model.values.scalars import canonical_date
from rowkeep.services.audit import DELETED_AT_ONCE, PENDING, AuditLog, command_actor, delete_old_entries
from rowkeep.services.initialise import initialise, open_initialised
from rowkeep.services.workspaces import Workspaces
from rowkeep.settings import Settings
from rowkeep.storage.contract import Store
from rowkeep.storage.opening import make_store

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 27, tzinfo=UTC)


class Audited:
    """A new store, its catalog and an audit log as that of a command."""

    def __init__(self, store: Store, catalog: Catalog, settings: Settings) -> None:
        self.store, self.catalog, self.settings = store, catalog, settings
        self.log = AuditLog(catalog, settings, wall_clock, command_actor())

    @classmethod
    async def opened(cls, url: str, directory: Path) -> Audited:
        settings = Settings(database_url=url, master_key_file=str(directory / "key"), audit_days=7)
        store = make_store(settings, IdSource())
        await store.open()
        await initialise(store, settings)
        return cls(store, await open_initialised(store, settings), settings)

    async def entries(self, action: str) -> list[AuditEntry]:
        script = partial(self.catalog.audit.entries, AuditFilter(action=action), "", 5 * DELETED_AT_ONCE)
        return await self.store.catalog.read(script)

    def draft(self, action: str) -> AuditEntry:
        return self.log.entry(NOBODY, action)


async def test_an_entry_and_its_change(new_store: Callable[[], str], tmp_path: Path) -> None:
    audited = await Audited.opened(new_store(), tmp_path)
    workspaces = Workspaces(audited.catalog, wall_clock)
    create = partial(workspaces.create, WorkspaceBody("orders"))
    await audited.log.run(audited.draft("workspace.create"), create, is_atomic=True)
    with pytest.raises(NameTaken):
        await audited.log.run(audited.draft("workspace.create"), create, is_atomic=True)
    await audited.log.close()
    found = await audited.entries("workspace")
    assert [(each.result, each.cause) for each in found] == [
        (Outcome.FAILED, "name_taken"),
        (Outcome.SUCCESS, ""),
    ]
    await audited.store.close()


async def test_a_change_of_a_workspace_has_an_entry_first(
    new_store: Callable[[], str], tmp_path: Path
) -> None:
    audited = await Audited.opened(new_store(), tmp_path)
    during: list[Outcome] = []

    async def change() -> None:
        during.extend(each.result for each in await audited.entries("table"))
        if len(during) > 1:
            raise NoSuchTable("No such table.")

    await audited.log.run(audited.draft("table.change"), change, is_atomic=False)
    with pytest.raises(NoSuchTable):
        await audited.log.run(audited.draft("table.change"), change, is_atomic=False)
    assert during == [Outcome.STARTED, Outcome.STARTED, Outcome.SUCCESS]
    assert [each.result for each in await audited.entries("table")] == [Outcome.FAILED, Outcome.SUCCESS]
    await audited.store.close()


@pytest.mark.parametrize(
    "cut_off", [asyncio.CancelledError(), ShuttingDown(), StorageUnavailable()], ids=repr
)
async def test_a_change_that_is_cut_off_may_have_been_made(
    new_store: Callable[[], str], tmp_path: Path, cut_off: BaseException
) -> None:
    audited = await Audited.opened(new_store(), tmp_path)

    async def change() -> None:
        raise cut_off

    create = partial(Workspaces(audited.catalog, wall_clock).create, WorkspaceBody("orders"))

    async def committed() -> None:
        # as far as the request knows, its transaction was not committed
        await create()
        pending = PENDING.get()
        assert pending is not None
        pending.is_stored, pending.entry = False, drafts[-1]
        raise cut_off

    drafts = [audited.draft("table.change"), audited.draft("user.change"), audited.draft("workspace.create")]
    for draft, call in zip(drafts, (change, change, committed), strict=True):
        with pytest.raises(type(cut_off)):
            await audited.log.run(draft, call, is_atomic=draft is not drafts[0])
    await audited.log.close()
    cause = "storage_unavailable" if isinstance(cut_off, StorageUnavailable) else "shutting_down"
    for action in ("table", "user"):
        [entry] = await audited.entries(action)
        assert (entry.result, entry.cause) == (Outcome.STARTED, cause)
    [entry] = await audited.entries("workspace")
    assert (entry.result, entry.cause) == (Outcome.SUCCESS, "")
    await audited.store.close()


async def test_what_is_done_has_an_entry_whatever_becomes_of_its_request(
    new_store: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    audited = await Audited.opened(new_store(), tmp_path)
    recording = asyncio.ensure_future(audited.log.record_done(audited.draft("rows.undo")))
    await asyncio.sleep(0)
    recording.cancel()
    with pytest.raises(asyncio.CancelledError):
        await recording
    await audited.log.close()
    assert len(await audited.entries("rows.undo")) == 1

    async def write(_script: object) -> None:
        raise Busy()

    monkeypatch.setattr(audited.store.catalog, "write", write)
    # "Nothing was written" would not be true
    await audited.log.record_done(audited.draft("rows.undo"))
    await audited.store.close()


async def test_old_entries_are_deleted(new_store: Callable[[], str], tmp_path: Path) -> None:
    audited = await Audited.opened(new_store(), tmp_path)
    ids = audited.store.ids.stamp(DELETED_AT_ONCE + 3).ids()
    ages = [timedelta(days=8)] * (DELETED_AT_ONCE + 1) + [timedelta(days=7), timedelta(days=1)]
    made = [
        AuditEntry(f"au-{each}", canonical_date(NOW - age), NOBODY, "user.create", Outcome.SUCCESS)
        for each, age in zip(ids, ages, strict=True)
    ]
    await audited.store.catalog.write(partial(audited.catalog.audit.add, made))
    await delete_old_entries(audited.catalog, audited.settings, lambda: NOW)
    assert await audited.entries("user.create") == made[:-3:-1]
    await audited.store.close()
