"""Revocation: what is taken away is gone at the next request, in this process and in every other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from answers import good, problem

from support.bot import Bot
from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace, succeeded


@pytest.fixture(scope="module")
def second(server: RowkeepServer) -> Iterator[RowkeepServer]:
    """Another process that serves the same store."""
    second = RowkeepServer(server.database_url, server.directory)
    second.start()
    yield second
    second.stop()


def rotate(workspace: Workspace, bot: Bot) -> None:
    succeeded(workspace.admin.post(f"{workspace.path}/apps/{bot.client_id}/secret"))


def disable(workspace: Workspace, bot: Bot) -> None:
    succeeded(workspace.admin.patch(f"{workspace.path}/apps/{bot.client_id}", json={"enabled": False}))


def delete(workspace: Workspace, bot: Bot) -> None:
    succeeded(workspace.admin.delete(f"{workspace.path}/apps/{bot.client_id}"))


def change_algorithm(workspace: Workspace, bot: Bot) -> None:
    succeeded(workspace.admin.patch(f"{workspace.path}/apps/{bot.client_id}", json={"algorithm": "HS512"}))


def take_grant(workspace: Workspace, bot: Bot) -> None:
    workspace.grant(bot.client_id, "people", "")


def take_read(workspace: Workspace, bot: Bot) -> None:
    workspace.grant(bot.client_id, "people", "wd")


def drop_table(workspace: Workspace, bot: Bot) -> None:
    workspace.drop_table("people")


def replace_table(workspace: Workspace, bot: Bot) -> None:
    workspace.drop_table("people")
    workspace.create_table(PEOPLE)


REVOCATIONS: list[tuple[Callable[[Workspace, Bot], None], int]] = [
    (rotate, 401),
    (disable, 401),
    (delete, 401),
    (change_algorithm, 401),
    (take_grant, 403),
    (take_read, 403),
    (drop_table, 404),
    (replace_table, 403),
]


@pytest.mark.parametrize(
    ("revoke", "status"), REVOCATIONS, ids=lambda value: getattr(value, "__name__", None)
)
def test_in_the_same_process(
    people: Bot, workspace: Workspace, revoke: Callable[[Workspace, Bot], None], status: int
) -> None:
    for _ in range(3):
        good(people.query("people"))
    revoke(workspace, people)
    for _ in range(3):
        problem(people.query("people"), status)


@pytest.mark.parametrize(
    ("revoke", "status"), REVOCATIONS, ids=lambda value: getattr(value, "__name__", None)
)
def test_in_another_process(
    people: Bot,
    workspace: Workspace,
    second: RowkeepServer,
    revoke: Callable[[Workspace, Bot], None],
    status: int,
) -> None:
    there = Bot(second.url, people.client_id, people.secret)
    for _ in range(3):
        good(there.query("people"))
        good(there.insert("people", {"Number": 1}))
    revoke(workspace, people)
    problem(there.query("people"), status)
    if revoke is not take_read:
        problem(there.insert("people", {"Number": 2}), status)


@pytest.mark.parametrize("call", ["insert", "bulk", "update", "delete", "query"])
def test_each_call_sees_it_first(people: Bot, workspace: Workspace, second: RowkeepServer, call: str) -> None:
    """No call relies on another to have noticed before."""
    there = Bot(second.url, people.client_id, people.secret)
    calls = {
        "insert": lambda: there.insert("people", {"Number": 1}),
        "bulk": lambda: there.bulk("people", [{"Number": 1}]),
        "update": lambda: there.update("people", {"all": True}, {"Number": 2}),
        "delete": lambda: there.delete("people", {"all": True}),
        "query": lambda: there.query("people"),
    }
    for rights, status in (("rwd", 200), ("", 403), ("rwd", 200), ("", 403)):
        workspace.grant(people.client_id, "people", rights)
        assert calls[call]().status_code == status


def test_what_is_given_is_there_at_once(people: Bot, workspace: Workspace, second: RowkeepServer) -> None:
    for number in range(5):
        name = f"fresh{number}"
        workspace.create_table({**PEOPLE, "name": name})
        bot = workspace.bot({name: "rwd"})
        there = Bot(second.url, bot.client_id, bot.secret)
        good(there.insert(name, {"Number": number}))
        assert good(bot.query(name))["total"] == 1


def test_a_workspace_made_and_deleted_elsewhere(server: RowkeepServer, second: RowkeepServer) -> None:
    for _ in range(3):
        workspace = Workspace(second, "elsewhere")
        workspace.create_table(PEOPLE)
        bot = workspace.bot({"people": "rw"})
        here = Bot(server.url, bot.client_id, bot.secret)
        good(here.insert("people", {"Number": 1}))
        assert good(bot.query("people"))["total"] == 1
        workspace.delete()
        problem(here.query("people"), 401)
        problem(here.insert("people", {"Number": 1}), 401)


def test_a_table_with_other_columns_elsewhere(
    people: Bot, workspace: Workspace, second: RowkeepServer
) -> None:
    """Neither statements nor plans of the old table outlive it."""
    there = Bot(second.url, people.client_id, people.secret)
    good(there.bulk("people", [{"Number": 1}] * 3))
    good(there.query("people", {"query": {"expressions": [{"field": "Number", "operand": "=", "value": 1}]}}))
    for kind, value in (("string", "one"), ("boolean", True), ("number", 1.5)):
        workspace.drop_table("people")
        workspace.create_table({"name": "people", "schemaDef": [{"name": "Number", "type": kind}]})
        workspace.grant(people.client_id, "people", "rwd")
        assert good(there.insert("people", {"Number": value}))["Number"] == value
        query = {"query": {"expressions": [{"field": "Number", "operand": "=", "value": value}]}}
        assert good(there.query("people", query))["total"] == 1


@pytest.mark.parametrize("mode", ["atomic", "partial"])
@pytest.mark.parametrize("kind", ["application/x-ndjson", "text/csv"])
def test_a_stream_into_a_table_that_was_changed_elsewhere(
    people: Bot, workspace: Workspace, second: RowkeepServer, mode: str, kind: str
) -> None:
    """It is read once, so what the process knows of the table is renewed before."""
    there = Bot(second.url, people.client_id, people.secret)
    for more in ("More", "Most"):
        good(there.query("people"))
        columns = [*PEOPLE["schemaDef"], {"name": more, "type": "string"}]
        changed = {**PEOPLE, "schemaDef": columns}
        succeeded(
            workspace.admin.put(
                f"{workspace.path}/tables/people", json=changed, params={"allowDataLoss": "true"}
            )
        )
        body = f"{more}\nx\n" if kind == "text/csv" else f'{{"{more}": "x"}}\n'
        answer = there.request(
            "POST",
            "/api/public/tables/people/bulk",
            params={"mode": mode},
            content=body,
            headers={"content-type": kind},
        )
        assert good(answer) == {"nInserted": 1, **({"nFailed": 0} if mode == "partial" else {})}


def test_an_admin_token_revoked_elsewhere(server: RowkeepServer, second: RowkeepServer) -> None:
    with server.admin() as here:
        made = succeeded(here.post("/admin-tokens", json={"name": "short-lived"}))
        with server.admin() as there:
            there.base_url = second.url + "/api/v1"
            there.headers["Authorization"] = f"Bearer {made['token']}"
            good(there.get("/workspaces"))
            assert here.delete(f"/admin-tokens/{made['id']}").status_code == 204
            problem(there.get("/workspaces"), 401, "unauthenticated")
