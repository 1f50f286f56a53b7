"""Every management command, on the store itself and over HTTP: its effect, for people and as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from shell import Shell

from support import plain
from support.bot import Bot
from support.server import RowkeepServer
from support.tokens import key_pair
from support.workspace import PEOPLE


@pytest.fixture(scope="session", params=["sqlite", "http"])
def way(request: pytest.FixtureRequest) -> str:
    """On the store itself and through a server. That commands work on PostgreSQL too is shown by fewer: what
    they ask for is the management API, which has its own tests on both."""
    return request.param


@pytest.fixture
def place(shell: Shell) -> Iterator[str]:
    """A workspace made by the command itself."""
    name = f"cli_{uuid4().hex[:12]}"
    assert name in shell.succeeds("workspace", "create", name)
    yield name
    assert name in shell.succeeds("workspace", "delete", name)


@pytest.fixture
def definition(tmp_path: Path) -> str:
    """A file with the definition of the table people."""
    path = tmp_path / "people.json"
    path.write_text(json.dumps(PEOPLE))
    return str(path)


def test_workspaces(shell: Shell) -> None:
    name = f"cli_{uuid4().hex[:12]}"
    made = shell.json("workspace", "create", name)
    assert made.keys() == {"name", "createdOn"}
    assert shell.json("workspace", "get", name) == made
    assert name in shell.succeeds("workspace", "get", name)
    listed = shell.json("workspace", "list")["workspaces"]
    assert made in listed
    assert "main" in [workspace["name"] for workspace in listed]
    assert name in shell.succeeds("workspace", "list")
    assert name in shell.fails("workspace", "create", name.upper()).lower()
    assert shell.succeeds("workspace", "delete", name)
    assert name in shell.fails("workspace", "get", name)
    assert "main" in shell.fails("workspace", "delete", "main")


def test_tables(shell: Shell, place: str, definition: str) -> None:
    here = ("--workspace", place)
    made = shell.json("table", "create", definition, *here)
    assert [column["name"] for column in made["schemaDef"]] == ["First_Name", "Last_Name", "Gender", "Number"]
    assert shell.json("table", "get", "people", *here) == made
    assert shell.json("table", "list", *here) == {"tables": [made]}
    shown = shell.succeeds("table", "get", "people", *here)
    assert all(word in shown for word in ("people", "First_Name", "number", "by_last_name"))
    assert "people" in shell.succeeds("table", "list", *here)
    with_sizes = shell.json("table", "list", "--sizes", *here)
    assert with_sizes == {"tables": [{**made, "size": {"rows": 0, "bytes": 0}}]}
    shown = shell.succeeds("table", "list", "--sizes", *here)
    assert re.search(r"Rows +Bytes +Description\s[^a-z]*people +4 +2 +0 +0\b", shown), shown
    assert "people" in shell.fails("table", "create", definition, *here)
    changed = {**made, "schemaDef": made["schemaDef"][1:], "description": "Changed"}
    change = ("table", "change", "-", *here)
    shown = shell.succeeds(*change, "--dry-run", stdin=json.dumps(changed))
    assert all(word in shown for word in ("Step", "Loses data", "drop column First_Name", "yes"))
    assert shell.json("table", "get", "people", *here) == made
    assert "allowDataLoss" in shell.fails(*change, stdin=json.dumps(changed))
    assert shell.json(*change, "--allow-data-loss", stdin=json.dumps(changed)) == changed
    assert shell.json(*change, "--dry-run", stdin=json.dumps(changed)) == {"steps": []}
    assert "Nothing to change" in shell.succeeds(*change, "--dry-run", stdin=json.dumps(changed))
    assert "people" in shell.succeeds(*change, stdin=json.dumps(made))
    assert "must be a definition" in shell.fails(*change, stdin="[]")
    assert "people" in shell.succeeds("table", "delete", "people", *here)
    assert shell.json("table", "list", *here) == {"tables": []}
    again = shell.succeeds("table", "create", "-", *here, stdin=json.dumps(made))
    assert "people" in again
    assert shell.json("table", "get", "people", *here) == made


def test_apps(shell: Shell, place: str, tmp_path: Path) -> None:
    here = ("--workspace", place)
    made = shell.json("app", "create", "clerk one", *here)
    client_id, secret = made["clientId"], made.pop("clientSecret")
    assert shell.json("app", "get", client_id, *here) == made
    assert shell.json("app", "list", *here) == {"apps": [made]}
    assert secret not in shell.succeeds("app", "get", client_id, *here)
    rotated = shell.json("app", "rotate-secret", client_id, *here)
    assert rotated["clientSecret"] != secret
    assert shell.json("app", "disable", client_id, *here)["enabled"] is False
    assert shell.json("app", "get", client_id, *here)["enabled"] is False
    assert "disabled" in shell.succeeds("app", "list", *here)
    assert shell.json("app", "enable", client_id, *here)["enabled"] is True
    limited = shell.json("app", "change", client_id, "--max-affected", "5", "--no-allow-all", *here)
    assert (limited["maxAffected"], limited["allowAll"]) == (5, False)
    assert "not allowed" in shell.succeeds("app", "get", client_id, *here)
    free = shell.json("app", "change", client_id, "--no-max-affected", "--allow-all", *here)
    assert (free["maxAffected"], free["allowAll"]) == (None, True)
    shell.fails("app", "change", client_id, *here, status=2)
    shell.fails("app", "change", client_id, "--max-affected", "5", "--no-max-affected", *here, status=2)
    new = shell.json("app", "create", "limited", "--max-affected", "0", "--no-allow-all", *here)
    assert (new["maxAffected"], new["allowAll"]) == (0, False)
    key = tmp_path / "key.pem"
    key.write_text(key_pair().public)
    keyed = shell.json("app", "create", "keyed", "--algorithm", "RS256", "--public-key", str(key), *here)
    assert (keyed["algorithm"], keyed["publicKey"].strip()) == ("RS256", key_pair().public.strip())
    shell.fails("app", "rotate-secret", keyed["clientId"], *here)
    assert client_id in shell.succeeds("app", "delete", client_id, *here)
    shell.fails("app", "get", client_id, *here)
    printed = shell.succeeds("app", "create", "clerk one", *here)
    assert "cs-" in printed
    assert len([word for word in printed.split() if len(word) == 43]) == 1


def test_grants(shell: Shell, place: str, definition: str) -> None:
    here = ("--workspace", place)
    shell.succeeds("table", "create", definition, *here)
    client_id = shell.json("app", "create", "clerk", *here)["clientId"]
    expected: dict[str, Any] = {"clientId": client_id, "app": "clerk", "table": "people"}
    rights = {"read": True, "write": True, "delete": False}
    given = shell.json("grant", "set", "people", client_id, "--read", "--write", *here)
    assert given == {**expected, **rights}
    assert shell.json("grant", "list", "--table", "people", *here) == {"grants": [given]}
    assert shell.json("grant", "list", "--app", client_id, *here) == {"grants": [given]}
    shown = shell.succeeds("grant", "list", "--table", "people", *here)
    assert all(word in shown for word in ("clerk", "people", "read", "write"))
    assert "delete" in shell.succeeds("grant", "set", "people", client_id, "--delete", *here)
    assert shell.json("grant", "list", "--app", client_id, *here)["grants"][0]["read"] is False
    shell.succeeds("grant", "remove", "people", client_id, *here)
    assert shell.json("grant", "list", "--table", "people", *here) == {"grants": []}


def test_charts(shell: Shell, place: str, definition: str, tmp_path: Path) -> None:
    here = ("--workspace", place)
    (tmp_path / "tables").mkdir()
    chart = {"table": "people", "name": "Größe", "kind": "number", "aggregate": "sum", "value": "Number"}
    (tmp_path / "tables" / "people.json").write_text(Path(definition).read_text())
    (tmp_path / "charts.json").write_text(json.dumps([chart]))
    shell.succeeds("schema", "apply", str(tmp_path), *here)
    (made,) = shell.json("chart", "list", *here)["charts"]
    assert (made["name"], made["shared"], made["owner"]) == ("Größe", True, None)
    assert shell.json("chart", "list", "--table", "people", *here) == {"charts": [made]}
    assert shell.json("chart", "show", made["id"], *here) == made
    assert "sum of Number" in shell.succeeds("chart", "show", made["id"], *here)
    assert "Größe" in shell.succeeds("chart", "list", *here)
    assert "No such view" in shell.fails("chart", "list", "--view", "none", *here)
    either = shell.fails("chart", "list", "--table", "people", "--view", "none", *here, status=2)
    assert "either --table or --view" in either
    assert "Deleted chart" in shell.succeeds("chart", "delete", made["id"], *here)
    assert "No such chart" in shell.fails("chart", "show", made["id"], *here)


def test_views(shell: Shell, place: str, definition: str, tmp_path: Path) -> None:
    here = ("--workspace", place)
    shell.succeeds("table", "create", definition, *here)
    path = tmp_path / "view.json"
    on = [{"left": "people.Last_Name", "operand": "=", "right": "other.Last_Name"}]
    view = {
        "name": "pairs",
        "table": "people",
        "joins": [{"table": "people", "as": "other", "on": on}],
        "columns": ["people.First_Name", {"expr": "other.First_Name", "as": "Other"}],
        "sortBy": [{"field": "Other", "order": "desc"}],
    }
    path.write_text(json.dumps(view))
    made = shell.json("view", "create", str(path), *here)
    assert made["columns"] == view["columns"]
    assert shell.json("view", "get", "pairs", *here) == made
    assert shell.json("view", "list", *here) == {"views": [made]}
    shown = shell.succeeds("view", "get", "pairs", *here)
    assert all(word in shown for word in ("inner", "people.Last_Name = other.Last_Name", "Other desc"))
    assert "pairs" in shell.succeeds("view", "list", *here)
    client_id = shell.json("app", "create", "clerk", *here)["clientId"]
    given = shell.json("grant", "set", "pairs", client_id, "--view", "--read", *here)
    assert (given["view"], given["read"], given["write"]) == ("pairs", True, False)
    assert shell.json("grant", "list", "--view", "pairs", *here) == {"grants": [given]}
    assert shell.json("grant", "list", "--app", client_id, *here) == {"grants": [given]}
    assert "view pairs" in shell.succeeds("grant", "list", "--app", client_id, *here)
    assert "write" in shell.fails("grant", "set", "pairs", client_id, "--view", "--write", *here)
    assert "no rights" in shell.succeeds("grant", "remove", "pairs", client_id, "--view", *here)
    path.write_text(json.dumps(view | {"name": "twos", "renamedFrom": "pairs"}))
    steps = shell.succeeds("view", "replace", "twos", str(path), "--dry-run", *here)
    assert "rename view pairs to twos" in steps
    assert shell.json("view", "get", "pairs", *here) == made
    assert "twos" in shell.succeeds("view", "replace", "twos", str(path), *here)
    path.write_text(json.dumps(view | {"name": "twos"}))
    assert "Nothing to change" in shell.succeeds("view", "replace", "twos", str(path), "--dry-run", *here)
    assert "pairs" in shell.fails("view", "get", "pairs", *here)
    assert "twos" in shell.fails("table", "delete", "people", *here)
    assert "twos" in shell.succeeds("view", "delete", "twos", *here)


def accepted(server: RowkeepServer, token: str) -> bool:
    headers = {"Authorization": f"Bearer {token}"}
    return plain.get(f"{server.url}/api/v1/workspaces", headers=headers).is_success


def test_admin_tokens(shell: Shell, cli_server: RowkeepServer) -> None:
    made = shell.json("admin-token", "create", "--name", "for a test")
    assert made.keys() == {"id", "name", "createdOn", "token"}
    assert accepted(cli_server, made["token"])
    listed = shell.succeeds("admin-token", "list")
    assert "for a test" in listed
    assert made["id"] in listed
    assert made["token"] not in listed
    tokens = shell.json("admin-token", "list")["adminTokens"]
    assert {key: value for key, value in made.items() if key != "token"} in tokens
    assert made["id"] in shell.succeeds("admin-token", "revoke", made["id"])
    assert not accepted(cli_server, made["token"])
    shell.fails("admin-token", "revoke", made["id"])
    printed = shell.succeeds("admin-token", "create")
    (token,) = [word for word in printed.split() if len(word) >= 40]
    assert accepted(cli_server, token)


def test_users(shell: Shell) -> None:
    email = f"{uuid4().hex[:12]}@example.com"
    made = shell.json("user", "create", email, "--admin")
    assert (made["email"], made["name"], made["admin"]) == (email, email.partition("@")[0], True)
    assert re.fullmatch(r"http://[^/]+/console/reset#rkl_[\w-]{43}", made.pop("link"))
    assert made in shell.json("user", "list")["users"]
    assert email in shell.succeeds("user", "list")
    assert email in shell.fails("user", "create", email)
    assert email in shell.succeeds("user", "disable", email)
    assert made | {"disabled": True} in shell.json("user", "list")["users"]
    assert email in shell.succeeds("user", "enable", made["id"])
    assert "/console/reset#rkl_" in shell.succeeds("user", "reset", email)
    assert "nobody@example.com" in shell.fails("user", "disable", "nobody@example.com")
    other = f"{uuid4().hex[:12]}@example.com"
    printed = shell.succeeds("user", "create", other, "--name", "Somebody Else")
    assert "Somebody Else" in printed
    assert "/console/reset#rkl_" in printed


def test_long_lists_are_whole(shell: Shell, place: str, cli_server: RowkeepServer) -> None:
    with cli_server.admin() as admin:
        for number in range(120):
            admin.post(f"/workspaces/{place}/apps", json={"name": f"app {number}"})
    assert len(shell.json("app", "list", "--workspace", place)["apps"]) == 120


def test_a_running_server_sees_it_at_the_next_request(
    shell: Shell, place: str, definition: str, cli_server: RowkeepServer
) -> None:
    here = ("--workspace", place)
    shell.succeeds("table", "create", definition, *here)
    app = shell.json("app", "create", "clerk", *here)
    bot = Bot(cli_server.url, app["clientId"], app["clientSecret"])
    assert bot.query("people").status_code == 403
    shell.succeeds("grant", "set", "people", bot.client_id, "--read", "--write", *here)
    assert bot.insert("people", {"Number": 1}).status_code == 200
    shell.succeeds("app", "disable", bot.client_id, *here)
    assert bot.query("people").status_code == 401
    shell.succeeds("app", "enable", bot.client_id, *here)
    assert bot.query("people").json()["total"] == 1
    shell.succeeds("grant", "remove", "people", bot.client_id, *here)
    assert bot.query("people").status_code == 403
    shell.succeeds("app", "rotate-secret", bot.client_id, *here)
    assert bot.query("people").status_code == 401


def test_names_cannot_lead_to_another_path(shell: Shell, place: str) -> None:
    for name in ("../tables", "..", ".", "", "people/grants", "a?x=1", "a#b", "%2e%2e", "ä", "a b"):
        shell.fails("table", "get", name, "--workspace", place)
    assert shell.json("table", "list", "--workspace", place) == {"tables": []}
