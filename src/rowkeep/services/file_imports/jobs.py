"""Jobs: runs the imports of uploaded files, some at a time, and continues those that another process has
left."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import structlog
from msgspec import structs

from rowkeep.codec.rows import InsertLimits
from rowkeep.errors.catalogue import Busy, RowkeepError, SetupError, StorageUnavailable
from rowkeep.files.isolated import IMPORT_CPU_SECONDS, MAX_UNPACKED_BYTES, Running
from rowkeep.files.journal import recorded
from rowkeep.files.reading import Reading
from rowkeep.files.reading_frames import FileToRead, ReadingBounds
from rowkeep.files.records import FileRefused
from rowkeep.files.sender import Uncertain
from rowkeep.model.audit import ActorKind, AuditActor, Outcome
from rowkeep.model.file_requests import FileReading, ImportBody
from rowkeep.model.ids import Clock
from rowkeep.model.values.scalars import canonical_date
from rowkeep.services.access import USER_IDS
from rowkeep.services.audit import AuditLog
from rowkeep.services.file_imports.places import Place, Places
from rowkeep.services.file_imports.readings import mapped_reading, without_options
from rowkeep.services.file_imports.run import ImportLimits, Job, RowsOfActor, run_job, with_counts
from rowkeep.services.file_imports.states import ImportState, ImportStatus, UploadedFile
from rowkeep.settings import Settings

log = structlog.get_logger(__name__)

IMPORTS = 2
"""How many files a process imports at a time; others wait."""

INSPECT_CPU_SECONDS = 60

MAX_RESUMED = 20
"""How often an import is continued: one that ends its process each time must not do it for ever."""

STOP_SECONDS = 0.5
"""How often it is looked whether an import must stop."""

RowsOf = Callable[[UploadedFile], RowsOfActor]
"""The rows that the owner of a file may write."""


def file_to_read(
    place: Place, file: UploadedFile, request: FileReading, reading: Reading, settings: Settings, seconds: int
) -> FileToRead:
    return FileToRead(
        path=str(place.data),
        name=file.name,
        format=request.format or file.format or "csv",
        reading=reading,
        bounds=ReadingBounds(
            memory_bytes=settings.max_file_memory_bytes,
            unpacked_bytes=MAX_UNPACKED_BYTES,
            cpu_seconds=seconds,
        ),
    )


class ImportJobs:
    """The imports that this process runs."""

    def __init__(
        self, places: Places, settings: Settings, clock: Clock, rows_of: RowsOf, audit: AuditLog
    ) -> None:
        self.places = places
        self._settings = settings
        self._clock = clock
        self._rows_of = rows_of
        self._audit = audit
        self._threads: ThreadPoolExecutor | None = None
        self._turns = asyncio.Semaphore(IMPORTS)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._stopped = threading.Event()

    def start(self, place: Place) -> None:
        """Start the import of a file, whose request and state are stored."""
        name = place.path.name
        if name in self._running or self._stopped.is_set():
            return
        task = asyncio.create_task(self._run(place), name=f"import {name}")
        self._running[name] = task
        task.add_done_callback(partial(self._ended, name))

    def _ended(self, name: str, task: asyncio.Task[None]) -> None:
        self._running.pop(name, None)
        if not task.cancelled() and task.exception() is not None:
            log.error("import failed", file=name, exc_info=task.exception())

    async def resume(self) -> None:
        """Start the imports that no process runs, and delete old files. A background task."""
        for place in await asyncio.to_thread(self.places.all):
            state = place.state()
            if state is not None and state.status.is_open:
                self.start(place)
            elif self._is_old(place):
                with place.locked() as is_mine:
                    if is_mine:
                        place.delete()

    def _is_old(self, place: Place) -> bool:
        try:
            return time.time() - place.changed_at() > self._settings.upload_hours * 3600
        except FileNotFoundError:
            return False  # another process has deleted it

    async def close(self) -> None:
        """Stop all imports. They are continued when a server starts again."""
        self._stopped.set()
        while self._running:
            await asyncio.wait(list(self._running.values()))
        if self._threads is not None:
            self._threads.shutdown()

    async def _run(self, place: Place) -> None:
        with place.locked() as is_mine:
            if not is_mine:
                return
            async with self._turns:
                file, request, state = place.file(), place.request(), place.state()
                if file is None or request is None or state is None or not state.status.is_open:
                    return
                if state.status is ImportStatus.RUNNING:
                    state = structs.replace(state, resumed=state.resumed + 1)
                state = structs.replace(state, status=ImportStatus.RUNNING)
                place.write_state(state)
                job = self._job(place, file, request)
                try:
                    outcome = await self._outcome(job, state)
                except BaseException:
                    message = "Internal error. See the server log."
                    await self._finish(job, _ended(job, ImportStatus.FAILED, message))
                    raise
                await self._finish(job, outcome)

    def _job(self, place: Place, file: UploadedFile, request: ImportBody) -> Job:
        settings = self._settings
        to_read = file_to_read(
            place, file, request.reading, mapped_reading(request), settings, IMPORT_CPU_SECONDS
        )
        return Job(
            place=place,
            file=file,
            request=request,
            to_read=to_read,
            limits=ImportLimits(
                settings.max_body_bytes, settings.idempotency_hours * 3600, _row_limits(settings)
            ),
            is_stopped=self._stopped.is_set,
            running=Running(),
        )

    async def _outcome(self, job: Job, state: ImportState) -> ImportState | None:
        """The state at the end; None if the server stops first."""
        if state.resumed > MAX_RESUMED:
            return _ended(job, ImportStatus.FAILED, "The server stopped too often during the import.")
        loop = asyncio.get_running_loop()
        if self._threads is None:
            self._threads = ThreadPoolExecutor(IMPORTS, "import")
        work = partial(run_job, job, state, self._rows_of(job.file), loop)
        running = loop.run_in_executor(self._threads, work)
        while not running.done():
            await asyncio.wait([running], timeout=STOP_SECONDS)
            if job.must_stop:
                # it may read a large file, and look at nothing else
                job.running.stop()
        if job.must_stop and running.exception() is not None:
            return _ended(job, ImportStatus.CANCELLED) if job.place.is_cancelled else None
        try:
            done = running.result()
        except Uncertain as error:
            return _ended(job, ImportStatus.FAILED, _uncertain(str(error)))
        except (SetupError, RowkeepError) as error:
            return _ended(job, ImportStatus.FAILED, without_options(str(error)))
        except OSError as error:
            message = f"The files of the import cannot be written: {error.strerror or error}."
            return _ended(job, ImportStatus.FAILED, message)
        return structs.replace(done, status=ImportStatus.FINISHED)

    async def _finish(self, job: Job, state: ImportState | None) -> None:
        if state is None:
            return
        state = structs.replace(state, ended_on=canonical_date(self._clock()), step="")
        place = job.place
        if state.status is ImportStatus.FINISHED and not state.is_dry_run:
            is_nothing = state.n_inserted + state.n_updated + state.n_ignored == 0
            if not job.request.keep_file and (not is_nothing or state.n_rejected == 0):
                place.drop_data()
        place.write_state(state)
        if state.is_dry_run:
            return
        owner, file = job.file.owner, job.file
        kind = ActorKind.USER if owner.startswith(USER_IDS) else ActorKind.ADMIN_TOKEN
        entry = self._audit.entry(
            AuditActor(kind, owner),
            "rows.import.end",
            Outcome.FAILED if state.status is ImportStatus.FAILED else Outcome.SUCCESS,
            workspace=file.workspace,
            target=f"table {state.table}",
            cause=state.status.value,
            details={
                "file": file.name[:100],
                "inserted": state.n_inserted,
                "updated": state.n_updated,
                "rejected": state.n_rejected,
            },
        )
        try:
            await self._audit.record(entry)
        except (Busy, StorageUnavailable) as error:
            log.error("audit entry not stored", action=entry.action, error=error.msg, pid=os.getpid())


def _ended(job: Job, status: ImportStatus, message: str = "") -> ImportState:
    """The last state that the import has stored, with how it ended, and with the counts of the journal: the
    state is not written after each request."""
    state = job.place.state()
    assert state is not None  # noqa: S101 - it was written before the import began
    with suppress(FileRefused):
        progress = recorded(job.place.journal)
        state = state if progress is None else with_counts(state, progress.standing)
    return structs.replace(state, status=status, message=message)


def _row_limits(settings: Settings) -> InsertLimits:
    """The limits of rows of a new table, which are those of all inserts."""
    return InsertLimits(
        settings.max_bulk_cells, settings.max_json_depth, settings.max_row_bytes, settings.max_bulk_errors
    )


def _uncertain(message: str) -> str:
    head = message.partition(" Check whether ")[0].partition(" Use ")[0]
    return f"{head} Check the rows in the table, then import the rest of the file."
