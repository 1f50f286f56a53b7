"""Keys are replaced while a server serves, stopped at any moment, and no file holds the plain text."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest
from shell import Shell

from support.bot import Bot
from support.postgres import PostgresServer
from support.server import RowkeepServer
from support.tokens import encrypt
from support.workspace import Workspace, succeeded

VAULT: dict[str, Any] = {
    "name": "vault",
    "schemaDef": [
        {"name": "Number", "type": "integer"},
        {"name": "Email", "type": "string", "isEncrypted": True, "isRequired": True},
        {"name": "Note", "type": "string", "isEncrypted": True},
    ],
    "indexes": [{"name": "by_email", "isUnique": True, "columns": [{"name": "Email"}]}],
    "history": {"keepDays": 30},
}
ROWS = 1000


@pytest.fixture
def kept(new_store: Callable[[], str], tmp_path: Path) -> Iterator[RowkeepServer]:
    """A server on a store of the test's own, whose keys it may replace."""
    server = RowkeepServer(new_store(), tmp_path)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def shell(kept: RowkeepServer) -> Shell:
    return Shell(kept.directory, kept.environment)


def mail(number: int) -> str:
    return f"plain-{number}@example.org"


def by_mail(number: int) -> dict[str, Any]:
    return {"expressions": [{"field": "Email", "operand": "=", "value": mail(number)}]}


def vault_of(server: RowkeepServer, rows: int) -> Bot:
    workspace = Workspace(server, "main")
    workspace.create_table(VAULT)
    bot = workspace.bot({"vault": "rwd"})
    data = [{"Number": n, "Email": mail(n), "Note": None if n % 3 else f"noted {n}"} for n in range(rows)]
    succeeded(bot.bulk("vault", data, prefer="return=minimal"))
    workspace.admin.close()
    return bot


def require_jwe(server: RowkeepServer, bot: Bot) -> str:
    """Let an app require encrypted tokens; returns the key for them."""
    with server.admin() as admin:
        changed = succeeded(admin.patch(f"/workspaces/main/apps/{bot.client_id}", json={"requireJwe": True}))
    return changed["jweKey"]


def replaced_notes(server: RowkeepServer) -> list[str]:
    """The notes before each recorded update of them."""
    with server.admin() as admin:
        page = succeeded(admin.get("/workspaces/main/data/tables/vault/changes", params={"limit": 1000}))
    assert not page["hasMore"]
    return [
        each["before"]["Note"]
        for each in page["changes"]
        if "Note" in (each["before"] or {}) and each["after"]
    ]


def keys_in(server: RowkeepServer) -> list[str]:
    return (server.directory / "rowkeep.key").read_text().split()


def master_key(server: RowkeepServer) -> dict[str, Any]:
    """What administrators see of it."""
    with server.admin() as admin:
        found: dict[str, Any] = succeeded(admin.get("/about"))["masterKey"]
        return found


def check_rows(bot: Bot, expected: set[int]) -> None:
    seen: dict[int, tuple[str, Any]] = {}
    cursor: dict[str, Any] = {}
    while True:
        page = succeeded(bot.query("vault", {"fields": ["Number", "Email", "Note"]} | cursor, sys_limit=1000))
        seen |= {row["Number"]: (row["Email"], row["Note"]) for row in page["queryResult"]}
        if not page["hasMore"]:
            break
        cursor = {"cursor": page["nextCursor"]}
    assert set(seen) == expected
    assert all(email == mail(n) for n, (email, _) in seen.items())
    assert all(note == (None if n % 3 else f"noted {n}") for n, (_, note) in seen.items() if n < ROWS)


def test_the_master_key_is_replaced_under_a_running_server(kept: RowkeepServer, shell: Shell) -> None:
    bot = vault_of(kept, 10)
    (before,) = keys_in(kept)
    first = master_key(kept)
    assert "rotate" in shell.run("keys", "--help").out
    shell.succeeds("keys", "rotate", "--prepare")
    assert keys_in(kept)[0] == before
    prepared = keys_in(kept)[1]
    assert master_key(kept) == first | {"keys": 2}
    former, left = (kept.directory / f"rowkeep.key.{suffix}" for suffix in ("old", "partial-0a1b2c3d"))
    left.write_text(f"{before}\n{prepared}\n")
    assert f"{former} keeps it" in shell.succeeds("keys", "rotate")
    assert keys_in(kept) == [prepared]
    assert (former.read_text(), former.stat().st_mode & 0o777) == (f"{before}\n", 0o600)
    assert not left.exists()
    replaced = master_key(kept)
    assert (replaced["keys"], replaced["since"] > first["since"]) == (1, True)
    # the server still has the old key in mind, and finds the new one when it needs it
    with kept.admin() as admin:
        succeeded(admin.post("/workspaces", json={"name": "later"}))
        succeeded(admin.post("/workspaces/later/apps", json={"name": "one"}))
    check_rows(bot, set(range(10)))
    kept.restart()
    check_rows(bot, set(range(10)))
    assert shell.json("app", "list", "--workspace", "later")["apps"][0]["name"] == "one"
    (kept.directory / "rowkeep.key").write_text(before + "\n")
    assert f"Keys that were replaced are in {former}" in shell.fails("workspace", "list")
    (kept.directory / "rowkeep.key").write_text(prepared + "\n")
    shell.succeeds("keys", "rotate")
    assert former.read_text().split() == [before, prepared]
    other = shell.with_variables(ROWKEEP_MASTER_KEY=prepared)
    assert "ROWKEEP_MASTER_KEY_FILE" in other.fails("keys", "rotate")
    shell.fails("keys", "rotate", "--prepare", "--data", status=2)
    shell.fails("keys", "rotate", "--workspace", "main", status=2)


def stored_emails(server: RowkeepServer, postgres: PostgresServer | None) -> set[bytes]:
    """The cells as they are stored, seen by another tool."""
    if postgres is None:
        import sqlite3

        (path,) = (Path(server.database_url.removeprefix("sqlite:///")) / "workspaces").glob("w1_*.db")
        with sqlite3.connect(path) as connection:
            return {row[0] for row in connection.execute('SELECT "Email" FROM vault')}
    import asyncio

    import asyncpg

    async def read() -> set[bytes]:
        connection = await asyncpg.connect(server.database_url)
        try:
            schema = await connection.fetchval("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'w1%'")
            await connection.execute(f'SET search_path TO "{schema}"')
            return {row[0] for row in await connection.fetch('SELECT "Email" FROM vault')}
        finally:
            await connection.close()

    return asyncio.run(read())


PAUSE_SECONDS = 0.02
"""Between the requests of the writer."""


def test_data_keys_are_replaced_while_rows_are_written(
    kept: RowkeepServer, shell: Shell, backend: str, request: pytest.FixtureRequest
) -> None:
    """The rotation is killed after a random number of rows and started again; meanwhile no duplicate gets in,
    every row is found, also through a view, the table is changed, and nothing is lost."""
    postgres = request.getfixturevalue("postgres") if backend == "postgresql" else None
    bot = vault_of(kept, ROWS)
    before = stored_emails(kept, postgres)
    admin = kept.admin()
    view = {"name": "mails", "table": "vault", "columns": ["vault.Number", "vault.Email"]}
    succeeded(admin.post("/workspaces/main/views", json=view))
    grant = f"/workspaces/main/views/mails/grants/{bot.client_id}"
    succeeded(admin.put(grant, json={"read": True}))
    wider = {**VAULT, "schemaDef": list(VAULT["schemaDef"])}
    done = Event()
    made: set[int] = set()

    def write() -> None:
        chance, number = random.Random(7), ROWS
        # the rotations have most of the time
        while not done.wait(PAUSE_SECONDS):
            old = chance.randrange(ROWS)
            again = bot.insert("vault", {"Number": -1, "Email": mail(old)})
            assert again.status_code == 409, again.text
            found = succeeded(bot.query("vault", {"query": by_mail(old), "fields": ["Number"]}))
            assert found["queryResult"] == [{"Number": old}]
            (changed,) = succeeded(bot.update("vault", by_mail(old), {"Email": mail(old)}))["records"]
            assert changed["Number"] == old
            rows = [{"Number": n, "Email": mail(n)} for n in (number, number + 1)]
            succeeded(bot.bulk("vault", rows))
            assert bot.bulk("vault", [{"Number": -2, "Email": "fresh"}, rows[0]]).status_code == 409
            made.update((number, number + 1))
            number += 2

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        for attempt in range(3):
            present, least = stored_emails(kept, postgres), random.randrange(ROWS)
            rotation = shell.start("keys", "rotate", "--data")
            while rotation.poll() is None and len(present - stored_emails(kept, postgres)) < least:
                time.sleep(0.01)
            rotation.kill()
            rotation.wait()
            extra = {"name": f"Extra_{attempt}", "type": "string", "isEncrypted": True}
            wider["schemaDef"].append(extra)
            succeeded(admin.put("/workspaces/main/tables/vault", json=wider))
            seen = bot.request("POST", "/api/public/views/mails/query", json={"query": by_mail(attempt)})
            assert succeeded(seen)["queryResult"] == [{"Number": attempt, "Email": mail(attempt)}]
        assert shell.start("keys", "rotate", "--data", "--workspace", "main").wait() == 0
        done.set()
        writing.result()
    check_rows(bot, set(range(ROWS)) | made)
    assert not before & stored_emails(kept, postgres)
    key = succeeded(admin.get("/workspaces/main/storage"))["dataKey"]
    assert (key["number"] > 1, key["rotating"]) == (True, False)
    assert key["since"] > succeeded(admin.get("/workspaces/main"))["createdOn"]
    admin.close()
    kept.restart()
    check_rows(bot, set(range(ROWS)) | made)
    assert bot.insert("vault", {"Number": -1, "Email": mail(1)}).status_code == 409


def test_the_plain_text_is_in_no_file(
    kept: RowkeepServer, shell: Shell, backend: str, request: pytest.FixtureRequest
) -> None:
    bot = vault_of(kept, 50)
    secret = "Rhabarberbarbara-7731"
    rows = [{"Number": 900, "Email": secret, "Note": secret}, {"Number": 901, "Email": f"{secret}2"}]
    succeeded(bot.bulk("vault", rows))
    where = {"expressions": [{"field": "Email", "operand": "in", "value": [secret, f"{secret}3"]}]}
    body = {"data": {"Number": 77, "Email": f"{secret}77"}}
    keyed: dict[str, Any] = {"json": body, "headers": {"Idempotency-Key": "one"}}
    first = bot.request("POST", "/api/public/tables/vault", **keyed)
    succeeded(first)
    for answer in (
        bot.query("vault", {"query": where}),
        bot.update("vault", where, {"Note": f"{secret} again"}),
        bot.insert("vault", {"Number": 1, "Email": secret}),
        bot.insert("vault", {"Number": secret, "Email": None}),
        bot.update("vault", where, {"Email": f"{secret}2"}),
        bot.request("POST", "/api/public/tables/vault", content=f'{{"data": {{"Email": "{secret}'),
    ):
        assert answer.status_code < 500, answer.text
        assert (
            secret not in answer.text or answer.status_code == 200 or "must be a whole number" in answer.text
        )
    recorded = replaced_notes(kept)
    assert secret in recorded
    jwe_key = require_jwe(kept, bot)
    assert shell.start("keys", "rotate", "--data").wait() == 0
    # so are the records of changes: the old key is gone
    assert replaced_notes(kept) == recorded
    # the key for encrypted tokens is encrypted again
    header = {"alg": "dir", "enc": "A256GCM", "kid": bot.client_id}
    keyed["headers"]["auth"] = encrypt(bot.token(), jwe_key, header)
    # the stored response to a write with an idempotency key is encrypted again too
    again = bot.request("POST", "/api/public/tables/vault", **keyed)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    root = Path(kept.database_url.removeprefix("sqlite:///"))
    if backend == "postgresql":
        root = request.getfixturevalue("postgres").directory
    looked_at = 0
    for path in [*root.rglob("*"), *kept.directory.glob("*")]:
        if path.is_file():
            looked_at += 1
            assert secret.encode() not in path.read_bytes(), path
    assert looked_at > 4
    with httpx.Client(base_url=kept.url, trust_env=False) as client:
        assert client.get("/healthz").status_code == 200
