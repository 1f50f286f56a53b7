"""Backups of whole stores, and the way back: all of it, one workspace, or one table."""

from __future__ import annotations

import os
import signal
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from shell import Shell
from test_copy import catalog_rows, exported, fill, names, store

from rowkeep.crypto import sealed_streams
from rowkeep.errors.catalogue import Busy
from rowkeep.services.copies.workspaces import WorkspaceCopy
from support.backups import rows_of
from support.forks import FORKS
from support.postgres import PostgresServer
from support.server import sqlite_url

SMALL_COST = 2**10
"""Of the keys that are derived from passphrases."""

KILLED = """
import os, signal
from rowkeep.crypto import sealed_streams
sealed_streams.SCRYPT_COST = {cost}
from rowkeep.cli.main import main
from {module} import {owner}
original = {owner}.{method}
async def dying(self, *rest):
    await original(self, *rest)
    os.kill(os.getpid(), signal.SIGKILL)
{owner}.{method} = dying
main()
"""
"""A command that is killed after a step."""


@pytest.fixture
def filled(
    new_store: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Shell, str]:
    """A store with something of everything, and the client id of its app."""
    # the other tests have the cost that backups have outside
    monkeypatch.setattr(sealed_streams, "SCRYPT_COST", SMALL_COST)
    shell = store(new_store(), tmp_path / "filled")
    client_id = fill(shell)
    shell.run("user", "create", "ada@example.org")
    shell.succeeds("workspace", "create", "unused")
    (shell.directory / "passphrase").write_text("correct horse battery staple\n")
    return shell, client_id


@pytest.fixture
def simple(tmp_path: Path) -> Shell:
    """A small store on SQLite with a backup, for what does not depend on the engine."""
    shell = store(sqlite_url(tmp_path / "simple" / "data"), tmp_path / "simple")
    shell.succeeds(
        "table", "create", "-", stdin='{"name": "people", "schemaDef": [{"name": "A", "type": "string"}]}'
    )
    shell.succeeds("rows", "insert", "people", '{"A": "one"}')
    shell.succeeds("backup", "x.backup")
    return shell


def other_store(shell: Shell, url: str) -> Shell:
    return shell.with_variables(ROWKEEP_DATABASE_URL=url)


def killed(shell: Shell, module: str, owner: str, method: str, *arguments: str) -> None:
    code = KILLED.format(cost=SMALL_COST, module=module, owner=owner, method=method)
    done = FORKS.run("-c", [code, *arguments], env=shell.variables, cwd=shell.directory)
    assert done.returncode == -signal.SIGKILL, done


def test_a_store_is_restored_with_everything(
    filled: tuple[Shell, str], backend: str, postgres: PostgresServer, tmp_path: Path
) -> None:
    source, app = filled
    killed(source, "rowkeep.services.backups.backup", "Backup", "_table", "backup", "all.backup")
    assert not (source.directory / "all.backup").exists()
    source.succeeds("backup", "all.backup")
    assert [path.name for path in source.directory.iterdir() if ".partial-" in path.name] == []
    assert "all encrypted cells were decrypted" in source.succeeds("backup", "verify", "all.backup")
    there = postgres.create_database() if backend == "sqlite" else sqlite_url(tmp_path / "there")
    target = other_store(source, there)
    killed(target, "rowkeep.services.backups.restore", "_Filling", "finish", "restore", "all.backup")
    assert target.run("workspace", "list").status == 1
    target.succeeds("restore", "all.backup")
    assert target.fails("restore", "all.backup").count("is not empty") == 1
    entry = target.json("audit", "--action", "restore.store")["entries"][0]
    assert entry["target"].startswith("a backup of 20")
    target.succeeds("backup", "again.backup")
    again = rows_of(source.directory / "again.backup")
    assert again == rows_of(source.directory / "all.backup")
    assert exported(target, "staff") == exported(source, "staff")
    assert target.succeeds("doctor") == source.succeeds("doctor") == "No faults were found.\n"
    # a new workspace does not get the id of another one
    target.succeeds("workspace", "create", "later")
    target.succeeds("table", "list", "--workspace", "later")
    # the app of the backup writes with its stored secret
    target.succeeds("rows", "insert", "teams", '{"Code": "two"}', "--app", app)


def test_parts_are_added_to_a_store_with_another_key(
    filled: tuple[Shell, str], new_store: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, app = filled
    secret = ("--passphrase-file", str(source.directory / "passphrase"))
    source.succeeds("backup", "--encrypt", *secret, "--with-key", "parts.backup")
    backup = str(source.directory / "parts.backup")
    target = store(new_store(), tmp_path / "target")
    assert "with --passphrase-file" in target.fails("restore", backup, "--workspace", "main", "--as", "old")
    target.succeeds("restore", backup, *secret, "--workspace", "main", "--as", "old")
    assert exported(target, "staff", "--workspace", "old") == exported(source, "staff")
    assert [each["clientId"] for each in target.json("app", "list", "--workspace", "old")["apps"]] == [app]
    assert [each["name"] for each in target.json("chart", "list", "--workspace", "old")["charts"]] == [
        "Staff"
    ]
    with monkeypatch.context() as patch:
        patch.setattr(WorkspaceCopy, "run", _overtaken(WorkspaceCopy.run))
        target.fails("restore", backup, *secret, "--workspace", "main", "--as", "late")
    assert exported(target, "staff", "--workspace", "late") == exported(source, "staff")
    again = ("restore", backup, *secret, "--table", "STAFF", "--as", "staff2")
    killed(target, "rowkeep.services.copies.copier", "Copier", "_append", *again)
    assert "has an unfinished copy of a backup of" in target.run("doctor").out
    shown = target.succeeds(*again)
    assert "column Team does not refer to table teams any more" in shown
    assert names(target) == ["staff2"]
    assert exported(target, "staff2") == exported(source, "staff")
    assert target.json("chart", "list")["charts"] == []
    refused = target.fails("restore", backup, *secret, "--table", "staff", "--as", "Staff2")
    assert "already" in refused
    refused = target.fails("restore", backup, *secret, "--workspace", "main", "--as", "main")
    assert "already has tables" in refused
    assert target.succeeds("doctor") == "No faults were found.\n"
    assert catalog_rows(target, "SELECT count(*) FROM _rowkeep_grants", "w1_main") == [(0,)]


def _overtaken(run: Any) -> Any:
    """As if another process had restored the workspace first."""

    async def overtaken(self: Any, *given: Any) -> None:
        await run(self, *given)
        raise Busy()

    return overtaken


REFUSALS = (
    (("backup", "x.backup"), "already exists"),
    (("backup", "missing/x.backup"), "cannot be written"),
    (("backup", "--encrypt", "y.backup"), "used together"),
    (("backup", "--with-key", "y.backup"), "only be used with --encrypt"),
    (("backup", "verify", "missing"), '"missing" cannot be read: No such file'),
    (("backup", "verify", "data/catalog.db"), "not a backup of Rowkeep"),
    (("restore", "x.backup", "--as", "y"), "use it with --workspace or --table"),
    (("restore", "x.backup", "--workspace", "main"), "--as: it must be given with --workspace or --table"),
    (("restore", "x.backup", "--workspace", "no", "--as", "y"), 'no workspace "no"'),
    (("restore", "x.backup", "--table", "no", "--as", "y"), 'no table "no"'),
    (("restore", "x.backup", "--table", "people", "--as", "9"), '"9"'),
    (("restore", "x.backup", "--into", "mysql://x"), "must be sqlite:///PATH or postgresql://"),
    (("restore", "x.backup"), "is not empty"),
)


def test_refusals(simple: Shell) -> None:
    for arguments, message in REFUSALS:
        done = simple.run(*arguments)
        assert (done.status in (1, 2), done.out) == (True, ""), done
        assert message in done.err
    assert names(simple) == ["people"]
    assert [each["name"] for each in simple.json("workspace", "list")["workspaces"]] == ["main"]


def test_the_master_key(simple: Shell, tmp_path: Path) -> None:
    key = simple.directory / "rowkeep.key"
    moved = key.rename(simple.directory / "moved.key")
    (simple.directory / "passphrase").write_text("secret")
    target = other_store(simple, sqlite_url(tmp_path / "new"))
    assert "No master key: the backup needs" in target.fails("restore", "x.backup")
    assert "key was not checked" in target.succeeds("backup", "verify", "x.backup")
    assert "Start servers with ROWKEEP_MASTER_KEY_FILE" in target.succeeds(
        "restore", "x.backup", "--key-file", "moved.key"
    )
    key.write_text("A" * 43)
    assert "Wrong master key: the backup needs" in target.fails("backup", "verify", "x.backup")
    other = other_store(simple, sqlite_url(tmp_path / "other"))
    assert "Wrong master key: the backup needs" in other.fails("restore", "x.backup")
    key.unlink()
    source = simple.with_variables(ROWKEEP_MASTER_KEY_FILE=str(moved))
    secret = ("--passphrase-file", "passphrase")
    source.succeeds("backup", "--encrypt", "--with-key", *secret, "y.backup")
    other.succeeds("restore", "y.backup", *secret)
    assert key.read_text() == moved.read_text()
    assert key.stat().st_mode & 0o777 == 0o600
    assert exported(other, "people") == exported(source, "people")


def test_damage_is_found(simple: Shell, tmp_path: Path) -> None:
    path = simple.directory / "x.backup"
    whole = path.read_bytes()
    for damaged in (whole[:-100], whole[:100] + b"?" + whole[101:], whole[: len(whole) // 2]):
        path.write_bytes(damaged)
        assert simple.run("backup", "verify", "x.backup").status in (0, 1)
    with zipfile.ZipFile(path, "w") as changed, zipfile.ZipFile(_copy(whole, tmp_path)) as original:
        for name in original.namelist():
            if "/rows/" not in name:
                changed.writestr(name, original.read(name))
    refused = simple.fails("backup", "verify", "x.backup")
    assert "is damaged: workspaces/1/rows/" in refused
    target = other_store(simple, sqlite_url(tmp_path / "new"))
    assert "is damaged: workspaces/1/rows/" in target.fails("restore", "x.backup")
    assert not (tmp_path / "new").exists()


def _copy(content: bytes, directory: Path) -> Path:
    path = directory / "whole.backup"
    path.write_bytes(content)
    return path


def test_only_one_restore_runs(simple: Shell, tmp_path: Path) -> None:
    import fcntl

    there = tmp_path / "there"
    there.mkdir()
    descriptor = os.open(there, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    target = other_store(simple, sqlite_url(there))
    assert "Another restore into this directory is running" in target.fails("restore", "x.backup")
    os.close(descriptor)
    target.succeeds("restore", "x.backup")
