"""What PostgreSQL runs for Rowkeep is recorded, so that it can be checked against the rules."""

from __future__ import annotations

import pytest
from workbench import THINGS, Workbench, initialised, new_workspace, opened, where

from support.postgres import PostgresServer
from support.recorded import check
from support.statement_rules import transactions

pytestmark = pytest.mark.anyio


async def test_each_kind_of_request_is_recorded_and_breaks_no_rule() -> None:
    server = PostgresServer(durable=False, recorded=True)
    try:
        async with opened(server.create_database()) as store:
            things = await Workbench.with_table(await initialised(store, new_workspace()), THINGS)
            cells = {"Text": "a", "Number": 1.5, "Day": "2020-03-28"}
            await things.insert(cells)
            await things.insert(cells, cells)
            assert (await things.update(where("Text", "=", "a"), {"Day": "2020-03-29"})).count == 3
            assert (await things.update(where("Text", "in", []), {"Day": "2020-03-29"})).rows == ()
            assert await things.delete(where("Text", "in", [])) == 0
            assert await things.delete({"all": True}) == 3
        ran = [each.statements for each in transactions(server.log)]
        broken = check(server)
    finally:
        server.stop()
    assert broken == {}
    texts = [text for each in ran for text in each if f'"{things.database.namespace}"' in text]
    assert [text for text in texts if text.startswith("INSERT INTO") and "things" in text]
    assert [text for text in texts if "UPDATE" in text and "RETURNING" in text and "things" in text]
    assert [text for text in texts if "DELETE FROM" in text and "things" in text]
    copies = [each for each in ran if any(text.startswith("COPY") for text in each)]
    assert [[text.split()[0] for text in each] for each in copies] == [["COPY", "SELECT"]]


async def test_a_second_start_creates_nothing() -> None:
    server = PostgresServer(durable=False, recorded=True)
    try:
        url, workspace = server.create_database(), new_workspace()
        for _ in range(2):
            async with opened(url) as store:
                await initialised(store, workspace)
        texts = [text for each in transactions(server.log) for text in each.statements]
    finally:
        server.stop()
    made = [text for text in texts if text.startswith("CREATE ")]
    assert len(made) == len(set(made)) > 10
    assert sum("to_regclass" in text for text in texts) == 4
