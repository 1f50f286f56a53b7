"""Names that a database or a programming language has its own use for: all are good here."""

from __future__ import annotations

import pytest
from answers import good, problem, rows
from definitions import AllAtOnce, column, index, table
from expressions import EVERYTHING, where

from support.batches import delete, query, run, update
from support.bot import Bot
from support.workspace import PEOPLE, Workspace

COLUMN_NAMES = [
    *("xmin", "xmax", "cmin", "cmax", "ctid", "tableoid", "oid", "rowid", "ROWID", "sys", "id"),
    *("select", "from", "where", "order", "group", "by", "table", "index", "user", "current_user", "null"),
    *("default", "primary", "check", "unique", "references", "all", "and", "or", "not", "in", "between"),
    *("true", "false", "values", "returning", "limit", "offset", "case", "end", "date", "number", "integer"),
    *("class", "def", "lambda", "None", "True", "self", "cls", "import", "print", "async", "await", "yield"),
    *("data", "query", "expressions", "record", "records", "decode", "encode", "keys", "values_", "field"),
    *("CreatedOn", "UpdatedOn", "SysId", "c_1", "C_2", "w_id", "pk", "a" * 63, "Z" * 62 + "a"),
]
TABLE_NAMES = [
    *(
        "sqlite_x",
        "sqlite_master",
        "sqlite_sequence",
        "sqlite_stat1",
        "pg_class",
        "pg_x",
        "information_schema",
    ),
    *(
        "select",
        "table",
        "order",
        "user",
        "group",
        "index",
        "rows",
        "main",
        "temp",
        "catalog",
        "meta",
        "data",
    ),
    *("bulk", "query", "delete", "grants", "tables", "constructor", "t" * 63),
]
INDEX_NAMES = [
    "sqlite_autoindex_people_1",
    "pg_class",
    "primary",
    "people",
    "people_pkey",
    "select",
    "i" * 63,
]


@pytest.fixture(scope="module")
def bot(shared: Workspace) -> Bot:
    """An app for tables that come and go."""
    return shared.bot()


def near_free(names: list[str]) -> list[str]:
    """One of each set of names that are the same regardless of case."""
    return list({name.lower(): name for name in names}.values())


def test_any_name_of_a_column(workspace: Workspace) -> None:
    names = near_free(COLUMN_NAMES)
    made = workspace.create_table(table("odd", *map(column, names)))
    assert [row["name"] for row in made["schemaDef"]] == names
    bot = workspace.bot({"odd": "rwd"})
    row = {name: f"value of {name}" for name in names}
    inserted = good(bot.insert("odd", row))
    assert {name: inserted[name] for name in names} == row
    assert rows(bot.query("odd")) == [inserted]
    changed = {name: f"new {name}" for name in names}
    assert good(bot.update("odd", EVERYTHING, changed))["nModified"] == 1
    (after,) = rows(bot.query("odd"))
    assert {name: after[name] for name in names} == changed


NAMES = near_free(COLUMN_NAMES)


@pytest.fixture(scope="module")
def bot_of_columns(all_at_once: AllAtOnce) -> Bot:
    """An app for a table with each of these columns."""
    return all_at_once(
        [
            table(f"odd{at}", column(name), indexes=(index(name, f"-{name}", unique=True),))
            for at, name in enumerate(NAMES)
        ]
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_column_of_any_name_is_filtered_sorted_and_indexed(bot_of_columns: Bot, name: str) -> None:
    bot, odd = bot_of_columns, f"odd{NAMES.index(name)}"
    good(bot.bulk(odd, [{name: "b"}, {name: "a"}, {name: "c"}, {}]))
    problem(bot.insert(odd, {name: "a"}), 409, "unique_violation")
    # the steps in one request: each by itself takes as long again
    sort = [{"field": name, "order": "desc"}]
    response = run(
        bot,
        query(odd, query=where(name, ">", "a"), sort=sort, fields=[name]),
        update(odd, where(name, "=", "a"), {name: "d"}),
        delete(odd, where(name, "in", ["d", "b"])),
    )
    found, changed, deleted = good(response)["results"]
    assert found["queryResult"] == [{name: "c"}, {name: "b"}]
    assert changed["records"][0][name] == "d"
    assert deleted == {"nDeleted": 2}


@pytest.mark.parametrize("name", near_free(TABLE_NAMES))
def test_any_name_of_a_table(shared: Workspace, bot: Bot, name: str) -> None:
    assert shared.create_table({**PEOPLE, "name": name})["name"] == name
    shared.grant(bot.client_id, name, "rwd")
    inserted = good(bot.insert(name, {"First_Name": "Jane"}))
    assert good(bot.bulk(name, [{"Number": 1}]))["records"][0]["Number"] == 1
    assert rows(bot.query(name))[0] == inserted
    assert good(bot.delete(name, EVERYTHING)) == {"nDeleted": 2}
    shared.drop_table(name)
    problem(bot.query(name), 404, "no_such_table")


def test_tables_of_63_characters_that_differ_in_the_last(workspace: Workspace) -> None:
    names = ["t" * 62 + last for last in "abc"]
    bot = workspace.bot()
    for number, name in enumerate(names):
        workspace.create_table({**PEOPLE, "name": name})
        workspace.grant(bot.client_id, name, "rw")
        good(bot.bulk(name, [{"Number": number}] * (number + 1)))
    assert [good(bot.query(name))["total"] for name in names] == [1, 2, 3]
    workspace.drop_table(names[1])
    assert [good(bot.query(names[at]))["total"] for at in (0, 2)] == [1, 3]


def test_columns_of_63_characters_that_differ_in_the_last(workspace: Workspace) -> None:
    names = ["c" * 62 + last for last in "abc"]
    workspace.create_table(table("long", *map(column, names), indexes=tuple(index(n, n) for n in names)))
    bot = workspace.bot({"long": "rw"})
    inserted = good(bot.insert("long", dict(zip(names, "xyz", strict=True))))
    assert [inserted[name] for name in names] == ["x", "y", "z"]


def test_index_names_are_unique_within_their_table_only(workspace: Workspace) -> None:
    for name in ("one", "two", "Three"):
        definition = table(name, column("A"), indexes=tuple(index(i, "A") for i in INDEX_NAMES))
        made = workspace.create_table(definition)
        assert [i["name"] for i in made["indexes"]] == INDEX_NAMES
    bot = workspace.bot({"one": "rw", "two": "rw", "Three": "rw"})
    for name in ("one", "two", "Three"):
        good(bot.insert(name, {"A": "a"}))


def test_an_index_may_bear_the_name_of_its_table_or_column(workspace: Workspace) -> None:
    workspace.create_table(table("A", column("B"), indexes=(index("A", "B"), index("B", "B", unique=True))))
    bot = workspace.bot({"A": "rw"})
    good(bot.insert("A", {"B": "b"}))
    problem(bot.insert("A", {"B": "b"}), 409, "unique_violation")


def test_columns_that_differ_by_underscores_only(workspace: Workspace) -> None:
    names = ["First_Name", "FirstName", "F_i_r_s_t_Name"]
    workspace.create_table(table("near", *map(column, names)))
    bot = workspace.bot({"near": "rw"})
    good(bot.insert("near", dict(zip(names, "abc", strict=True))))
    for name, value in zip(names, "abc", strict=True):
        assert good(bot.query("near", {"query": where(name, "=", value)}))["total"] == 1
    refusal = problem(bot.query("near", {"query": where("first name", "=", "a")}), 400, "unknown_column")
    assert all(name in refusal["detail"] for name in names)


def test_an_index_over_system_columns(workspace: Workspace) -> None:
    names = ("_id", "sys_Id", "Created_On", "Updated_On", "Created_By", "Updated_By")
    indexes = (
        *(index(f"i{at}", f"-{name}") for at, name in enumerate(names)),
        index("both", "A", "_id", unique=True),
    )
    workspace.create_table(table("t", column("A"), indexes=indexes))
    bot = workspace.bot({"t": "rw"})
    made = good(bot.bulk("t", [{"A": "a"}, {"A": "a"}]))["records"]
    assert good(bot.query("t", {"query": where("sys_Id", "=", made[1]["sys_Id"])}))["queryResult"] == [
        made[1]
    ]
