"""Statements over system tables that are compiled once: they are what compiling each of them would give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from rowkeep.sql.dialects import POSTGRES, SQLITE, Dialect
from rowkeep.sql.statements import Places, StatementCache, statement
from rowkeep.sql.system_tables import WorkspaceTables, any_workspace, in_workspace, workspace_tables

Build = Callable[[WorkspaceTables, str], sa.Executable]


def _same_twice(tables: WorkspaceTables, value: str) -> sa.Executable:
    given = sa.bindparam("given", value)
    apps = tables.apps.c
    return sa.select(apps.name).where(sa.or_(apps.name == given, apps.client_id == given)).limit(3)


KINDS: dict[str, tuple[Build, bool]] = {
    "select": (lambda t, v: sa.select(*t.apps.c).where(t.apps.c.name == v, t.apps.c.client_id != v), True),
    "limited": (lambda t, v: sa.select(t.apps.c.name).where(t.apps.c.name > v).limit(len(v)), True),
    "one value twice": (_same_twice, True),
    "insert": (lambda t, v: sa.insert(t.former_apps).values(name=v, client_id=v * 2), True),
    "update": (
        lambda t, v: sa.update(t.former_apps).values(name=v).where(t.former_apps.c.client_id == v * 2),
        True,
    ),
    "counter": (
        lambda t, _: (
            sa.update(t.workspace).values(version=t.workspace.c.version + 1).returning(t.workspace.c.version)
        ),
        True,
    ),
    "delete": (lambda t, v: sa.delete(t.apps).where(t.apps.c.name.is_(None), t.apps.c.client_id == v), True),
    "as many parameters as values": (
        lambda t, v: sa.select(t.apps.c.name).where(t.apps.c.name.in_([*v])),
        False,
    ),
    "as many rows as values": (
        lambda t, v: sa.insert(t.former_apps).values([{"name": each, "client_id": each} for each in v]),
        False,
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("dialect", "namespaces"), [(SQLITE, [None]), (POSTGRES, ["w1_main", "w22_other"])])
def test_equal_to_compiling(kind: str, dialect: Dialect, namespaces: list[str | None]) -> None:
    build, is_stored = KINDS[kind]
    cache = StatementCache()
    for namespace in namespaces:
        for value in ("a", "bcd", "ef"):
            found = cache.statement(build(any_workspace(namespace), value), dialect)
            compiled = statement(build(workspace_tables(namespace), value), dialect)
            assert in_workspace(found, namespace) == compiled
    stored: list[Any] = [each for each in cache._places.values() if isinstance(each, Places)]
    assert len(stored) == is_stored


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rowkeep.sql.statements.COMPILED_STATEMENTS", 10)
    cache = StatementCache()
    for number in range(30):
        cache.statement(sa.select(sa.column(f"c{number}")), SQLITE)
    assert len(cache._places) == 10


def test_no_workspace_has_the_namespace_of_all() -> None:
    found = StatementCache().statement(sa.select(any_workspace("w1_main").apps.c.name), POSTGRES)
    assert in_workspace(found, "w1_main").text.endswith('FROM "w1_main"._rowkeep_apps')
