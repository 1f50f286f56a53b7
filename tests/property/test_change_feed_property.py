"""Random writes, and the changes that a reader then finds: those of a model, in their order."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.effort import examples
from support.bot import Bot
from support.definitions import column, index, table
from support.workspace import Workspace

NAME = "followed"
DEFINITION = table(
    NAME,
    column("Code", "integer"),
    column("Text", "string"),
    column("Secret", "string", isEncrypted=True),
    column("Price", "decimal"),
    column("Day", "date"),
    indexes=(index("by_code", "Code", unique=True),),
) | {"history": {"keepDays": 1}}
OWN = ("Code", "Text", "Secret", "Price", "Day")
CHANGES = f"/api/public/tables/{NAME}/changes"
KEYS = count(1)
FEW = st.sampled_from

CELLS = st.fixed_dictionaries(
    {},
    optional={
        "Text": FEW(["a", "", "ä\r\n", None]),
        "Secret": FEW(["s", "t", None]),
        "Price": FEW(["1", "1.0", "2.50", None]),
        "Day": FEW(["2026-01-01T00:00:00.000Z", None]),
    },
)
WRITES = st.lists(
    st.one_of(
        st.tuples(st.just("insert"), st.lists(CELLS, min_size=1, max_size=3)),
        st.tuples(st.just("update"), CELLS.filter(bool)),
        st.tuples(st.just("delete"), st.none()),
        st.tuples(st.just("upsert"), CELLS),
    ),
    min_size=1,
    max_size=6,
)


@pytest.fixture
def followed(workspace: Workspace) -> Bot:
    workspace.create_table(DEFINITION)
    return workspace.bot({NAME: "rwd"})


def one(key: int) -> dict[str, Any]:
    return {"expressions": [{"field": "Code", "operand": "=", "value": key}]}


class Model:
    """The rows by their keys, and the changes that a reader must find."""

    def __init__(self) -> None:
        self.rows: dict[int, dict[str, Any]] = {}
        self.changes: list[tuple[str, Any, Any]] = []

    def insert(self, key: int, cells: dict[str, Any]) -> None:
        self.rows[key] = dict.fromkeys(OWN) | {"Code": key} | cells
        self.changes.append(("insert", None, dict(self.rows[key])))

    def update(self, key: int, cells: dict[str, Any]) -> None:
        row = self.rows[key]
        changed = {name: value for name, value in cells.items() if row[name] != value}
        self.changes.append(("update", {name: row[name] for name in changed}, changed))
        row.update(cells)

    def delete(self, key: int) -> None:
        self.changes.append(("delete", self.rows.pop(key), None))


def operation(model: Model, kind: str, what: Any) -> dict[str, Any]:
    """The operation of a batch, of which the model knows."""
    key = min(model.rows, default=0)
    if kind == "insert":
        keys = [next(KEYS) for _ in what]
        for new, cells in zip(keys, what, strict=True):
            model.insert(new, cells)
        rows = [{"Code": new} | cells for new, cells in zip(keys, what, strict=True)]
        return {"op": "bulk", "table": NAME, "data": rows}
    if kind == "upsert":
        key = key or next(KEYS)
        if key in model.rows:
            model.update(key, {"Code": key} | what)
        else:
            model.insert(key, what)
        conflict = {"columns": ["Code"], "action": "update"}
        return {"op": "insert", "table": NAME, "data": {"Code": key} | what, "onConflict": conflict}
    if kind == "update":
        if key:
            model.update(key, what)
        return {"op": "update", "table": NAME, "query": one(key), "data": what}
    if key:
        model.delete(key)
    return {"op": "delete", "table": NAME, "query": one(key)}


def read_all(bot: Bot, cursor: str, limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = bot.request("GET", CHANGES, params={"after": cursor, "limit": limit}).json()
        found += page["changes"]
        cursor = page["nextCursor"]
        if not page["hasMore"]:
            return found


@examples(4)
@given(batches=st.lists(WRITES, max_size=3), limit=st.integers(1, 7))
def test_changes_are_those_of_a_model(followed: Bot, batches: Any, limit: int) -> None:
    followed.delete(NAME, {"all": True})
    cursor = followed.request("GET", CHANGES, params={"after": "now"}).json()["nextCursor"]
    model = Model()
    ends = []
    for writes in batches:
        body = {"operations": [operation(model, *write) for write in writes]}
        response = followed.request("POST", "/api/public/batch", json=body)
        assert response.status_code == 200, response.text
        ends.append((len(model.changes), response.headers["Operation-Id"]))
    found = read_all(followed, cursor, limit)
    assert [(each["kind"], each["before"], each["after"]) for each in found] == model.changes
    operations = [each["operation"] for each in found]
    start = 0
    for end, identity in ends:
        assert set(operations[start:end]) <= {identity}
        start = end
