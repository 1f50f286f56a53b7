"""``rowkeep init`` and what a start needs: master keys, first tokens, several processes at once."""

from __future__ import annotations

import base64
import os
import secrets
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from shell import Shell

from rowkeep.crypto.master_key import default_key_file
from rowkeep.private_files import create_private
from rowkeep.settings import Settings
from support import plain
from support.forks import FORKS
from support.server import RowkeepServer, sqlite_url
from support.workspace import PEOPLE, Workspace

FIRST_TOKEN = "first admin token"
TOGETHER = 5


def mode(path: Path) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def fresh_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")


def test_init(new_store: Callable[[], str], tmp_path: Path) -> None:
    shell = Shell.on_store(new_store(), tmp_path)
    left = tmp_path / "rowkeep.key.partial-0a1b2c3d"
    left.write_text("of an init that was killed")
    said = shell.succeeds("init")
    assert FIRST_TOKEN in said
    assert not left.exists()
    path = Path(said.split()[-1])
    assert mode(path) == mode(tmp_path / "rowkeep.key") == 0o600
    assert path.read_text().strip() not in said
    key = (tmp_path / "rowkeep.key").read_text()
    assert FIRST_TOKEN not in shell.succeeds("init")
    assert (tmp_path / "rowkeep.key").read_text() == key
    assert [token["name"] for token in shell.json("admin-token", "list")["adminTokens"]] == ["first"]
    assert [place["name"] for place in shell.json("workspace", "list")["workspaces"]] == ["main"]


def test_a_token_that_cannot_be_written_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def on_full_disk(path: Path, belongs_to: Path) -> int:
        os.close(create_private(path, belongs_to))
        return os.open("/dev/full", os.O_WRONLY)

    monkeypatch.setattr("rowkeep.server.first_token.create_private", on_full_disk)
    shell = Shell.on_store(sqlite_url(tmp_path / "data"), tmp_path)
    assert "No space left" in shell.fails("init")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "rowkeep.key"]


def test_the_master_key_of_sqlite_lies_beside_the_directory(tmp_path: Path) -> None:
    """Not in it: a backup of the directory alone must not hold the key."""
    shell = Shell.on_store(sqlite_url(tmp_path / "data"), tmp_path, master_key_file=None)
    shell.succeeds("init")
    assert mode(tmp_path / "data.key") == 0o600
    assert not list((tmp_path / "data").glob("*key*"))
    shell.succeeds("workspace", "list")


@pytest.mark.parametrize(
    ("path", "key"),
    [(".", "b.key"), ("..", "a.key"), ("c/.", "b/c.key"), ("c/..", "b.key"), ("./c/", "b/c.key")],
)
def test_the_master_key_lies_beside_a_directory_by_another_name(
    path: str, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")
    settings = Settings(database_url=f"sqlite:///{path}")
    named = tmp_path / ("" if key == "a.key" else "a") / key
    assert default_key_file(settings).resolve() == named
    if path.endswith("."):
        # a key that an earlier version wrote there is still found
        former = Path(f"{path}.key")
        former.touch()
        assert default_key_file(settings) == former


def test_the_root_directory_is_no_store(tmp_path: Path) -> None:
    assert "ROWKEEP_DATABASE_URL" in Shell.on_store("sqlite:////", tmp_path).fails("init")


def test_relative_paths_and_odd_directories(tmp_path: Path) -> None:
    shell = Shell.on_store("sqlite:///some where/dätä", tmp_path, master_key_file=None)
    shell.succeeds("init")
    assert (tmp_path / "some where" / "dätä").is_dir()
    assert shell.json("workspace", "list")["workspaces"][0]["name"] == "main"


def test_a_master_key_in_the_environment(new_store: Callable[[], str], tmp_path: Path) -> None:
    shell = Shell.on_store(new_store(), tmp_path, master_key=fresh_key())
    shell.succeeds("init")
    assert not (tmp_path / "rowkeep.key").exists()
    shell.succeeds("workspace", "list")
    shell.with_variables(ROWKEEP_MASTER_KEY=None).fails("workspace", "list")


def test_the_wrong_master_key(new_store: Callable[[], str], tmp_path: Path) -> None:
    shell = Shell.on_store(new_store(), tmp_path)
    shell.succeeds("init")
    app = shell.json("app", "create", "clerk")
    wrong = shell.with_variables(ROWKEEP_MASTER_KEY=fresh_key())
    for arguments in (
        ("workspace", "list"),
        ("token", "--app", app["clientId"]),
        ("init",),
        ("serve", "--port", "0"),
    ):
        assert "key" in wrong.fails(*arguments)
    shell.succeeds("token", "--app", app["clientId"])


def test_a_master_key_that_is_gone(new_store: Callable[[], str], tmp_path: Path) -> None:
    shell = Shell.on_store(new_store(), tmp_path)
    shell.succeeds("init")
    key = tmp_path / "rowkeep.key"
    kept = key.read_text()
    key.unlink()
    for arguments in (("workspace", "list"), ("init",), ("serve", "--port", "0")):
        assert str(key) in shell.fails(*arguments)
    assert not key.exists()
    for garbage in ("", "garbage\n", "é", "A" * 43 + "=\n\n", kept[:-4]):
        key.write_text(garbage)
        shell.fails("workspace", "list")
    key.write_text(kept)
    shell.succeeds("workspace", "list")


def test_no_secret_lies_in_the_clear(tmp_path: Path) -> None:
    server = RowkeepServer(sqlite_url(tmp_path / "data"), tmp_path, by_command=True)
    server.start()
    main = Workspace(server, "main")
    main.create_table(PEOPLE)
    bot = main.bot({"people": "rw"}, name="clerk in the clear")
    bot.insert("people", {"First_Name": "Jane in the clear"})
    server.kill()
    files = [path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file()]
    for shown in (b"clerk in the clear", b"Jane in the clear", bot.client_id.encode()):
        assert any(shown in content for content in files)
    for hidden in (
        bot.secret.encode(),
        base64.urlsafe_b64decode(bot.secret + "="),
        server.admin_token.encode(),
    ):
        assert not any(hidden in content for content in files)


def test_several_inits_at_once_give_one_first_token(new_store: Callable[[], str], tmp_path: Path) -> None:
    shell = Shell.on_store(new_store(), tmp_path)
    with ThreadPoolExecutor(TOGETHER) as threads:
        ended = list(threads.map(lambda _: shell.run_fork("init"), range(TOGETHER)))
    assert [each.status for each in ended] == [0] * TOGETHER, ended
    assert sum(FIRST_TOKEN in each.out for each in ended) == 1
    assert [each.err for each in ended] == [""] * TOGETHER
    assert len(shell.json("admin-token", "list")["adminTokens"]) == 1


def test_several_servers_at_once_give_one_first_token(new_store: Callable[[], str], tmp_path: Path) -> None:
    url = new_store()
    servers = [RowkeepServer(url, tmp_path, by_command=True) for _ in range(TOGETHER)]
    try:
        for server in servers:
            server.launch()
        for server in servers:
            server.wait_until_ready()
        logs = [server.log.read_text() for server in servers]
        assert sum(FIRST_TOKEN in log for log in logs) == 1
        (path,) = tmp_path.glob("*.admin-token")
        headers = {"Authorization": f"Bearer {path.read_text().strip()}"}
        for server in servers:
            tokens = plain.get(f"{server.url}/api/v1/admin-tokens", headers=headers).json()["adminTokens"]
            assert [token["name"] for token in tokens] == ["first"]
    finally:
        for server in servers:
            server.stop()


@pytest.mark.parametrize("umask", ["000", "022", "077"])
def test_the_umask_opens_no_secret(tmp_path: Path, umask: str) -> None:
    shell = Shell.on_store(sqlite_url(tmp_path / "data"), tmp_path)
    FORKS.run("rowkeep", ["init"], env=shell.variables, cwd=tmp_path, umask=int(umask, 8)).check_returncode()
    assert mode(tmp_path / "rowkeep.key") == mode(next(tmp_path.glob("*.admin-token"))) == 0o600


def test_doctor(tmp_path: Path) -> None:
    """Each kind of finding is tested on both engines with the store itself."""
    shell = Shell.on_store(sqlite_url(tmp_path / "data"), tmp_path, master_key_file=None)
    shell.succeeds("init")
    assert shell.succeeds("doctor") == "No faults were found.\n"
    (tmp_path / "data.key").chmod(0o640)
    warned = shell.succeeds("doctor", "--quick")
    assert warned.splitlines()[-1] == "0 errors, 1 warning."
    assert f"warning: {tmp_path / 'data.key'}: Other users can access it (mode 0640)." in warned
    stray = tmp_path / "data" / "workspaces" / "w7_stray.db"
    stray.touch(mode=0o600)
    assert [each["place"] for each in shell.json("doctor")["findings"]][1:] == ["file w7_stray"]
    (tmp_path / "data" / "catalog.db").unlink()
    assert "Restore it from a backup" in shell.fails("doctor")
