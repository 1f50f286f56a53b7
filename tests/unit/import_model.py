"""Import model: a server in memory that inserts bulks as Rowkeep does, and can lose requests and
responses."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from rowkeep.cli.files.imports import Done, ImportOptions, import_file
from rowkeep.cli.files.resume import Plan
from rowkeep.client.data import Limits
from rowkeep.files.bulk import BulkReply
from rowkeep.files.formats import format_of
from rowkeep.files.reading import Reading
from rowkeep.files.requests import BulkOptions
from rowkeep.files.responses import (
    ListedColumn,
    NotServed,
    ReceivedProblem,
    RequestProblem,
    RequestRefused,
    UsableTable,
)

T = TypeVar("T")

COLUMNS = ("Code", "Parent", "Other")
"""Code is unique, and the others refer to it."""

Fault = Callable[[str], None]
"""Called before and after each request is executed; it raises what happens there."""


class Killed(BaseException):
    """The process of the import ends."""


def no_fault(_moment: str) -> None:
    """Nothing happens."""


class Connection(msgspec.Struct):
    name: str = "model"


class ServerModel:
    """The table ``places``, and the parts of the Data API that an import uses."""

    def __init__(self) -> None:
        self.connection = Connection()
        self.rows: list[dict[str, Any]] = []
        self.fault: Fault = no_fault
        self.requests = 0
        self.streams = 0
        self.sent_rows = 0
        self.stored: dict[str, tuple[bytes, BulkReply]] = {}
        self.max_body_bytes = 1024 * 1024
        self.key_seconds = 24 * 3600
        self.keeps_errors = True

    async def usable_tables(self) -> list[UsableTable]:
        columns = [
            ListedColumn(
                name, "string", False, None if name == "Code" else {"table": "places", "column": "Code"}
            )
            for name in COLUMNS
        ]
        return [UsableTable("places", "table", columns, ["write"])]

    async def limits(self) -> Limits:
        return Limits(1000, self.max_body_bytes, self.key_seconds)

    async def patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                return await call()
            except NotServed:
                continue

    async def bulk(self, table: str, content: bytes, key: str | None) -> BulkReply:
        assert table == "places"
        self.fault("before")
        reply = self._executed(content, key)
        self.fault("after")
        return reply

    async def insert_stream(
        self,
        table: str,
        content: bytes | AsyncIterator[bytes],
        media_type: str,
        parameters: Mapping[str, str],
        key: str | None = None,
    ) -> BulkReply:
        assert table == "places"
        text = content if isinstance(content, bytes) else b"".join([part async for part in content])
        self.fault("before")
        members: dict[str, Any] = {"data": list(_rows_in(text, media_type))}
        if parameters:
            columns = parameters["onConflict"].split(",")
            members["onConflict"] = {"columns": columns, "action": parameters["action"]}
        self.streams += 1
        try:
            reply = self._executed(json.dumps(members).encode(), key, is_stream=True)
        except RequestRefused as error:
            raise RequestRefused(error.status, _by_line(error)) from None
        self.fault("after")
        return reply

    def _executed(self, content: bytes, key: str | None, *, is_stream: bool = False) -> BulkReply:
        self.requests += 1
        if len(content) > self.max_body_bytes and not is_stream:
            raise RequestRefused(413, ReceivedProblem("body_too_large", "too large", []))
        if key is not None and key in self.stored:
            body, reply = self.stored[key]
            assert body == content
            return msgspec.structs.replace(reply, is_replayed=True)
        sent = json.loads(content)
        self.sent_rows += len(sent["data"])
        before = list(self.rows)
        reply = self._insert(sent)
        if sent.get("dryRun"):
            self.rows = before
        elif key is not None and (reply.written or not reply.failed):
            kept = (
                reply
                if self.keeps_errors and not is_stream
                else msgspec.structs.replace(reply, errors=msgspec.UNSET)
            )
            self.stored[key] = content, kept
        return reply

    def _insert(self, sent: dict[str, Any]) -> BulkReply:
        conflict = sent.get("onConflict", {"columns": [], "action": "error"})
        is_partial = sent.get("mode") == "partial"
        assert not is_partial or conflict["action"] == "error"
        problems: dict[int, list[RequestProblem]] = {}
        stored = {row["Code"]: row for row in self.rows if row["Code"] is not None}
        good: dict[int, tuple[str, dict[str, Any]]] = {}
        known = dict(stored)
        for at, given in enumerate(sent["data"]):
            row = {name: given.get(name) for name in COLUMNS}
            if row["Code"] == "bad":
                problems[at] = [RequestProblem("bad", "invalid_value", f"/data/{at}/Code")]
            elif row["Code"] not in known or row["Code"] is None:
                good[at] = ("inserted", row)
                known[row["Code"]] = row
            elif conflict["action"] == "error":
                problems[at] = [RequestProblem("double", "unique_violation", f"/data/{at}/Code")]
            else:
                good[at] = ("updated" if conflict["action"] == "update" else "ignored", row)
        while self._without_parents(good, stored, problems):
            pass
        codes = {row["Code"] for _, row in good.values()} | set(stored) | {None}
        for at in problems:
            if problems[at][0].code == "unique_violation":
                problems[at] += self._missing(at, sent["data"][at], codes)
        errors = [problem for at in sorted(problems) for problem in problems[at]]
        if not is_partial and problems:
            raise RequestRefused(409, ReceivedProblem("x", "x", errors))
        if problems and not good:
            raise RequestRefused(422, ReceivedProblem("x", "x", errors))
        counts = {"inserted": 0, "updated": 0, "ignored": 0}
        for kind, row in good.values():
            counts[kind] += 1
            if kind == "inserted":
                self.rows.append(row)
            elif kind == "updated":
                stored[row["Code"]].update(row)
        return BulkReply(**counts, failed=len(problems), errors=errors)

    @staticmethod
    def _missing(at: int, row: dict[str, Any], codes: set[Any]) -> list[RequestProblem]:
        names = [name for name in ("Parent", "Other") if row[name] not in codes]
        return [RequestProblem("none", "reference_violation", f"/data/{at}/{name}") for name in names]

    @staticmethod
    def _without_parents(
        good: dict[int, tuple[str, dict[str, Any]]],
        stored: dict[str, Any],
        problems: dict[int, list[RequestProblem]],
    ) -> bool:
        """Move rows to the problems that refer to nothing; whether there were any."""
        codes = {row["Code"] for _, row in good.values()} | set(stored) | {None}
        moved = False
        for at, (kind, row) in list(good.items()):
            missing = [] if kind == "ignored" else ServerModel._missing(at, row, codes)
            if missing:
                problems[at] = missing
                del good[at]
                moved = True
        return moved


def _rows_in(text: bytes, media_type: str) -> Iterator[dict[str, Any]]:
    if media_type == "application/x-ndjson":
        yield from map(json.loads, text.splitlines())
        return
    assert media_type == "text/csv"
    for row in csv.DictReader(text.decode().splitlines(keepends=True), strict=True):
        yield {name: cell or None for name, cell in row.items()}


def _by_line(error: RequestRefused) -> ReceivedProblem:
    """The error of a bulk as that of a stream."""
    problems = []
    for each in error.problems:
        _, _, at, *name = each.pointer.split("/")
        line = int(at) + 1
        where = "".join(f"/{part}" for part in name)
        problems.append(RequestProblem(f"Line {line}: {each.msg}", each.code, where, line))
    return ReceivedProblem(error.code, str(error), problems)


def run_import(server: ServerModel, path: Path, batch: int | None = 5, **options: Any) -> Any:
    """Import a file of places. ``options`` are those of the plan or of the requests."""
    plan = {name: options.pop(name) for name in ("restart", "resume_at", "in_doubt") if name in options}
    errors = options.pop("max_errors", None)
    chosen = ImportOptions(
        table="places",
        path=str(path),
        kind=format_of(str(path), None),
        reading=Reading(),
        app="app",
        batch=batch,
        max_errors=errors,
        rejects=Path(f"{path}.rejects.ndjson"),
        plan=Plan(**plan),
        bulk=BulkOptions(**options),
    )
    result = asyncio.run(import_file(server, chosen))  # type: ignore[arg-type] # what it uses of a client
    return result.standing if isinstance(result, Done) else result


def rejected_lines(path: Path) -> list[int]:
    rejects = Path(f"{path}.rejects.ndjson")
    return [json.loads(line)["line"] for line in rejects.read_text().splitlines()] if rejects.exists() else []
