"""Every example of the docs does what the page says."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from blocks import blocks_of
from reader import follow
from terminal import Shell

from support.forks import Forks
from support.postgres import PostgresServer
from support.processes import free_port
from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

OF_APPS = [
    "README.md",
    "change-feed.md",
    "data-api.md",
    "errors.md",
    "filters.md",
    "safe-retries.md",
    "streams.md",
    "upserts.md",
]
"""They begin with a server, the tables people and customers, and an app that was granted both."""

OF_ADMINISTRATORS = ["encryption.md", "management-api.md", "schema-changes.md", "types.md", "users.md"]
"""They begin with a server that is new, and an admin token."""

OF_MACHINES = [
    "backup.md", "cli.md", "copy.md", "getting-started.md", "limits.md", "operations.md", "rows-files.md",
    "schema-files.md",
    "undo.md", "views.md",
]  # fmt: skip
"""They begin with an empty directory."""

NOT_RUN = {
    "audit.md": 2,  # a program of the operator; a line of the log
    "backup.md": 3,  # systemd
    "deploy.md": 8,  # container engines, a cluster, systemd
    "encryption.md": 2,  # new keys
    "history.md": 4,  # parts of definitions; an answer of Citus
    "README.md": 3,  # the two commands, which take minutes; a PostgreSQL server
    "getting-started.md": 1,  # the installation
    "observability.md": 3,  # Prometheus; lines of the log; a collector
    "operations.md": 5,  # another user, SQL, nginx twice, TLS
    "scale-out.md": 6,  # a Citus cluster
    "security.md": 1,  # a line of the log
    "performance.md": 1,  # the benchmark
    "users.md": 1,  # a provider of OpenID Connect
    "webhooks.md": 3,  # a receiver elsewhere; a message; the receiver, which has a test of its own
}
"""How many blocks are not run."""

ADDRESS = "127.0.0.1:8080"
DIRECTORY = "/home/you/shop"
POSTGRES = "postgresql://rowkeep:secret@db.example/rowkeep"


def page(name: str) -> Path:
    return next(each for each in PAGES if each.name == name)


def environment(**more: str) -> dict[str, str]:
    """That of a reader: Rowkeep's commands are at hand, and no setting is made."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith("ROWKEEP_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{outer.get('PATH', '')}"
    return outer | {"PATH": path, "LC_ALL": "C.UTF-8", "no_proxy": "*"} | more


@pytest.fixture(scope="module")
def path() -> Iterator[str]:
    """The search path of a reader, whose command ``rowkeep`` starts at once. (An address must be short.)"""
    forks = Forks(environment())
    with tempfile.TemporaryDirectory(prefix="rowkeep-") as directory:
        forks.install(Path(directory))
        yield f"{directory}{os.pathsep}{environment()['PATH']}"
    forks.close()


@pytest.mark.parametrize("name", OF_APPS)
def test_page_of_apps(name: str, server: RowkeepServer, workspace: Workspace, tmp_path: Path) -> None:
    tables = ["people", "customers"]
    for table in tables:
        workspace.create_table(PEOPLE | {"name": table})
    if name in ("upserts.md", "change-feed.md"):
        # the page shows the definition of its own table
        definition = json.loads(next(block for block in blocks_of(page(name)) if not block.is_command).text)
        workspace.create_table(definition)
        tables.append(definition["name"])
    app = workspace.bot(dict.fromkeys(tables, "rwd"))
    with Shell(tmp_path, environment(URL=server.url, TOKEN=app.token())) as shell:
        follow(page(name), shell, tmp_path, {ADDRESS: f"127.0.0.1:{server.port}"})


@pytest.mark.parametrize("name", OF_ADMINISTRATORS)
def test_page_of_administrators(name: str, new_store: Callable[[], str], path: str, tmp_path: Path) -> None:
    server = RowkeepServer(new_store(), tmp_path)
    try:
        server.start()
        variables = environment(PATH=path, URL=server.url, ADMIN_TOKEN=server.admin_token)
        with Shell(tmp_path, variables) as shell:
            follow(page(name), shell, tmp_path, {ADDRESS: f"127.0.0.1:{server.port}"})
    finally:
        server.stop()


@pytest.mark.parametrize("name", OF_MACHINES)
def test_page_of_machines(name: str, postgres: PostgresServer, path: str, tmp_path: Path) -> None:
    port = free_port()
    known = {
        ADDRESS: f"127.0.0.1:{port}",
        DIRECTORY: str(tmp_path),
        POSTGRES: postgres.create_database(),
    }
    with Shell(tmp_path, environment(PATH=path, ROWKEEP_PORT=str(port))) as shell:
        follow(page(name), shell, tmp_path, known)


def test_every_page_with_examples_is_followed() -> None:
    with_examples = {each.name for each in PAGES if any(block.is_command for block in blocks_of(each))}
    assert with_examples == {*OF_APPS, *OF_ADMINISTRATORS, *OF_MACHINES}


def test_no_block_is_left_out_by_and_by() -> None:
    left_out = {each.name: sum(not block.is_run for block in blocks_of(each)) for each in PAGES}
    assert {name: count for name, count in left_out.items() if count} == NOT_RUN
