"""Imports: the complete import of a file, with its journal, its rejects and the target table."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import structs

from rowkeep.cli.files.batches import BatchLimits, Importer
from rowkeep.cli.files.finished_imports import Finished, FinishedImports
from rowkeep.cli.files.formats import Format
from rowkeep.cli.files.journal import (
    Import,
    ImportProgress,
    Ledger,
    Standing,
    head_sha256,
    locked,
    progress_path,
    recorded,
)
from rowkeep.cli.files.progress import Bar, bar
from rowkeep.cli.files.records import FileRefused, Record, Source
from rowkeep.cli.files.rejects import Rejects
from rowkeep.cli.files.resume import Plan, begin, resolve, skip_to
from rowkeep.cli.files.sender import Sender
from rowkeep.cli.files.text_cells import SYSTEM_NAMES
from rowkeep.client.data import DataClient
from rowkeep.client.responses import RequestRefused, Unreachable
from rowkeep.errors.catalogue import SetupError, preview


class ImportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of an import. ``path`` can be ``-`` for standard input."""

    table: str
    path: str
    kind: Format
    app: str
    batch: int
    max_errors: int | None
    rejects: Path
    plan: Plan


async def import_file(api: DataClient, options: ImportOptions) -> Standing | Finished:
    """Import the file, or the rest of it after an interruption. Returns the final progress. If the import was
    already finished, nothing is done, and its entry is returned.

    Raises FileRefused, TooManyErrors, RequestRefused, Uncertain, SetupError, OSError. After each of them, the
    import can be resumed from its journal.
    """
    with _opened(options.path) as (file, size):
        what = _what(api, options, file)
        finished = FinishedImports(None if options.path == "-" else options.path)
        done = _finished_before(finished, what, options)
        if done is not None:
            return done
        source = options.kind.open(file, size)
        types = await _types(api, options, source.names)
        ledger = _ledger(what, options, source)
        rejects = Rejects(options.rejects)
        _begin_rejects(ledger, rejects, options)
        await resolve(api, options.table, ledger, source, types)
        if options.plan.resume_at is not None:
            before = ledger.progress.standing
            at = skip_to(options.plan.resume_at, source.start, before.next, source, types)
            _set_standing(ledger, structs.replace(before, next=at))
        with bar(f"Importing {options.path}", source.size) as shown:
            start = ledger.progress.standing
            if start.next != source.start:
                shown.say(f"Resuming at line {start.next.line:,} ({start.inserted:,} rows already imported).")
            sender = Sender(api, options.table, ledger)
            bounds = BatchLimits.of(options.batch, options.max_errors, (await api.limits()).body_bytes)
            importer = Importer(sender, ledger, rejects, bounds, shown)
            try:
                await importer.run(
                    _with_notice(source, source.records(start.next, types), options.path, shown)
                )
            except Unreachable as error:
                raise SetupError(f"{error} Run the same command again to resume.") from None
        standing = ledger.progress.standing
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        finished.add(Finished(what=what, inserted=standing.inserted, rejected=standing.rejected, on=now))
        ledger.finish()
        return standing


@contextmanager
def _opened(path: str) -> Iterator[tuple[BinaryIO, int | None]]:
    """Open and lock the file; yields it and its size."""
    if path == "-":
        yield sys.stdin.buffer, None
        return
    try:
        file = open(path, "rb")  # noqa: SIM115 - an error inside the block is not an error of opening
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FileRefused(f"The file {path} cannot be read: {reason}.") from None
    with file, locked(file, path):
        yield file, os.fstat(file.fileno()).st_size


async def _types(api: DataClient, options: ImportOptions, names: tuple[str, ...] | None) -> dict[str, str]:
    """The types of the file's columns, by name. The API resolves the names. Raises FileRefused."""
    taken = None if names is None else [name for name in names if name not in SYSTEM_NAMES]
    if taken == []:
        raise FileRefused(f"{options.path} has only system columns, which cannot be written.")
    try:
        page = await api.query(options.table, {"fields": taken or ["_id"], "count": "none"}, 1)
    except RequestRefused as error:
        if error.status == 403:
            raise FileRefused(
                f"{error} An import needs read to check, after an interruption, whether its last request was "
                "carried out."
            ) from None
        if taken is not None and any(problem.pointer.startswith("/fields") for problem in error.problems):
            raise FileRefused(
                f"The columns of {options.path} do not match table {options.table}: {error}"
            ) from None
        raise
    types = dict(zip(taken or (), page.meta_info, strict=False))
    for name, column in types.items():
        if column.name in SYSTEM_NAMES:
            raise FileRefused(
                f"Column {preview(name)} of {options.path} matches the system column {column.name}, which "
                f"cannot be written. Remove it, or rename it to {column.name} to have it skipped."
            )
    return {name: column.type for name, column in types.items()}


def _what(api: DataClient, options: ImportOptions, file: BinaryIO) -> Import:
    """Identify the import: the file and its target."""
    size = modified = 0
    head = ""
    if options.path != "-":
        status = os.fstat(file.fileno())
        size, modified = status.st_size, status.st_mtime_ns
        with open(options.path, "rb") as again:
            head = head_sha256(again)
    return Import(
        size=size,
        modified_ns=modified,
        head_sha256=head,
        format=options.kind.name,
        table=options.table,
        server=api.connection.name,
        app=options.app,
    )


def _finished_before(finished: FinishedImports, what: Import, options: ImportOptions) -> Finished | None:
    """The entry of this import if it is already finished and the command does not request it again."""
    if options.plan.restart or options.plan.resume_at is not None:
        finished.forget(what)
        return None
    done = finished.find(what)
    if done is not None:
        # a stop between the last two steps of an import leaves its journal
        path = progress_path(options.path)
        progress = recorded(path)
        if progress is not None and progress.what == what:
            Ledger(path, progress).finish()
    return done


def _ledger(what: Import, options: ImportOptions, source: Source) -> Ledger:
    """The journal of this import, with the progress so far."""
    path = None if options.path == "-" else progress_path(options.path)
    known = None
    if path is not None and not options.plan.restart:
        with suppress(*([FileRefused] if options.plan.resume_at else [])):
            known = recorded(path)
    ledger = Ledger(path, begin(known, what, source.start, options.plan, options.path))
    if options.plan.restart:
        ledger.record(ledger.progress)  # discard the old progress now, even if this import fails early
    return ledger


def _begin_rejects(ledger: Ledger, rejects: Rejects, options: ImportOptions) -> None:
    standing = ledger.progress.standing
    flight = ledger.progress.in_flight
    # the rejects file also contains the rejects of the request in flight, which are needed if it was executed
    known: int | None = standing.rejects_bytes if flight is None else flight.then.rejects_bytes
    is_new = ledger.progress == ImportProgress(
        what=ledger.progress.what, standing=Standing(next=standing.next)
    )
    if is_new and options.plan.resume_at is not None:
        is_new, known = False, None
    size = rejects.begin(known, is_new, options.plan.restart)
    if flight is None and size != standing.rejects_bytes:
        _set_standing(ledger, structs.replace(standing, rejects_bytes=size))


def _set_standing(ledger: Ledger, standing: Standing) -> None:
    ledger.record(structs.replace(ledger.progress, standing=standing))


def _with_notice(source: Source, records: Iterable[Record], path: str, shown: Bar) -> Iterator[Record]:
    """The records, unchanged. Prints a message once if system columns are skipped."""
    is_printed = False
    for record in records:
        if source.left_out and not is_printed:
            is_printed = True
            names = ", ".join(sorted(source.left_out))
            shown.say(f"Skipping system columns of {path}, which cannot be written: {names}.")
        yield record
