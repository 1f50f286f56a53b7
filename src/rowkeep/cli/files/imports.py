"""Imports: the complete import of a file, with its journal, its rejects and the target table."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import BinaryIO

import msgspec
from msgspec import structs

from rowkeep.cli.files.finished_imports import Finished, FinishedImports
from rowkeep.cli.files.progress import Bar, Progress, bar
from rowkeep.cli.files.resume import Plan, begin, settle_in_doubt, skip_to
from rowkeep.cli.files.sources import source_of
from rowkeep.client.data import DataClient
from rowkeep.errors.catalogue import SetupError
from rowkeep.files.batches import BatchLimits
from rowkeep.files.content import STANDARD_INPUT, Content, opened
from rowkeep.files.detection import Detected
from rowkeep.files.dry_run import DryRun
from rowkeep.files.formats import Format
from rowkeep.files.header import HeaderMatch
from rowkeep.files.journal import (
    WHOLE,
    Import,
    Ledger,
    Standing,
    head_sha256,
    locked,
    progress_path,
    recorded,
)
from rowkeep.files.reading import Reading
from rowkeep.files.records import FileRefused, Position, Record, Source
from rowkeep.files.rejects import RowLog
from rowkeep.files.requests import BulkOptions
from rowkeep.files.responses import Unreachable
from rowkeep.files.row_import import RowImport, RowLogs
from rowkeep.files.sender import Sender
from rowkeep.files.table_columns import columns_of
from rowkeep.files.text_import import TextImport
from rowkeep.files.text_pieces import TextFile, TextSource
from rowkeep.files.whole_import import keys_before, match_columns, run_import

COPIED_BYTES = 1024 * 1024


class ImportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of an import. ``path`` can be ``-`` for standard input."""

    table: str
    path: str
    kind: Format
    reading: Reading
    app: str
    batch: int | None
    max_errors: int | None
    rejects: Path
    plan: Plan
    bulk: BulkOptions

    @property
    def is_recorded(self) -> bool:
        """Whether the import has a journal."""
        return self.path != "-" and not self.bulk.is_dry_run

    @property
    def file(self) -> str:
        """The name of the file in messages."""
        return STANDARD_INPUT if self.path == "-" else self.path


class Done(msgspec.Struct, frozen=True):
    """The final progress of an import, and what was found out about its file."""

    standing: Standing
    detected: Detected


async def import_file(api: DataClient, options: ImportOptions) -> Done | Finished:
    """Import the file, or the rest of it after an interruption. Returns the final progress. If the import was
    already finished, nothing is done, and its entry is returned.

    Raises FileRefused, TooManyErrors, RequestRefused, Uncertain, SetupError, OSError. After each of them, the
    import can be resumed from its journal.
    """
    with _opened(options) as (file, content), _places(options) as (waiting, existing), ExitStack() as stack:
        what = _what(api, options, file)
        finished = FinishedImports(options.path if options.is_recorded else None)
        done = _finished_before(finished, what, options)
        if done is not None:
            return done
        source = stack.enter_context(source_of(options.path, content, options.kind, options.reading))
        columns = columns_of(await api.usable_tables(), options.table)
        match = match_columns(columns, options.reading, source, options.file)
        ledger, is_new = _ledger(what, options, source)
        logs = RowLogs(RowLog(options.rejects), RowLog(waiting), RowLog(existing))
        _begin_logs(ledger, logs, options, is_new)
        limits = await api.limits()
        settle_in_doubt(ledger, options.plan, limits.key_seconds, time.time(), options.bulk.is_repeatable)
        if options.plan.resume_at is not None:
            before = ledger.progress.standing
            at = skip_to(options.plan.resume_at, source.start, before.next, source, match.targets)
            _set_standing(ledger, structs.replace(before, next=at))
        detected = structs.replace(source.detected, columns=match.renamed)
        with bar(f"Importing {options.path}", source.size) as shown:
            _show_start(shown, ledger.progress.standing, source, options, detected)
            bounds = BatchLimits.of(
                options.batch, options.max_errors, limits.body_bytes, options.bulk.extra_bytes
            )
            sender = Sender(api, options.table, ledger, options.bulk)
            keys = None
            if not options.bulk.is_atomic:
                keys = keys_before(columns, options.bulk, source, match, ledger.progress.standing)
            kind = DryRun if options.bulk.is_dry_run else RowImport
            importer = kind(sender, ledger, logs, bounds, columns, keys, Progress(shown, source))
            file_rows = _FileRows(source, match, options, shown)
            try:
                is_done = await _run(importer, file_rows, options)
            except Unreachable as error:
                raise SetupError(f"{error} Run the same command again to resume.") from None
        standing = ledger.progress.standing
        if is_done:
            now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
            finished.add(Finished(what=what, inserted=standing.written, rejected=standing.rejected, on=now))
        ledger.finish()
        waiting.unlink(missing_ok=True)
        existing.unlink(missing_ok=True)
        return Done(standing, detected)


async def _run(importer: RowImport, rows: _FileRows, options: ImportOptions) -> bool:
    """Whether the import is complete."""
    start = importer.standing.next
    if options.bulk.is_atomic:
        start = rows.start if start == WHOLE else start
        return await importer.run_at_once(lambda: rows.read(start))
    flight = importer.in_flight
    is_text = importer.can_stream_text or (flight is not None and flight.is_text)
    text = rows.text() if is_text else None
    await run_import(importer, rows.read(start) if text is None else TextImport(importer, text, rows.read))
    return True


def _show_start(
    shown: Bar, standing: Standing, source: Source, options: ImportOptions, detected: Detected
) -> None:
    if not detected.is_usual and not options.bulk.is_dry_run:
        shown.say(f"{options.file}: {detected.text}.")
    if standing.resent or standing.upserted:
        shown.say(f"Resuming ({standing.written:,} rows already imported).")
    elif standing.next not in (source.start, WHOLE):
        shown.say(f"Resuming at line {standing.next.line:,} ({standing.written:,} rows already imported).")


@contextmanager
def _places(options: ImportOptions) -> Iterator[tuple[Path, Path]]:
    """The paths of the files of waiting rows and of rows that exist: next to the imported file, or
    temporary."""
    if options.is_recorded:
        yield Path(f"{options.path}.waiting"), Path(f"{options.path}.existing")
        return
    with TemporaryDirectory() as directory:
        yield Path(directory) / "waiting", Path(directory) / "existing"


@contextmanager
def _opened(options: ImportOptions) -> Iterator[tuple[BinaryIO, Content]]:
    """Open and lock the file; yields it and its content."""
    path = options.path
    if path == "-" and options.bulk.is_atomic:
        # rows that are refused are read again
        with TemporaryFile() as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy, COPIED_BYTES)
            yield copy, Content(copy, options.file, copy.tell(), options.reading)
        return
    if path == "-":
        yield sys.stdin.buffer, Content(sys.stdin.buffer, options.file, None, options.reading)
        return
    with opened(path) as file, locked(file, path):
        yield file, Content(file, path, os.fstat(file.fileno()).st_size, options.reading)


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
        mode=options.bulk.mode,
        on_conflict=options.bulk.on_conflict,
        key=",".join(options.bulk.key),
        reading=options.reading.key,
    )


def _finished_before(finished: FinishedImports, what: Import, options: ImportOptions) -> Finished | None:
    """The entry of this import if it is already finished and the command does not request it again."""
    if not options.is_recorded:
        return None
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


def _ledger(what: Import, options: ImportOptions, source: Source) -> tuple[Ledger, bool]:
    """The journal of this import, with the progress so far, and whether the import is a new one."""
    path = progress_path(options.path) if options.is_recorded else None
    known = None
    if path is not None and not options.plan.restart:
        with suppress(*([FileRefused] if options.plan.resume_at else [])):
            known = recorded(path)
    progress = begin(known, what, source.start, options.plan, options.path)
    is_new = known is None or known.what != what
    return Ledger(path, progress), is_new and progress.standing == Standing(next=source.start)


def _begin_logs(ledger: Ledger, logs: RowLogs, options: ImportOptions, is_new: bool) -> None:
    """Remove from the files of rejected and waiting rows what the journal does not have. Raises FileRefused
    if a new import finds existing rejects."""
    progress = ledger.progress
    may_replace = options.plan.restart or options.bulk.is_dry_run
    if is_new and options.plan.resume_at is not None:
        # the journal was lost, but not these files
        standing = structs.replace(
            progress.standing,
            rejects_bytes=logs.rejects.size(),
            waiting=logs.waiting.count(),
            waiting_bytes=logs.waiting.size(),
            existing_bytes=logs.existing.size(),
        )
        progress = structs.replace(progress, standing=standing)
    elif is_new and logs.rejects.size() and not may_replace:
        raise FileRefused(
            f"The rejects file {options.rejects} already exists: it is from another import. Move it, name "
            "another file with --rejects, or use --restart to replace it."
        )
    ledger.record(progress)
    logs.rejects.begin(progress.standing.rejects_bytes)
    logs.waiting.begin(progress.standing.waiting_bytes)
    logs.existing.begin(progress.standing.existing_bytes)


def _set_standing(ledger: Ledger, standing: Standing) -> None:
    ledger.record(structs.replace(ledger.progress, standing=standing))


class _FileRows:
    """The rows of a file. A message says once that system columns are skipped."""

    def __init__(self, source: Source, match: HeaderMatch, options: ImportOptions, shown: Bar) -> None:
        self._source = source
        self._match = match
        self._options = options
        self._shown = shown
        self._is_printed = False

    @property
    def start(self) -> Position:
        return self._source.start

    def text(self) -> TextFile | None:
        """The file in pieces that are sent as they are; None if its records must be read."""
        return self._source.text_file(self._match.targets) if isinstance(self._source, TextSource) else None

    def read(self, start: Position) -> Iterator[Record]:
        """The records from a position on."""
        for record in self._source.records(start, self._match.targets):
            if not self._is_printed:
                self._notice()
            yield record

    def _notice(self) -> None:
        left_out = self._match.left_out | self._source.left_out
        if left_out:
            self._is_printed = True
            names = ", ".join(sorted(left_out))
            self._shown.say(
                f"Skipping system columns of {self._options.path}, which cannot be written: {names}."
            )
