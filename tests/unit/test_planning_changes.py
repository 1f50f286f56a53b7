"""Changes of tables and of workspaces that are refused, whatever the rows are."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from planner import Outcome, problem

from cases.changes import TABLE, WORKSPACE, coded
from cases.views import PEOPLE
from rowkeep.codec.json_bodies import body_decoder, decode_body
from rowkeep.model.access import App
from rowkeep.model.definitions.table_updates import read_redefinition
from rowkeep.model.definitions.tables import TableBody, read_table
from rowkeep.model.definitions.workspaces import WorkspaceDefinition, WorkspaceDefinitionBody
from rowkeep.model.tables import Table
from rowkeep.plan.table_changes.diff import plan_change
from rowkeep.plan.workspace_changes.diff import plan_schema

OF_TABLE = body_decoder(TableBody)
OF_WORKSPACE = body_decoder(WorkspaceDefinitionBody)


def made(definition: dict[str, Any]) -> Table:
    return read_table(msgspec.convert(definition, TableBody), definition["name"], {}, 1)


def changed(before: dict[str, Any], after: dict[str, Any]) -> Outcome:
    """What ``PUT .../tables/{name}`` plans for a table with the first definition."""
    text = json.dumps(after).encode()

    def plan() -> object:
        body = decode_body(text, OF_TABLE)
        return plan_change(made(before), read_redefinition(body, before["name"], made(before), {}, 1))

    return Outcome(plan)


PRESENT = WorkspaceDefinition(
    tables=[made(PEOPLE), made(coded("teams"))],
    views=[],
    grants=[],
    apps=[App(client_id="cs-1", name="nightly", algorithm="HS256", created_on="2026-11-27T00:00:00.000Z")],
)


def applied(body: dict[str, Any]) -> Outcome:
    """What ``PUT .../schema`` plans for a workspace with two tables and an app."""
    text = json.dumps(body).encode()
    return Outcome(lambda: plan_schema(PRESENT, decode_body(text, OF_WORKSPACE)))


@pytest.mark.parametrize(("before", "after", "expected"), TABLE)
def test_of_tables(
    before: dict[str, Any], after: dict[str, Any], expected: tuple[int, str, str, str]
) -> None:
    status, code, pointer, part = expected
    assert part in problem(changed(before, after), status, code, pointer).msg
    assert changed(before, before).error is None


@pytest.mark.parametrize(("body", "status", "code", "pointer"), WORKSPACE)
def test_of_workspaces(body: dict[str, Any], status: int, code: str, pointer: str) -> None:
    problem(applied(body), status, code, pointer)


def test_lists_that_are_missing_stay() -> None:
    nothing = {"tables": None, "views": None, "grants": None, "charts": None}
    for body in ({}, nothing, {"views": [], "grants": [], "charts": []}):
        outcome = applied(body)
        assert (outcome.value, outcome.error) == ([], None)
