"""``rowkeep rows query``, ``get``, ``insert``, ``update``, ``delete``: as an administrator and as an app."""

from __future__ import annotations

import json
import os
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from functools import partial
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import pytest
from rows_shell import all_rows
from shell import SHORT_WAIT_SECONDS, Result, Shell, environment_of

from rowkeep.cli.main import run
from rowkeep.client import data
from rowkeep.exit_status import end
from support.bot import Bot
from support.engines import ON_SQLITE, first_way_on_each
from support.gateway import Gateway, lose_answer, pass_on, refuse
from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace

ROWS = [
    {"First_Name": "Jane", "Last_Name": "Doe", "Number": 1},
    {"First_Name": "Mike", "Last_Name": "Roe", "Number": 2},
    {"First_Name": "Ada", "Last_Name": None, "Number": 3},
]


class Input(TextIOWrapper):
    """Standard input, which may be a terminal."""

    is_terminal = False

    def isatty(self) -> bool:
        return self.is_terminal


class Commands:
    """Runs ``rowkeep`` in this process, with the environment of a shell."""

    def __init__(self, variables: dict[str, str], directory: Path, *always: str) -> None:
        self.variables = variables
        self.directory = directory
        self.always = always

    def run(self, *arguments: str, stdin: str = "", is_terminal: bool = False) -> Result:
        given = Input(BytesIO(stdin.encode()))
        given.is_terminal = is_terminal
        out, err = TextIOWrapper(BytesIO(), "utf-8"), TextIOWrapper(BytesIO(), "utf-8")
        with (
            environment_of(self.variables),
            patch.object(sys, "stdin", given),
            patch.object(data, "FIRST_WAIT_SECONDS", SHORT_WAIT_SECONDS),
            chdir(self.directory),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            status = end(partial(run, [*arguments, *self.always]))
        written = []
        for stream in (out, err):
            stream.flush()
            written.append(stream.buffer.getvalue().decode())  # type: ignore[attr-defined] # a BytesIO
        return Result(status, *written)

    def prints(self, *arguments: str, stdin: str = "") -> str:
        done = self.run("rows", *arguments, stdin=stdin)
        assert (done.status, done.err) == (0, ""), done
        return done.out

    def json(self, *arguments: str, stdin: str = "") -> Any:
        return json.loads(self.prints(*arguments, "--json", stdin=stdin))

    def fails(self, *arguments: str, status: int = 1, stdin: str = "") -> str:
        done = self.run("rows", *arguments, stdin=stdin)
        assert (done.status, done.out, done.err.count("\n")) == (status, "", 1), done
        return done.err


@pytest.fixture
def bot(workspace: Workspace) -> Bot:
    bot = workspace.bot_with([PEOPLE])
    bot.bulk("people", ROWS).raise_for_status()
    return bot


def plain_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("ROWKEEP_")}


@pytest.fixture(params=["store", "administrator", "app"])
def shell(
    request: pytest.FixtureRequest, bot: Bot, workspace: Workspace, server: RowkeepServer, tmp_path: Path
) -> Commands:
    """On the store itself, as an administrator over HTTP, and as an app."""
    variables = plain_environment()
    if request.param == "app":
        variables |= {"ROWKEEP_URL": server.url, "ROWKEEP_APP_SECRET": bot.secret}
        return Commands(variables, tmp_path, "--app", bot.client_id)
    if request.param == "store":
        return Commands(server.environment, tmp_path, "--workspace", workspace.name)
    variables |= {"ROWKEEP_URL": server.url, "ROWKEEP_ADMIN_TOKEN": server.admin_token}
    return Commands(variables, tmp_path, "--workspace", workspace.name)


@pytest.fixture
def admin_shell(bot: Bot, workspace: Workspace, server: RowkeepServer, tmp_path: Path) -> Commands:
    assert bot
    variables = {"ROWKEEP_URL": server.url, "ROWKEEP_ADMIN_TOKEN": server.admin_token}
    return Commands(plain_environment() | variables, tmp_path, "--workspace", workspace.name)


@first_way_on_each("shell")
def test_every_command(shell: Commands, bot: Bot) -> None:
    listed = shell.json("query", "people")
    assert (listed["total"], listed["hasMore"]) == (3, False)
    assert listed["queryResult"] == all_rows(bot, "people")
    first = listed["queryResult"][0]
    assert shell.json("get", "people", first["_id"]) == first
    assert shell.json("get", "people", first["sys_Id"]) == first
    one = shell.json("insert", "people", "--set", "firstName=Bob", "--set", "Number=4")
    assert (one["First_Name"], one["Number"], one["Last_Name"]) == ("Bob", 4, None)
    assert shell.json("insert", "people", '{"Number": 5}')["Number"] == 5
    many = shell.json("insert", "people", "-", stdin='[{"Number": 6}, {"Number": 7}]')
    assert [row["Number"] for row in many["records"]] == [6, 7]
    changed = shell.json("update", "people", "--where", "Number>=5", "--set", "Gender=x")
    assert (changed["nModified"], changed["records"][0]["Gender"]) == (3, "x")
    changed = shell.json("update", "people", "--id", one["_id"], "--data", '{"First_Name": null}')
    assert changed["records"][0]["First_Name"] is None
    changes = ("--inc", "Number=-1.5", "--inc", "number=0", "--append", "Last_Name= x=y")
    assert "match column Number" in shell.fails("update", "people", "--id", one["_id"], *changes)
    changes = ("--inc", "Number=-1.5", "--append", "Last_Name= x=y", "--set", "Gender=z")
    (record,) = shell.json("update", "people", "--id", one["_id"], *changes)["records"]
    assert (record["Number"], record["Last_Name"], record["Gender"]) == (2.5, " x=y", "z")
    assert shell.json("delete", "people", "--id", one["sys_Id"]) == {"nDeleted": 1}
    assert shell.json("delete", "people", "--where", "Number>5", "--yes") == {"nDeleted": 2}
    # ids of several processes increase only to the second
    assert sorted(row["Number"] for row in all_rows(bot, "people")) == [1, 2, 3, 5]
    assert "but maxAffected is 3" in shell.fails("delete", "people", "--all", "--yes", "--max-affected", "3")
    few = ("update", "people", "--where", "Number<3", "--set", "Gender=y", "--min-affected", "3")
    assert "but minAffected is 3" in shell.fails(*few)
    assert shell.json("delete", "people", "--all", "--yes", "--min-affected", "4") == {"nDeleted": 4}


@ON_SQLITE
def test_dry_runs(shell: Commands, bot: Bot) -> None:
    before = all_rows(bot, "people")
    several = '[{"Number": 6}, {"Number": 7}]'
    assert shell.json("insert", "people", several, "--dry-run") == {"nInserted": 2, "dryRun": True}
    assert shell.json("insert", "people", "--set", "Number=8", "--dry-run")["nInserted"] == 1
    some = ("people", "--where", "Number>=2", "--dry-run")
    assert shell.json("update", *some, "--set", "Gender=x") == {"nModified": 2, "dryRun": True}
    assert shell.json("delete", *some) == {"nDeleted": 2, "dryRun": True}
    assert "must be a number" in shell.fails("insert", "people", '{"Number": "many"}', "--dry-run")
    assert shell.prints("insert", "people", several, "--dry-run") == "Would insert 2 rows into people.\n"
    assert shell.prints("update", *some, "--set", "Gender=x") == "Would update 2 rows of people.\n"
    assert shell.prints("delete", *some) == "Would delete 2 rows of people.\n"
    assert all_rows(bot, "people") == before


@ON_SQLITE
def test_which_rows_are_shown(admin_shell: Commands) -> None:
    def numbers(*options: str) -> list[int]:
        return [row["Number"] for row in admin_shell.json("query", "people", *options)["queryResult"]]

    filter_ = '{"expressions":[{"field":"lastName","operand":"is null"}]}'
    assert numbers("--filter", filter_) == [3]
    assert numbers("--where", "Number=2") == [2]
    assert numbers("--where", "Number!=2") == [1, 3]
    assert numbers("--where", "Number > 1", "--where", "first name=Jane") == []
    assert numbers("--where", "Number>1", "--where", "firstName=Ada") == [3]
    assert numbers("--where", "Number<=2") == [1, 2]
    assert numbers("--sort", "Number:desc", "--limit", "2") == [3, 2]
    assert numbers("--sort", "lastName", "--fields", "Number") == [3, 1, 2]


@ON_SQLITE
def test_what_people_see(admin_shell: Commands, bot: Bot) -> None:
    rows = all_rows(bot, "people")
    shown = admin_shell.prints("query", "people", "--limit", "2").splitlines()
    assert shown[0].split() == ["_id", "First_Name", "Last_Name", "Gender", "Number"]
    assert shown[2].split() == [rows[0]["_id"], "Jane", "Doe", "1"]
    assert shown[-1] == "2 of 3 rows."
    assert admin_shell.prints("query", "people", "--fields", "Number,_id").split()[:2] == ["Number", "_id"]
    row = admin_shell.prints("get", "people", rows[1]["_id"]).splitlines()
    assert row[0].split() == ["First_Name", "Mike"]
    assert row[-1].split() == ["_id", rows[1]["_id"]]
    inserted = admin_shell.prints("insert", "people", "--set", "Number=9")
    assert inserted == f"Inserted row {all_rows(bot, 'people')[-1]['_id']} into people.\n"
    assert admin_shell.prints("insert", "people", "[{}, {}]") == "Inserted 2 rows into people.\n"
    assert (
        admin_shell.prints("update", "people", "--all", "--set", "Gender=x") == "Updated 6 rows of people.\n"
    )
    assert admin_shell.prints("delete", "people", "--where", "Number=9") == "Deleted 1 row of people.\n"
    assert admin_shell.prints("delete", "people", "--where", "Number=9") == "Deleted 0 rows of people.\n"


@ON_SQLITE
def test_more_rows_than_a_page(admin_shell: Commands, bot: Bot) -> None:
    bot.bulk("people", [{"Number": number} for number in range(4, 2401)]).raise_for_status()
    everything = admin_shell.json("query", "people", "--all", "--fields", "Number")
    assert [row["Number"] for row in everything["queryResult"]] == list(range(1, 2401))
    assert (everything["hasMore"], everything["total"], "nextCursor" in everything) == (False, 2400, False)
    some = admin_shell.json("query", "people", "--limit", "1500", "--fields", "Number")
    assert [row["Number"] for row in some["queryResult"]] == list(range(1, 1501))
    assert (some["hasMore"], some["total"]) == (True, 2400)


@ON_SQLITE
def test_views(admin_shell: Commands, workspace: Workspace) -> None:
    view = {"name": "names", "table": "people", "columns": ["people.First_Name"], "sortBy": [
        {"field": "First_Name", "order": "asc"}]}  # fmt: skip
    assert workspace.admin.post(f"{workspace.path}/views", json=view).status_code == 201
    found = admin_shell.json("query", "names", "--view")["queryResult"]
    assert [row["First_Name"] for row in found] == ["Ada", "Jane", "Mike"]
    assert admin_shell.prints("query", "names", "--view").split()[0] == "First_Name"
    assert "No such view" in admin_shell.fails("query", "people", "--view")


@ON_SQLITE
def test_deleting_asks_first(admin_shell: Commands, bot: Bot) -> None:
    refused = admin_shell.fails("delete", "people", "--where", "Number>1")
    assert refused == "Error: This deletes 2 rows of people. Add --yes to confirm.\n"
    refused = admin_shell.fails("delete", "people", "--all")
    assert "3 rows" in refused
    assert len(all_rows(bot, "people")) == 3


@ON_SQLITE
@pytest.mark.parametrize(("answer", "left"), [("y\n", 0), ("n\n", 3), ("\n", 3)])
def test_at_a_terminal(admin_shell: Commands, bot: Bot, answer: str, left: int) -> None:
    done = admin_shell.run("rows", "delete", "people", "--all", stdin=answer, is_terminal=True)
    assert "Delete 3 rows of people? [y/N]" in done.err + done.out
    assert done.status == (0 if left == 0 else 1)
    assert len(all_rows(bot, "people")) == left


USAGE = [
    ("update", "people", "--set", "Number=1"),
    ("update", "people", "--all"),
    ("update", "people", "--all", "--set", "Number=1", "--data", "{}"),
    ("update", "people", "--all", "--id", "x", "--set", "Number=1"),
    ("update", "people", "--all", "--set", "Number"),
    ("update", "people", "--all", "--set", "Number=1", "--set", "Number=2"),
    ("update", "people", "--all", "--set", "Number=1", "--inc", "Number=2"),
    ("update", "people", "--all", "--inc", "Number"),
    ("update", "people", "--all", "--append", "=1"),
    ("update", "people", "--all", "--inc", "Number=1", "--data", "{}"),
    ("delete", "people"),
    ("delete", "people", "--where", "Number"),
    ("delete", "people", "--where", "=1"),
    ("delete", "people", "--where", "a=1", "--filter", "{}"),
    ("insert", "people"),
    ("insert", "people", "{}", "--set", "a=b"),
    ("query", "people", "--limit", "0"),
    ("query", "people", "--app", "cs-1"),
    ("get", "people"),
]


@pytest.mark.parametrize("arguments", USAGE, ids=" ".join)
def test_wrong_usage(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """It fails before anything is reached."""
    here = Commands(plain_environment() | {"ROWKEEP_URL": "http://127.0.0.1:9"}, tmp_path, "--workspace", "w")
    here.fails(*arguments, status=2)


@ON_SQLITE
def test_refusals(admin_shell: Commands) -> None:
    assert 'No such table: "nowhere".' in admin_shell.fails("query", "nowhere")
    assert (
        admin_shell.fails("get", "people", "0" * 24) == f'Error: No such row in table people: "{"0" * 24}".\n'
    )
    assert "Number" in admin_shell.fails("insert", "people", "--set", "Number=x")
    assert "The argument is not valid JSON" in admin_shell.fails("insert", "people", "{")
    assert "not valid JSON" in admin_shell.fails("query", "people", "--filter", "x")
    assert "(at /data/1/Number) (and 1 more error)" in admin_shell.fails(
        "insert", "people", '[{"Number": 1}, {"Number": "x"}, {"Number": "y"}]'
    )
    elsewhere = Commands(admin_shell.variables, admin_shell.directory, "--workspace", f"w{uuid4().hex[:8]}")
    assert "No such workspace" in elsewhere.fails("query", "people")
    wrong = Commands(admin_shell.variables | {"ROWKEEP_ADMIN_TOKEN": "x"}, admin_shell.directory)
    assert "ROWKEEP_ADMIN_TOKEN is not a valid admin token" in wrong.fails("query", "people")
    without = {k: v for k, v in admin_shell.variables.items() if k != "ROWKEEP_ADMIN_TOKEN"}
    assert "ROWKEEP_ADMIN_TOKEN is not" in Commands(without, admin_shell.directory).fails("query", "people")
    gone = Commands(admin_shell.variables | {"ROWKEEP_URL": "http://127.0.0.1:9"}, admin_shell.directory)
    assert "No response from http://127.0.0.1:9" in gone.fails("insert", "people", "{}")


@ON_SQLITE
def test_a_write_whose_response_is_lost_is_done_once(bot: Bot, admin_shell: Commands) -> None:
    lost = [lose_answer, refuse(502, **{"Retry-After": "0"}), pass_on]
    with Gateway(bot.server_url, lost * 4, ("/people", "/delete", "/batch")) as gateway:
        behind = Commands(
            admin_shell.variables | {"ROWKEEP_URL": gateway.url}, admin_shell.directory, *admin_shell.always
        )
        assert behind.json("insert", "people", '{"Number": 10}')["Number"] == 10
        assert behind.json("update", "people", "--where", "Number=10", "--inc", "Number=1")["nModified"] == 1
        assert behind.json("delete", "people", "--where", "Number=1", "--yes") == {"nDeleted": 1}
        operations = '[{"op": "insert", "table": "people", "data": {"Number": 12}}]'
        done = behind.run("rows", "batch", "-", "--json", stdin=operations)
        assert done.status == 0, done
        assert json.loads(done.out)["results"][0]["Number"] == 12
        assert gateway.handlers == []
    assert sorted(row["Number"] for row in all_rows(bot, "people")) == [2, 3, 11, 12]


@ON_SQLITE
def test_an_app_has_its_grants_alone(server: RowkeepServer, workspace: Workspace, tmp_path: Path) -> None:
    workspace.create_table(PEOPLE)
    bot = workspace.bot({"people": "r"})
    variables = {"ROWKEEP_URL": server.url, "ROWKEEP_APP_SECRET": bot.secret}
    shell = Commands(plain_environment() | variables, tmp_path, "--app", bot.client_id)
    assert shell.json("query", "people")["total"] == 0
    assert "no write grant" in shell.fails("insert", "people", "{}")


def test_export_and_import_by_an_administrator(
    bot: Bot, workspace: Workspace, server: RowkeepServer, tmp_path: Path
) -> None:
    at_server = {"ROWKEEP_URL": server.url, "ROWKEEP_ADMIN_TOKEN": server.admin_token}
    remote = Commands(plain_environment() | at_server, tmp_path, "--workspace", workspace.name)
    store = Commands(server.environment, tmp_path, "--workspace", workspace.name)
    for shell, name in ((remote, "a.ndjson"), (store, "b.ndjson")):
        options = ("--fields", "First_Name,Last_Name,Number", "--where", "Number<3")
        assert shell.json("export", "people", "-o", name, *options)["nExported"] == 2
    assert (tmp_path / "a.ndjson").read_bytes() == (tmp_path / "b.ndjson").read_bytes()
    assert remote.json("import", "people", "a.ndjson")["nInserted"] == 2
    assert store.json("import", "people", "b.ndjson")["nInserted"] == 2
    rows = all_rows(bot, "people")
    assert sorted(row["Number"] for row in rows) == [1, 1, 1, 2, 2, 2, 3]
    writers = workspace.admin.get(f"{workspace.path}/writers", params={"limit": 1000}).json()["writers"]
    named = {each["id"]: each["name"] for each in writers}
    assert "rowkeep command" in {named[row["Created_By"]] for row in rows}


@ON_SQLITE
def test_an_app_brings_its_credentials(server: RowkeepServer, workspace: Workspace, tmp_path: Path) -> None:
    """The secret comes from a file, standard input or the environment, and is not shown."""
    workspace.create_table(PEOPLE)
    at_server = {"ROWKEEP_URL": server.url, "ROWKEEP_ADMIN_TOKEN": server.admin_token}
    shell = Shell(tmp_path, plain_environment() | at_server)
    secret = "s" * 40 + "-ecret"
    (tmp_path / "secret").write_text(secret + "\n")
    options = ("--workspace", workspace.name)
    ids = [f"cs-{uuid4()}" for _ in range(4)]
    create = ("app", "create")
    made = shell.succeeds(*create, "a", "--client-id", ids[0], "--client-secret-file", "secret", *options)
    assert ids[0] in made
    assert secret not in made
    from_input = ("--client-id", ids[1], "--client-secret-file", "-")
    shell.succeeds(*create, "b", *from_input, *options, stdin=secret)
    with_variable = shell.with_variables(ROWKEEP_APP_SECRET=secret)
    body = with_variable.json(*create, "c", "--client-id", ids[2], *options)
    assert (body["clientId"], body["clientSecret"]) == (ids[2], secret)
    for client_id in ids[:3]:
        workspace.grant(client_id, "people", "rw")
        as_app = ("--app", client_id)
        assert json.loads(with_variable.succeeds("rows", "insert", "people", "{}", *as_app, "--json"))["_id"]
        assert Bot(server.url, client_id, secret).query("people").status_code == 200
    shell.fails(*create, "d", "--client-id", ids[3], *options, status=2)
    shell.fails(*create, "d", "--client-secret-file", "secret", *options, status=2)
    assert "is already used" in shell.fails(
        *create, "d", "--client-id", ids[0], "--client-secret-file", "secret", *options
    )
    long = "l" * 100
    hs512 = ("--algorithm", "HS512", "--client-id", ids[3])
    (tmp_path / "long").write_text(long)
    shell.succeeds(*create, "e", *hs512, "--client-secret-file", "long", *options)
    workspace.grant(ids[3], "people", "r")
    named = shell.with_variables(ROWKEEP_APP_SECRET=long, ROWKEEP_APP_ALGORITHM="HS512")
    assert named.succeeds("rows", "query", "people", "--app", ids[3], "--json")


@first_way_on_each("shell")
def test_inserts_that_update_or_ignore(shell: Commands, workspace: Workspace, bot: Bot) -> None:
    definition = PEOPLE | {"name": "keyed"}
    key = {"name": "k", "isUnique": True, "columns": [{"name": "Number"}, {"name": "Last_Name"}]}
    workspace.create_table(definition | {"indexes": [key]})
    workspace.grant(bot.client_id, "keyed", "rwd")
    insert = ("insert", "keyed", "--key", "Last_Name", "--key", "Number", "--on-conflict")
    jane = json.dumps(ROWS[0])
    assert shell.prints(*insert, "update", jane) == "Inserted 1 row into keyed; 0 updated, 0 ignored.\n"
    changed = json.dumps([ROWS[0] | {"First_Name": "Janet"}, ROWS[1]])
    assert shell.prints(*insert, "update", changed) == "Inserted 1 row into keyed; 1 updated, 0 ignored.\n"
    assert shell.prints(*insert, "ignore", jane) == "Inserted 0 rows into keyed; 0 updated, 1 ignored.\n"
    answer = shell.json(*insert, "update", jane)
    assert (answer["outcomes"], answer["records"][0]["First_Name"]) == (["updated"], "Jane")
    assert "already exists" in shell.fails(*insert, "error", jane)
    assert '"error", "ignore", "update"' in shell.fails(*insert, "replace", jane)
    assert "unique index" in shell.fails(
        "insert", "keyed", jane, "--on-conflict", "update", "--key", "Number"
    )
    for alone in (("--on-conflict", "update"), ("--key", "Number")):
        assert "must be used together" in shell.fails("insert", "keyed", jane, *alone, status=2)


@ON_SQLITE
def test_batches(shell: Commands, bot: Bot, tmp_path: Path) -> None:
    by_id = {"expressions": [{"field": "_id", "operand": "=", "value": {"$ref": "/0/_id"}}]}
    batch: list[Any] = [
        {"op": "insert", "table": "people", "data": {"First_Name": "Bob", "Number": 4}},
        {"op": "update", "table": "people", "query": by_id, "data": {"Number": 5}},
        {"op": "query", "table": "people", "count": "none"},
        {"op": "delete", "table": "people", "query": by_id},
    ]
    (tmp_path / "batch.json").write_text(json.dumps(batch))
    lines = [
        "Operation 0: 1 row of people inserted.",
        "Operation 1: 1 row of people updated.",
        "Operation 2: 4 rows of people found.",
        "Operation 3: 1 row of people deleted.",
    ]
    assert shell.prints("batch", "batch.json").splitlines() == lines
    lines[2] = "Operation 2: query of people checked."
    dry = shell.prints("batch", "-", "--dry-run", stdin=json.dumps({"operations": batch}))
    assert dry.splitlines() == [*lines, "Dry run: nothing was stored."]
    keyed = ("batch", "-", "--idempotency-key", 'a "key"')
    one = json.dumps(batch[:1])
    assert shell.json(*keyed, stdin=one) == shell.json(*keyed, stdin=one)
    assert len(all_rows(bot, "people")) == 4
    batch[1]["minAffected"] = 2
    assert "Operation 1: The filter matches 1 row" in shell.fails("batch", "-", stdin=json.dumps(batch))
    assert "has no array of operations" in shell.fails("batch", "-", stdin="{}")
    assert "is not valid JSON" in shell.fails("batch", "-", stdin="{")
    assert "cannot be read" in shell.fails("batch", "nowhere.json")
    assert "printable ASCII" in shell.fails("batch", "-", "--idempotency-key", "\u00e4", status=2, stdin=one)
    assert len(all_rows(bot, "people")) == 4


def test_numbers_are_sent_and_shown_as_they_are_written(workspace: Workspace, admin_shell: Commands) -> None:
    types = ("decimal", "number", "integer", "json")
    columns = [{"name": each.title(), "type": each} for each in types]
    workspace.create_table({"name": "sums", "schemaDef": columns, "history": {"keepDays": 1}})
    row = '{"Decimal": 1.10, "Number": 0.5, "Integer": 9223372036854775807, "Json": [1e400, 1.50, 12e0]}'
    added = admin_shell.json("insert", "sums", row)["_id"]
    admin_shell.prints(
        "update", "sums", "--id", added, "--data", '{"Decimal": 0.1234567890123456789012345678}'
    )
    admin_shell.prints("update", "sums", "--id", added, "--data", '{"Json": 1e400}')
    shown = admin_shell.prints("get", "sums", added)
    assert "0.1234567890123456789012345678" in shown
    assert "1e400" in shown
    assert '"Json": 1e400' in admin_shell.prints("query", "sums", "--fields", "Json", "--json")
    batch = '[{"op": "update", "table": "sums", "query": {"all": true}, "data": {"Json": [1e400, 1.50]}}]'
    admin_shell.prints("batch", "-", stdin=batch)
    assert "[1e400, 1.50]" in admin_shell.prints("query", "sums")
    history = admin_shell.run("history", "sums", added)
    assert (history.status, "1e400" in history.out) == (0, True), history


@ON_SQLITE
@pytest.mark.parametrize("number", ["1e400", "NaN", "-Infinity"])
def test_numbers_that_no_column_has_are_not_null(
    workspace: Workspace, admin_shell: Commands, number: str
) -> None:
    workspace.create_table({"name": "sums", "schemaDef": [{"name": "Number", "type": "number"}]})
    admin_shell.prints("insert", "sums", "{}")
    condition = f'{{"expressions": [{{"field": "Number", "operand": "=", "value": {number}}}]}}'
    expected = "got a number that large" if number == "1e400" else f"{number} is not a number in JSON"
    for arguments in (
        ("insert", "sums", f'{{"Number": {number}}}'),
        ("update", "sums", "--all", "--data", f'{{"Number": {number}}}'),
        ("delete", "sums", "--filter", condition),
    ):
        assert expected in admin_shell.fails(*arguments)
    assert admin_shell.json("query", "sums")["total"] == 1


def test_erase_a_person_in_all_tables(workspace: Workspace, admin_shell: Commands) -> None:
    mails = {"name": "Mail", "type": "string"}
    workspace.create_table(
        {
            "name": "customers",
            "schemaDef": [mails | {"name": "EMail"}],
            "indexes": [{"name": "by_mail", "columns": [{"name": "EMail"}], "isUnique": True}],
        }
    )
    reference = {"reference": {"table": "customers", "column": "EMail"}}
    archive = {"name": "archive", "schemaDef": [mails | {"isEncrypted": True}]}
    workspace.create_table(archive | {"history": {"keepDays": 1}})
    workspace.create_table({"name": "zebras", "schemaDef": [mails | reference]})
    bot = workspace.bot({"customers": "rwd", "archive": "rwd", "zebras": "rwd"})
    for table, column in (("customers", "EMail"), ("archive", "Mail"), ("zebras", "Mail")):
        bot.bulk(table, [{column: "ada@x.example"}, {column: "bob@x.example"}]).raise_for_status()
    command = ("erase", "--column", "email", "--column", "Mail", "--value", "ada@x.example")
    refused = admin_shell.run(*command)
    assert (refused.status, "--yes" in refused.err) == (1, True)
    for option, total in (("--dry-run", 3), ("--yes", 3), ("--yes", 0)):
        done = json.loads(admin_shell.run(*command, option, "--json").out)
        assert (done["nDeleted"], done["dryRun"]) == (total, option == "--dry-run")
        assert [each["table"] for each in done["tables"]] == ["archive", "zebras", "customers"]
        # what the history of the archive has of the row is what it was when it was deleted
        was_deleted = option == "--yes" and total > 0
        assert [each["nErased"] for each in done["tables"]] == [int(was_deleted), 0, 0]
    assert "Deleted 0 rows." in admin_shell.run(*command, "--yes").out
    assert [row["EMail"] for row in all_rows(bot, "customers")] == ["bob@x.example"]
    assert len(all_rows(bot, "archive")) == len(all_rows(bot, "zebras")) == 1
    unknown = admin_shell.run("erase", "--column", "Phone", "--value", "1", "--yes")
    assert (unknown.status, 'has a column "Phone"' in unknown.err) == (1, True)
