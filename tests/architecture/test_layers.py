"""Layers: who may import whom, who speaks SQL, who may wait."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator

from source import ROOT, modules


def test_imports_go_down() -> None:
    """The contract in pyproject.toml, type-only and in-function imports included."""
    lint = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_layer_is_in_the_contract() -> None:
    """A package that the contract does not name could import what it likes."""
    contract = (ROOT / "pyproject.toml").read_text("utf-8").partition("importlinter.contracts")[2]
    layers = {module.layer for module in modules()} - {"__init__", "__main__", "logs"}
    assert {layer for layer in layers if not re.search(rf"\browkeep\.{layer}\b", contract)} == set()


ONLY_IN = {
    "apsw": {"storage"},
    "asyncpg": {"storage"},
    "sqlalchemy": {"sql", "storage"},
    "starlette": {"http"},
    "uvicorn": {"server"},
    "typer": {"cli", "demo"},
    "rich": {"cli", "demo"},
    "pyarrow": {"codec", "files"},
    "httpx": {"client", "demo", "services"},
    "joserfc": {"services"},
    "limits": {"rate_limits", "services", "storage"},
    "redis": {"storage"},
    "argon2": {"services"},
    "authlib": {"services"},
    "cryptography": {"crypto", "services"},
}
"""Which layers may know of a library. Others would be tied to it without need."""


def test_libraries_stay_in_their_layers() -> None:
    strayed = {
        (module.name, library)
        for module in modules()
        for library in module.imported()
        if module.layer not in ONLY_IN.get(library, {module.layer})
    }
    assert strayed == set()


SQL = re.compile(
    r"\b(SELECT\s|INSERT\s+INTO\s|UPDATE\s+\S+\s+SET\s|DELETE\s+FROM\s|CREATE\s+(TABLE|INDEX|SCHEMA|FUNCTION)\s"
    r"|DROP\s+(TABLE|SCHEMA|INDEX)\s|ALTER\s+TABLE\s|PRAGMA\s|LOCK\s+TABLE\s|BEGIN\b|COMMIT\b|ROLLBACK\b)"
)


TEMPORARY_FILES = {"files/dry_run.py", "files/file_keys.py", "files/row_order.py"}
"""Imports use SQLite in temporary files for what does not fit into memory. It is no database of Rowkeep."""


def test_sql_is_spelt_in_sql_and_storage_alone() -> None:
    spelt = {
        (module.name, node.value)
        for module in modules()
        if module.layer not in ("sql", "storage") and module.name not in TEMPORARY_FILES
        for node in module.nodes(ast.Constant)
        if isinstance(node.value, str) and SQL.search(node.value)
    }
    assert spelt == set()


def test_the_check_for_sql_would_notice() -> None:
    found = {module.layer for module in modules() if SQL.search(module.text)}
    assert "storage" in found
    assert SQL.search("SELECT 1")
    assert SQL.search('UPDATE "t" SET a = 1')


ENGINES = {"sqlite", "postgresql", "postgres", "SQLITE", "POSTGRES"}
"""What a branch on an engine could ask for: its name, or its dialect."""


def test_engines_differ_by_facts() -> None:
    """Statements and scripts ask for a fact of the dialect (``sql/dialects.py``), never for an engine: so a
    further engine is a further row. The scheme of a URL may be compared: it is text that somebody sent."""
    branches = {
        f"{module.name}: {ast.unparse(node)}"
        for module in modules()
        for node in _branches(module.nodes(ast.Attribute, ast.Compare))
    }
    assert branches == set()


def test_the_check_for_engines_would_notice() -> None:
    asked = [
        'dialect.name == "sqlite"',
        "dialect is not SQLITE",
        'self._dialect.name in ("sqlite", "postgresql")',
        "SPELLINGS[dialect.name]",
        "self.dialect.compiler.name",
    ]
    assert [text for text in asked if not list(_branches(ast.walk(ast.parse(text))))] == []
    assert list(_branches(ast.walk(ast.parse('scheme == "sqlite"')))) == []


def _branches(nodes: Iterable[ast.AST]) -> Iterator[ast.expr]:
    """Comparisons with an engine, and uses of a dialect's name."""
    for node in nodes:
        if isinstance(node, ast.Attribute) and node.attr == "name":
            if ast.unparse(node.value).rpartition(".")[2].lstrip("_") in ("dialect", "compiler"):
                yield node
        elif isinstance(node, ast.Compare):
            sides = [
                part for side in (node.left, *node.comparators) for part in getattr(side, "elts", [side])
            ]
            asked = {part.value for part in sides if isinstance(part, ast.Constant)}
            asked |= {part.id for part in sides if isinstance(part, ast.Name)}
            if asked & ENGINES and ast.unparse(node.left) != "scheme":
                yield node


PURE = {"errors", "settings", "crypto", "model", "codec", "plan", "sql"}
"""Pure and synchronous: the same in, the same out, and nobody waits."""

WAITING = (ast.AsyncFunctionDef, ast.Await, ast.AsyncWith, ast.AsyncFor)


def test_what_is_pure_does_not_wait() -> None:
    waiting = {module.name for module in modules() if module.layer in PURE and any(module.nodes(*WAITING))}
    assert waiting == set()


CATCH_ALL = {
    ("server/forks.py", "_run"),  # a child must not go on with what its parent was doing
    ("server/exchange.py", "Exchange.run_asgi"),  # the same where nothing below did
    ("services/background.py", "BackgroundTasks._run_once"),  # logged; the next run may do better
    ("http/responses.py", "reply"),  # answers a fault of ours
    ("http/acting_rows.py", "_Exchange.receive"),  # what the sender's iterator raises is for the sender
    ("storage/sqlite/writer.py", "GroupWriter._in_savepoint"),  # a job's error is for who waits for it
    ("storage/sqlite/writer.py", "GroupWriter._end_group"),  # the same for a whole group
    ("storage/postgres/lookups.py", "_Group.run"),  # the same for lookups that are sent together
}
"""The places that catch whatever comes and do not let it go on."""


def test_no_catch_all_around_work() -> None:
    found = {
        (module.name, name)
        for module in modules()
        for handler in module.nodes(ast.ExceptHandler)
        if _catches_all(handler) and not _raises_again(handler)
        for name, function in module.functions
        if function.lineno <= handler.lineno <= (function.end_lineno or 0)
    }
    assert found == CATCH_ALL


def _catches_all(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    named = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}
    return bool(named & {"Exception", "BaseException"})


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None
