"""A definition flips between two forms while apps use the table on two servers: answers are of one form."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from threading import Event
from typing import Any

import httpx
import pytest
from crowd import Crowd, answered

from support.bot import Bot
from support.server import RowkeepServer
from support.workspace import Workspace

FORMS: list[dict[str, Any]] = [
    {
        "name": "flips",
        "schemaDef": [
            {"name": "Key", "type": "string", "isRequired": True, "renamedFrom": "Name"},
            {"name": "Value", "type": "number"},
        ],
        "indexes": [{"name": "by_value", "columns": [{"name": "Value"}]}],
    },
    {
        "name": "flips",
        "schemaDef": [
            {"name": "Extra", "type": "integer", "default": 5},
            {"name": "Value", "type": "string", "maxLength": 9},
            {"name": "Name", "type": "string", "isRequired": True, "renamedFrom": "Key"},
        ],
        "indexes": [
            {"name": "by_name", "isUnique": True, "columns": [{"name": "Name"}]},
            {"name": "by_value", "columns": [{"name": "Value"}, {"name": "Extra"}]},
        ],
    },
]
FIRST: dict[str, Any] = {
    **FORMS[0],
    "schemaDef": [{key: c[key] for key in c if key != "renamedFrom"} for c in FORMS[0]["schemaDef"]],
}
NAMES = [[column["name"] for column in form["schemaDef"]] for form in FORMS]
KEY = ("Key", "Name")
CLIENTS = 6
FLIPS = 8
REFUSED = {400: {"unknown_column", "invalid_cursor"}, 200: set()}


def form_of(record: dict[str, Any]) -> int:
    """Which of the forms a record has, and has wholly."""
    own = [name for name in record if name in {"Key", "Name", "Value", "Extra"}]
    form = NAMES.index(own)
    assert isinstance(record["Value"], (int, float) if form == 0 else str), record
    assert form == 0 or record["Extra"] == 5
    return form


def checked(response: httpx.Response) -> bool:
    """Whether it was done; if not, it must be because a column has another name now."""
    assert response.status_code in REFUSED, f"{response.status_code} {response.text[:1000]}"
    if response.status_code == 400:
        assert response.json()["code"] in REFUSED[400], response.text
    return response.status_code == 200


def write_one(bot: Bot, key: str, value: int) -> int:
    """One row, by whichever name the key has just now. How many rows were written."""
    for name in KEY:
        response = answered(partial(bot.insert, "flips", {name: key, "Value": str(value)}), 400)
        if checked(response):
            form_of(response.json())
            return 1
    return 0


def write_many(bot: Bot, key: str, value: int, turn: int) -> int:
    data = [{KEY[turn % 2]: f"{key}.{n}", "Value": str(value)} for n in range(5)]
    response = answered(lambda: bot.bulk("flips", data), 400)
    if not checked(response):
        return 0
    assert len({form_of(record) for record in response.json()["records"]}) == 1
    return 5


def change(bot: Bot, value: int) -> None:
    wish = {"expressions": [{"field": "Value", "operand": "=", "value": str(value)}]}
    response = answered(lambda: bot.update("flips", wish, {"Value": str(value + 1)}), 400)
    if checked(response):
        assert {form_of(record) for record in response.json()["records"]} in ({0}, {1}, set())
        assert {str(record["Value"]) for record in response.json()["records"]} <= {str(value + 1)}


def read(bot: Bot, turn: int) -> None:
    sort: list[dict[str, str]] = [{"field": ("Value", *KEY)[turn % 3]}]
    response = answered(lambda: bot.query("flips", {"sort": sort}, sys_limit=50), 400)
    while checked(response):
        answer = response.json()
        assert {form_of(row) for row in answer["queryResult"]} <= {
            NAMES.index([m["name"] for m in answer["metaInfo"][:-6]])
        }
        if "nextCursor" not in answer or turn % 2:
            return
        body = {"sort": sort, "cursor": answer["nextCursor"]}
        response = answered(partial(bot.query, "flips", body, sys_limit=200), 400)


@pytest.mark.parametrize("servers", ["two processes"], indirect=True)
def test_requests_see_one_form_or_the_other(workspace: Workspace, servers: Sequence[RowkeepServer]) -> None:
    crowd = Crowd(workspace, servers, FIRST)
    admins = [server.admin() for server in servers]
    path = f"{workspace.path}/tables/flips"
    over = Event()

    def flip() -> int:
        try:
            for turn in range(1, FLIPS + 1):
                admin, form = admins[turn // 2 % len(admins)], FORMS[turn % 2]
                made = answered(partial(admin.put, path, json=form, params={"allowDataLoss": "true"}))
                assert [column["name"] for column in made.json()["schemaDef"]] == NAMES[turn % 2]
        finally:
            over.set()
        return 0

    def use(number: int, bot: Bot) -> int:
        written, turn = 0, 0
        while not over.is_set():
            turn += 1
            key, value = f"{number}.{turn}", number * 1000 + turn
            written += write_one(bot, key, value)
            written += write_many(bot, key, value, turn)
            change(bot, value)
            read(bot, turn)
        return written

    written = crowd.together(lambda number, bot: flip() if number == 0 else use(number, bot), CLIENTS + 1)
    counts = [answered(partial(bot.query, "flips", sys_limit=1)).json()["total"] for bot in crowd.bots[:2]]
    assert counts == [sum(written)] * 2
    assert sum(written) > 0
    keys: list[str] = []
    body: dict[str, Any] = {}
    while True:
        page = answered(partial(crowd.bots[1].query, "flips", body, sys_limit=1000)).json()
        keys += [row[KEY[form_of(row)]] for row in page["queryResult"]]
        if "nextCursor" not in page:
            break
        body = {"cursor": page["nextCursor"]}
    assert len(set(keys)) == len(keys) == sum(written)
    for admin in admins:
        admin.close()
    crowd.leave()


def priced(kind: str, *, is_encrypted: bool = False) -> dict[str, Any]:
    name = {"name": "Name", "type": "string", "isEncrypted": is_encrypted}
    return {"name": "priced", "schemaDef": [name, {"name": "Price", "type": kind}]}


@pytest.mark.parametrize("servers", ["two processes"], indirect=True)
def test_statements_that_meet_cells_of_other_types(
    workspace: Workspace, servers: Sequence[RowkeepServer]
) -> None:
    """A server that has not noticed a change yet reads the new definition before it says what is wrong."""
    bot = workspace.bot_with([priced("decimal")])
    answered(partial(bot.insert, "priced", {"Name": "Ann", "Price": "1.5"}))
    like_ann = {"query": {"expressions": [{"field": "Name", "operand": "icontains", "value": "ann"}]}}
    more = {"Price": {"$inc": "1"}}
    accept = {"accept": "text/csv"}
    path = "/api/public/tables/priced/query"
    with servers[1].admin() as other:
        for changed, price in (("number", 3.5), ("decimal", "5.5")):
            answered(partial(bot.update, "priced", {"all": True}, more))
            answered(partial(other.put, f"{workspace.path}/tables/priced", json=priced(changed)))
            updated = answered(partial(bot.update, "priced", {"all": True}, more)).json()["records"]
            assert [row["Price"] for row in updated] == [price]
            for ask in (
                partial(bot.query, "priced", like_ann),
                partial(bot.request, "POST", path, json=like_ann, headers=accept),
            ):
                answered(ask)
                hidden = priced(changed, is_encrypted=True)
                answered(partial(other.put, f"{workspace.path}/tables/priced", json=hidden))
                assert answered(ask, 400).json()["code"] == "invalid_filter"
                answered(partial(other.put, f"{workspace.path}/tables/priced", json=priced(changed)))
        # a text is added to what has become a number
        answered(partial(other.put, f"{workspace.path}/tables/priced", json=priced("string")))
        answered(partial(bot.update, "priced", {"all": True}, {"Price": {"$append": ""}}))
        answered(partial(other.put, f"{workspace.path}/tables/priced", json=priced("decimal")))
        refused = answered(partial(bot.update, "priced", {"all": True}, {"Price": {"$append": ""}}), 422)
        assert "Price is of type decimal" in refused.json()["detail"]
