"""Random partial upserts against a model: the same outcomes and rows as if the rows came one by one."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.effort import examples
from support.bot import Bot
from support.definitions import column, index, table
from support.workspace import Workspace

NAME = "partly_upserted"
DEFINITION = table(
    NAME,
    column("Code", "string"),
    column("Part", "decimal"),
    column("Name", "string", isRequired=True),
    column("Secret", "string", isEncrypted=True),
    column("Zone", "string", default="n"),
    column("Desk", "integer"),
    indexes=(
        index("by_code", "Code", "Part", unique=True),
        index("by_secret", "Secret", unique=True),
        index("by_desk", "Zone", "Desk", unique=True),
    ),
)
OWN = ("Code", "Part", "Name", "Secret", "Zone", "Desk")
DEFAULTS = dict.fromkeys(OWN) | {"Zone": "n"}
KEYS = (("Code", "Part"), ("Secret",), ("Zone", "Desk"))
BAD = "bad"
FEW = st.sampled_from
ROW = st.fixed_dictionaries(
    {},
    optional={
        "Code": FEW(["a", "b", "c", None]),
        "Part": FEW(["1", "1.0", "2", None]),
        "Name": FEW(["x", "y", "x", "y", None]),
        "Secret": FEW(["s", "t", "u", None]),
        "Zone": FEW(["n", "s", None]),
        "Desk": FEW([1, 2, 3, None, BAD]),
    },
)
UPSERTS = st.lists(st.tuples(st.lists(ROW, max_size=6), FEW(KEYS), FEW(["update", "ignore"])), max_size=6)
Rows = list[dict[str, Any]]


class Model:
    """One request on stored rows."""

    def __init__(self, state: Rows, key: tuple[str, ...], action: str) -> None:
        self.after = [dict(row) for row in state]
        self.start = [dict(row) for row in state]
        self.key = key
        self.action = action
        self.claimed: dict[tuple[str, ...], set[Any]] = {each: set() for each in KEYS}
        self.is_uncertain = False
        """Whether a row takes a key that another one of the request frees, in a way that depends on stored
        cells: then the engines may differ."""

    def outcome(self, row: dict[str, Any]) -> str | None:
        if row.get("Desk") == BAD or row.get("Name", "") is None:
            return None
        own = key_of(DEFAULTS | row, self.key)
        at = next((n for n, each in enumerate(self.start) if own and key_of(each, self.key) == own), None)
        if own is not None and own in self.claimed[self.key]:
            return None
        if at is not None and self.action == "ignore":
            self.claimed[self.key].add(own)
            return "ignored"
        if at is None and "Name" not in row:
            return None
        keys = {each: self.known_key(row, each, at) for each in KEYS if each != self.key}
        for each, known in keys.items():
            others = [key_of(other, each) for n, other in enumerate(self.start) if n != at]
            if known is not None and (known in others or known in self.claimed[each]):
                return None
        for each, known in {**keys, self.key: own}.items():
            self.claimed[each] |= {known} - {None}
        return self.written(row, at)

    def known_key(self, row: dict[str, Any], key: tuple[str, ...], at: int | None) -> Any:
        """The key as far as the request itself has it."""
        if at is None:
            return key_of(DEFAULTS | row, key)
        return key_of(row, key) if all(name in row or name in self.key for name in key) else None

    def written(self, row: dict[str, Any], at: int | None) -> str | None:
        new = DEFAULTS | row if at is None else self.after[at] | row
        for each in KEYS:
            own = key_of(new, each)
            others = [key_of(other, each) for n, other in enumerate(self.after) if n != at]
            before = [key_of(other, each) for n, other in enumerate(self.start) if n != at]
            self.is_uncertain |= own is not None and each != self.key and own in before
            if own is not None and own in others:
                return None
        if at is None:
            self.after.append(new)
            return "inserted"
        self.after[at] = new
        return "updated"


def key_of(row: dict[str, Any], key: tuple[str, ...]) -> tuple[Any, ...] | None:
    cells = tuple(float(row[name]) if name == "Part" and row.get(name) else row.get(name) for name in key)
    return None if None in cells else cells


@pytest.fixture
def upserted(workspace: Workspace) -> Bot:
    workspace.create_table(DEFINITION)
    return workspace.bot({NAME: "rwd"})


def found(bot: Bot) -> Rows:
    records = bot.query(NAME, {}, sys_limit=1000).json()["queryResult"]
    return [{name: row[name] for name in OWN} for row in records]


@examples(13)
@given(upserts=UPSERTS)
def test_partial_upserts_are_those_of_a_model(
    upserted: Bot, upserts: list[tuple[Rows, tuple[str, ...], str]]
) -> None:
    upserted.delete(NAME, {"all": True})
    state: Rows = []
    for sent, key, action in upserts:
        model = Model(state, key, action)
        expected = [model.outcome(row) for row in sent]
        body = {"data": sent, "mode": "partial", "onConflict": {"columns": [*key], "action": action}}
        dry = upserted.request("POST", f"/api/public/tables/{NAME}", json={**body, "dryRun": True})
        response = upserted.request("POST", f"/api/public/tables/{NAME}", json=body)
        answer = response.json()
        failed = answer["nFailed"]
        assert response.status_code == (200 if not failed else 422 if failed == len(sent) else 207)
        outcomes = [None] * len(sent) if response.status_code == 422 else answer["outcomes"]
        assert dry.status_code == response.status_code
        assert dry.json()["errors"] == answer["errors"]
        places = {int(each["pointer"].split("/")[2]) for each in answer["errors"]}
        assert places == {at for at, each in enumerate(outcomes) if each is None}
        counted = Counter(outcomes)
        names = {"nInserted": "inserted", "nUpdated": "updated", "nIgnored": "ignored", "nFailed": None}
        assert {name: answer[name] for name in names} == {name: counted[each] for name, each in names.items()}
        if not model.is_uncertain:
            assert outcomes == expected
            assert found(upserted) == model.after
        state = found(upserted)
        if response.status_code != 422:
            shown = [row and {name: row[name] for name in OWN} for row in answer["records"]]
            assert all(row is None or row in state for row in shown)
