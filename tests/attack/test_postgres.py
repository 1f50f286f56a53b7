"""Attacks on PostgreSQL through the API: long queries of one workspace, updates of all rows at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager

import asyncpg
import pytest
from anyio.from_thread import start_blocking_portal

from support import plain
from support.bot import Bot
from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace, succeeded

MOST_OF_A_WORKSPACE = 6
"""So many connections may one workspace have, of ten."""

POSTGRES_ONLY = pytest.mark.parametrize("backend", ["postgresql"], indirect=True)


def made(server: RowkeepServer, name: str) -> Bot:
    """An app that may do everything with the table people of this workspace."""
    workspace = Workspace(server, name)
    workspace.create_table(PEOPLE)
    return workspace.bot({"people": "rwd"})


WAITING = (
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE application_name = 'rowkeep' AND wait_event_type = 'Lock' AND datname = current_database()"
)


@contextmanager
def locked(server: RowkeepServer, table: str) -> Iterator[Callable[[], int]]:
    """Every query of this table waits meanwhile. Gives a function that counts those that do."""
    with start_blocking_portal() as portal:
        holder, observer = (portal.call(asyncpg.connect, server.database_url) for _ in range(2))
        portal.call(holder.execute, f"BEGIN; LOCK TABLE {table}")
        try:
            yield lambda: int(portal.call(observer.fetchval, WAITING))
        finally:
            portal.call(holder.close)
            portal.call(observer.close)


@POSTGRES_ONLY
def test_long_queries_of_one_workspace(launch: Callable[..., RowkeepServer], scale: int) -> None:
    server = launch(max_query_seconds=3)
    crowded, other = made(server, "Crowded"), made(server, "Other")
    succeeded(other.insert("people", {"First_Name": "Jane"}))
    with ThreadPoolExecutor(14 * scale) as threads, locked(server, '"w2_crowded"."people"') as waiting:
        long = [threads.submit(crowded.query, "people") for _ in range(14 * scale)]
        while waiting() < MOST_OF_A_WORKSPACE:
            time.sleep(0.01)
        succeeded(other.query("people"))
        assert plain.get(server.url + "/readyz").status_code == 200
        with server.admin() as admin:
            succeeded(admin.get("/workspaces"))
        assert not any(each.done() for each in long)  # they were not waited for
        for each in as_completed(long):
            code = each.result().json()["code"]
            assert code in ("query_timeout", "busy")
            if code == "query_timeout":
                break
    # those that waited for a connection have their turn, now without a lock
    assert {each.result().json().get("code") for each in long} <= {"query_timeout", "busy", None}


@POSTGRES_ONLY
def test_updates_of_all_rows_at_once(launch: Callable[..., RowkeepServer], scale: int) -> None:
    server = launch()
    bot = made(server, "Crowded")
    succeeded(
        bot.bulk(
            "people",
            [{"First_Name": "Jane", "Number": at} for at in range(200 if scale == 1 else 500 * scale)],
        )
    )
    with ThreadPoolExecutor(60) as threads:
        started = time.monotonic()
        answers = list(
            threads.map(lambda at: bot.update("people", {"all": True}, {"Gender": f"{at}"}), range(60))
        )
    assert time.monotonic() - started < 25
    refused = [each.json()["code"] for each in answers if each.status_code != 200]
    assert set(refused) <= {"busy"}
    if scale == 1:
        assert refused == []
