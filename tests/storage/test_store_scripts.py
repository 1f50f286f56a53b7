"""Scripts: transactions that are the same on every engine, run whole or not at all."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import msgspec
import pytest
from anyio import create_task_group
from anyio.from_thread import BlockingPortal
from workbench import THINGS, Workbench, initialised, opened, rows_of

from rowkeep.errors.catalogue import NameTaken
from rowkeep.model.access import Workspace
from rowkeep.model.definitions.tables import TableBody
from rowkeep.sql.statements import Statement
from rowkeep.storage.contract import Row, StaleCatalog, UniqueConflict, WorkspaceDatabase

pytestmark = pytest.mark.anyio


class Mishap(Exception):
    """Something that a script of a test raises."""


async def test_a_script_is_sent_the_rows_of_each_statement(things: Workbench) -> None:
    def script() -> Generator[Statement, Sequence[Row], list[Sequence[Row]]]:
        first = yield Statement("SELECT 1 UNION ALL SELECT 2 ORDER BY 1")
        none = yield things.statement("DELETE FROM @things")
        second = yield things.statement("SELECT count(*) FROM @things")
        return [first, none, second]

    rows = await things.database.write(script)
    assert [[tuple(row) for row in each] for each in rows] == [[(1,), (2,)], [], [(0,)]]


async def test_a_script_without_statements(database: WorkspaceDatabase) -> None:
    def script() -> Generator[Statement, Sequence[Row], str]:
        return "done"
        yield Statement("SELECT 1")

    assert await database.read(script) == "done"
    assert await database.write(script) == "done"


async def test_a_script_of_one_statement(things: Workbench) -> None:
    await things.insert({"Text": "before"})

    def write() -> Generator[Statement, Sequence[Row], str]:
        yield things.statement("""UPDATE @things SET "Text" = 'after'""")
        return "written"

    def read() -> Generator[Statement, Sequence[Row], None]:
        rows = yield things.statement("""SELECT "Text" FROM @things""")
        assert [tuple(row) for row in rows] == [("after",)]
        raise Mishap

    assert await things.database.write_one(write) == "written"
    with pytest.raises(Mishap):
        await things.database.read_one(read)


async def test_what_a_script_raises_undoes_it(things: Workbench) -> None:
    await things.insert({"Text": "before"})

    def script() -> Generator[Statement, Sequence[Row], None]:
        yield things.statement("""UPDATE @things SET "Text" = 'after'""")
        yield from things.scripts.state.raise_version()
        raise Mishap

    with pytest.raises(Mishap):
        await things.database.write(script)
    assert await things.column("Text") == ["before"]


async def test_what_is_created_is_undone_too(things: Workbench) -> None:
    def script() -> Generator[Statement, Sequence[Row], None]:
        yield things.sql.physical.drop()
        yield from things.scripts.tables.create(msgspec.convert(THINGS, TableBody), "again")

    with pytest.raises(NameTaken):
        await things.database.write(script)
    await things.insert({"Text": "still there"})
    assert await things.column("Text") == ["still there"]


async def test_a_unique_conflict_undoes_a_script(database: WorkspaceDatabase, things: Workbench) -> None:
    await things.insert({"Text": "before"})

    def script() -> Generator[Statement, Sequence[Row], None]:
        yield things.statement("""UPDATE @things SET "Text" = 'after'""")
        yield things.statement("INSERT INTO @things SELECT * FROM @things")

    with pytest.raises(UniqueConflict) as caught:
        await database.write(script)
    assert (caught.value.index, caught.value.row) == (None, None)
    assert await things.column("Text") == ["before"]


async def test_a_missing_table_is_a_stale_catalog(things: Workbench) -> None:
    missing = things.statement("SELECT * FROM @nothings")

    def read() -> Generator[Statement, Sequence[Row], None]:
        yield missing

    def write() -> Generator[Statement, Sequence[Row], None]:
        yield things.statement("""UPDATE @things SET "Text" = 'after'""")
        yield missing

    await things.insert({"Text": "before"})
    with pytest.raises(StaleCatalog):
        await things.database.read(read)
    with pytest.raises(StaleCatalog):
        await things.database.write(write)
    assert await things.column("Text") == ["before"]


async def test_a_missing_column_is_a_stale_catalog(things: Workbench) -> None:
    with pytest.raises(StaleCatalog):
        await rows_of(things.database, 'SELECT "Gone" FROM @things')
    with pytest.raises(StaleCatalog):
        await rows_of(things.database, """UPDATE @things SET "Gone" = 'x'""")
    with pytest.raises(StaleCatalog):
        await rows_of(things.database, """INSERT INTO @things ("Gone") VALUES ('x')""")


async def test_a_script_reads_one_snapshot(
    things: Workbench, workspace: Workspace, url: str, portal: BlockingPortal
) -> None:
    """What others commit while it runs, it does not see."""
    with portal.wrap_async_context_manager(opened(url)) as neighbour:
        theirs = things.at(portal.call(initialised, neighbour, workspace))

        def script() -> Generator[Statement, Sequence[Row], list[int]]:
            counts = []
            for _ in range(3):
                rows = yield things.statement("SELECT count(*) FROM @things")
                counts.append(rows[0][0])
                portal.call(theirs.insert, {"Text": "theirs"})
            return counts

        assert await things.database.read(script) == [0, 0, 0]
        assert await things.count() == 3


async def test_scripts_that_write_the_same_row_are_one_behind_the_other(things: Workbench) -> None:
    versions: list[int] = []

    async def raise_version() -> None:
        versions.append(await things.database.write(things.scripts.state.raise_version))

    async with create_task_group() as group:
        for _ in range(40):
            group.start_soon(raise_version)
    assert sorted(versions) == [things.version + at for at in range(1, 41)]
