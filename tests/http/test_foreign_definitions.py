"""Definitions as other systems write them: they are taken as they stand, and their tables work."""

from __future__ import annotations

import json
from typing import Any

import pytest
from answers import good, problem, records, rows
from definitions import column, table
from expressions import where

from support.workspace import Workspace

SAMPLE = (
    '{"name":"customertable","description":"Customer","schemaDef":['
    '{"name":"CustName","type":"string","isRequired":false,"isEncrypted":false,"reference":{},'
    '"maxLength":"","default":""},'
    '{"name":"CustId","type":"number","isRequired":true,"isEncrypted":true,"reference":{},'
    '"maxLength":"5","default":""}],"indexes":[]}'
)
"""The sample definition of the reference product."""

JSON = {"Content-Type": "application/json"}
BOM = b"\xef\xbb\xbf"


def test_the_sample_is_imported_unchanged_and_works(workspace: Workspace) -> None:
    path = f"{workspace.path}/tables"
    created = workspace.admin.post(path, content=BOM + SAMPLE.encode(), headers=JSON)
    assert created.status_code == 201, created.text
    assert created.json()["schemaDef"][1]["maxLength"] == 5
    exported = workspace.admin.get(f"{path}/customertable").json()
    assert exported == created.json()
    bot = workspace.bot({"customertable": "rwd"})
    row = good(bot.insert("customertable", {"CustName": "Jane", "CustId": 1234567}))
    assert row["CustId"] == 1234567
    records(bot.bulk("customertable", [{"CustId": "8"}, {"CustName": "Joe", "CustId": 2.5}]))
    assert rows(bot.query("customertable", {"query": where("CustId", "=", "1234567")})) == [row]
    (changed,) = records(bot.update("customertable", where("CustId", "=", 2.5), {"CustId": 123456789}))
    assert changed["CustId"] == 123456789
    assert good(bot.delete("customertable", where("custid", "in", [8, "123456789"]))) == {"nDeleted": 2}
    problem(bot.insert("customertable", {"CustName": "x"}), 422, "missing_value", "/data/CustId")
    problem(bot.insert("customertable", {"CustId": ""}), 422, "missing_value", "/data/CustId")
    unchanged = workspace.admin.put(
        f"{path}/customertable", content=SAMPLE, headers=JSON, params={"dryRun": "true"}
    )
    assert unchanged.json() == {"steps": []}


@pytest.mark.parametrize("kind", ["number", "integer", "decimal", "boolean", "date", "json"])
def test_a_limit_on_what_is_no_string_has_no_effect(shared: Workspace, kind: str) -> None:
    values: dict[str, Any] = {"boolean": False, "date": "2020-03-28T07:02:09.652Z", "decimal": "123456.5"}
    value = values.get(kind, 123456)
    definition = table("limited", column("A", kind, maxLength="2"))
    shared.create_table(definition)
    bot = shared.bot({"limited": "rwd"})
    assert good(bot.insert("limited", {"A": value}))["A"] == value
    path = f"{shared.path}/tables/limited"
    for limit in (1, "", 3):
        definition["schemaDef"][0]["maxLength"] = limit
        changed = shared.admin.put(path, json=definition)
        assert changed.json()["schemaDef"][0]["maxLength"] == limit
    definition["schemaDef"][0]["type"] = "string"
    if kind != "json":
        problem(shared.admin.put(path, json=definition, params={"allowDataLoss": "true"}), 409)
    shared.drop_table("limited")


@pytest.mark.parametrize(
    ("old", "new", "pointer"),
    [
        ('"description":"Customer"', '"description":"a","description":"b"', "/description"),
        ('"isEncrypted":true', '"isEncrypted":true,"isEncrypted":false', "/schemaDef/1/isEncrypted"),
        ('"reference":{}', '"reference":{"table":"a","table":"b"}', "/schemaDef/0/reference/table"),
    ],
)
def test_a_key_twice_in_a_definition(workspace: Workspace, old: str, new: str, pointer: str) -> None:
    sent = SAMPLE.replace(old, new, 1)
    answer = workspace.admin.post(f"{workspace.path}/tables", content=sent, headers=JSON)
    problem(answer, 400, "repeated_key", pointer)
    schema = '{"tables":[' + sent + "]}"
    answer = workspace.admin.put(f"{workspace.path}/schema", content=schema, headers=JSON)
    problem(answer, 400, "repeated_key", f"/tables/0{pointer}")
    assert workspace.admin.get(f"{workspace.path}/tables").json() == {"tables": []}


def test_a_key_twice_in_other_bodies(workspace: Workspace) -> None:
    workspace.create_table(json.loads(SAMPLE))
    app = workspace.app("bot")
    for method, path, content, pointer in (
        ("POST", "/workspaces", '{"name":"a","name":"b"}', "/name"),
        ("POST", "/admin-tokens", '{"name":"a","name":"b"}', "/name"),
        ("POST", f"{workspace.path}/apps", '{"name":"a","name":"b"}', "/name"),
        ("PATCH", f"{workspace.path}/apps/{app['clientId']}", '{"enabled":true,"enabled":false}', "/enabled"),
        (
            "PUT",
            f"{workspace.path}/tables/customertable/grants/{app['clientId']}",
            '{"read":false,"read":true}',
            "/read",
        ),
        ("POST", f"{workspace.path}/views", '{"name":"a","table":"x","columns":[],"name":"b"}', "/name"),
    ):
        answer = workspace.admin.request(method, path, content=content, headers=JSON)
        problem(answer, 400, "repeated_key", pointer)


def test_management_calls_without_a_body(workspace: Workspace) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    app = workspace.app("bot")
    secret = f"{workspace.path}/apps/{app['clientId']}/secret"
    assert workspace.admin.request("POST", secret, content=b"", headers=form).status_code == 200
    keyed = {"Idempotency-Key": "one"}
    problem(workspace.admin.request("POST", secret, headers=keyed), 400, "invalid_parameter")
    problem(workspace.admin.get(f"{workspace.path}/apps", headers=keyed), 400, "invalid_parameter")
    assert workspace.admin.get(f"{workspace.path}/apps", headers=form).status_code == 200
