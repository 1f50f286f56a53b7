"""Backups that are damaged, or that somebody has changed: they are refused, and the error says where."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from undoing import RECORDED
from workbench import ALL, Workbench

from rowkeep.errors.catalogue import SetupError
from rowkeep.model.backups import BackupPart
from rowkeep.model.ids import IdSource
from rowkeep.services.backups.archives import new_archive, open_archive
from rowkeep.services.backups.backup import Backup
from rowkeep.services.backups.contents import Contents
from rowkeep.services.backups.parts import TableRestore, unpacked
from rowkeep.services.backups.restore import Restore
from rowkeep.services.backups.sources import open_source
from rowkeep.services.backups.verify import verify
from rowkeep.services.doctor import Doctor, Finding
from rowkeep.services.initialise import initialise
from rowkeep.services.local_store import open_store
from rowkeep.services.work_directories import EXPORT, work_directory
from rowkeep.settings import Settings
from rowkeep.storage.opening import make_store
from rowkeep.storage.scripts.copies import CopyScripts
from support.crafted_backups import Rows, craft

pytestmark = pytest.mark.anyio

ROW = {
    "Text": "a", "Number": 1.5, "Whole": 7, "Flag": True, "Day": "2020-01-02T03:04:05.678Z",
    "Exact": "1.50", "Document": {"a": [1]}, "Secret": "hidden",
}  # fmt: skip

WRONG: tuple[Any, ...] = (
    7,
    -(2**70),
    1.5,
    True,
    None,
    "x",
    "\u0000",
    "2021-02-30T00:00:00.000Z",
    [],
    {"a": 1},
)
"""Cells, each of which is wrong in most columns."""


def ignored(_: object) -> None:
    pass


@pytest.fixture(scope="module")
async def backup(tmp_path_factory: pytest.TempPathFactory, anyio_backend: object) -> Path:
    """A backup of a small store with something of everything."""
    directory = tmp_path_factory.mktemp("damaged")
    settings = Settings(database_url=f"sqlite:///{directory}/store", master_key_file=str(directory / "key"))
    store = make_store(settings, IdSource())
    await store.open()
    await initialise(store, settings)
    await store.close()
    path = directory / "whole.backup"
    async with open_store(settings) as catalog:
        bench = await Workbench.with_table((await catalog.named("main")).database, RECORDED)
        await bench.insert(ROW, {"Text": "b"})
        await bench.update(ALL, {"Number": 2})
        async with open_source(catalog, settings) as source:
            with new_archive(path, None) as writer:
                await Backup(catalog, settings, source, writer, ignored).run(with_key=False)
    return path


async def fault(path: Path) -> str | None:
    """What a check of a backup finds first."""
    try:
        with open_archive(path, None) as archive:
            await verify(Contents(archive), None, ignored)
    except SetupError as error:
        return str(error)
    return None


async def restored(path: Path, url: str) -> str | None:
    """What a restore finds first."""
    try:
        with open_archive(path, None) as archive:
            await Restore(Contents(archive), Settings(database_url=url), ignored).run()
    except SetupError as error:
        return str(error)
    return None


async def test_a_whole_backup_is_restored(backup: Path, new_store: Callable[[], str]) -> None:
    """Also a history with a decimal column, which has sort keys, before others."""
    assert await fault(backup) is None
    assert await restored(backup, new_store()) is None


async def test_bytes_that_have_changed_are_found(backup: Path, tmp_path: Path) -> None:
    """A change that does no harm is possible, such as one of the time of an entry."""
    chance, path = random.Random(7), tmp_path / "damaged"
    whole = backup.read_bytes()  # noqa: ASYNC240 - small, and nothing else runs
    faults = 0
    for _ in range(120):
        damaged = bytearray(whole)
        for _ in range(chance.choice((1, 3))):
            damaged[chance.randrange(len(whole))] = chance.randrange(256)
        path.write_bytes(damaged[: chance.choice((len(whole), chance.randrange(len(whole))))])
        faults += await fault(path) is not None
    assert faults > 60


def replaced(path: str, column: str, cell: Any) -> Callable[[BackupPart, Rows], None]:
    """A change of one cell in the first row of a part."""

    def change(part: BackupPart, rows: Rows) -> None:
        if part.path == path:
            rows[0][part.columns.index(column)] = cell

    return change


async def test_a_cell_of_another_type_is_named(backup: Path, tmp_path: Path) -> None:
    with open_archive(backup, None) as archive:
        parts = [part for part in archive.manifest.parts if part.rows]
    assert len(parts) > 10
    for part in parts:
        for column in part.columns:
            craft(backup, tmp_path / "crafted", replaced(part.path, column, {"a": 1}))
            found = await fault(tmp_path / "crafted")
            assert found is not None, (part.path, column)
            assert f"is damaged: {part.path}: " in found
            assert "row 1, column " in found
            assert "got `object`" in found


INVALID: dict[str, tuple[Any, str]] = {
    "Number": ("7", "expected `float | null`, got `str`"),
    "Whole": (2**63, "expected `int` <= 9223372036854775807"),
    "Flag": (1, "expected `bool | null`, got `int`"),
    "Day": ("2021-02-30T00:00:00.000Z", "a date that the calendar does not have"),
    "Exact": ("1e5", "expected `str` matching regex"),
    "Document": ("{", "a text that is not JSON"),
    "Secret": ("not base64", "invalid base64"),
    "Text": ("a\0b", "a text with U+0000"),
    "_id": ("x", "expected `str` matching regex"),
    "Created_By": (None, "expected `str`, got `null`"),
}


@pytest.mark.parametrize("column", INVALID)
async def test_a_cell_that_no_column_can_have(backup: Path, tmp_path: Path, column: str) -> None:
    cell, problem = INVALID[column]
    with open_archive(backup, None) as archive:
        path = archive.manifest.databases[0].tables[0].path
    craft(backup, tmp_path / "crafted", replaced(path, column, cell))
    found = await fault(tmp_path / "crafted")
    assert found is not None
    assert f"table things, row 1, column {column}: {problem}" in found


def second_row_again(part: BackupPart, rows: Rows) -> None:
    if "/rows/" in part.path:
        rows[1] = rows[0]


def no_cells(part: BackupPart, rows: Rows) -> None:
    if "/records/" in part.path:
        rows[-1].clear()


@pytest.mark.parametrize("change", [second_row_again, no_cells])
async def test_a_restore_that_is_refused_leaves_nothing(
    backup: Path, tmp_path: Path, new_store: Callable[[], str], change: Callable[[BackupPart, Rows], None]
) -> None:
    craft(backup, tmp_path / "crafted", change)
    url = new_store()
    assert "is damaged" in str(await restored(tmp_path / "crafted", url))
    assert await restored(backup, url) is None


# what restores leave that are killed


async def test_a_restore_never_removes_a_store_that_was_created_since(
    backup: Path, new_store: Callable[[], str]
) -> None:
    """A killed restore has left its list of schemas, or its directory."""
    url = new_store()
    assert await restored(backup, url) is None
    if url.startswith("sqlite"):
        await asyncio.to_thread(
            Path(url.removeprefix("sqlite:///"), ".restore-1/workspaces").mkdir, parents=True
        )
    else:
        connection = await asyncpg.connect(url)
        await connection.execute(
            "CREATE SCHEMA rowkeep_restore; CREATE TABLE rowkeep_restore.schemas (name text PRIMARY KEY); "
            "INSERT INTO rowkeep_restore.schemas VALUES ('w1_main')"
        )
        await connection.close()
    assert "is not empty" in str(await restored(backup, url))
    async with open_store(
        Settings(database_url=url, master_key_file=str(backup.with_name("key")))
    ) as catalog:
        main = await catalog.named("main")
        (table,) = await main.database.read(partial(main.scripts.tables.page, "", None))
        assert table.name == "things"


async def test_directories_of_killed_restores_are_found_and_removed(
    backup: Path, new_store: Callable[[], str], tmp_path: Path
) -> None:
    url = new_store()
    assert await restored(backup, url) is None
    key = str(backup.with_name("key"))
    settings = Settings(database_url=url, master_key_file=key, stream_directory=str(tmp_path))
    left = tmp_path / "rowkeep-restore-left"
    left.mkdir()
    async with open_store(settings) as catalog:
        with open_archive(backup, None) as archive, work_directory(settings, EXPORT) as used:
            doctor = Doctor(catalog, settings, reads_rows=False)
            found = [each async for each in doctor.run() if isinstance(each, Finding)]
            assert [(each.place, each.fix) for each in found] == [(str(left), f"Run: rm -r {left}")]
            async with unpacked(Contents(archive), settings, "main", ignored) as source:
                assert source.workspace.name == "main"
                assert not left.exists()
                assert used.exists()
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240 - an empty directory


async def test_a_failed_restore_leaves_the_unfinished_copy_of_another_source(
    backup: Path, new_store: Callable[[], str], tmp_path: Path
) -> None:
    url = new_store()
    assert await restored(backup, url) is None
    key = str(backup.with_name("key"))
    settings = Settings(database_url=url, master_key_file=key, stream_directory=str(tmp_path))
    async with open_store(settings) as catalog:
        main = await catalog.named("main")
        await main.database.write(partial(CopyScripts(main.scripts).begin, "another store", 1))
        with open_archive(backup, None) as archive:
            async with unpacked(Contents(archive), settings, "main", ignored) as source:
                planned = TableRestore(catalog, settings, source, "things", "again")
                with pytest.raises(SetupError, match="unfinished copy of another store"):
                    await planned.run("a backup", ignored)
        doctor = Doctor(catalog, settings, reads_rows=False)
        found = [each.problem async for each in doctor.run() if isinstance(each, Finding)]
        assert found == ["It has an unfinished copy of another store."]
