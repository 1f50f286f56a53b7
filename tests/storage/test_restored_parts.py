"""Parts of a backup that several processes restore into one store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from installation import Installation, installed
from workbench import THINGS, Workbench

from rowkeep.errors.catalogue import Busy, NameTaken, SetupError
from rowkeep.services.backups.archives import new_archive, open_archive
from rowkeep.services.backups.backup import Backup
from rowkeep.services.backups.contents import Contents
from rowkeep.services.backups.parts import TableRestore, restore_workspace, unpacked
from rowkeep.services.backups.sources import open_source
from rowkeep.services.copies.copier import discard_copy, unfinished_copy
from rowkeep.storage.scripts.copies import CopyScripts

pytestmark = pytest.mark.anyio


def ignored(_: object) -> None:
    pass


async def back_up(store: Installation, path: Path) -> None:
    """A backup of the store, with a table in its workspace ``used``."""
    bench = await Workbench.with_table((await store.catalog.named("used")).database, THINGS)
    await bench.insert({"Text": "a"}, {"Text": "b"})
    async with open_source(store.catalog, store.settings) as source:
        with new_archive(path, None) as writer:
            await Backup(store.catalog, store.settings, source, writer, ignored).run(with_key=False)


async def restore(store: Installation, path: Path, table: str | None) -> None:
    """Restore the workspace or a table of it as ``again``."""
    catalog, settings = store.catalog, store.settings
    with open_archive(path, None) as archive:
        async with unpacked(Contents(archive), settings, "used", ignored, table) as source:
            if table is None:
                await restore_workspace(catalog, settings, source, "again", "a backup", ignored)
            else:
                await TableRestore(catalog, settings, source, table, "again").run("a backup", ignored)


async def test_of_two_restores_at_once_one_succeeds(new_store: Callable[[], str], tmp_path: Path) -> None:
    async with installed(new_store(), tmp_path) as store:
        path = tmp_path / "whole.backup"
        await back_up(store, path)
        for table, workspace, expected in (
            (None, "again", ["things"]),
            ("things", "used", ["again", "things"]),
        ):
            both = [restore(store, path, table) for _ in range(2)]
            ends = await asyncio.gather(*both, return_exceptions=True)
            (refused,) = [end for end in ends if end is not None]
            assert isinstance(refused, Busy | NameTaken | SetupError), refused
            opened = await store.catalog.named(workspace)
            tables = await opened.database.read(partial(opened.scripts.tables.page, "", None))
            assert [each.name for each in tables] == expected
            assert await unfinished_copy(opened) is None


async def test_a_copy_belongs_to_the_process_that_continues_it(
    new_store: Callable[[], str], tmp_path: Path
) -> None:
    async with installed(new_store(), tmp_path) as store:
        used = await store.catalog.named("used")
        first, second = (CopyScripts(used.scripts, owner) for owner in ("first", "second"))
        await used.database.write(partial(first.begin, "a backup", 1))
        state = await used.database.write(second.take_over)
        with pytest.raises(Busy, match="Another process copies"):
            await used.database.write(partial(first.discard, state))
        assert not await discard_copy(store.settings, used, "first")
        assert await unfinished_copy(used) == state
        assert await discard_copy(store.settings, used, "second")
