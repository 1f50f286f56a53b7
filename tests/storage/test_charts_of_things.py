"""Charts of tables and views in the store: they follow renames, and end with their table, view or user."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
import pytest
from workbench import Workbench

import rowkeep.storage.scripts.chart_changes as changes
import rowkeep.storage.scripts.charts as limits
from rowkeep.errors.catalogue import Forbidden, NameTaken, NoSuchChart, TooManyCharts
from rowkeep.model.charts import Chart, ChartPlan, DefinedChart
from rowkeep.model.definitions.views import ViewBody
from rowkeep.model.tables import Column
from rowkeep.model.users import Asker, SharedRight
from rowkeep.storage.contract import Steps
from rowkeep.storage.scripts.charts import Thing

pytestmark = pytest.mark.anyio

ADA, BOB, ADMIN = Asker(user_id="us-ada", is_admin=False), Asker(user_id="us-bob", is_admin=False), Asker()
TABLE: Thing = ("things", False)
VIEW: Thing = ("sums", True)
LIMIT = 10


class Charts:
    """The charts of a table and of a view over it."""

    def __init__(self, things: Workbench) -> None:
        self.database = things.database
        self.scripts = things.scripts
        self._made = 0

    async def create(self, asker: Asker = ADMIN, thing: Thing = TABLE, **members: Any) -> DefinedChart:
        self._made += 1
        chart = Chart(
            id=f"ch-{self._made:02}",
            thing_id="",
            user_id=asker.user_id,
            is_shared=members.pop("shared", True),
            name=members.pop("name", f"Chart {self._made}"),
            plan=ChartPlan(**({"kind": "bar", "category": "Text"} | members)),
            created_on="2026-01-01T00:00:00.000Z",
            updated_on="2026-01-01T00:00:00.000Z",
        )
        create = self.scripts.charts.create
        return await self.database.write(partial(create, thing, chart, asker, LIMIT))

    async def change(self, chart: DefinedChart, asker: Asker, **members: Any) -> DefinedChart:
        def changed(before: DefinedChart) -> Chart:
            return msgspec.structs.replace(before.chart, **members)

        change = self.scripts.charts.change
        return await self.database.write(partial(change, chart.chart.id, changed, asker, LIMIT))

    async def seen(self, asker: Asker = ADMIN, thing: Thing | None = None, after: str = "") -> list[str]:
        page = partial(self.scripts.charts.page, asker, thing, after, 100, LIMIT)
        return [each.chart.id for each in await self.database.read(page)]

    async def get(self, chart: DefinedChart, asker: Asker = ADMIN) -> DefinedChart:
        return await self.database.read(partial(self.scripts.charts.existing, chart.chart.id, asker, LIMIT))

    async def share(self, asker: Asker, right: SharedRight, thing: Thing = TABLE) -> None:
        assert asker.user_id is not None
        await self.database.write(partial(self.scripts.rights.set_share, *thing, asker.user_id, right))


@pytest.fixture
async def charts(things: Workbench) -> Charts:
    view = {"name": "sums", "table": "things", "columns": ["things.Text", "things.Whole"]}
    body = msgspec.convert(view, ViewBody)
    await things.database.write(partial(things.scripts.views.create, body, "v1"))
    return Charts(things)


async def test_charts_end_with_their_table_or_view(charts: Charts) -> None:
    await charts.create(thing=VIEW, aggregate="sum", value="Whole")
    await charts.create()
    assert await charts.seen() == ["ch-01", "ch-02"]
    assert await charts.seen(after="ch-01") == await charts.seen(thing=TABLE) == ["ch-02"]
    await charts.database.write(partial(charts.scripts.views.drop, "sums"))
    assert await charts.seen() == ["ch-02"]
    await charts.database.write(partial(charts.scripts.tables.drop, "things"))
    stored = charts.scripts.charts._system.charts
    assert not await charts.database.read(lambda: charts.scripts.charts._do(limits.sa.select(stored.c.id)))


async def test_a_change_raises_no_version(charts: Charts) -> None:
    before = await charts.database.read(charts.scripts.state.version)
    made = await charts.create()
    await charts.change(made, ADMIN, name="Other")
    await charts.database.write(partial(charts.scripts.charts.delete, made.chart.id, ADMIN))
    assert await charts.database.read(charts.scripts.state.version) == before
    with pytest.raises(NoSuchChart):
        await charts.get(made)


async def test_who_sees_and_changes_charts(charts: Charts) -> None:
    await charts.share(ADA, SharedRight.EDIT)
    await charts.share(BOB, SharedRight.READ)
    shared = await charts.create(ADA, shared=True)
    private = await charts.create(ADA, shared=False)
    of_bob = await charts.create(BOB, shared=False)
    await charts.create(thing=VIEW)
    assert await charts.seen(ADA) == ["ch-01", "ch-02"]
    assert await charts.seen(BOB) == await charts.seen(BOB, TABLE) == ["ch-01", "ch-03"]
    assert await charts.seen(ADMIN) == ["ch-01", "ch-02", "ch-03", "ch-04"]
    assert [(await charts.get(shared, each)).can_change for each in (ADA, BOB, ADMIN)] == [True, False, True]
    with pytest.raises(NoSuchChart):
        await charts.get(private, BOB)
    for refused in (
        charts.change(shared, BOB, name="Mine"),
        charts.change(of_bob, BOB, is_shared=True),
        charts.create(BOB, shared=True),
        charts.change(shared, ADMIN, is_shared=False),
    ):
        with pytest.raises(Forbidden):
            await refused
    await charts.share(BOB, SharedRight.MANAGE)
    assert (await charts.change(shared, BOB, name="Ours")).chart.name == "Ours"
    with pytest.raises(Forbidden):
        await charts.change(shared, BOB, is_shared=False)
    assert not (await charts.change(shared, ADA, is_shared=False)).chart.is_shared
    assert await charts.seen(BOB) == ["ch-03"]


async def test_a_deleted_user_leaves_shared_charts(charts: Charts) -> None:
    await charts.share(ADA, SharedRight.EDIT)
    shared = await charts.create(ADA, shared=True)
    await charts.create(ADA, shared=False)
    await charts.database.write(partial(charts.scripts.charts.remove_user, "us-ada"))
    assert await charts.seen() == [shared.chart.id]
    assert (await charts.get(shared)).chart.user_id is None
    assert await charts.seen(ADA) == []


async def test_names_and_numbers_of_charts(charts: Charts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_CHARTS", 2)
    await charts.share(ADA, SharedRight.MANAGE)
    first = await charts.create(ADA, name="Straße")
    for name in ("STRASSE", "Straße"):
        with pytest.raises(NameTaken):
            await charts.create(name=name)
    private = await charts.create(ADA, name="straße", shared=False)
    with pytest.raises(NameTaken):
        await charts.change(private, ADA, is_shared=True)
    second = await charts.create(ADA)
    with pytest.raises(NameTaken):
        await charts.change(second, ADA, name="straße")
    assert (await charts.change(first, ADA, name="STRASSE")).chart.name == "STRASSE"
    for refused in (charts.create(ADA), charts.change(private, ADA, is_shared=True, name="Other")):
        with pytest.raises(TooManyCharts):
            await refused
    # of another view, and private ones, there can be as many again
    await charts.create(thing=VIEW)
    await charts.create(ADA, shared=False)
    with pytest.raises(TooManyCharts):
        await charts.create(ADA, shared=False)


async def test_charts_that_a_change_breaks_are_named_or_counted(
    charts: Charts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "MAX_NAMED", 2)
    monkeypatch.setattr(changes, "AT_ONCE", 1)
    for thing in (TABLE, VIEW):
        await charts.share(ADA, SharedRight.MANAGE, thing)
    for _ in range(4):
        await charts.create()
    await charts.create(thing=VIEW)
    await charts.create(aggregate="count", kind="number", category=None)
    for thing, count in ((TABLE, 2), (VIEW, 1)):
        for _ in range(count):
            await charts.create(ADA, thing, shared=False)
    before = (await charts.database.read(partial(charts.scripts.tables.get, "things")))[0]
    columns = [each for each in before.columns if each.name != "Text"]
    text = next(each for each in before.columns if each.name == "Text")
    script = charts.scripts.chart_changes

    async def broken(*columns: Column, viewer: Asker = ADMIN) -> list[str]:
        after = msgspec.structs.replace(before, columns=columns)

        def found() -> Steps[list[str]]:
            sources = yield from script.sources_around(before, after, viewer.user_id)
            return (yield from script.broken(*sources))

        return await charts.database.read(found)

    assert await broken(msgspec.structs.replace(text, name="Renamed"), *columns) == []
    assert await broken(msgspec.structs.replace(text, type="json"), *columns) == [
        'chart "Chart 1" of table things can no longer be drawn',
        'chart "Chart 2" of table things can no longer be drawn',
        "3 more charts can no longer be drawn",
        "2 private charts of table things can no longer be drawn",
        "1 private chart of view sums can no longer be drawn",
    ]
    # without those of views that are invisible
    await charts.share(BOB, SharedRight.MANAGE)
    seen = await broken(msgspec.structs.replace(text, type="json"), *columns, viewer=BOB)
    assert not any("view sums" in each for each in seen)
    assert len(seen) == 4
