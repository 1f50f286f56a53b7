"""Random upserts against a model: the same outcomes, rows and refusals."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.effort import examples
from support.bot import Bot
from support.definitions import column, index, table
from support.workspace import Workspace

NAME = "upserted"
DEFINITION = table(
    NAME,
    column("Code", "string"),
    column("Part", "decimal"),
    column("Name", "string", isRequired=True),
    column("Secret", "string", isEncrypted=True),
    column("Note", "string", default="none"),
    column("Mail", "integer"),
    indexes=(
        index("by_code", "Code", "Part", unique=True),
        index("by_mail", "Mail", unique=True),
        index("by_secret", "Secret", unique=True),
        index("by_note", "Note"),
    ),
)
OWN = ("Code", "Part", "Name", "Secret", "Note", "Mail")
DEFAULTS = dict.fromkeys(OWN) | {"Note": "none"}
KEYS = (("Code", "Part"), ("Mail",), ("Secret",))
FEW = st.sampled_from

ROW = st.fixed_dictionaries(
    {},
    optional={
        "Code": FEW(["a", "b", None]),
        "Part": FEW(["1", "1.0", "2", None]),
        "Name": FEW(["x", "y"]),
        "Secret": FEW(["s", "t", "u", None]),
        "Note": FEW(["n", None]),
        "Mail": FEW([1, 2, 3, None]),
    },
)
UPSERTS = st.lists(
    st.tuples(st.lists(ROW, max_size=4), FEW(KEYS), FEW(["update", "ignore", "error"]), st.booleans()),
    max_size=8,
)
Rows = list[dict[str, Any]]


def key_of(row: dict[str, Any], key: tuple[str, ...]) -> tuple[Any, ...] | None:
    cells = tuple(float(row[name]) if name == "Part" and row[name] else row[name] for name in key)
    return None if None in cells else cells


def expected(state: Rows, sent: Rows, key: tuple[str, ...], action: str) -> tuple[int, Rows, list[str]]:
    """The status, the rows afterwards, and the outcomes; nothing changes if it is refused."""
    after = [dict(row) for row in state]
    new = [key_of(DEFAULTS | row, key) for row in sent]
    if action == "error" and any("Name" not in row for row in sent):
        return 422, state, []
    known = [each for each in new if each is not None]
    if len(known) > len(set(known)):
        return 422, state, []
    outcomes = []
    missing = False
    for row, own in zip(sent, new, strict=True):
        stored = next((each for each in after[: len(state)] if own and key_of(each, key) == own), None)
        if stored is None or action == "error":
            missing = missing or "Name" not in row
            after.append(DEFAULTS | row)
            outcomes.append("inserted")
        else:
            outcomes.append("updated" if action == "update" else "ignored")
            if action == "update":
                stored.update(row)
    is_violated = False
    for unique in KEYS:
        keys = [each for row in after if (each := key_of(row, unique)) is not None]
        is_violated = is_violated or len(keys) > len(set(keys))
    if missing or is_violated:
        # of two faults, the one that is noticed first is reported
        return 409 if is_violated else 422, state, []
    return 200, after, outcomes


def own(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in OWN}


def send(bot: Bot, name: str, sent: Rows, key: tuple[str, ...], action: str, single: bool) -> Any:
    data: Any = sent[0] if single and len(sent) == 1 else sent
    body = {"data": data, "onConflict": {"columns": list(reversed(key)), "action": action}}
    return bot.request("POST", f"/api/public/tables/{name}", json=body)


@pytest.fixture
def upserted(workspace: Workspace) -> Bot:
    workspace.create_table(DEFINITION)
    return workspace.bot({NAME: "rwd"})


@examples(15)
@given(upserts=UPSERTS)
def test_upserts_are_those_of_a_model(
    upserted: Bot, upserts: list[tuple[Rows, tuple[str, ...], str, bool]]
) -> None:
    upserted.delete(NAME, {"all": True})
    state: Rows = []
    for sent, key, action, single in upserts:
        status, after, outcomes = expected(state, sent, key, action)
        response = send(upserted, NAME, sent, key, action, single)
        # two rows that exchange their keys can be refused, because the first one is written first
        allowed = {200: (200, 409), 409: (409, 422), 422: (422,)}[status]
        assert response.status_code in allowed, response.text
        if response.status_code == 200:
            assert response.json()["outcomes"] == outcomes
            state = after
        found = upserted.query(NAME, {}, sys_limit=1000).json()["queryResult"]
        assert [own(row) for row in found] == state
