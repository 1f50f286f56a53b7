"""Generators of API clients take /openapi.json as it is, and what they make of it works."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support import plain
from support.bot import Bot
from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".venv" / "clients"
NODE = ROOT / ".venv" / "console"
PACKAGES = ROOT / "console" / "node_modules"
STREAMED = ("application/x-ndjson", "text/csv")
USAGE = ROOT / "tests" / "clients" / "usage"


@pytest.fixture(scope="module")
def document(server_on_sqlite: RowkeepServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server's description as a file."""
    path = tmp_path_factory.mktemp("document") / "openapi.json"
    path.write_bytes(plain.get(f"{server_on_sqlite.url}/openapi.json").content)
    return path


def run(*command: str | Path, cwd: Path) -> str:
    """What a tool prints that must not fail."""
    installed = (TOOLS / "ready").exists() and (NODE / "ready").exists()
    assert installed, "the generators are not installed: run `make .venv/clients/ready .venv/console/ready`"
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def python(*arguments: str | Path, cwd: Path) -> str:
    return run(TOOLS / "bin" / "python", "-W", "error", *arguments, cwd=cwd)


def generate(module: str, program: str, *arguments: str | Path, cwd: Path) -> str:
    """Run a generator that is written in Python, without the search for cycles of garbage: what it makes of
    the document stays to its end, and to look at all of it takes a fifth of the time."""
    start = f"import gc, sys; gc.disable(); from {module} import {program}; sys.exit({program}())"
    return run(TOOLS / "bin" / "python", "-c", start, *arguments, cwd=cwd)


def node(tool: str, *arguments: str | Path, cwd: Path) -> str:
    """Run a tool of npm: one of those that the console is made with."""
    return run(NODE / "bin" / "node", PACKAGES / tool, *arguments, cwd=cwd)


def test_openapi_python_client(
    document: Path, server_on_sqlite: RowkeepServer, tmp_path: Path, app_of_people: Bot
) -> None:
    made = tmp_path / "rowkeep_client"
    settings = tmp_path / "settings.yaml"
    settings.write_text("post_hooks: []")  # those format the code
    printed = generate(
        "openapi_python_client.cli", "app", "generate", "--path", document, "--output-path", made,
        "--meta", "none", "--config", settings, cwd=tmp_path,
    )  # fmt: skip
    # it knows no streams: its bulk takes JSON, and it does not read the rejected rows of an import
    assert printed.count("Unsupported content type") == 2 * len(STREAMED)
    assert printed.count("WARNING") == 2 * len(STREAMED) + printed.count("/files/{file}/rejects within") == 5
    used = python(
        USAGE / "use_python_client.py", tmp_path, server_on_sqlite.url, app_of_people.token(), cwd=tmp_path
    )
    calls = [
        name for name in used.splitlines() if name.startswith("rowkeep_client.api.") and name.count(".") == 3
    ]
    described: dict[str, Any] = json.loads(document.read_bytes())
    # a call that the generator cannot understand is left out by it
    assert len(calls) == sum(len(item) for item in described["paths"].values())


def test_datamodel_codegen(document: Path, tmp_path: Path) -> None:
    generate(
        "datamodel_code_generator.__main__", "main", "--input", document, "--output", tmp_path / "models.py",
        "--output-model-type", "pydantic_v2.BaseModel", "--formatters", "builtin",
        "--input-file-type", "openapi", "--use-annotated", cwd=tmp_path,
    )  # fmt: skip
    python(USAGE / "use_models.py", tmp_path, cwd=tmp_path)


def test_openapi_typescript(document: Path, tmp_path: Path) -> None:
    node("openapi-typescript/bin/cli.js", document, "-o", tmp_path / "api.d.ts", cwd=tmp_path)
    shutil.copy(USAGE / "use_types.ts", tmp_path)
    # of TypeScript's own types, only those of the language are read, and are not checked
    lib = ("--lib", "es2022", "--skipDefaultLibCheck")
    node("typescript/bin/tsc", "--noEmit", "--strict", *lib, "use_types.ts", "api.d.ts", cwd=tmp_path)


@pytest.fixture
def app_of_people(server_on_sqlite: RowkeepServer) -> Bot:
    workspace = Workspace(server_on_sqlite, "clients")
    workspace.create_table(PEOPLE)
    return workspace.bot({"people": "rwd"})
