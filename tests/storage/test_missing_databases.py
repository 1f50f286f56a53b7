"""Databases that are missing: what the catalog knows to be there is not made again, and the log says so."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import httpx
import msgspec
import pytest

from support.bot import Bot
from support.forks import FORKS
from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace

ALL = {"all": True}
PATIENCE_SECONDS = 60
LATER = (
    *("sessions", "one_time_links", "failed_sign_ins", "user_workspaces", "former_users", "users"),
    *("rate_windows", "leases", "audit_entries", "activity", "table_sizes", "webhook_workspaces"),
)
"""The tables of later versions, in an order in which they can be dropped."""


class Place:
    """The store behind a server, on either backend: its databases by the workspaces' names."""

    def __init__(self, server: RowkeepServer) -> None:
        self.url = server.database_url
        self.is_sqlite = self.url.startswith("sqlite")
        self.directory = Path(self.url.removeprefix("sqlite:///"))

    def remove(self, workspace: str) -> str:
        """Take the database of a workspace away; gives its physical name."""
        name = self.physical(workspace)
        if self.is_sqlite:
            for path in (self.directory / "workspaces").glob(f"{name}.db*"):
                path.unlink()
        else:
            self.sql(f'DROP SCHEMA "{name}" CASCADE')
        return name

    def remove_catalog(self) -> None:
        if self.is_sqlite:
            for path in self.directory.glob("catalog.db*"):
                path.unlink()
        else:
            self.sql("DROP SCHEMA rowkeep CASCADE")

    def empty(self, workspace: str) -> None:
        """Leave the file or schema, with nothing in it."""
        name = self.remove(workspace)
        if self.is_sqlite:
            (self.directory / "workspaces" / f"{name}.db").touch()
        else:
            self.sql(f'CREATE SCHEMA "{name}"')

    def exchange(self, one: str, other: str) -> None:
        """Put each of two databases in the place of the other; no server may run."""
        names = [self.physical(one), self.physical(other)]
        for old, new in ((names[0], "aside"), (names[1], names[0]), ("aside", names[1])):
            if self.is_sqlite:
                folder = self.directory / "workspaces"
                (folder / f"{old}.db").rename(folder / f"{new}.db")
            else:
                self.sql(f'ALTER SCHEMA "{old}" RENAME TO "{new}"')

    def physical(self, workspace: str) -> str:
        return next(name for name in self.databases() if name.endswith(f"_{workspace}"))

    def databases(self) -> list[str]:
        """The files or schemas of workspaces."""
        if self.is_sqlite:
            return [path.stem for path in (self.directory / "workspaces").glob("*.db")]
        return [row[0] for row in self.sql(r"SELECT nspname FROM pg_namespace WHERE nspname ~ '^w\d+_'")]

    def has_catalog(self) -> bool:
        if self.is_sqlite:
            return (self.directory / "catalog.db").exists()
        return bool(self.sql("SELECT 1 FROM pg_namespace WHERE nspname = 'rowkeep'"))

    def sql(self, text: str) -> list[asyncpg.Record]:
        async def run() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(self.url)
            try:
                return await connection.fetch(text)
            finally:
                await connection.close()

        return asyncio.run(run())


@pytest.fixture
def server(new_store: Callable[[], str], tmp_path: Path) -> Iterator[RowkeepServer]:
    """A server of the test's own."""
    server = RowkeepServer(new_store(), tmp_path)
    server.ready_path = "/healthz"
    server.start()
    yield server
    server.kill()


@pytest.fixture
def place(server: RowkeepServer) -> Place:
    return Place(server)


def bot_in(server: RowkeepServer, name: str) -> Bot:
    """An app in a workspace of this name, with a table of one row."""
    workspace = Workspace(server, name)
    workspace.create_table(PEOPLE)
    bot = workspace.bot({"people": "rwd"})
    assert bot.insert("people", {"First_Name": name}).status_code == 200
    return bot


def missing(response: httpx.Response) -> bool:
    """Whether it is the refusal for a missing database; it must not show where that is."""
    if response.status_code != 503:
        return False
    assert response.json()["code"] == "storage_missing", response.text
    assert int(response.headers["Retry-After"]) > 0
    assert "/" not in response.json()["detail"]
    return True


def until_missing(ask: Callable[[], httpx.Response]) -> None:
    """What is read is looked for once a second."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not missing(ask()):
        assert time.monotonic() < until, "the missing database is still answered from"
        time.sleep(0.05)


def logged(server: RowkeepServer, event: str) -> list[dict[str, object]]:
    lines = [line for line in server.log.read_text().splitlines() if line.startswith("{")]
    return [entry for entry in map(msgspec.json.decode, lines) if entry["event"] == event]


def until_logged(server: RowkeepServer, event: str) -> dict[str, object]:
    """The first such entry. What a task of the server logs comes at some time after its start."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not (entries := logged(server, event)):
        assert time.monotonic() < until, f"the log has no {event!r}"
        time.sleep(0.02)
    return entries[0]


def command(server: RowkeepServer, *arguments: str) -> tuple[int, str, str]:
    """The exit status of a command and what it wrote to standard output and standard error."""
    # other programs may use the usual port
    variables = server.environment | {"ROWKEEP_PORT": str(server.port)}
    done = FORKS.run("rowkeep", arguments, env=variables, cwd=server.directory)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize("how", ["remove", "empty"])
def test_a_workspace_that_is_missing_at_start(server: RowkeepServer, place: Place, how: str) -> None:
    one, other = bot_in(server, "one"), bot_in(server, "other")
    server.stop()
    name = place.physical("one")
    getattr(place, how)("one")
    before = place.databases()
    server.start()
    for _ in range(2):
        assert missing(one.query("people"))
        assert missing(one.insert("people", {"First_Name": "lost"}))
        with server.admin() as admin:
            assert missing(admin.get("/workspaces/one/tables"))
            assert missing(admin.post("/workspaces/one/tables", json=PEOPLE))
    assert place.databases() == before
    (first, *_) = logged(server, "workspace database missing")
    assert (first["level"], first["workspace"], first["database"]) == ("error", "one", name)
    if how == "remove":
        assert until_logged(server, "workspace databases missing")["databases"] == [name]
    # the others are served, and what is missing can be deleted
    assert other.query("people").json()["total"] == 1
    with server.admin() as admin:
        assert admin.delete("/workspaces/one").status_code == 204
    assert one.query("people").status_code == 401


def test_a_workspace_that_goes_missing_under_a_server(server: RowkeepServer, place: Place) -> None:
    one, other = bot_in(server, "one"), bot_in(server, "other")
    name = place.remove("one")
    # at once where something is written: what is answered must be on disk
    assert missing(one.insert("people", {"First_Name": "lost"}))
    until_missing(lambda: one.query("people"))
    for _ in range(3):
        assert missing(one.insert("people", {"First_Name": "lost"}))
        assert missing(one.bulk("people", [{"First_Name": "lost"}] * 3))
        assert missing(one.update("people", ALL, {"First_Name": "lost"}))
        assert missing(one.delete("people", ALL))
        assert missing(one.query("people"))
        with server.admin() as admin:
            assert missing(admin.get("/workspaces/one/tables/people"))
            assert missing(admin.post("/workspaces/one/apps", json={"name": "new"}))
    assert name not in place.databases()
    assert logged(server, "workspace database missing")[0]["database"] == name
    assert logged(server, "request failed") == []
    assert other.insert("people", {"First_Name": "more"}).status_code == 200


def test_a_restored_workspace_is_served_again(server: RowkeepServer, place: Place) -> None:
    one = bot_in(server, "one")
    server.stop()
    name = place.physical("one")
    if place.is_sqlite:
        path = place.directory / "workspaces" / f"{name}.db"
        path.rename(path.with_name("aside"))
    else:
        place.sql(f'ALTER SCHEMA "{name}" RENAME TO aside')
    server.start()
    assert missing(one.query("people"))
    if place.is_sqlite:
        path.with_name("aside").rename(path)
    else:
        place.sql(f'ALTER SCHEMA aside RENAME TO "{name}"')
    assert one.query("people").json()["total"] == 1


def test_the_database_of_another_workspace(server: RowkeepServer, place: Place) -> None:
    bots = [bot_in(server, "one"), bot_in(server, "other")]
    server.stop()
    place.exchange("one", "other")
    server.start()
    for bot in bots:
        assert missing(bot.query("people"))
        assert missing(bot.insert("people", {"First_Name": "lost"}))
    reasons = {str(entry["reason"]) for entry in logged(server, "workspace database missing")}
    assert all("another workspace's" in reason for reason in reasons)
    assert logged(server, "request failed") == []


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_file_that_is_replaced_under_a_server(server: RowkeepServer, place: Place) -> None:
    one = bot_in(server, "one")
    path = place.directory / "workspaces" / f"{place.physical('one')}.db"
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    copy.replace(path)
    assert missing(one.insert("people", {"First_Name": "lost"}))
    until_missing(lambda: one.query("people"))
    server.restart()
    assert one.query("people").status_code in (200, 401)


def test_a_catalog_that_is_missing(server: RowkeepServer, place: Place) -> None:
    bot_in(server, "one")
    server.stop()
    place.remove_catalog()
    for arguments in (["serve"], ["init"], ["workspace", "list"], ["admin-token", "create"]):
        status, out, err = command(server, *arguments)
        assert (status, out) == (1, ""), err
        assert "catalog" in err
        assert "Restore it from a backup" in err
        assert place.physical("one") in err
        assert len(err.splitlines()) == 1
        assert not place.has_catalog()


def test_a_catalog_that_goes_missing_under_a_server(server: RowkeepServer, place: Place) -> None:
    bot_in(server, "one")
    place.remove_catalog()
    with httpx.Client(base_url=server.url, trust_env=False) as client:
        until_missing(lambda: client.get("/readyz"))
        assert client.get("/healthz").status_code == 200
    with server.admin() as admin:
        assert missing(admin.post("/workspaces", json={"name": "new"}))
        assert missing(admin.get("/workspaces"))
    assert not place.has_catalog()


def test_what_was_begun_is_made_at_last(server: RowkeepServer, place: Place) -> None:
    """A server that ends between the catalog's row and the database's last step leaves a workspace that is
    new: as if it had not been asked for."""
    Workspace(server, "late")
    assert all("late" not in name for name in place.databases())
    server.stop()
    if place.is_sqlite:
        # an empty file is what is left where it ended there
        (place.directory / "workspaces" / "w2_late.db").touch()
    else:
        place.sql("CREATE SCHEMA w2_late")
    server.start()
    bot = bot_in(server, "late")
    assert bot.query("people").json()["total"] == 1


def test_a_store_of_the_first_version(server: RowkeepServer, place: Place) -> None:
    """It does not know which databases were made: what is there at the first start, was."""
    one, other = bot_in(server, "one"), bot_in(server, "other")
    Workspace(server, "unused")
    server.stop()
    forget = (
        "DROP TABLE {0}databases",
        "DROP TABLE {0}former_admin_tokens",
        *(f"DROP TABLE {{0}}{name}" for name in LATER),
        "DELETE FROM {0}_rowkeep_steps WHERE step >= 3",
    )
    if place.is_sqlite:
        program = "import apsw, sys; c = apsw.Connection(sys.argv[1]); [c.execute(s) for s in sys.argv[2:]]"
        statements = [each.format("") for each in forget]
        path = place.directory / "catalog.db"
        subprocess.run([sys.executable, "-c", program, path, *statements], check=True)
    else:
        for each in (*forget, "ALTER TABLE {0}installation DROP COLUMN id"):
            place.sql(each.format("rowkeep."))
    server.start()
    for bot in (one, other):
        assert bot.query("people").json()["total"] == 1
    assert bot_in(server, "unused").query("people").json()["total"] == 1
    server.stop()
    place.remove("other")
    server.start()
    assert one.query("people").json()["total"] == 1
    assert missing(other.query("people"))


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_file_that_was_closed_meanwhile_is_not_made_again(
    new_store: Callable[[], str], tmp_path: Path
) -> None:
    server = RowkeepServer(new_store(), tmp_path, sqlite_open_workspaces=1)
    server.start()
    try:
        one, other = bot_in(server, "one"), bot_in(server, "other")
        place = Place(server)
        place.remove("one")
        assert other.query("people").status_code == 200
        assert missing(one.insert("people", {"First_Name": "lost"}))
        assert missing(one.query("people"))
        assert os.listdir(place.directory / "workspaces")
        # a workspace that is deleted must not look like a broken device
        assert "sqlite failed" not in server.log.read_text()
    finally:
        server.kill()
