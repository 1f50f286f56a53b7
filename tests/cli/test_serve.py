"""``rowkeep serve``: how it starts, what it says, how it ends."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import signal
import socket
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from shell import Shell

from rowkeep.server.supervisor import stop_signals
from support import plain
from support.bot import Bot
from support.engines import ON_SQLITE
from support.forks import FORKS
from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace

TOKEN_FILE = re.compile(r"admin token is in (\S+)")


@pytest.fixture
def fresh(new_store: Callable[[], str], tmp_path: Path) -> Iterator[RowkeepServer]:
    """A server on an empty store, not started yet."""
    server = RowkeepServer(new_store(), tmp_path, by_command=True)
    yield server
    server.stop()


def asked(url: str, token: str) -> int:
    """What a management call with this token is answered."""
    return plain.get(f"{url}/api/v1/workspaces", headers={"Authorization": f"Bearer {token}"}).status_code


def test_an_empty_store_gives_its_first_token_into_a_file(fresh: RowkeepServer) -> None:
    fresh.start()
    (path,) = TOKEN_FILE.findall(fresh.log.read_text())
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    token = Path(path).read_text().strip()
    assert token not in fresh.log.read_text()
    assert asked(fresh.url, token) == 200
    fresh.restart()
    assert len(TOKEN_FILE.findall(fresh.log.read_text())) == 1
    assert asked(fresh.url, token) == 200


@ON_SQLITE
def test_a_terminal_is_shown_the_first_token(fresh: RowkeepServer) -> None:
    ours, its = pty.openpty()
    process = FORKS.start(
        "rowkeep",
        ["serve", "--port", str(fresh.port)],
        env=fresh.environment,
        cwd=fresh.directory,
        stdout=its,
        new_session=True,
    )
    os.close(its)
    try:
        shown = b""
        while fresh.url.encode() not in shown:
            shown += os.read(ours, 4096)
        words = re.findall(r"[A-Za-z0-9_-]{40,}", shown.decode())
        while not ready(fresh.url):
            assert process.poll() is None
        token, link = words
        assert asked(fresh.url, token) == 200
        assert f"{fresh.url}/console/welcome#{link}" in shown.decode()
        assert not list(fresh.directory.glob("*.first-user"))
        assert not list(fresh.directory.glob("*.admin-token"))
    finally:
        process.terminate()
        assert process.wait() == 0
        os.close(ours)


def ready(url: str) -> bool:
    try:
        return plain.get(url + "/readyz").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("number", sorted({*stop_signals()} - {signal.SIGINT}))
@pytest.mark.parametrize("workers", [1, 2])
def test_a_signal_to_stop_is_a_good_end(fresh: RowkeepServer, workers: int, number: signal.Signals) -> None:
    fresh.environment["ROWKEEP_WORKERS"] = str(workers)
    fresh.start()
    processes = [
        psutil.Process(fresh.process.pid),
        *psutil.Process(fresh.process.pid).children(recursive=True),
    ]
    fresh.process.send_signal(number)
    assert fresh.process.wait() == 0
    assert not [process for process in processes if process.is_running()]
    assert "Traceback" not in fresh.log.read_text()
    with pytest.raises(httpx.ConnectError):
        plain.get(fresh.url + "/healthz")


def test_sigterm_while_it_starts(fresh: RowkeepServer) -> None:
    fresh.launch()
    assert fresh.stop() in (0, -signal.SIGTERM)
    fresh.start()
    assert plain.get(fresh.url + "/readyz").status_code == 200


@ON_SQLITE
def test_interrupting_is_no_fault(fresh: RowkeepServer) -> None:
    fresh.start()
    fresh.process.send_signal(signal.SIGINT)
    assert fresh.process.wait() == 0
    assert "Traceback" not in fresh.log.read_text()


@ON_SQLITE
def test_interrupting_as_soon_as_it_listens_is_no_fault(fresh: RowkeepServer) -> None:
    """The event loop does not run yet."""
    fresh.environment["ROWKEEP_WORKERS"] = "1"
    fresh.launch()
    while "listening" not in fresh.log.read_text():
        assert fresh.process.poll() is None
    fresh.process.send_signal(signal.SIGINT)
    assert fresh.process.wait() == 0
    log = fresh.log.read_text()
    assert "Traceback" not in log
    assert "never awaited" not in log


def test_requests_under_way_are_finished(fresh: RowkeepServer) -> None:
    """A request that was begun before SIGTERM is answered."""
    fresh.start()
    main = Workspace(fresh, "main")
    main.create_table(PEOPLE)
    bot = main.bot({"people": "rw"})
    body = b'{"data":{"Number":1}}'
    head = f"POST /api/public/tables/people HTTP/1.1\r\nHost: x\r\nauth: {bot.token()}\r\n"
    with socket.create_connection(("127.0.0.1", fresh.port)) as connection:
        connection.sendall(
            f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body[:5]
        )
        # An answer to another request shows that the server has read what was sent before.
        assert plain.get(fresh.url + "/healthz").status_code == 200
        fresh.process.terminate()
        connection.sendall(body[5:])
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert fresh.stop() == 0
    fresh.start()
    assert bot.query("people").json()["total"] == 1


def test_two_workers(fresh: RowkeepServer) -> None:
    fresh.environment["ROWKEEP_WORKERS"] = "2"
    fresh.start()
    assert len(TOKEN_FILE.findall(fresh.log.read_text())) == 1
    main = Workspace(fresh, "main")
    main.create_table(PEOPLE)
    for _ in range(4):
        # Connections of their own, so that either worker may be met.
        bot = main.bot({"people": "rw"})
        bots = [Bot(fresh.url, bot.client_id, bot.secret) for _ in range(4)]
        assert [bot.insert("people", {"Number": 1}).status_code for bot in bots] == [200] * 4
        main.grant(bot.client_id, "people", "")
        assert [bot.insert("people", {"Number": 1}).status_code for bot in bots] == [403] * 4
        main.grant(bot.client_id, "people", "r")
    assert bots[0].query("people").json()["total"] == 4 * 4


def test_a_worker_that_dies_is_replaced(fresh: RowkeepServer) -> None:
    fresh.environment["ROWKEEP_WORKERS"] = "2"
    fresh.start()
    parent = psutil.Process(fresh.process.pid)
    while len(workers := serving_below(parent)) < 2:
        time.sleep(0.02)
    workers[0].kill()
    while len([process for process in serving_below(parent) if process != workers[0]]) < 2:
        assert fresh.process.poll() is None
        time.sleep(0.02)
    for _ in range(20):
        assert plain.get(fresh.url + "/readyz").status_code == 200


def serving_below(parent: psutil.Process) -> list[psutil.Process]:
    """The worker processes; Python's own resource tracker is none."""
    found = []
    for process in parent.children():
        with contextlib.suppress(psutil.NoSuchProcess):
            command = " ".join(process.cmdline())
            if process.status() != psutil.STATUS_ZOMBIE and "resource_tracker" not in command:
                found.append(process)
    return found


@ON_SQLITE
def test_workers_end_with_a_parent_that_is_killed(fresh: RowkeepServer) -> None:
    fresh.environment["ROWKEEP_WORKERS"] = "2"
    fresh.start()
    workers = psutil.Process(fresh.process.pid).children(recursive=True)
    fresh.process.kill()
    fresh.process.wait()
    for worker in workers:
        worker.wait()
    fresh.restart()


@ON_SQLITE
def test_a_port_in_use(fresh: RowkeepServer) -> None:
    shell = Shell(fresh.directory, fresh.environment)
    with socket.create_server(("127.0.0.1", fresh.port)):
        for workers in ("1", "2"):
            failed = shell.run("serve", "--port", str(fresh.port), "--workers", workers)
            assert failed.status == 1
            assert len(failed.err.splitlines()) == 1
            assert str(fresh.port) in failed.err
    # Even so, the first token is not lost.
    later = shell.succeeds("init")
    paths = TOKEN_FILE.findall(failed.out + later) or list(fresh.directory.glob("*.admin-token"))
    fresh.start()
    assert asked(fresh.url, Path(paths[0]).read_text().strip()) == 200


@pytest.mark.parametrize("host", ["203.0.113.1", "no.such.host.invalid", "999.1.1.1"])
def test_hosts_that_are_not_here(tmp_path: Path, host: str) -> None:
    Shell.on_store(f"sqlite:///{tmp_path}/data", tmp_path).fails("serve", "--host", host, "--port", "0")


@ON_SQLITE
def test_options_win_over_the_environment(fresh: RowkeepServer) -> None:
    fresh.environment |= {"ROWKEEP_PORT": "1", "ROWKEEP_HOST": "203.0.113.1"}
    fresh.start()
    assert plain.get(fresh.url + "/healthz").status_code == 200


def test_no_secret_reaches_a_log(fresh: RowkeepServer) -> None:
    fresh.environment["ROWKEEP_LOG_LEVEL"] = "debug"
    fresh.start()
    main = Workspace(fresh, "main")
    main.create_table(PEOPLE)
    bot = main.bot({"people": "rwd"})
    bot.insert("people", {"First_Name": "Jane"})
    bot.insert("people", {"First_Name": 5})
    bot.request("POST", "/api/public/tables/people/query", headers={"auth": bot.token() + "x"})
    rotated = main.admin.post(f"{main.path}/apps/{bot.client_id}/secret").json()["clientSecret"]
    bot.query("people")
    made = main.admin.post("/admin-tokens", json={"name": "a"}).json()["token"]
    fresh.stop()
    log = fresh.log.read_text()
    for secret in (bot.secret, rotated, bot.token(), fresh.admin_token, made, "Jane"):
        assert secret not in log
