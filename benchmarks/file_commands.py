"""File commands: ``rowkeep rows import`` and ``rows export``, with their start, against one stream of the
same rows."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.support.definitions import column, index, table
from tests.support.server import RowkeepServer
from tests.support.workspace import Workspace

from benchmarks.load import ROOT
from benchmarks.measured_server import Stage
from benchmarks.measurement import Measurement, from_comparison
from benchmarks.processes import ProcessTree
from benchmarks.rounds import Comparison, Run
from benchmarks.streams_in import CHUNK_BYTES, MEDIA_TYPES, events

KINDS = {
    "csv": ("%s,%s,%d\n", "plain CSV"),
    "quoted.csv": ('"%s","%s, the first","%d"\n', "CSV, all cells in quotes"),
    "semicolons.csv": ("%s;%s;%d\n", "CSV with semicolons"),
    "ndjson": ('{"Code":"%s","Name":"%s","Number":%d}\n', "NDJSON"),
}
"""Files by their suffix: a row, and what it is called."""

NAMES = ("Code", "Name", "Number")


class Files:
    """A server with empty tables of three columns, one of them indexed, and a file of rows for them."""

    def __init__(self, server: RowkeepServer, directory: Path, kind: str, count: int, tables: int) -> None:
        self.tree = ProcessTree(server.process.pid)
        self.count = count
        self.file = directory / f"rows.{kind}"
        self._media_type = MEDIA_TYPES[kind.rpartition(".")[2]]
        self._host = server.url.removeprefix("http://")
        workspace = Workspace(server, "bench")
        columns = [column("Code"), column("Name"), column("Number", "number")]
        self.tables = [f"rows_{at}" for at in range(tables)]
        for name in self.tables:
            workspace.create_table(table(name, *columns, indexes=(index("by_code", "Code"),)))
        self._bot = workspace.bot(dict.fromkeys(self.tables, "rwd"))
        self._variables = {"ROWKEEP_URL": server.url, "ROWKEEP_APP_SECRET": self._bot.secret}
        form, _ = KINDS[kind]
        with self.file.open("w", encoding="utf-8") as file:
            if kind != "ndjson":
                file.write((";" if "semicolons" in kind else ",").join(NAMES) + "\n")
            file.writelines(form % (code, name, number) for code, name, _, number in events(count, 1))

    def _run(self, work: Callable[[], None]) -> Run:
        before, own = self.tree.cpu_seconds(), _own_cpu_seconds()
        started = time.perf_counter()
        work()
        seconds = time.perf_counter() - started
        return Run(self.count, seconds, self.tree.cpu_seconds() - before + _own_cpu_seconds() - own)

    def by_command(self, *arguments: str) -> Run:
        """Run ``rowkeep rows`` to its end. Its own CPU time counts too."""
        command = [sys.executable, "-m", "rowkeep", "rows", *arguments, "--app", self._bot.client_id]
        environment = os.environ | self._variables
        return self._run(
            lambda: (
                subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True) and None
            )
        )

    def by_stream(self, table_name: str) -> Run:
        """Send the file in one request. A semicolon is sent as a comma, for streams have no other form."""
        return self._run(lambda: self._send(table_name))

    def _send(self, table_name: str) -> None:
        headers = {"auth": self._bot.token(), "content-type": self._media_type}
        path = f"/api/public/tables/{table_name}/bulk"
        with contextlib.closing(http.client.HTTPConnection(self._host, timeout=3600)) as connection:
            connection.request("POST", path, self._chunks(), headers, encode_chunked=True)
            answer = json.loads(connection.getresponse().read())
        assert answer == {"nInserted": self.count}, answer

    def _chunks(self) -> Iterator[bytes]:
        with self.file.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk.replace(b";", b",")

    def receive(self, table_name: str) -> Run:
        """Write all rows to a file, as one streamed query."""
        return self._run(lambda: self._receive(table_name))

    def _receive(self, table_name: str) -> None:
        headers = {"auth": self._bot.token(), "content-type": "application/json", "accept": self._media_type}
        path = f"/api/public/tables/{table_name}/query"
        with (
            contextlib.closing(http.client.HTTPConnection(self._host, timeout=3600)) as connection,
            self.file.with_suffix(".received").open("wb") as file,
        ):
            body = json.dumps({"query": {"all": True}, "fields": list(NAMES)})
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            while chunk := response.read(CHUNK_BYTES):
                file.write(chunk)


def _own_cpu_seconds() -> float:
    """Of this process and of the commands that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


@contextlib.contextmanager
def _files(stage: Stage, kind: str, count: int, tables: int) -> Iterator[Files]:
    with stage.server() as (server, _):
        files = Files(server, stage.directory, kind, stage.scaled(count), tables)
        yield files
        files.file.unlink()


def import_file(stage: Stage, rounds: int, *, kind: str, count: int) -> Measurement:
    """Rows per second of ``rows import``, and of the same bytes as one stream, into empty tables."""
    with _files(stage, kind, count, 2 * rounds) as files:
        ours: list[Run] = []
        streams: list[Run] = []
        for at in range(0, 2 * rounds, 2):
            file = ["--restart", str(files.file)]
            ours.append(files.by_command("import", files.tables[at], *file))
            streams.append(files.by_stream(files.tables[at + 1]))
        return from_comparison(Comparison(ours, streams), "row", files.tree.peak_rss_bytes())


def export_file(stage: Stage, rounds: int, *, kind: str, count: int) -> Measurement:
    """Rows per second of ``rows export``, and of the same rows as one streamed query."""
    with _files(stage, kind, count, 1) as files:
        files.by_stream(files.tables[0])
        out = files.file.with_name(f"out.{kind}")
        arguments = [files.tables[0], "--fields", ",".join(NAMES), "--force", "-o", str(out)]
        ours: list[Run] = []
        streams: list[Run] = []
        for _ in range(rounds):
            ours.append(files.by_command("export", *arguments))
            streams.append(files.receive(files.tables[0]))
        return from_comparison(Comparison(ours, streams), "row", files.tree.peak_rss_bytes())
