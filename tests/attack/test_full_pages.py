"""Large rows of an app that has a grant: pages end where they are full, and memory stays bounded."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from hostile import MEGABYTE, SLOWEST_HEALTH_SECONDS, Watch, new_bot, refused, small

from support.bot import Bot
from support.server import RowkeepServer
from support.workspace import Workspace, succeeded

__all__ = ["small"]


def pages(bot: Bot, path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    """All pages, by cursor where there are cursors, else by offset."""
    found = [succeeded(bot.request("POST", path, json=body))]
    offset = len(found[0]["queryResult"])
    while found[-1]["hasMore"]:
        cursor = found[-1].get("nextCursor")
        params = None if cursor else {"sys_offset": offset}
        sent = {**body, "cursor": cursor} if cursor else body
        found.append(succeeded(bot.request("POST", path, json=sent, params=params)))
        offset += len(found[-1]["queryResult"])
    return found


@pytest.mark.parametrize(("size", "full"), [(50_000, 20), (250_000, 4)])
def test_a_page_ends_where_it_is_full(small: RowkeepServer, size: int, full: int) -> None:
    """So many rows fit. On SQLite, the smaller ones are read on the event loop."""
    bot = new_bot(small)
    count = 2 * full + 2
    rows = [{"Text": "x" * size, "Number": at} for at in range(count)]
    succeeded(bot.bulk("notes", rows, prefer="return=minimal"))
    path = f"/api/public/tables/notes/query?sys_limit={count}"
    by_number = {"sort": [{"field": "Number", "order": "desc"}]}
    for body, numbers in (({}, list(range(count))), (by_number, list(reversed(range(count))))):
        found = pages(bot, path, body)
        assert [len(page["queryResult"]) for page in found] == [full, full, 2]
        assert [page["total"] for page in found] == [count] * 3
        assert [record["Number"] for page in found for record in page["queryResult"]] == numbers
    only = succeeded(bot.query("notes", {"fields": ["Number"]}, sys_limit=count))
    assert [len(only["queryResult"]), only["hasMore"]] == [count, False]


def test_a_page_of_a_view_ends_where_it_is_full(small: RowkeepServer) -> None:
    name = f"views_{uuid4().hex[:8]}"
    bot = new_bot(small, name)
    workspace = Workspace(small, name)
    for at in range(6):
        succeeded(
            bot.insert("notes", {"Text": str(at) * (400 * 1024), "Number": at}, prefer="return=minimal")
        )
    for name, columns in (("with_ids", ["notes.Text", "notes._id"]), ("without", ["notes.Text"])):
        view = {"name": name, "table": "notes", "columns": columns}
        succeeded(workspace.admin.post(f"{workspace.path}/views", json=view))
        grant = f"{workspace.path}/views/{name}/grants/{bot.client_id}"
        succeeded(workspace.admin.put(grant, json={"read": True, "write": False, "delete": False}))
        found = pages(bot, f"/api/public/views/{name}/query", {"sort": [{"field": "Text"}]})
        assert [len(page["queryResult"]) for page in found] == [2, 2, 2]
        assert [record["Text"][0] for page in found for record in page["queryResult"]] == list("012345")


def test_a_record_that_is_too_large(small: RowkeepServer) -> None:
    bot = new_bot(small)
    succeeded(bot.insert("notes", {"Number": 1}))
    succeeded(bot.insert("notes", {"Text": "x" * (2 * MEGABYTE), "Number": 2}, prefer="return=minimal"))
    first = succeeded(bot.query("notes"))
    assert [len(first["queryResult"]), first["hasMore"], first["total"]] == [1, True, 2]
    detail = refused(bot.query("notes", {"cursor": first["nextCursor"]}), 422, "response_too_large")
    assert "max_response_bytes" in detail
    assert '"fields"' in detail
    rest = succeeded(bot.query("notes", {"cursor": first["nextCursor"], "fields": ["Number"]}))
    assert rest["queryResult"] == [{"Number": 2}]


def test_an_update_of_large_records_answers_counts(small: RowkeepServer) -> None:
    bot = new_bot(small)
    for at in range(3):
        succeeded(bot.insert("notes", {"Text": "x" * (500 * 1024), "Number": at}, prefer="return=minimal"))
    one = {"expressions": [{"field": "Number", "operand": "=", "value": 1}]}
    updated = succeeded(bot.update("notes", one, {"Number": 1}))
    assert (updated["nModified"], len(updated["records"][0]["Text"])) == (1, 500 * 1024)
    assert succeeded(bot.update("notes", {"all": True}, {"Number": 5})) == {"nModified": 3}
    assert [
        record["Number"] for record in succeeded(bot.query("notes", {"fields": ["Number"]}))["queryResult"]
    ] == [5] * 3


def test_large_pages_take_bounded_memory(small: RowkeepServer, watch: Watch, scale: int) -> None:
    bot = new_bot(small)
    count = 70  # more than the memory that is allowed below
    for _ in range(count // 5):
        rows = [{"Text": "x" * 900_000}] * 5
        succeeded(bot.bulk("notes", rows, prefer="return=minimal"))
    vitals = watch(small)
    for _ in range(2 * scale):
        page = succeeded(bot.query("notes", sys_limit=100))
        assert [len(page["queryResult"]), page["hasMore"], page["total"]] == [1, True, count]
    vitals.end()
    assert vitals.failures == []
    assert vitals.slowest_health_seconds < SLOWEST_HEALTH_SECONDS
    assert vitals.grown_megabytes < 50
