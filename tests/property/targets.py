"""What generated requests are aimed at: things that are there, so that they get beyond 404 and 401."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import count
from typing import Any

from support.bot import Bot
from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace, succeeded

NAME = re.compile("[A-Za-z][A-Za-z0-9_]{0,40}")
NUMBERS = count(1)
DATA_PREFIX = "/api/public/"
OWNER = "owner@example.com"
RECORDED = PEOPLE | {"history": {"keepDays": 30}}
PAST = RECORDED | {"name": "past"}
"""Nothing changes its only row but undo."""
COLUMNS = tuple(column["name"] for column in PEOPLE["schemaDef"])


@dataclass(frozen=True)
class Targets:
    """Names for the parameters in paths, and tokens. What management calls may delete is not what data
    calls need."""

    url: str
    bot: Bot
    admin_token: str
    spendable: dict[str, str]
    row: str
    operations: tuple[str, str]
    """An insert of the app, and one of an administrator in the other workspace, which can be undone."""

    @classmethod
    def on(cls, server: RowkeepServer) -> Targets:
        kept, spent = Workspace(server, "kept"), Workspace(server, "spent")
        for workspace in (kept, spent):
            workspace.create_table(RECORDED)
            workspace.create_table(PAST)
            view = {"name": "adults", "table": "people", "columns": [f"people.{name}" for name in COLUMNS]}
            succeeded(workspace.admin.post(f"{workspace.path}/views", json=view))
        spent.create_table(PEOPLE | {"name": "spare"})  # no view needs it, so that it can be dropped
        bot = kept.bot({"people": "rwd", "past": "rwd"})
        path = f"{kept.path}/views/adults/grants/{bot.client_id}"
        succeeded(kept.admin.put(path, json={"read": True}))
        rows = bot.bulk(
            "people", [{"First_Name": name, "Number": len(name)} for name in ("Jane", "Mike", "Ann")]
        )
        own = bot.insert("past", {"First_Name": "Jane"})
        data = {"data": {"First_Name": "Jane"}}
        theirs = spent.admin.post(f"{spent.path}/data/tables/past", json=data)
        token = spent.admin.post("/admin-tokens", json={"name": "spent"}).json()
        emails = ("spent@example.com", OWNER)
        user, _ = (succeeded(spent.admin.post("/users", json=person(email))) for email in emails)
        app = succeeded(spent.admin.post(f"{spent.path}/apps", json={"name": "spent", "requireJwe": True}))
        uploaded = {"content": b"First_Name\nJane\n", "params": {"name": "people.csv"}}
        file = succeeded(spent.admin.post(f"{spent.path}/files", **uploaded))
        hook = {"url": "https://hooks.invalid/rows", "tables": ["people"]}
        webhook = succeeded(spent.admin.post(f"{spent.path}/webhooks", json=hook))
        delivery = succeeded(spent.admin.post(f"{spent.path}/webhooks/{webhook['id']}/test"))
        chart = {"name": "Rows", "kind": "number", "aggregate": "count", "shared": True}
        saved = succeeded(spent.admin.post(f"{spent.path}/views/adults/charts", json=chart))
        for workspace in (kept, spent):
            workspace.admin.close()
        names = {"workspace": "spent", "table": "spare", "view": "adults"}
        spendable = names | {"clientId": app["clientId"], "id": token["id"], "user": user["id"]}
        spendable["session"] = f"se-{0:024x}"  # only its own user finds a session
        spendable |= {"file": file["id"], "webhook": webhook["id"], "delivery": delivery["id"]}
        spendable["chart"] = saved["id"]
        spendable["rowId"] = succeeded(theirs)["_id"]
        operations = (own.headers["Operation-Id"], theirs.headers["Operation-Id"])
        row = succeeded(rows)["records"][0]["_id"]
        return cls(server.url, bot, server.admin_token, spendable, row, operations)

    def path_of(self, template: str) -> dict[str, str]:
        """Values for the parameters of a path."""
        if template.startswith(DATA_PREFIX):
            return {"table": "people", "view": "adults", "rowId": self.row}
        if template.endswith("/changes"):
            return self.spendable | {"table": "past"}
        return self.spendable

    def body_for(self, template: str, body: Any) -> Any:
        """A body with the id of an operation that is there, or columns that are there."""
        if template.endswith("/charts") and isinstance(body, dict) and body.get("category") == "City":
            return body | {"category": COLUMNS[0], "aggregate": "count", "value": None, "query": None}
        if not template.endswith("/undo") or not isinstance(body, dict) or "operation" not in body:
            return body
        return body | {"operation": self.operations[not template.startswith(DATA_PREFIX)]}

    def headers_of(self, template: str) -> dict[str, str]:
        """What authenticates a call to that path; nothing where no call needs it."""
        if template.startswith(DATA_PREFIX):
            return {"auth": self.bot.token()}
        return {"Authorization": f"Bearer {self.admin_token}"} if template.startswith("/api/") else {}


def person(email: str) -> dict[str, str]:
    return {"email": email, "name": email, "password": "not to be guessed"}


def aimed(body: Any, turn: int = 0) -> Any:
    """A generated body of a data call with its columns' names replaced by such as the table has.

    ``turn`` says where among the columns to begin. A cursor made up would only have it refused.
    """
    if isinstance(body, list):
        return [aimed(each, turn + at) for at, each in enumerate(body)]
    if not isinstance(body, dict):
        return body
    return {key: _aimed_member(key, value, turn) for key, value in body.items() if key != "cursor"}


def fresh(body: dict[str, Any]) -> dict[str, Any]:
    """A generated body with a name that nothing has yet, if it has a good one."""
    name = body.get("name")
    is_good = isinstance(name, str) and NAME.fullmatch(name)
    return body | {"name": f"{name}_{next(NUMBERS)}"} if is_good else body


def _aimed_member(key: str, value: Any, turn: int) -> Any:
    if key == "data" and isinstance(value, list):
        return [_renamed(row, turn + at) for at, row in enumerate(value)]
    if key == "data":
        return _renamed(value, turn)
    if key == "field" and isinstance(value, str):
        return COLUMNS[turn % len(COLUMNS)]
    if key == "fields" and isinstance(value, list):
        return [COLUMNS[(turn + at) % len(COLUMNS)] for at, _ in enumerate(value)]
    return aimed(value, turn)


def _renamed(row: Any, turn: int) -> Any:
    if not isinstance(row, dict):
        return row
    return {COLUMNS[(turn + at) % len(COLUMNS)]: value for at, value in enumerate(row.values())}
