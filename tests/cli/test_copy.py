"""Whole tables from other databases, and workspaces from other stores: in both directions."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from shell import Shell

from rowkeep.storage.sqlite.snapshots import SqliteLoader
from support.definitions import column, index, table
from support.forks import FORKS
from support.postgres import PostgresServer
from support.server import sqlite_url

TEAMS = table("teams", column("Code", isRequired=True), indexes=(index("by_code", "Code", unique=True),))
STAFF = table(
    "staff",
    column("Mail", isEncrypted=True, isRequired=True),
    column("Team", reference={"table": "teams", "column": "Code"}),
    column("Boss", reference={"table": "staff", "column": "sys_Id"}),
    column("Pay", "decimal"),
    column("Share", "number"),
    column("Level", "integer", default=1),
    column("Active", "boolean"),
    column("Since", "date"),
    column("Notes", "json"),
    indexes=(index("by_mail", "Mail", unique=True), index("by_pay", "-Pay", "Team")),
    history={"keepDays": 30},
)
VIEW = {"name": "paid", "table": "staff", "columns": ["staff.Mail", "staff.Pay"]}
ROWS = 120


@pytest.fixture
def target(new_store: Callable[[], str], tmp_path: Path) -> Shell:
    """A new store on the backend of the test."""
    return store(new_store(), tmp_path / "target")


@pytest.fixture
def stores(tmp_path: Path) -> tuple[Shell, Shell]:
    """Two new stores on SQLite, for what does not depend on the engine."""
    return tuple(store(sqlite_url(tmp_path / each / "data"), tmp_path / each) for each in ("one", "other"))


@pytest.fixture
def source(backend: str, postgres: PostgresServer, tmp_path: Path) -> Shell:
    """A new store on the other backend."""
    directory = tmp_path / "source"
    url = postgres.create_database() if backend == "sqlite" else sqlite_url(directory / "data")
    return store(url, directory)


def store(url: str, directory: Path) -> Shell:
    directory.mkdir(exist_ok=True)
    shell = Shell.on_store(url, directory)
    assert shell.run("init").status == 0
    return shell


def key_file(shell: Shell) -> str:
    return shell.variables.get("ROWKEEP_MASTER_KEY_FILE") or str(shell.directory / "rowkeep.key")


def copy_of(source: Shell, *more: str) -> tuple[str, ...]:
    return ("copy", source.variables["ROWKEEP_DATABASE_URL"], "--from-key-file", key_file(source), *more)


def define(shell: Shell, command: str, definition: dict[str, Any]) -> None:
    shell.succeeds(command, "create", "-", stdin=json.dumps(definition))


def fill(shell: Shell) -> str:
    """A workspace with something of everything; returns the client id of its app."""
    define(shell, "table", TEAMS)
    define(shell, "table", STAFF)
    define(shell, "view", VIEW)
    app = shell.json("app", "create", "desk")["clientId"]
    for on in (("teams", "--read", "--write"), ("staff", "--read", "--write"), ("paid", "--view", "--read")):
        shell.succeeds("grant", "set", on[0], app, *on[1:])
    shell.succeeds("rows", "insert", "teams", '{"Code": "one"}', "--app", app)
    rows = [
        {
            "Mail": f"mail-{n}@example.org",
            "Team": "one" if n % 2 else None,
            "Pay": f"{n}.50",
            "Share": n / 7,
            "Active": n % 3 == 0,
            "Since": f"{1900 + n % 100}-01-02T03:04:05.678Z",
            "Notes": {"n": n, "text": "ŝ😀"} if n % 5 else None,
        }
        for n in range(ROWS)
    ]
    lines = "\n".join(map(json.dumps, rows))
    shell.run("rows", "import", "staff", "-", "--format", "ndjson", "--app", app, stdin=lines)
    boss = next(iter(exported(shell, "staff")))["sys_Id"]
    shell.succeeds("rows", "insert", "staff", json.dumps({"Mail": "last", "Boss": boss}))
    record_chart(shell, "ch-shared")
    return str(app)


def record_chart(shell: Shell, chart_id: str, user_id: str = "") -> None:
    """Save a chart of the table staff: a private one of a user, or a shared one."""
    ((table_id,),) = catalog_rows(shell, "SELECT id FROM _rowkeep_tables WHERE name_key = 'staff'", "w1_main")
    owner = f"'{user_id}'" if user_id else "NULL"
    named = f"'Staff', 'staff', '{json.dumps({'kind': 'number'})}', '', ''"
    values = f"'{chart_id}', '{table_id}', '{user_id}', {owner}, {named}"
    catalog_rows(shell, f"INSERT INTO _rowkeep_charts VALUES ({values})", "w1_main")  # noqa: S608 - ours


def exported(shell: Shell, name: str, *more: str) -> list[dict[str, Any]]:
    lines = shell.run("rows", "export", name, "-o", "-", "--format", "ndjson", *more).out.splitlines()
    return [json.loads(line) for line in lines]


def names(shell: Shell) -> list[str]:
    return [each["name"] for each in shell.json("table", "list")["tables"]]


def catalog_rows(shell: Shell, text: str, place: str = "") -> list[tuple[Any, ...]]:
    """Run a statement on the catalog (``place`` is empty) or on the database of the first workspace."""
    url = shell.variables["ROWKEEP_DATABASE_URL"]
    if url.startswith("sqlite"):
        directory = Path(url.removeprefix("sqlite:///"))
        path = directory / ("workspaces/w1_main.db" if place else "catalog.db")
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            return [tuple(row) for row in connection.execute(text)]

    async def run() -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(url, server_settings={"search_path": place or "rowkeep"})
        try:
            return [tuple(row) for row in await connection.fetch(text)]
        finally:
            await connection.close()

    return asyncio.run(run())


def record_rights(shell: Shell, mails: tuple[str, ...]) -> None:
    for mail in mails:
        ((user_id,),) = catalog_rows(shell, f"SELECT id FROM users WHERE email = '{mail}'")  # noqa: S608
        catalog_rows(shell, f"INSERT INTO _rowkeep_members VALUES ('{user_id}', 'editor')", "w1_main")  # noqa: S608
        record_chart(shell, f"ch-{mail}", user_id)


def rights(shell: Shell) -> list[tuple[Any, ...]]:
    members = dict(catalog_rows(shell, "SELECT user_id, role FROM _rowkeep_members", "w1_main"))
    users = dict(catalog_rows(shell, "SELECT id, email FROM users"))
    return [(users[user_id], role) for user_id, role in members.items()]


KILLED = """
import os, signal
from rowkeep.cli.main import main
from rowkeep.storage.{engine}.snapshots import {loader}
import rowkeep.storage.sqlite.snapshots
rowkeep.storage.sqlite.snapshots.BATCH_ROWS = 100
append = {loader}.append
async def dying(self, *rest):
    await append(self, *rest)
    os.kill(os.getpid(), signal.SIGKILL)
{loader}.append = dying
main()
"""
"""A command that is killed when it has written the first rows."""


def killed(shell: Shell, *arguments: str) -> None:
    is_sqlite = shell.variables["ROWKEEP_DATABASE_URL"].startswith("sqlite")
    engine, loader = ("sqlite", "SqliteLoader") if is_sqlite else ("postgres", "PostgresLoader")
    done = FORKS.run(
        "-c",
        [KILLED.format(engine=engine, loader=loader), *arguments],
        env=shell.variables,
        cwd=shell.directory,
    )
    assert done.returncode == -signal.SIGKILL, done


def test_a_workspace_is_copied_with_everything(source: Shell, target: Shell) -> None:
    app = fill(source)
    for shell, mails in ((source, ("both@x.org", "gone@x.org")), (target, ("both@x.org",))):
        for mail in mails:
            shell.run("user", "create", mail)
    record_rights(source, ("both@x.org", "gone@x.org"))
    planned = target.succeeds(*copy_of(source, "--dry-run"))
    assert "With 1 views, 1 apps, 3 grants." in planned
    assert "gone@x.org are left out" in planned
    killed(target, *copy_of(source))
    assert names(target) == []
    copied = catalog_rows(target, "SELECT copied FROM _rowkeep_copy ORDER BY copied DESC", "w1_main")
    assert 0 < copied[0][0] < ROWS
    # a row that is copied already changes, and one is new
    first = exported(source, "staff")[0]
    source.succeeds("rows", "update", "staff", "--id", first["_id"], "--set", "Level=99")
    source.succeeds("rows", "insert", "staff", '{"Mail": "newer"}')
    assert f"Copied {ROWS + 3} rows of 2 tables" in target.succeeds(*copy_of(source))
    staff = exported(source, "staff")
    # the app's secret is encrypted with another key there
    assert exported(target, "staff", "--app", app) == staff
    for system in ("_rowkeep_tables", "_rowkeep_views", "_rowkeep_grants", "_rowkeep_references"):
        text = f"SELECT * FROM {system} ORDER BY 1"  # noqa: S608 - ours
        assert catalog_rows(target, text, "w1_main") == catalog_rows(source, text, "w1_main")
    assert rights(target) == [("both@x.org", "editor")]
    ((user_id,),) = catalog_rows(target, "SELECT id FROM users WHERE email = 'both@x.org'")
    charts = catalog_rows(target, "SELECT id, scope, user_id FROM _rowkeep_charts ORDER BY id", "w1_main")
    assert charts == [("ch-both@x.org", user_id, user_id), ("ch-shared", "", None)]
    target.succeeds("rows", "insert", "staff", '{"Mail": "new", "Team": "one"}', "--app", app)
    assert target.run("rows", "insert", "staff", '{"Mail": "other", "Team": "two"}').status == 1
    assert "already has tables" in target.fails(*copy_of(source))
    # within one store, the client id of the app can only be in one workspace
    again = target.succeeds("copy", target.variables["ROWKEEP_DATABASE_URL"], "--workspace", "twin")
    assert f"app desk ({app}) is left out" in again
    assert f"Copied {ROWS + 4} rows of 2 tables into workspace twin." in again


def test_what_differs_does_not_become_visible(
    stores: tuple[Shell, Shell], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = stores
    define(source, "table", TEAMS)
    source.succeeds("rows", "insert", "teams", '[{"Code": "one"}, {"Code": "two"}]')
    with monkeypatch.context() as patch:
        patch.setattr(SqliteLoader, "append", _without_last(SqliteLoader.append))
        done = target.run(*copy_of(source))
    assert done.status == 1
    assert "differs: 2 rows" in done.out
    assert names(target) == []
    other = str(source.directory / "file.db")
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE a (b INTEGER)")
    assert "has an unfinished copy of" in target.run("copy", f"sqlite:///{other}").err
    assert "same" in target.succeeds(*copy_of(source))
    assert len(exported(target, "teams")) == 2


def test_two_copies_into_one_workspace(stores: tuple[Shell, Shell], monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = stores
    define(source, "table", TEAMS)
    source.succeeds("rows", "insert", "teams", '[{"Code": "one"}, {"Code": "two"}]')
    with monkeypatch.context() as patch:
        patch.setattr(SqliteLoader, "append", _after_another(SqliteLoader.append))
        done = target.run(*copy_of(source))
    assert (done.status, done.err) == (1, "Error: Another process copies into this workspace.\n")
    assert names(target) == []
    assert "same" in target.succeeds(*copy_of(source))
    assert len(exported(target, "teams")) == 2


def _after_another(append: Any) -> Any:
    async def appended(self: Any, sql: Any, rows: Any, script: Any) -> None:
        await append(self, sql, rows, script)
        await append(self, sql, rows, script)

    return appended


def _without_last(append: Any) -> Any:
    async def appended(self: Any, sql: Any, rows: Any, script: Any) -> None:
        await append(self, sql, rows[:-1], script)

    return appended


def test_sources_that_cannot_be_copied(
    stores: tuple[Shell, Shell], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = stores
    monkeypatch.setattr("rowkeep.storage.foreign_databases.WAIT_SECONDS", 0.01)
    url = source.variables["ROWKEEP_DATABASE_URL"]
    assert "--from-key-file" in target.fails("copy", url, "--from-key-file", key_file(target))
    assert '"nowhere"' in target.fails(*copy_of(source, "--from-workspace", "nowhere"))
    assert "is empty: there is nothing to copy" in target.fails(*copy_of(source))
    catalog_rows(source, "UPDATE _rowkeep_steps SET step = step + 100")
    assert "newer version" in target.fails(*copy_of(source))
    catalog_rows(source, "UPDATE _rowkeep_steps SET step = step - 101")
    assert "older version" in target.fails(*copy_of(source))
    (tmp_path / "text.db").write_text("no database" * 1000)
    (tmp_path / "empty").mkdir()
    for bad, message in (
        (f"sqlite:///{tmp_path}/text.db", "not a database"),
        (f"sqlite:///{tmp_path}/none.db", "No such database"),
        (f"sqlite:///{tmp_path}/empty", "No such database"),
        ("postgresql://127.0.0.1:1/none", "cannot be reached"),
        ("mysql://host/name", "must be sqlite:///FILE"),
    ):
        assert message in target.fails("copy", bad), bad
    locked = tmp_path / "locked.db"
    with closing(sqlite3.connect(locked, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE a (b)")
        connection.execute("BEGIN EXCLUSIVE")
        assert "locked it" in target.fails("copy", f"sqlite:///{locked}")
    target.fails("copy", status=2)
    target.fails("copy", url, "--discard", status=2)
    target.fails(*copy_of(source, "--tables", "a"), status=2)
    target.fails("copy", f"sqlite:///{locked}", "--from-workspace", "main", status=2)
    with_server = target.with_variables(ROWKEEP_URL="http://127.0.0.1:1")
    assert "Unset ROWKEEP_URL" in with_server.fails("copy", f"sqlite:///{locked}")


# tables of other programs

SQLITE_TABLES = """
CREATE TABLE "Kunden (alt)" (
  id INTEGER PRIMARY KEY, "Wähler" VARCHAR(5) NOT NULL UNIQUE, born DATE, seen TIMESTAMP,
  ok BOOLEAN DEFAULT 1, pay DECIMAL(9,2) DEFAULT 1.50, share REAL, doc JSON, photo BLOB, "any", "_id" TEXT,
  boss INTEGER REFERENCES "Kunden (alt)" (id) ON DELETE CASCADE, CHECK (share < 100));
CREATE TABLE lines (a INTEGER, b TEXT, customer INTEGER REFERENCES "Kunden (alt)", PRIMARY KEY (a, b))
  WITHOUT ROWID;
CREATE INDEX by_customer ON lines (customer DESC, a);
CREATE INDEX a_part ON lines (customer) WHERE a > 1;
CREATE VIEW all_lines AS SELECT * FROM lines;
"""
POSTGRES_TABLES = """
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE "Kunden (alt)" (
  id INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "Wähler" VARCHAR(5) NOT NULL UNIQUE, born DATE,
  seen TIMESTAMP, ok BOOLEAN DEFAULT true, pay NUMERIC(9,2) DEFAULT 1.50, share DOUBLE PRECISION, doc JSONB,
  photo BYTEA, "any" INET, "_id" TEXT, boss INTEGER REFERENCES "Kunden (alt)" ON DELETE CASCADE,
  CHECK (share < 100));
CREATE TABLE lines (a SMALLINT, b TEXT, customer INTEGER REFERENCES "Kunden (alt)",
  made TIMESTAMPTZ DEFAULT now(), tags TEXT[], feel mood DEFAULT 'good', PRIMARY KEY (a, b));
CREATE INDEX by_customer ON lines (customer DESC, a);
CREATE INDEX a_part ON lines (customer) WHERE a > 1;
CREATE INDEX lower_b ON lines (lower(b));
CREATE VIEW all_lines AS SELECT * FROM lines;
"""
CUSTOMERS = (
    """INSERT INTO "Kunden (alt)" {override} VALUES (1, 'Zoë', '2001-02-03', '2020-03-28 07:02:09.6529', """
    """{yes}, '2.50', 0.1, '{{"a": [1.50]}}', {bytes}, {any}, NULL, 2), """
    """(2, 'x', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'id', NULL)"""
)


@pytest.fixture
def foreign(backend: str, postgres: PostgresServer, tmp_path: Path) -> Foreign:
    """A database of another program, on the other engine."""
    if backend != "sqlite":
        path = tmp_path / "foreign.db"
        foreign = Foreign(f"sqlite:///{path}")
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(SQLITE_TABLES)
        foreign.run(CUSTOMERS.format(override="", yes="1", bytes="x'00ff'", any="17"))
    else:
        foreign = Foreign(postgres.create_database())
        foreign.run(POSTGRES_TABLES)
        foreign.run(
            CUSTOMERS.format(
                override="OVERRIDING SYSTEM VALUE", yes="true", bytes=r"'\x00ff'", any="'10.0.0.1'"
            )
        )
    foreign.run("INSERT INTO lines (a, b, customer) VALUES (1, 'p', 2), (2, 'q', NULL)")
    return foreign


class Foreign:
    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")

    def run(self, text: str) -> None:
        if self.is_sqlite:
            with closing(
                sqlite3.connect(self.url.removeprefix("sqlite:///"), isolation_level=None)
            ) as connection:
                connection.execute(text)
            return

        async def run() -> None:
            connection = await asyncpg.connect(
                self.url, server_settings={"application_name": "another program"}
            )
            try:
                await connection.execute(text)
            finally:
                await connection.close()

        asyncio.run(run())


def test_tables_of_another_program(foreign: Foreign, target: Shell) -> None:
    planned = target.succeeds("copy", foreign.url, "--dry-run", "--map", "Kunden (alt)=customers")
    for note in (
        "Kunden (alt): is copied as customers.",
        "Kunden (alt).Wähler: is copied as Waehler.",
        "Kunden (alt).id: it is numbered by the database",
        "Kunden (alt).photo: its bytes become text in base64.",
        "index a_part is left out: it is over some rows only.",
        "ON DELETE CASCADE is left out",
        "all_lines: is a view, which is not copied.",
    ):
        assert note in planned, planned
    assert names(target) == []
    done = target.succeeds("copy", foreign.url, "--map", "Kunden (alt)=customers")
    assert "Copied 4 rows of 2 tables into workspace main." in done
    customers = exported(
        target, "customers", "--fields", "id,Waehler,born,seen,ok,pay,share,doc,photo,any,id_2,boss"
    )
    assert customers[0] == {
        "id": 1, "Waehler": "Zoë", "born": "2001-02-03T00:00:00.000Z", "seen": "2020-03-28T07:02:09.652Z",
        "ok": True, "pay": "2.5" if foreign.is_sqlite else "2.50", "share": 0.1, "doc": {"a": [1.5]},
        "photo": "AP8=", "any": "17" if foreign.is_sqlite else "10.0.0.1/32", "id_2": None, "boss": 2,
    }  # fmt: skip
    assert customers[1]["id_2"] == "id"
    definition = target.json("table", "get", "customers")
    facts = {each["name"]: each for each in definition["schemaDef"]}
    assert (facts["Waehler"]["maxLength"], facts["Waehler"]["isRequired"]) == (5, True)
    assert (facts["ok"]["default"], facts["pay"]["default"]) == (True, "1.50")
    assert facts["boss"]["reference"] == {"table": "customers", "column": "id"}
    assert [each["columns"][0]["name"] for each in definition["indexes"] if each["isUnique"]] == [
        "id",
        "Waehler",
    ]
    lines = target.json("table", "get", "lines")
    assert {each["name"]: [part["order"] for part in each["columns"]] for each in lines["indexes"]} == {
        "lines_key": ["asc", "asc"],
        "by_customer": ["desc", "asc"],
    }
    assert [row["customer"] for row in exported(target, "lines")] == [2, None]
    # the workspace has these names now
    assert "--map lines=NEW_NAME" in target.fails("copy", foreign.url, "--tables", "lines")
    assert "has no table" in target.fails("copy", foreign.url, "--tables", "none")
    target.succeeds("copy", foreign.url, "--tables", "lines", "--map", "lines=more", "--workspace", "new")
    assert len(exported(target, "more", "--workspace", "new")) == 2


def test_rows_that_do_not_fit(target: Shell, tmp_path: Path) -> None:
    path = tmp_path / "loose.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "CREATE TABLE a (id INTEGER PRIMARY KEY, n INTEGER, at DATE, t TEXT);"
            "CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a (id));"
            "INSERT INTO a VALUES (1, 1, '2020-01-01', 'x'), (2, 'many', NULL, NULL),"
            " (3, 3, 1577836800, NULL), (4, 4, NULL, CAST(x'ff' AS TEXT));"
            "INSERT INTO b VALUES (10, 1), (11, 2);"
        )
    url = f"sqlite:///{path}"
    refused = target.run("copy", url)
    assert "Table a, row id=2: column n must be a whole number" in refused.err
    assert 'got "many"' in refused.err
    rejects = tmp_path / "rejects.ndjson"
    orphan = target.run("copy", url, "--rejects", str(rejects))
    assert "Table b, row id=11: a 2 is not in table a" in orphan.err
    assert names(target) == []
    done = target.succeeds("copy", url, "--rejects", str(rejects), "--skip-reference", "b.a")
    assert "Left out 3 rows that did not fit" in done
    found = [json.loads(line) for line in rejects.read_text().splitlines()]
    assert [(each["table"], each["key"], each["column"]) for each in found] == [
        ("a", {"id": 2}, "n"),
        ("a", {"id": 3}, "at"),
        ("a", {"id": 4}, "t"),
    ]
    assert [row["id"] for row in exported(target, "a")] == [1]
    assert len(exported(target, "b")) == 2
    with closing(sqlite3.connect(tmp_path / "times.db")) as connection:
        connection.executescript(
            "CREATE TABLE t (at TIMESTAMP PRIMARY KEY) WITHOUT ROWID;"
            "INSERT INTO t VALUES ('2020-01-01 00:00:00.0001'), ('2020-01-01 00:00:00.0002');"
        )
    repeated = target.run("copy", f"sqlite:///{tmp_path}/times.db")
    assert 'several rows have the same key at="2020-01-01T00:00:00.000Z"' in repeated.err
    assert names(target) == ["a", "b"]
    assert "Discarded" in target.succeeds("copy", "--discard")
    assert "no unfinished copy" in target.fails("copy", "--discard")
