"""Several workers: how many there are, what they share, and who gets the connections."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil
import pytest

from support import plain
from support.engines import ON_SQLITE
from support.server import RowkeepServer

FIRST_MEGABYTES = 70
FURTHER_MEGABYTES = 25
CONNECTIONS = 32
START_RATIO = 2
"""The docs promise 1.5 of the time. Of processor time, which a busy machine does not change, a worker that
imported Rowkeep by itself would take as much again as the whole start of one."""

REQUEST = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def launch(new_store: Callable[[], str], tmp_path: Path) -> Iterator[Callable[..., RowkeepServer]]:
    """Starts a server on an empty store with so many workers; None leaves their number open."""
    started = []

    def start(workers: int | None) -> RowkeepServer:
        server = RowkeepServer(new_store(), tmp_path, by_command=True, workers=workers)
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.stop()


def processes(server: RowkeepServer) -> list[psutil.Process]:
    """The server's process, followed by its workers'."""
    parent = psutil.Process(server.process.pid)
    return [parent, *parent.children(recursive=True)]


def workers_of(server: RowkeepServer, count: int) -> list[psutil.Process]:
    """The workers, once there are so many."""
    while len(processes(server)) <= count:
        time.sleep(0.02)
    return processes(server)[1:]


@ON_SQLITE
def test_there_are_as_many_as_cores(launch: Callable[..., RowkeepServer]) -> None:
    server = launch(None)
    cores = len(os.sched_getaffinity(0))
    expected = 1 if cores == 1 else 1 + min(4, cores)
    while len(processes(server)) < expected:
        time.sleep(0.02)
    assert len(processes(server)) == expected


@ON_SQLITE
def test_one_worker_is_the_server_itself(launch: Callable[..., RowkeepServer]) -> None:
    assert len(processes(launch(1))) == 1


@dataclass(frozen=True)
class Start:
    """What a server needed until all its workers answered."""

    seconds: float  # of processor time
    megabytes: float


@pytest.fixture(scope="module")
def start_with(
    new_store: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[int], Start]:
    """What the start of a server with so many workers needs. Each is started and measured once."""

    @cache
    def measure(workers: int) -> Start:
        server = RowkeepServer(new_store(), tmp_path_factory.mktemp("start"), workers=workers)
        server.leave_unmeasured()
        server.start()
        try:
            if workers > 1:
                workers_of(server, workers)
            _answered([_asked(server) for _ in range(CONNECTIONS)])  # connections at once go to all
            times = [each.cpu_times() for each in processes(server)]
            for _ in range(4 * workers):
                assert plain.get(server.url + "/readyz").status_code == 200
            megabytes = sum(each.memory_full_info().pss for each in processes(server)) / 2**20
        finally:
            server.stop()
        return Start(sum(each.user + each.system for each in times), megabytes)

    return measure


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_memory(start_with: Callable[[int], Start], workers: int) -> None:
    """What is shared counts once: an idle server keeps to what the docs promise."""
    assert start_with(workers).megabytes <= FIRST_MEGABYTES + FURTHER_MEGABYTES * (workers - 1)


def test_a_start_takes_hardly_more_than_with_one_worker(start_with: Callable[[int], Start]) -> None:
    assert start_with(2).seconds <= START_RATIO * start_with(1).seconds


def test_the_parent_holds_nothing_that_a_worker_could_inherit(
    launch: Callable[..., RowkeepServer],
) -> None:
    server = launch(2)
    workers_of(server, 2)
    parent = psutil.Process(server.process.pid)
    assert parent.num_threads() == 1
    assert not [file.path for file in parent.open_files() if file.path.endswith((".db", "-wal", "-shm"))]
    assert {each.status for each in parent.net_connections("tcp")} == {psutil.CONN_LISTEN}


@ON_SQLITE
def test_connections_are_spread_over_the_workers(launch: Callable[..., RowkeepServer]) -> None:
    server = launch(2)
    workers = workers_of(server, 2)
    connections = [_asked(server) for _ in range(CONNECTIONS)]
    for each in connections:
        assert each.recv(4096).startswith(b"HTTP/1.1 200 ")
    held = [
        sum(each.status == psutil.CONN_ESTABLISHED for each in worker.net_connections("tcp"))
        for worker in workers
    ]
    for each in connections:
        each.close()
    # by chance, one gets so few once in 50,000 times
    assert min(held) > CONNECTIONS / 8


@ON_SQLITE
def test_connections_to_a_worker_that_dies_wait_for_the_next(launch: Callable[..., RowkeepServer]) -> None:
    server = launch(2)
    worker = workers_of(server, 2)[0]
    worker.send_signal(signal.SIGSTOP)
    connections = [_asked(server) for _ in range(CONNECTIONS)]
    worker.kill()
    _answered(connections)


@ON_SQLITE
def test_a_second_server_does_not_get_the_port(launch: Callable[..., RowkeepServer]) -> None:
    server = launch(2)
    other = RowkeepServer(server.database_url, server.directory, workers=2)
    other.port = server.port
    other.launch()
    assert other.process.wait() == 1
    other.stop()
    assert str(server.port) in other.log.read_text()


def test_a_worker_that_cannot_start_ends_the_server(new_store: Callable[[], str], tmp_path: Path) -> None:
    server = RowkeepServer(new_store(), tmp_path, workers=2)
    server.start()
    server.stop()
    (tmp_path / "rowkeep.key").unlink()
    server.launch()
    assert server.process.wait() == 1
    server.stop()


@ON_SQLITE
def test_a_replacement_that_cannot_start_is_tried_again(launch: Callable[..., RowkeepServer]) -> None:
    """While the master key is away, say. The other workers serve all connections."""
    server = launch(2)
    dies, stays = workers_of(server, 2)
    _answered([_asked(server) for _ in range(CONNECTIONS)])  # so both have started
    key = server.directory / "rowkeep.key"
    away = key.rename(key.with_suffix(".away"))
    began = time.monotonic()
    dies.kill()
    while server.log.read_text().count("worker failed to start") < 2:
        time.sleep(0.02)
    _answered([_asked(server) for _ in range(CONNECTIONS)])
    assert stays.is_running()
    # once a second
    assert server.log.read_text().count("worker failed to start") <= time.monotonic() - began + 1
    away.rename(key)
    started = psutil.Process(server.process.pid).children
    while not (len(started()) == 2 and all(_listens(each) for each in started())):
        time.sleep(0.02)
    _answered([_asked(server) for _ in range(CONNECTIONS)])
    assert stays in started()
    assert server.stop() == 0


@ON_SQLITE
def test_a_connection_during_a_stop_is_refused(launch: Callable[..., RowkeepServer]) -> None:
    """Not accepted by the system and then reset, as long as one request still runs."""
    server = launch(2)
    workers_of(server, 2)
    running = socket.create_connection(("127.0.0.1", server.port))
    head = [
        "POST /api/v1/workspaces HTTP/1.1",
        "Host: x",
        f"Authorization: Bearer {server.admin_token}",
        "Content-Type: application/json",
        "Content-Length: 20",
        "Expect: 100-continue",
    ]
    running.sendall("\r\n".join([*head, "", ""]).encode())
    # a worker waits for the body
    running.settimeout(30)
    assert running.recv(4096).startswith(b"HTTP/1.1 100 ")
    server.process.terminate()
    while True:
        try:
            with socket.create_connection(("127.0.0.1", server.port)) as new:
                new.settimeout(30)
                # a worker that was not told yet answers or closes
                new.sendall(REQUEST)
                new.recv(4096)
        except ConnectionRefusedError:
            break
        except ConnectionResetError:
            # of those that were about to be accepted
            continue
    assert server.process.poll() is None
    assert len(processes(server)) > 1
    running.close()
    assert server.stop() == 0


def _answered(connections: list[socket.socket]) -> None:
    for each in connections:
        each.settimeout(60)
        assert each.recv(4096).startswith(b"HTTP/1.1 200 ")
        each.close()


def _listens(worker: psutil.Process) -> bool:
    try:
        return any(each.status == psutil.CONN_LISTEN for each in worker.net_connections("tcp"))
    except psutil.Error:
        return False


def _asked(server: RowkeepServer) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port))
    connection.sendall(REQUEST)
    return connection
