"""Encrypted columns: what they allow and refuse, and that their text is nowhere to be found."""

from __future__ import annotations

from typing import Any

import pytest
from answers import found, good, problem, records
from definitions import column, index, table

from support.bot import Bot
from support.workspace import Workspace

CELLS: dict[str, tuple[Any, Any]] = {
    "Text": ("Zwetschgenknödel", ""),
    "Num": (263, -0.5),
    "Whole": (2**60, -1),
    "Flag": (True, False),
    "Moment": ("2020-03-28T07:02:09.652Z", "0001-01-01T00:00:00.000Z"),
    "Exact": ("1.5", "-99999999999999999999999999999999999999"),
}
KINDS = ("string", "number", "integer", "boolean", "date", "decimal")


@pytest.fixture
def vault(workspace: Workspace) -> Bot:
    columns = [column(name, kind, isEncrypted=True) for name, kind in zip(CELLS, KINDS, strict=True)]
    indexes = (index("by_text", "Text", unique=True), index("by_num", "Num", "Whole"))
    document = column("Document", "json", isEncrypted=True)
    workspace.create_table(table("vault", column("Label"), *columns, document, indexes=indexes))
    return workspace.bot({"vault": "rwd"})


def test_cells_come_back_and_are_found(vault: Bot) -> None:
    rows: list[dict[str, Any]] = [
        {"Label": "one", "Document": {"a": [1, "x"]}},
        {"Label": "two"},
        {"Label": "none"},
    ]
    for name, (first, second) in CELLS.items():
        rows[0][name], rows[1][name] = first, second
    for record, sent in zip(records(vault.bulk("vault", rows)), rows, strict=True):
        assert {name: record[name] for name in sent} == sent
    assert [row["Document"] for row in good(vault.query("vault"))["queryResult"]] == [
        {"a": [1, "x"]},
        None,
        None,
    ]

    def labels(name: str, operand: str, **value: Any) -> list[str]:
        return found(vault, "vault", {"expressions": [{"field": name, "operand": operand} | value]}, "Label")

    for name, (first, second) in CELLS.items():
        assert labels(name, "=", value=first) == ["one"], name
        assert labels(name, "!=", value=first) == ["two", "none"], name
        assert labels(name, "in", value=[first, second]) == ["one", "two"], name
        assert labels(name, "not in", value=[second, None]) == ["one"], name
        assert labels(name, "is null") == ["none"], name
        assert labels(name, "=", value=None) == ["none"], name
    assert labels("Exact", "=", value="1.50") == ["one"]
    empty = {"expressions": [{"field": "Text", "operand": "=", "value": ""}]}
    (changed,) = records(vault.update("vault", empty, {"Num": 7}))
    assert (changed["Num"], changed["Text"]) == (7, "")


def test_what_cannot_be_told_of_cipher_text_is_refused(vault: Bot) -> None:
    for operand, value in (
        ("<", "a"),
        (">=", "a"),
        ("between", ["a", "b"]),
        ("contains", "a"),
        ("istarts with", "a"),
    ):
        wish = {"expressions": [{"field": "Text", "operand": operand, "value": value}]}
        refusal = problem(
            vault.query("vault", {"query": wish}), 400, "invalid_filter", "/query/expressions/0/operand"
        )
        assert "encrypted" in refusal["detail"]
    refusal = problem(
        vault.query("vault", {"sort": [{"field": "Num"}]}), 400, "invalid_body", "/sort/0/field"
    )
    assert "encrypted" in refusal["detail"]
    wish = {"expressions": [{"field": "Document", "operand": "=", "value": "a"}]}
    problem(vault.query("vault", {"query": wish}), 400, "invalid_filter")


def test_errors_keep_the_secret(vault: Bot) -> None:
    good(vault.insert("vault", {"Text": "secret7"}))
    wish = {"expressions": [{"field": "Num", "operand": "=", "value": "secret7"}]}
    for answer in (
        vault.insert("vault", {"Text": "secret7"}),
        vault.bulk("vault", [{"Text": "secret8"}, {"Text": "secret7"}]),
        vault.insert("vault", {"Num": "secret7"}),
        vault.insert("vault", {"Moment": "secret7"}),
        vault.insert("vault", {"Document": "x" * 1024 * 1024 + "secret7"}),
        vault.query("vault", {"query": wish}),
    ):
        assert answer.status_code in (409, 422), answer.text
        assert "secret7" not in answer.text


def test_a_definition_says_what_is_encrypted(vault: Bot, workspace: Workspace) -> None:
    answer = good(workspace.admin.get(f"{workspace.path}/tables/vault"))
    assert [each["name"] for each in answer["schemaDef"] if each["isEncrypted"]] == [*CELLS, "Document"]
