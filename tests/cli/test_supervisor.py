"""The supervisor of several workers, a program of its own: what it takes, passes on and says."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from rowkeep.server import supervisor
from rowkeep.server.supervisor import NOT_STARTED, REPLACES, STOP_SIGNALS, Place, Server, stop_signals
from support import plain
from support.forks import CODE, FORKS
from support.processes import free_port
from support.server import RowkeepServer, environment, sqlite_url

SUPERVISOR_MEGABYTES = 12
"""The resident size; a process that has loaded Rowkeep has 70."""

STARTS = "rowkeep_worker_starts_total"

BLOCKED_SIGNAL = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
os.kill(os.getpid(), signal.SIGTERM)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""

WITHOUT_INTERPRETER = """
import sys
from rowkeep.server import __main__ as server
sys.executable = "/nowhere/python"
server.main()
"""


def until_starts(url: str, number: int) -> None:
    """Wait until so many workers have started, with those that were replaced."""
    while f"{STARTS} {number}.0" not in plain.get(url).text:
        time.sleep(0.02)


def test_a_worker_is_replaced_by_a_program_of_its_own(tmp_path: Path) -> None:
    """In interpreters of their own: with what these programs load and inherit."""
    metrics_port = free_port()
    server = RowkeepServer(sqlite_url(tmp_path / "store"), tmp_path, workers=2, metrics_port=metrics_port)
    server.leave_unmeasured()
    server.start()
    try:
        metrics = f"http://127.0.0.1:{metrics_port}/metrics"
        until_starts(metrics, 2)
        parent = psutil.Process(server.process.pid)
        assert parent.memory_info().rss < SUPERVISOR_MEGABYTES * 2**20
        parent.children()[0].kill()
        until_starts(metrics, 3)  # both know the number of all workers, with those that were killed
        (entry,) = [json.loads(line) for line in server.log.read_text().splitlines() if line[0] == "{"]
        assert {**entry, "timestamp": ""} == {
            "status": -signal.SIGKILL,
            "action": "replace",
            "event": "worker exited",
            "level": "error",
            "timestamp": "",
        }
        assert plain.get(server.url + "/readyz").status_code == 200
        # nothing but the supervisor could stop them
        workers = parent.children()
        parent.kill()
        psutil.wait_procs(workers)
    finally:
        server.kill()


def test_a_signal_to_stop_before_it_runs_is_not_lost() -> None:
    memory = os.memfd_create("test")
    pipe = [*os.pipe()]
    server = Server(pids=[], sockets=[], shared=[], memory=memory, pipe=pipe, layout="", stop_seconds=1)
    arguments = [sys.executable, CODE, BLOCKED_SIGNAL, "-PS", supervisor.__file__, server.text()]
    ended = subprocess.run(arguments, pass_fds=server.descriptors(), capture_output=True, check=False)
    for each in server.descriptors():
        os.close(each)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")


def test_what_nohup_ignores_does_not_stop_it() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert set(stop_signals()) == {*STOP_SIGNALS} - {signal.SIGHUP}
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        assert stop_signals() == STOP_SIGNALS
    finally:
        signal.signal(signal.SIGHUP, before)


def test_workers_stop_if_it_cannot_run(tmp_path: Path) -> None:
    port = free_port()
    variables = environment(sqlite_url(tmp_path / "store"), tmp_path, workers=2, port=port)
    ended = FORKS.run(CODE, [WITHOUT_INTERPRETER], env=variables, cwd=tmp_path)
    assert ended.returncode == 1
    assert ended.stderr == b"Error: Cannot run /nowhere/python: No such file or directory.\n"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_another_version_does_not_replace_a_worker(tmp_path: Path) -> None:
    """It could use the shared memory in another way."""
    place = Place(worker=0, workers=2, socket=0, shared=[], memory=0, pipe=0, layout="0.0.1 00000000")
    variables = environment(sqlite_url(tmp_path / "store"), tmp_path)
    ended = FORKS.run("rowkeep.server", [REPLACES, place.text()], env=variables, cwd=tmp_path)
    assert ended.returncode == NOT_STARTED
    assert ended.stderr == (
        b"Error: A worker cannot be replaced, because another version of Rowkeep was installed after the "
        b"server was started. Restart the server.\n"
    )
