"""Files: for their owner alone, whoever runs a command, and none left by a start that failed."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import msgspec
import pytest
from as_user import Host

from support.server import RowkeepServer, environment, sqlite_url
from support.workspace import PEOPLE, Workspace

IS_ROOT = os.geteuid() == 0
OWNER = 65534 if IS_ROOT else os.geteuid()
"""The user of the service. Only root can try others; anybody else tries the same with themselves."""
STRANGER = 65533


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    """Runs commands."""
    made = Host()
    yield made
    made.close()


class Directory:
    """A directory of the service's user, and commands that are run there."""

    def __init__(self, path: Path, host: Host) -> None:
        self.path = path
        self.host = host
        self.data = path / "data"
        self.variables = environment(sqlite_url(self.data), path)

    def run(self, *arguments: str, user: int | None = None) -> subprocess.CompletedProcess[str]:
        return self.host.run(arguments, self.variables, self.path, user if IS_ROOT else None, umask=0)

    def succeeds(self, *arguments: str, user: int | None = None) -> str:
        done = self.run(*arguments, user=user)
        assert done.returncode == 0, done
        return done.stdout

    def files(self) -> dict[str, tuple[int, int]]:
        """The owner and mode of each file and directory."""
        found = [path for path in self.path.rglob("*") if path.exists()]
        return {
            str(path.relative_to(self.path)): (path.stat().st_uid, stat.S_IMODE(path.stat().st_mode))
            for path in found
        }


@pytest.fixture
def place(host: Host) -> Iterator[Directory]:
    """Where others than root can get to, unlike the directories of pytest."""
    path = Path(tempfile.mkdtemp(prefix="rowkeep-"))
    if IS_ROOT:
        os.chown(path, OWNER, OWNER)
    path.chmod(0o755)
    yield Directory(path, host)
    shutil.rmtree(path)


def are_private(files: dict[str, tuple[int, int]]) -> bool:
    for name, (owner, mode) in files.items():
        expected = 0o700 if name in ("data", "data/workspaces") else 0o600
        assert (name, owner, oct(mode)) == (name, OWNER, oct(expected))
    return True


def test_what_root_does_to_a_store_of_the_service(place: Directory) -> None:
    place.succeeds("init", user=OWNER)
    for arguments in (
        ["workspace", "create", "orders"],
        ["app", "create", "bot", "--workspace", "orders"],
        ["keys", "rotate", "--prepare"],
        ["keys", "rotate"],
        ["keys", "rotate", "--data"],
        ["admin-token", "create"],
    ):
        place.succeeds(*arguments)
        assert are_private(place.files())
    definition = place.path / "people.json"
    definition.write_bytes(msgspec.json.encode(PEOPLE))
    definition.chmod(0o644)
    place.succeeds("table", "create", str(definition), "--workspace", "orders", user=OWNER)
    assert "bot" in place.succeeds("app", "list", "--workspace", "orders", user=OWNER)


def test_what_root_initialises_for_the_service(place: Directory) -> None:
    place.succeeds("init")
    assert {"rowkeep.key", "rowkeep.admin-token", "data/catalog.db"} <= place.files().keys()
    assert are_private(place.files())
    place.succeeds("app", "create", "bot", user=OWNER)
    assert are_private(place.files())


def test_a_directory_that_is_not_the_service_s_own(place: Directory) -> None:
    """A volume may belong to root: what counts is who made the catalog."""
    place.data.mkdir()
    place.data.chmod(0o777)
    place.succeeds("init", user=OWNER)
    place.succeeds("app", "create", "bot")
    found = place.files()
    assert {found[name][0] for name in found if name != "data"} == {OWNER}


def test_the_mode_of_a_key_file_stays(place: Directory) -> None:
    place.succeeds("init", user=OWNER)
    key = place.path / "rowkeep.key"
    key.chmod(0o640)
    before = key.read_text()
    place.succeeds("keys", "rotate")
    assert key.read_text() != before
    assert place.files()["rowkeep.key"] == (OWNER, 0o640)


@pytest.mark.parametrize("opens", ["nothing", "the key", "all but writing"])
def test_another_user_is_told_as_whom_to_run(place: Directory, opens: str) -> None:
    place.succeeds("init", user=OWNER)
    if opens != "nothing":
        (place.path / "rowkeep.key").chmod(0o644)
    if opens == "all but writing":
        for path in (place.data, place.data / "workspaces"):
            path.chmod(0o755)
        (place.data / "catalog.db").chmod(0o644)
    before = place.files()
    done = place.run("workspace", "create", "orders", user=STRANGER)
    if IS_ROOT:
        assert (done.returncode, done.stdout) == (1, ""), done
        assert "run the command as that user" in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert place.files() == before
    else:
        assert done.returncode == 0


def test_files_of_a_running_server(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        server = RowkeepServer(sqlite_url(tmp_path / "data"), tmp_path)
        server.start()
    finally:
        os.umask(before)
    try:
        workspace = Workspace(server, "orders")
        workspace.create_table(PEOPLE)
        assert workspace.bot({"people": "w"}).insert("people", {}).status_code == 200
        found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "data").rglob("*")}
        assert {"catalog.db", "catalog.db-wal", "w2_orders.db", "w2_orders.db-wal"} <= found.keys()
        assert {name: mode for name, mode in found.items() if mode & 0o077} == {}
        assert warnings(server) == {}
    finally:
        server.kill()


def test_what_others_can_read_is_logged_at_start(tmp_path: Path) -> None:
    server = RowkeepServer(sqlite_url(tmp_path / "data"), tmp_path)
    server.start()
    server.stop()
    key, data = tmp_path / "rowkeep.key", tmp_path / "data"
    key.chmod(0o644)
    data.chmod(0o755)
    (data / "catalog.db").chmod(0o640)
    server.start()
    try:
        found = warnings(server)
        assert found["file is readable by other users"]["path"] == str(key)
        assert found["file is readable by other users"]["mode"] == "0644"
        assert found["directory is readable by other users"]["path"] == str(data)
        assert str(data / "catalog.db") in found["files are readable by other users"]["paths"]
        # they are left as they are
        assert stat.S_IMODE(key.stat().st_mode) == 0o644
    finally:
        server.kill()


def warnings(server: RowkeepServer) -> dict[str, dict[str, object]]:
    lines = [line for line in server.log.read_text().splitlines() if line.startswith("{")]
    found = map(msgspec.json.decode, lines)
    return {entry["event"]: entry for entry in found if "readable by other users" in entry["event"]}


FAILURES: dict[str, Callable[[Path], dict[str, str]]] = {
    "a key that is none": lambda _: {"ROWKEEP_MASTER_KEY": "short"},
    "a key file in a file": lambda path: {"ROWKEEP_MASTER_KEY_FILE": f"{path}/file/rowkeep.key"},
    "a key file that is none": lambda path: {"ROWKEEP_MASTER_KEY_FILE": f"{path}/file"},
    "a store of another kind": lambda _: {"ROWKEEP_DATABASE_URL": "mysql://user:secret@host/data"},
    "a server that is not there": lambda path: {"ROWKEEP_DATABASE_URL": f"postgresql:///data?host={path}"},
    "a directory in a file": lambda path: {"ROWKEEP_DATABASE_URL": f"sqlite:///{path}/file/data"},
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("command", ["init", "serve"])
def test_a_start_that_fails_leaves_nothing(
    new_store: Callable[[], str], tmp_path: Path, host: Host, failure: str, command: str
) -> None:
    (tmp_path / "file").write_text("no key")
    url = new_store()
    variables = environment(url, tmp_path, port=0) | FAILURES[failure](tmp_path)
    done = host.run((command,), variables, tmp_path)
    assert (done.returncode, done.stdout) == (1, ""), done
    assert len(done.stderr.splitlines()) == 1, done
    assert "secret" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert is_untouched(url)


def test_a_port_that_is_taken_leaves_nothing(
    new_store: Callable[[], str], tmp_path: Path, host: Host
) -> None:
    url = new_store()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        variables = environment(url, tmp_path, port=taken.getsockname()[1])
        done = host.run(("serve",), variables, tmp_path)
    assert done.returncode == 1
    assert list(tmp_path.iterdir()) == []
    assert is_untouched(url)


def is_untouched(url: str) -> bool:
    """Whether nothing was made where the store was to be."""
    if url.startswith("sqlite"):
        return not Path(url.removeprefix("sqlite:///")).exists()
    schemas = "SELECT count(*) FROM pg_namespace WHERE nspname = 'rowkeep' OR nspname LIKE 'w1%'"

    async def count() -> int:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(schemas)
        finally:
            await connection.close()

    return asyncio.run(count()) == 0


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://rowkeep:hunter2/x@127.0.0.1/data",
        "postgresql://rowkeep:hunter2@127.0.0.1:hunter2/data",
        "postgresql://rowkeep@127.0.0.1/data?password=hunter2&port=hunter2",
        "postgresql://rowkeep:hunter2@127.0.0.1:1/data",
        "mysql://rowkeep:hunter2@127.0.0.1/data",
    ],
)
def test_an_address_that_is_wrong_does_not_show_its_password(tmp_path: Path, host: Host, url: str) -> None:
    variables = environment(url, tmp_path, port=0, log_level="debug")
    done = host.run(("serve",), variables, tmp_path)
    assert done.returncode == 1
    assert "hunter2" not in done.stdout + done.stderr
