"""Random changes of a definition, several at once, between random writes: the table is what a model says."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from oracle.effort import examples
from oracle.schema_changes import POOLS, Model, ModelColumn, Row, Unfit
from support.bot import Bot
from support.workspace import Workspace, succeeded

NUMBERS = count(1)
NAMES = ["A", "a2", "Name", "xmin", "oid", "RowId", "Select", "b_B", "Z" * 63]
TURNS = 6
types = st.sampled_from(sorted(POOLS))


def value_of(kind: str) -> st.SearchStrategy[Any]:
    return st.sampled_from(POOLS[kind])


@st.composite
def redefinitions(draw: st.DrawFn, old: Model) -> Model:
    """The definition of ``old``, changed in one to four places; a name that is taken away is given to no new
    column at once, for that would be the old one."""
    columns = [replace(column, former=column.name) for column in old.columns]
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(columns) - 1))
        column = columns[at]
        taken = {each.name for each in columns} | {each.name for each in old.columns}
        free = [name for name in NAMES if name not in taken]
        what = draw(st.sampled_from(["add", "drop", "rename", "swap", "type", "require", "limit", "order"]))
        if what == "add" and free:
            columns.insert(at, draw(new_columns(free)))
        elif what == "drop" and len(columns) > 1:
            columns.pop(at)
        elif what == "rename" and free:
            columns[at] = replace(column, name=draw(st.sampled_from(free)))
        elif what == "swap":
            other = draw(st.integers(0, len(columns) - 1))
            first, second = columns[at], columns[other]
            if None not in (first.former, second.former):
                columns[at] = replace(first, name=second.name)
                columns[other] = replace(second, name=first.name)
        elif what == "type":
            columns[at] = replace(column, type=draw(types), default=None, max_length=None)
        elif what == "require":
            default = draw(st.none() | value_of(column.type).filter(bool))
            columns[at] = replace(column, required=not column.required, default=default, max_length=None)
        elif what == "limit" and column.type == "string" and column.default is None:
            columns[at] = replace(column, max_length=draw(st.none() | st.integers(1, 5)))
        elif what == "order":
            columns = draw(st.permutations(columns))
    unique = draw(st.lists(st.sampled_from([each.name for each in columns]), max_size=2, unique=True))
    return Model(tuple(columns), tuple(unique))


@st.composite
def new_columns(draw: st.DrawFn, names: list[str]) -> ModelColumn:
    kind = draw(types)
    default = draw(st.none() | value_of(kind).filter(bool))
    return ModelColumn(draw(st.sampled_from(names)), kind, draw(st.booleans()), default)


@st.composite
def some_rows(draw: st.DrawFn, model: Model) -> list[Row]:
    cells: dict[str, st.SearchStrategy[Any]] = {}
    for column in model.columns:
        most = column.max_length
        fitting = [value for value in POOLS[column.type] if most is None or len(value) <= most]
        cells[column.name] = st.sampled_from(fitting if column.required else [None, *fitting])
    return draw(st.lists(st.fixed_dictionaries(cells), min_size=1, max_size=4))


@pytest.fixture
def bot(workspace: Workspace) -> Bot:
    return workspace.bot({})


def stored(bot: Bot, name: str, model: Model) -> list[Row]:
    found = succeeded(bot.query(name, sys_limit=1000))["queryResult"]
    names = [column.name for column in model.columns]
    assert all(list(row)[: len(names)] == names for row in found)
    return [{name: row[name] for name in names} for row in found]


@examples(5)
@given(data=st.data())
def test_a_table_is_what_its_definitions_made_of_it(
    workspace: Workspace, bot: Bot, data: st.DataObject
) -> None:
    name = f"t{next(NUMBERS)}"
    first = ModelColumn("A", "string", former="A")
    model = Model((first, ModelColumn("Name", data.draw(types), former="Name")))
    workspace.create_table(model.definition(name))
    workspace.grant(bot.client_id, name, "rwd")
    path = f"{workspace.path}/tables/{name}"
    for _ in range(TURNS):
        rows = data.draw(some_rows(model), label="rows")
        grown = replace(model, rows=[*model.rows, *rows])
        response = bot.bulk(name, rows)
        assert response.status_code == (409 if grown.has_duplicates() else 200), response.text
        model = model if grown.has_duplicates() else grown
        wish = data.draw(redefinitions(model), label="definition")
        definition = wish.definition(name)
        note(f"definition: {definition}")
        rehearsed = workspace.admin.put(path, json=definition, params={"dryRun": "true"})
        response = workspace.admin.put(path, json=definition, params={"allowDataLoss": "true"})
        before = model
        try:
            model = wish.changed(model)
        except Unfit:
            for each in (rehearsed, response):
                assert (each.status_code, each.json().get("code")) == (409, "incompatible_rows"), each.text
        else:
            kept = {column.former for column in wish.columns}
            loses = any(step["losesData"] for step in succeeded(rehearsed)["steps"])
            assert loses is any(column.name not in kept for column in before.columns)
            made = succeeded(response)
            assert [column["name"] for column in made["schemaDef"]] == [each.name for each in model.columns]
        assert stored(bot, name, model) == model.rows
        again = workspace.admin.put(
            path, json=succeeded(workspace.admin.get(path)), params={"dryRun": "true"}
        )
        assert succeeded(again) == {"steps": []}
    workspace.drop_table(name)
