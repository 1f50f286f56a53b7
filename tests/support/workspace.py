"""Workspace: a workspace with its tables and apps, created through the management API."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx

from .bot import Bot
from .http_client import BEFORE_LISTS_OF_APPS, CHANGES
from .server import RowkeepServer
from .tokens import key_pair

PEOPLE: dict[str, Any] = {
    "name": "people",
    "schemaDef": [
        {"name": "First_Name", "type": "string"},
        {"name": "Last_Name", "type": "string"},
        {"name": "Gender", "type": "string"},
        {"name": "Number", "type": "number"},
    ],
    "indexes": [
        {"name": "by_last_name", "columns": [{"name": "Last_Name"}]},
        {"name": "by_number", "columns": [{"name": "Number"}]},
    ],
}
"""The table of the reference pages."""

RIGHTS = {"r": "read", "w": "write", "d": "delete"}


def succeeded(response: httpx.Response) -> Any:
    """The JSON of a response that must be 2xx (``None`` without content)."""
    assert response.is_success, (
        f"{response.request.method} {response.url}: {response.status_code} {response.text}"
    )
    return response.json() if response.content else None


CONTENT = {"apps": "clientId", "members": "user", "webhooks": "id", "files": "id"}
"""What a workspace has besides tables and views, and the member that identifies each."""

ADDED_BY = {
    "tables": ("tables", "views", "schema", "files"),
    "members": ("members", "users", "openid"),
    "webhooks": ("webhooks",),
    "files": ("files",),
}
"""What is in the paths of the requests that can add tables and views, and each other kind but apps."""

KINDS = ("tables", *CONTENT)
"""All that a workspace can have."""


class Workspace:
    """The workspace with this name, which is created if it does not exist."""

    def __init__(self, server: RowkeepServer, name: str) -> None:
        self.server = server
        self.name = name
        self.admin = server.admin()
        self.path = f"/workspaces/{name}"
        self.uses = 0
        self.unnamed: list[str] = []
        self.former: list[str] = []
        response = self.admin.post("/workspaces", json={"name": name})
        if response.status_code != 409:
            succeeded(response)

    def create_table(self, definition: Mapping[str, Any]) -> dict[str, Any]:
        """Create a table; returns its definition."""
        return succeeded(self.admin.post(f"{self.path}/tables", json=dict(definition)))

    def drop_table(self, name: str) -> None:
        succeeded(self.admin.delete(f"{self.path}/tables/{name}"))

    def bot_with(self, definitions: Sequence[Mapping[str, Any]], rights: str = "rwd") -> Bot:
        """A new app with these rights to new tables, which become all that the workspace has. One request
        creates them: each table by itself costs as much as three inserts, and so does each grant."""
        app = self.app()
        granted = {right: letter in rights for letter, right in RIGHTS.items()}
        grants = [{"app": app["name"], "table": each["name"], **granted} for each in definitions]
        body = {"tables": [dict(each) for each in definitions], "views": [], "grants": grants}
        succeeded(self.admin.put(f"{self.path}/schema", json=body))
        return Bot(self.server.url, app["clientId"], app["clientSecret"])

    def app(self, name: str | None = None, algorithm: str = "HS256") -> dict[str, Any]:
        """Create an app; returns the response. Apps with RS256 and RS512 get the key ``key_pair()``."""
        body = {"name": name or f"app_{uuid4().hex[:12]}", "algorithm": algorithm}
        if algorithm.startswith("RS"):
            body["publicKey"] = key_pair().public
        made = succeeded(self.admin.post(f"{self.path}/apps", json=body))
        if name is None:
            self.unnamed.append(made["clientId"])
        return made

    def bot(
        self, grants: Mapping[str, str] | None = None, name: str | None = None, algorithm: str = "HS256"
    ) -> Bot:
        """A new app with these grants, each some of ``rwd``, on existing tables."""
        app = self.app(name, algorithm)
        for table, rights in (grants or {}).items():
            self.grant(app["clientId"], table, rights)
        secret = app.get("clientSecret") or key_pair().private
        return Bot(self.server.url, app["clientId"], secret, algorithm)

    def grant(self, client_id: str, table: str, rights: str) -> None:
        """Set the rights of an app to a table: some of ``rwd`` or none (``""``)."""
        body = {right: letter in rights for letter, right in RIGHTS.items()}
        succeeded(self.admin.put(f"{self.path}/tables/{table}/grants/{client_id}", json=body))

    def empty(self, kinds: Collection[str] = KINDS) -> None:
        """Delete what is in the workspace, or only these kinds."""
        if "tables" in kinds:
            nothing: dict[str, Any] = {"tables": [], "views": [], "grants": []}
            succeeded(self.admin.put(f"{self.path}/schema", json=nothing, params={"allowDataLoss": "true"}))
        for kind, key in CONTENT.items():
            if kind in kinds:
                for each in succeeded(self.admin.get(f"{self.path}/{kind}"))[kind]:
                    succeeded(self.admin.delete(f"{self.path}/{kind}/{each[key]}"))

    def leave_apps(self) -> None:
        """Leave the apps of a test until another test looks at the apps of the workspace: they have no more
        rights to anything. To delete each takes as long as three inserts."""
        self.former += self.unnamed
        self.unnamed = []
        if self.former:
            BEFORE_LISTS_OF_APPS[self.name] = self.delete_former_apps

    def delete_former_apps(self) -> None:
        for client_id in self.former:
            succeeded(self.admin.delete(f"{self.path}/apps/{client_id}"))
        self.former = []

    def delete_apps(self) -> None:
        BEFORE_LISTS_OF_APPS.pop(self.name, None)
        self.former, self.unnamed = [], []
        self.empty({"apps"})

    def delete(self) -> None:
        """Delete the workspace with everything in it."""
        BEFORE_LISTS_OF_APPS.pop(self.name, None)
        succeeded(self.admin.delete(self.path))
        self.admin.close()


MAX_USES = 30
"""How many tests have a workspace one after the other, for it remembers the apps of all of them."""

SPARE: dict[RowkeepServer, list[Workspace]] = defaultdict(list)
"""Empty workspaces of each server, which are used again. The first table of a new workspace costs as much as
fifty inserts, for the workspace gets its own system tables, and as much again when it is deleted."""

NUMBERS = itertools.count(1)


@contextmanager
def empty_workspace(server: RowkeepServer, *, only_noted: bool = False) -> Iterator[Workspace]:
    """A workspace without tables, views, apps, members, webhooks and files. It is emptied after the block and
    used again, unless the block fails; it remembers idempotency keys and former apps. With ``only_noted``,
    all that adds something is sent by the tests' HTTP client: what that did not add is not looked for, and
    apps without a name that nothing has changed stay until they would be seen."""
    spare = SPARE[server]
    workspace = spare.pop() if spare else Workspace(server, f"test_{next(NUMBERS)}")
    workspace.uses += 1
    before = CHANGES.copy()
    yield workspace
    if workspace.uses < MAX_USES:
        noted = {kind for kind, words in ADDED_BY.items() if any(CHANGES[w] > before[w] for w in words)}
        workspace.empty(noted if only_noted else set(KINDS) - {"apps"})
        if only_noted and CHANGES["apps"] - before["apps"] == len(workspace.unnamed):
            workspace.leave_apps()
        else:
            workspace.delete_apps()
        spare.append(workspace)
    else:
        workspace.delete()
