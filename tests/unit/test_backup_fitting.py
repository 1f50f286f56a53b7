"""What a workspace or app that is created or deleted during a backup leaves in it: all of it, or nothing."""

from __future__ import annotations

import pytest

from rowkeep.services.backups.fitting import Fitting

APPS = ("client_id", "name")
MEMBERS = ("user_id", "role")


@pytest.fixture
def fitting() -> Fitting:
    """Workspaces 1 and 2 were read, and 2 was deleted afterwards; 3 was never used."""
    found = Fitting()
    found.saw(1, "_rowkeep_apps", APPS, [("old", ""), ("deleted since", "")])
    found.saw(1, "_rowkeep_members", MEMBERS, [("ada", "editor"), ("deleted user", "editor")])
    found.saw(2, "_rowkeep_apps", APPS, [("of a deleted workspace", "")])
    found.begin([1, 3], ["ada", "bob"])
    return found


def test_databases_are_those_that_were_read(fitting: Fitting) -> None:
    assert fitting.fitted("databases", [(1,), (3,)]) == [(1,)]


def test_client_ids_are_those_of_the_apps_that_were_read(fitting: Fitting) -> None:
    rows = [("old", 1), ("new since", 1), ("of a deleted workspace", 2)]
    assert fitting.fitted("clients", rows) == [("deleted since", 1), ("old", 1)]


def test_a_client_id_of_two_workspaces_is_that_of_the_catalog(fitting: Fitting) -> None:
    fitting.saw(3, "_rowkeep_apps", APPS, [("old", "")])
    assert ("old", 3) in fitting.fitted("clients", [("old", 3)])
    assert ("old", 1) in fitting.fitted("clients", [("old", 1)])


def test_users_are_those_of_the_catalog(fitting: Fitting) -> None:
    assert fitting.fitted("user_workspaces", [("bob", 3), ("bob", 2)]) == [("ada", 1), ("bob", 3)]


def test_other_tables_are_unchanged(fitting: Fitting) -> None:
    assert fitting.fitted("admin_tokens", [("a", "b")]) == [("a", "b")]
