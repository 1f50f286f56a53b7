"""Guards in storage: ``Updated_On`` increases strictly, and writes out of bounds are undone."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec
import pytest
from workbench import ALL, THINGS, Workbench, initialised, opened, rows_of, scripts_of, where

from rowkeep.errors.catalogue import AffectedOutOfBounds
from rowkeep.model.access import Algorithm, App, Workspace
from rowkeep.model.ids import IdSource
from rowkeep.plan.rows.bounds import Bounds
from rowkeep.sql.statements import Statement
from rowkeep.storage import migrations
from rowkeep.storage.contract import Row, WorkspaceDatabase

pytestmark = pytest.mark.anyio

MOMENTS = [
    "2020-03-28T07:02:09.652Z",
    "2024-02-29T23:59:59.998Z",
    "2024-12-31T23:59:59.999Z",
    "1969-12-31T23:59:59.999Z",
]


def next_millisecond(moment: str) -> str:
    later = datetime.fromisoformat(moment) + timedelta(milliseconds=1)
    return later.strftime("%Y-%m-%dT%H:%M:%S.") + f"{later.microsecond // 1000:03}Z"


class Clock:
    """Shows the moment that it is set to."""

    def __init__(self, now: str) -> None:
        self.set(now)

    def set(self, now: str) -> None:
        self.now = datetime.fromisoformat(now).astimezone(UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.mark.parametrize("moment", MOMENTS)
async def test_several_updates_in_one_millisecond(url: str, workspace: Workspace, moment: str) -> None:
    clock = Clock(moment)
    async with opened(url, IdSource(clock)) as store:
        things = await Workbench.with_table(await initialised(store, workspace), THINGS)
        await things.insert({"Whole": 1}, {"Whole": 2})
        assert await things.column("Updated_On") == [moment] * 2
        expected = moment
        for _ in range(3):
            expected = next_millisecond(expected)
            await things.update(where("Whole", "=", 1), {})
            assert await things.column("Updated_On") == [expected, moment]
        assert await things.column("Created_On") == [moment] * 2
        updated = await things.update(ALL, {"Text": "x"})
        assert updated.rows is not None
        assert [row[5] for row in updated.rows] == [next_millisecond(expected), next_millisecond(moment)]


async def test_every_millisecond_of_a_second(url: str, workspace: Workspace) -> None:
    moment = "2024-12-31T23:59:59.000Z"
    async with opened(url, IdSource(Clock(moment))) as store:
        things = await Workbench.with_table(await initialised(store, workspace), THINGS)
        await things.insert({})
        for _ in range(1001):
            await things.update(ALL, {}, max_records=0)
            expected = next_millisecond(moment)
            assert await things.column("Updated_On") == [expected]
            moment = expected


async def test_a_clock_that_goes_back(url: str, workspace: Workspace) -> None:
    clock = Clock("2020-03-28T07:02:09.652Z")
    async with opened(url, IdSource(clock)) as store:
        things = await Workbench.with_table(await initialised(store, workspace), THINGS)
        await things.insert({})
        clock.set("2020-03-28T06:00:00.000Z")
        await things.update(ALL, {})
        assert await things.column("Updated_On") == ["2020-03-28T07:02:09.653Z"]
        clock.set("2020-03-28T08:00:00.000Z")
        await things.update(ALL, {})
        assert await things.column("Updated_On") == ["2020-03-28T08:00:00.000Z"]


async def test_bounds_undo_one_write_only(things: Workbench) -> None:
    await things.insert(*[{"Whole": at} for at in range(5)])
    before = await things.column("Updated_On")
    plan = things.update_plan(ALL, {"Text": "x"})
    for bounds in (Bounds(maximum=4), Bounds(minimum=6), Bounds(app_maximum=0)):
        refused = msgspec.structs.replace(plan, bounds=bounds)
        with pytest.raises(AffectedOutOfBounds) as error:
            await things.database.update(things.sql, refused, things.version)
        assert error.value.problems[0].more == {"nMatched": 5}
        with pytest.raises(AffectedOutOfBounds):
            await things.database.delete(
                things.sql, type(things.delete_plan(ALL))(plan.where, bounds), things.version
            )
    assert await things.column("Updated_On") == before
    assert await things.column("Text") == [None] * 5


async def test_apps_of_an_older_version_have_no_limits(database: WorkspaceDatabase) -> None:
    """The step adds the columns to the table of apps."""
    app = App(client_id="cs-1", name="bot", algorithm=Algorithm.HS256, created_on=MOMENTS[0])
    await database.write(partial(scripts_of(database).access.create_app, app, 1))
    for name in migrations.GUARDS_OF_APPS:
        await rows_of(database, f"ALTER TABLE @_rowkeep_apps DROP COLUMN {name}")

    def step() -> Generator[Statement, Sequence[Row], None]:
        made = migrations._guards_of_apps(database.dialect, database.namespace)
        for each in made:  # noqa: UP028 - a list cannot be sent the rows
            yield each

    await database.write(step)
    assert await database.read(partial(scripts_of(database).access.existing_app, "cs-1")) == app


def test_no_undo_where_none_can_be_needed() -> None:
    assert not Bounds().need_undo(None)
    assert not Bounds(minimum=1).need_undo(None)
    assert not Bounds(minimum=1, app_maximum=1).need_undo(1)
    assert Bounds(maximum=0).need_undo(1)
    assert Bounds(minimum=2).need_undo(1)
    assert Bounds(app_maximum=10).need_undo(None)
