"""Partial upserts: good rows are inserted, updated or ignored, and bad ones reported."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from answers import rows
from definitions import Made, column, index, table

from support.bot import Bot
from support.workspace import Workspace

PEOPLE = table(
    "people",
    column("Code"),
    column("Name", isRequired=True),
    column("Number", "integer"),
    column("Mail"),
    column("Zone"),
    column("Desk"),
    indexes=(
        index("by_code", "Code", unique=True),
        index("by_mail", "Mail", unique=True),
        index("by_place", "Zone", "Desk", unique=True),
    ),
)
PETS = table(
    "pets",
    column("Tag"),
    column("Owner", reference={"table": "people", "column": "Code"}),
    column("Mail", reference={"table": "people", "column": "Mail"}),
    column("Mother", reference={"table": "pets", "column": "Tag"}),
    indexes=(index("by_tag", "Tag", unique=True),),
)
COUNTS = ("nInserted", "nUpdated", "nIgnored", "nFailed")
STORED = [
    {"Code": "a", "Name": "Ada", "Number": 1, "Mail": "a@x", "Zone": "n", "Desk": "1"},
    {"Code": "b", "Name": "Bob", "Number": 2, "Mail": "b@x", "Zone": "n", "Desk": "2"},
]


@pytest.fixture
def bot(made: Made) -> Bot:
    bot = made(PEOPLE, PETS)
    assert bot.bulk("people", STORED).status_code == 200
    return bot


def send(bot: Bot, data: Any, name: str = "people", action: str = "update", **more: Any) -> httpx.Response:
    prefer, headers = more.pop("prefer", None), more.pop("headers", None)
    key = more.pop("key", "Code" if name == "people" else "Tag")
    conflict = {"columns": [key], "action": action}
    body = {"data": data, "mode": "partial", "onConflict": conflict, **more}
    path = f"/api/public/tables/{name}/bulk"
    return bot.request("POST", path, json=body, prefer=prefer, headers=headers)


def partly(
    response: httpx.Response, outcomes: list[str | None], *problems: tuple[str, str]
) -> dict[str, Any]:
    """The answer of a bulk, some of whose rows failed."""
    assert response.status_code == (207 if problems else 200), response.text
    answer: dict[str, Any] = response.json()
    assert list(answer) == ["records", "outcomes", "errors", *COUNTS]
    assert answer["outcomes"] == outcomes
    assert [(each["code"], each["pointer"]) for each in answer["errors"]] == list(problems)
    counted = [outcomes.count(each) for each in ("inserted", "updated", "ignored", None)]
    assert [answer[name] for name in COUNTS] == counted
    assert [each is None for each in answer["records"]] == [each is None for each in outcomes]
    return answer


def own(bot: Bot, name: str = "people") -> list[list[Any]]:
    """The stored rows without system columns."""
    names = ("Code", "Name", "Number", "Mail", "Zone", "Desk") if name == "people" else ("Tag", "Owner")
    return [[row[each] for each in names] for row in rows(bot.query(name, sys_limit=1000))]


ADA, BOB = [list(each.values()) for each in STORED]


def test_rows_are_inserted_and_updated(bot: Bot) -> None:
    answer = partly(
        send(bot, [{"Code": "a", "Name": "Eve"}, {"Code": "c", "Name": "C"}]), ["updated", "inserted"]
    )
    stored = {row["Code"]: row for row in rows(bot.query("people"))}
    assert answer["records"] == [stored["a"], stored["c"]]
    assert stored["a"]["Mail"] == "a@x"


def test_rows_are_ignored(bot: Bot) -> None:
    data = [{"Code": "a", "Mail": "b@x"}, {"Code": "c", "Name": "C"}, {"Code": "d"}]
    answer = partly(
        send(bot, data, action="ignore"), ["ignored", "inserted", None], ("missing_value", "/data/2/Name")
    )
    assert answer["records"][0]["Mail"] == "a@x"
    assert own(bot) == [ADA, BOB, ["c", "C", None, None, None, None]]


def test_stored_keys_are_errors(bot: Bot) -> None:
    """The response to the action error is that of the others, for a replay too."""
    data = [{"Code": "a", "Name": "A"}, {"Code": "c", "Name": "C"}, {"Code": "d"}]
    key = {"Idempotency-Key": "k"}
    first, again = (send(bot, data, action="error", headers=key) for _ in range(2))
    problems = (("unique_violation", "/data/0/Code"), ("missing_value", "/data/2/Name"))
    answer = partly(first, [None, "inserted", None], *problems)
    assert partly(again, [None, "inserted", None], *problems) == answer
    assert again.headers["idempotency-replayed"] == "true"
    counted = send(bot, [{"Code": "e", "Name": "E"}], action="error", prefer="return=minimal").json()
    assert counted == {"errors": [], "nInserted": 1, "nUpdated": 0, "nIgnored": 0, "nFailed": 0}


@pytest.mark.parametrize("mode", ["atomic", "partial"])
def test_a_replay_of_ignored_rows(bot: Bot, mode: str) -> None:
    data = [{"Code": "a", "Name": "A"}, {"Code": "c", "Name": "C"}]
    first, again = (
        send(bot, data, action="ignore", mode=mode, headers={"Idempotency-Key": mode}) for _ in range(2)
    )
    assert first.json()["outcomes"] == ["ignored", "inserted"]
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers.get("operation-id") == first.headers.get("operation-id")


def test_every_kind_of_bad_row(bot: Bot) -> None:
    data = [
        {"Code": "a", "Number": "many"},
        {"Code": "a", "Number": 5},
        {"Code": "a", "Number": 6},
        {"Code": "x"},
        {"Code": "c", "Name": "C", "Mail": "b@x"},
        {"Code": "d", "Name": "D", "Mail": "d@x"},
        {"Code": "e", "Name": "E", "Mail": "d@x"},
        {"Code": "b", "Mail": "a@x"},
        {"Code": "b", "Mail": "b@x", "Number": 9},
        "row",
        {"Code": None, "Name": "nobody"},
        {"Code": None, "Name": "nobody"},
        {"Code": "f", "Name": None},
    ]
    failed = [None] * 3
    outcomes = [
        None, "updated", *failed, "inserted", None, None, "updated", None, "inserted", "inserted", None
    ]  # fmt: skip
    partly(
        send(bot, data),
        outcomes,
        ("invalid_value", "/data/0/Number"),
        ("duplicate_key", "/data/2/Code"),
        ("missing_value", "/data/3/Name"),
        ("unique_violation", "/data/4/Mail"),
        ("unique_violation", "/data/6/Mail"),
        ("unique_violation", "/data/7/Mail"),
        ("invalid_body", "/data/9"),
        ("missing_value", "/data/12/Name"),
    )
    assert [row[:4] for row in own(bot)] == [
        ["a", "Ada", 5, "a@x"],
        ["b", "Bob", 9, "b@x"],
        ["d", "D", None, "d@x"],
        [None, "nobody", None, None],
        [None, "nobody", None, None],
    ]


def test_a_value_that_the_request_frees_is_still_taken(bot: Bot) -> None:
    data = [{"Code": "a", "Mail": "new"}, {"Code": "c", "Name": "C", "Mail": "a@x"}]
    partly(send(bot, data), ["updated", None], ("unique_violation", "/data/1/Mail"))
    again = send(bot, data[1:])
    partly(again, ["inserted"])


def test_a_key_that_depends_on_stored_cells(bot: Bot) -> None:
    """The engine finds it: the request has only a part of the key."""
    data = [
        {"Code": "c", "Name": "C", "Zone": "s", "Desk": "1"},
        {"Code": "a", "Desk": "2"},
        {"Code": "b", "Desk": "7"},
        {"Code": "d", "Name": "D", "Zone": "n", "Desk": "7"},
        {"Code": "e", "Name": "E"},
    ]
    partly(
        send(bot, data),
        ["inserted", None, "updated", None, "inserted"],
        ("unique_violation", "/data/1"),
        ("unique_violation", "/data/3"),
    )
    assert [row[0] for row in own(bot)] == ["a", "b", "c", "e"]
    assert own(bot)[0] == ADA


def test_many_keys_that_depend_on_stored_cells(bot: Bot) -> None:
    people = [{"Code": f"p{n}", "Name": "P", "Zone": f"z{n // 2}", "Desk": str(n % 2)} for n in range(40)]
    assert bot.bulk("people", people).status_code == 200
    data = [{"Code": f"p{n}", "Desk": "1", "Number": n} for n in range(40)]
    answer = send(bot, data).json()
    assert [answer[name] for name in COUNTS] == [0, 20, 0, 20]
    assert answer["outcomes"] == [None, "updated"] * 20


def test_references(bot: Bot) -> None:
    assert bot.insert("pets", {"Tag": "rex", "Owner": "a"}).status_code == 200
    data = [
        {"Tag": "kit", "Mother": "cat"},
        {"Tag": "cat", "Owner": "b"},
        {"Tag": "pup", "Owner": "nobody"},
        {"Tag": "baby", "Mother": "pup"},
        {"Tag": "rex", "Owner": "nobody"},
        {"Tag": "rex", "Mother": "kit"},
    ]
    partly(
        send(bot, data, "pets"),
        ["inserted", "inserted", None, None, None, "updated"],
        ("reference_violation", "/data/2/Owner"),
        ("reference_violation", "/data/3/Mother"),
        ("reference_violation", "/data/4/Owner"),
    )


def test_a_value_that_others_refer_to(bot: Bot) -> None:
    assert bot.insert("pets", {"Tag": "rex", "Mail": "a@x"}).status_code == 200
    data = [
        {"Code": "c", "Name": "C"},
        {"Code": "a", "Mail": "new"},
        {"Code": "b", "Mail": "other"},
        {"Code": "d", "Name": "D"},
    ]
    partly(send(bot, data), ["inserted", None, "updated", "inserted"], ("still_referenced", "/data/1"))
    assert own(bot)[0] == ADA


def test_all_failed(bot: Bot) -> None:
    response = send(bot, [{"Code": "x"}, {"Code": "a", "Number": "many"}])
    answer = response.json()
    assert (response.status_code, answer["code"]) == (422, "all_rows_failed")
    assert [answer[name] for name in COUNTS] == [0, 0, 0, 2]
    assert len(answer["errors"]) == 2
    tried = send(bot, [{"Code": "a", "Desk": "2"}, {"Code": "b", "Desk": "1"}])
    assert (tried.status_code, tried.json()["nFailed"]) == (422, 2)
    assert own(bot) == [ADA, BOB]


def test_no_rows(bot: Bot) -> None:
    partly(send(bot, []), [])


def test_minimal(bot: Bot) -> None:
    response = send(bot, [{"Code": "a", "Number": 3}, {"Code": "x"}], prefer="return=minimal")
    assert response.status_code == 207
    assert list(response.json()) == ["errors", *COUNTS]
    assert [response.json()[name] for name in COUNTS] == [0, 1, 0, 1]


def test_a_dry_run(bot: Bot) -> None:
    data = [{"Code": "a", "Desk": "2"}, {"Code": "c", "Name": "C"}, {"Code": "b", "Number": 3}]
    response = send(bot, data, dryRun=True)
    assert response.status_code == 207
    assert list(response.json()) == ["errors", *COUNTS, "dryRun"]
    assert [response.json()[name] for name in COUNTS] == [1, 1, 0, 1]
    assert own(bot) == [ADA, BOB]
    nothing = send(bot, [{"Code": "a", "Desk": "2"}], dryRun=True)
    assert nothing.status_code == 422
    assert own(bot) == [ADA, BOB]


def test_an_idempotency_key(bot: Bot) -> None:
    data = [{"Code": "a", "Number": {"$inc": 1}}, {"Code": "x"}]
    headers = {"idempotency-key": "one"}
    first, second = (send(bot, data, headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (207, 207)
    assert second.headers["idempotency-replayed"] == "true"
    assert first.content == second.content
    assert own(bot)[0][2] == 2


def test_rights(bot: Bot, workspace: Workspace) -> None:
    writer = workspace.bot({"people": "w"})
    assert send(writer, [{"Code": "a", "Name": "A"}]).status_code == 403
    response = send(writer, [{"Code": "a"}, {"Code": "c", "Name": "C"}, {"Code": "x"}], action="ignore")
    answer = response.json()
    assert answer["outcomes"] == ["ignored", "inserted", None]
    assert [each and each["Code"] for each in answer["records"]] == [None, "c", None]


def test_an_ignored_row_is_not_shown_without_read(bot: Bot, workspace: Workspace) -> None:
    """Also if it lacks a required column."""
    writer = workspace.bot({"people": "w"})
    conflict = {"columns": ["Code"], "action": "ignore"}
    for data in ([{"Code": "a"}], [{"Code": "a"}, {"Code": "b", "Name": "B"}]):
        body = {"data": data, "onConflict": conflict}
        answer = writer.request("POST", "/api/public/tables/people/bulk", json=body).json()
        assert answer == {"records": [None] * len(data), "outcomes": ["ignored"] * len(data)}


def test_changes(bot: Bot) -> None:
    data = [
        {"Code": "a", "Number": {"$inc": 2}, "Name": {"$append": "!"}},
        {"Code": "x", "Number": {"$inc": "many"}},
        {"Code": {"$append": "y"}, "Name": "N"},
        {"Code": "b", "Number": {"$inc": 2**63 - 1}},
        {"Code": "c", "Number": {"$inc": 4}, "Name": "C"},
    ]
    partly(
        send(bot, data),
        ["updated", None, None, None, "inserted"],
        ("invalid_value", "/data/1/Number"),
        ("invalid_value", "/data/2/Code"),
        ("invalid_value", "/data/3/Number"),
    )
    assert [row[:3] for row in own(bot)] == [["a", "Ada!", 3], ["b", "Bob", 2], ["c", "C", 4]]


def test_a_changed_value_of_another_index(bot: Bot) -> None:
    assert bot.insert("people", {"Code": "c", "Name": "C", "Mail": "a@xy"}).status_code == 200
    data = [{"Code": "a", "Mail": {"$append": "y"}}, {"Code": "b", "Mail": {"$append": "y"}}]
    partly(send(bot, data), [None, "updated"], ("unique_violation", "/data/0/Mail"))


def test_a_large_bulk(bot: Bot) -> None:
    """It is decoded in slices."""
    data: list[Any] = [{"Code": f"p{n}", "Name": "x" * 100, "Number": n} for n in range(12_000)]
    data[::100] = [{"Code": "a", "Number": "many"}] * 120
    data[50::100] = [{"Code": f"q{n}"} for n in range(120)]
    data[77] = {"Code": "a", "Number": {"$inc": 5}}
    answer = send(bot, data, prefer="return=minimal").json()
    assert [answer[name] for name in COUNTS] == [11_759, 1, 0, 240]
    found = rows(
        bot.query("people", {"query": {"expressions": [{"field": "Code", "operand": "=", "value": "a"}]}})
    )
    assert found[0]["Number"] == 6


@pytest.mark.parametrize("action", ["update", "ignore", "error"])
def test_a_bulk_without_a_readable_row_takes_no_key(bot: Bot, action: str) -> None:
    key = {"Idempotency-Key": action}
    bad = send(bot, [{"Code": "k", "Number": "x"}], action=action, headers=key)
    assert (bad.status_code, bad.json()["code"]) == (422, "all_rows_failed")
    mended = send(bot, [{"Code": "k", "Name": "x", "Number": 1}], action=action, headers=key)
    assert (mended.status_code, mended.headers.get("idempotency-replayed")) == (200, None)
