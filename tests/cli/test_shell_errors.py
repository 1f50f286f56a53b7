"""Errors of the shell: one line on standard error; status 2 for wrong usage, 1 for all else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from shell import Result, Shell

from support.processes import free_port
from support.server import RowkeepServer, sqlite_url

USAGE = [
    ("nosuch",),
    ("workspace", "nosuch"),
    ("workspace", "create"),
    ("workspace", "create", "a", "b"),
    ("workspace", "list", "--nosuch"),
    ("workspace", "get", "main", "--json=yes"),
    ("table", "create"),
    ("table", "get", "people", "--workspace"),
    ("app", "create", "a", "--algorithm", "none"),
    ("app", "create", "a", "--algorithm", "RS256"),
    ("grant", "set", "people"),
    ("grant", "set", "people", "cs-1"),
    ("grant", "list"),
    ("grant", "list", "--table", "a", "--app", "b"),
    ("token",),
    ("token", "--app"),
    ("serve", "--port", "http"),
    ("serve", "--port", "70000"),
    ("serve", "--port", "-1"),
    ("serve", "--workers", "-1"),
    ("--nosuch",),
]


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A shell whose store is not there: what fails here fails before that matters, or because of it."""
    directory = tmp_path_factory.mktemp("idle")
    return Shell.on_store(sqlite_url(directory / "data"), directory)


@pytest.mark.parametrize("arguments", USAGE, ids=" ".join)
def test_wrong_usage(idle: Shell, arguments: tuple[str, ...]) -> None:
    idle.fails(*arguments, status=2)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("x", "it must be a whole number"),
        ("0", "it must be greater than or equal to 1"),
    ],
)
def test_a_number_that_is_refused_is_shown(idle: Shell, value: str, expected: str) -> None:
    message = idle.fails("rows", "query", "people", "--limit", value, status=2)
    assert message.startswith(f"Error: Invalid value for '--limit': {expected}; got \"{value}\". Try ")


def test_a_process_ends_as_its_command_does(idle: Shell) -> None:
    """Every other command of this suite runs in the process of the tests."""
    done = idle.run_fork("version")
    assert (done.status, done.err) == (0, "")
    assert done.out == idle.succeeds("version")
    for run, arguments, status in (
        (idle.run_fork, ("nosuch",), 2),
        (idle.run_process, ("workspace", "list"), 1),  # the start of an interpreter takes ten times as long
    ):
        done = run(*arguments)
        assert (done.status, done.out, len(done.err.splitlines())) == (status, "", 1)
        assert done == idle.run(*arguments)


@pytest.mark.parametrize(
    "arguments", [("--help",), ("workspace", "--help"), ("serve", "--help"), ("grant", "set", "-h")]
)
def test_help(idle: Shell, arguments: tuple[str, ...]) -> None:
    assert "Usage" in idle.succeeds(*arguments)


def in_bash(shell: Shell, redirection: str, *arguments: str) -> Result:
    """The result of a command of which bash redirects the streams."""
    script = f'exec "$0" -m rowkeep "$@" {redirection}'
    done = subprocess.run(
        ["bash", "-c", script, sys.executable, *arguments],
        env=shell.variables,
        cwd=shell.directory,
        capture_output=True,
        text=True,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def test_output_that_cannot_be_written(idle: Shell) -> None:
    full = in_bash(idle, "> /dev/full", "version")
    assert full == Result(1, "", "Error: No space left on device.\n")


def test_closed_input_is_empty(idle: Shell) -> None:
    closed = in_bash(idle, "<&-", "rows", "insert", "people", "-")
    assert (closed.status, "Standard input is not valid JSON: Expecting value" in closed.err) == (1, True), (
        closed
    )
    assert "Traceback" not in closed.err


def test_version(idle: Shell) -> None:
    assert idle.succeeds("version") == idle.succeeds("--version")


def test_a_store_that_is_not_there_is_not_made(idle: Shell) -> None:
    for arguments in (("workspace", "list"), ("admin-token", "create"), ("token", "--app", "cs-1")):
        assert str(idle.directory) in idle.fails(*arguments)
    assert not (idle.directory / "data").exists()


def test_a_store_that_was_never_initialised(new_store: Callable[[], str], tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    shell = Shell.on_store(new_store(), tmp_path)
    shell.fails("workspace", "list")
    shell.fails("admin-token", "create")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nosuch",
        "mysql://localhost/x",
        "sqlite:",
        "sqlite://x",
        "sqlite:///",
        "postgresql://[/x",
        "postgresql://localhost:notaport/x",
        "postgresql://127.0.0.1:1/x",
        "postgresql:///x?host=/nowhere",
    ],
)
def test_databases_that_cannot_be_reached(tmp_path: Path, url: str) -> None:
    shell = Shell.on_store(url, tmp_path)
    shell.fails("workspace", "list")
    if url:
        shell.fails("init")
        shell.fails("serve", "--port", str(free_port()))


def test_a_store_in_the_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "data"):
        shell = Shell.on_store(sqlite_url(place), tmp_path)
        shell.fails("init")
        shell.fails("workspace", "list")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ROWKEEP_PROT", "80"),
        ("ROWKEEP_PORT", "http"),
        ("ROWKEEP_PORT", "65536"),
        ("ROWKEEP_MAX_PAGE_SIZE", "0"),
        ("ROWKEEP_BUSY_TIMEOUT_SECONDS", "-1"),
        ("ROWKEEP_LOG_LEVEL", "loud"),
        ("ROWKEEP_MASTER_KEY", "short"),
    ],
)
def test_settings_that_do_not_fit(tmp_path: Path, name: str, value: str) -> None:
    shell = Shell.on_store(sqlite_url(tmp_path / "data"), tmp_path).with_variables(**{name: value})
    for arguments in (("init",), ("serve", "--port", str(free_port()))):
        assert name in shell.fails(*arguments)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("nosuch.json", None),
        ("empty.json", ""),
        ("bad.json", "{"),
        ("list.json", "[]"),
        ("latin.json", "\udcff"),
    ],
)
def test_files_that_hold_no_definition(
    http_shell: Shell, tmp_path: Path, name: str, content: str | None
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content, errors="surrogateescape")
    http_shell.fails("table", "create", str(path))


def test_a_definition_that_is_wrong_says_where(http_shell: Shell) -> None:
    wrong = '{"name": "people", "schemaDef": [{"name": "A", "type": "text"}]}'
    assert "/schemaDef/0/type" in http_shell.fails("table", "create", "-", stdin=wrong)


@pytest.mark.parametrize(
    "arguments",
    [
        ("workspace", "get", "nosuch"),
        ("workspace", "create", "a b"),
        ("workspace", "create", "-"),
        ("workspace", "delete", "main"),
        ("table", "list", "--workspace", "nosuch"),
        ("table", "get", "nosuch"),
        ("table", "delete", "nosuch"),
        ("app", "get", "cs-1"),
        ("app", "create", ""),
        ("app", "create", "keyed", "--algorithm", "RS256", "--public-key", "/nowhere"),
        ("app", "delete", "cs-1"),
        ("grant", "set", "nosuch", "cs-1", "--read"),
        ("grant", "list", "--table", "nosuch"),
        ("admin-token", "revoke", "1"),
    ],
    ids=" ".join,
)
def test_what_the_management_api_refuses(http_shell: Shell, arguments: tuple[str, ...]) -> None:
    http_shell.fails(*arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ("workspace", "create", "\udcff"),
        ("rows", "query", "\udcff"),
        ("rows", "query", "people", "--where", "Name=\udcff"),
        ("rows", "insert", "people", "--set", "Name=\udcff"),
        ("history", "people", "--user", "\udcff"),
    ],
)
def test_arguments_that_are_no_text(http_shell: Shell, arguments: tuple[str, ...]) -> None:
    """So Python passes on bytes that are not in the encoding of the system."""
    assert http_shell.fails(*arguments) == "Error: The arguments of the command are not valid UTF-8."


def test_a_server_that_is_not_there(http_shell: Shell) -> None:
    for url in (f"http://127.0.0.1:{free_port()}", "nonsense", "http://", "http://[", "ftp://127.0.0.1"):
        http_shell.with_variables(ROWKEEP_URL=url).fails("workspace", "list")


def test_a_server_that_is_another(http_shell: Shell, sqlite_server: RowkeepServer) -> None:
    http_shell.with_variables(ROWKEEP_URL=sqlite_server.url + "/docs").fails("workspace", "list")


def test_tokens_that_do_not_hold(http_shell: Shell) -> None:
    assert "ROWKEEP_ADMIN_TOKEN" in http_shell.with_variables(ROWKEEP_ADMIN_TOKEN="x").fails(
        "workspace", "list"
    )
    assert "ROWKEEP_ADMIN_TOKEN" in http_shell.with_variables(ROWKEEP_ADMIN_TOKEN=None).fails(
        "workspace", "list"
    )
    http_shell.with_variables(ROWKEEP_ADMIN_TOKEN="é\n").fails("workspace", "list")
