"""The server is killed in the middle of a big change of a table: afterwards it is the old or the new one."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
from test_crash import rounds, start_server

from support import plain
from support.server import RowkeepServer
from support.workspace import Workspace, succeeded

__all__ = ["rounds", "start_server"]

ROWS = 5_000
LONGEST_SECONDS = 0.6
FORMS: list[list[dict[str, Any]]] = [
    [{"name": "A", "type": "string"}, {"name": "N", "type": "number"}],
    [
        {"name": "N", "type": "string"},
        {"name": "B", "type": "integer", "isRequired": True, "renamedFrom": "A"},
    ],
]
UNIQUE = {"name": "u", "isUnique": True, "columns": [{"name": "N"}]}


def test_a_change_is_made_wholly_or_not_at_all(
    new_store: Callable[[], str], rounds: int, start_server: Callable[..., RowkeepServer]
) -> None:
    server = start_server(new_store())
    workspace = Workspace(server, "killed")
    definitions = [{"name": "big", "schemaDef": form, "indexes": [UNIQUE]} for form in FORMS]
    workspace.create_table(definitions[0])
    bot = workspace.bot({"big": "rw"})
    succeeded(bot.bulk("big", [{"A": str(n), "N": n} for n in range(ROWS)], prefer="return=minimal"))
    path = f"{server.url}/api/v1{workspace.path}/tables/big"
    headers = {"Authorization": f"Bearer {server.admin_token}"}

    def put(form: int) -> None:
        back = [{**column, "renamedFrom": "B"} if column["name"] == "A" else column for column in FORMS[0]]
        body = definitions[1] if form else {**definitions[0], "schemaDef": back}
        with contextlib.suppress(httpx.TransportError):
            plain.request("PUT", path, json=body, headers=headers)

    present = 0
    for _ in range(max(2, rounds)):  # there, and back
        change = threading.Thread(target=put, args=(1 - present,))
        change.start()
        time.sleep(random.uniform(0, LONGEST_SECONDS))
        server.kill()
        change.join()
        server.start()
        made = succeeded(workspace.admin.get(f"{workspace.path}/tables/big"))
        names = [column["name"] for column in made["schemaDef"]]
        present = [["A", "N"], ["N", "B"]].index(names)
        body: dict[str, Any] = {}
        found: list[dict[str, Any]] = []
        while True:
            page = succeeded(bot.query("big", body, sys_limit=1000))
            found += page["queryResult"]
            if "nextCursor" not in page:
                break
            body = {"cursor": page["nextCursor"]}
        cells = [(row["N"], row["A" if present == 0 else "B"]) for row in found]
        assert cells == [(n, str(n)) if present == 0 else (str(n), n) for n in range(ROWS)]
        # the index is whole too, and so is what is required
        other = bot.insert("big", {"N": "5"})
        assert other.status_code == (409 if present == 0 else 422), other.text
