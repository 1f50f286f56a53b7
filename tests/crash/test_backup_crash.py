"""Backups under load, while the server or the backup itself is killed: what is restored is whole."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from test_crash import Clients

from support.backups import rows_of
from support.bot import Bot
from support.forks import FORKS, Fork
from support.person import PASSWORD, Person, browser
from support.server import RowkeepServer
from support.workspace import Workspace, succeeded

PAUSE_SECONDS = 0.05
"""Between the requests of a writer, which would otherwise take all time of the commands."""

SECRETS = {
    "name": "sealed",
    "schemaDef": [{"name": "Secret", "type": "string", "isEncrypted": True}],
}


@pytest.fixture
def backup_rounds(request: pytest.FixtureRequest) -> int:
    """How often the kill comes: half as often as in the other crash tests."""
    return max(1, int(request.config.getoption("--crash-rounds")) // 2)


def command(server: RowkeepServer, *arguments: str, **changed: str) -> Fork:
    return FORKS.start("rowkeep", arguments, env=server.environment | changed, cwd=server.directory)


def succeeds(fork: Fork) -> None:
    assert fork.wait(240) == 0


def kill_midway(fork: Fork, directory: Path) -> None:
    """Kill a backup that has begun to write; it may have ended by then."""
    while fork.poll() is None and not list(directory.glob(".killed*")):
        time.sleep(0.001)
    fork.kill()
    fork.wait(60)


def assert_whole_batches(rows: dict[str, list[list[object]]]) -> None:
    """Each request of the writers is in the backup completely, or not at all."""
    (ledger,) = [found for found in rows.values() if found and len(found[0]) == 4 + 5]
    batches: dict[object, list[list[object]]] = defaultdict(list)
    for row in ledger:
        batches[row[0]].append(row)
    assert batches
    for found in batches.values():
        assert sorted(row[1] for row in found) == list(range(len(found)))  # type: ignore[type-var] # numbers
        assert len({row[2] for row in found}) == 1


def test_a_backup_under_load_is_whole(
    new_store: Callable[[], str], backup_rounds: int, tmp_path: Path
) -> None:
    server = RowkeepServer(new_store(), tmp_path)
    server.start()
    try:
        clients = Clients(server, PAUSE_SECONDS)
        workspace = Workspace(server, "backup")
        workspace.create_table(SECRETS)
        bot = workspace.bot({"sealed": "rwd"})
        record = succeeded(bot.insert("sealed", {"Secret": "ŝ"}))
        ada = Person(server)
        ada.http.close()
        for number in range(backup_rounds):
            clients.start()
            clients.wait_for_answers()
            kill_midway(command(server, "backup", "killed.backup"), tmp_path)
            (tmp_path / "killed.backup").unlink(missing_ok=True)
            name = f"{number}.backup"
            running = command(server, "backup", name)
            server.kill()
            succeeds(running)
            clients.join()
            succeeds(command(server, "backup", "verify", name))
            assert_whole_batches(rows_of(tmp_path / name))
            restored = RowkeepServer(new_store(), tmp_path)
            check_restored(restored, name, bot, record, ada)
            server.start()
            clients.assert_nothing_lost()
    finally:
        server.stop()


def check_restored(
    restored: RowkeepServer, name: str, bot: Bot, record: dict[str, object], ada: Person
) -> None:
    """Everything is as it was, tokens are valid, and users can sign in."""
    directory = restored.directory
    succeeds(command(restored, "restore", name))
    succeeds(command(restored, "backup", f"again-{name}"))
    assert rows_of(directory / f"again-{name}") == rows_of(directory / name)
    restored.start()
    try:
        same = Bot(restored.url, bot.client_id, bot.secret)
        found = succeeded(same.query("sealed"))["queryResult"]
        assert found == [record]
        with browser(restored) as client:
            signed_in = client.post("/session", json={"email": ada.email, "password": PASSWORD})
            assert signed_in.status_code == 201, signed_in.text
    finally:
        restored.stop()
