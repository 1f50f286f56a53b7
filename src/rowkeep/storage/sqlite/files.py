"""Files: the connections of one SQLite file, and the number of files that are open at once.

An open workspace needs five to eleven file descriptors, one with thousands of tables up to 25, and some
hundred kilobytes. So a process limits the number of open files and closes those that were used least
recently, if they are idle. A closed file is opened again when it is needed, invisible to the caller.
"""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path

import structlog

from rowkeep.errors.catalogue import StorageFull, StorageReadOnly, StorageUnavailable
from rowkeep.private_files import create_private, owner_model_of
from rowkeep.settings import Settings
from rowkeep.storage.sqlite.checkpoints import Checkpoints
from rowkeep.storage.sqlite.connections import connect
from rowkeep.storage.sqlite.file_identity import FileIdentity
from rowkeep.storage.sqlite.loader import Loader
from rowkeep.storage.sqlite.loop_readers import SPARE
from rowkeep.storage.sqlite.open_streams import OpenStreams
from rowkeep.storage.sqlite.readers import Reader
from rowkeep.storage.sqlite.streams import FileStreams
from rowkeep.storage.sqlite.threads import Threads
from rowkeep.storage.sqlite.write_queue import WriteQueue
from rowkeep.storage.sqlite.writer import GroupWriter

log = structlog.get_logger(__name__)

WORKSPACES = "workspaces"
"""The directory of the workspaces' files, in the directory of the store."""

FULL_BYTES = 256 * 1024
"""A device with at most this much free space is full: a WAL and its shared memory need as much."""

FILES_OF_A_WORKSPACE = 11
"""Database and WAL of each connection (writer, checkpoints, quick reader, two long readers), and their shared
memory."""

IDLE_NAP_SECONDS = 0.05

SPARE_FILES = 256 + 2 * SPARE
"""Reserved for sockets, additional quick readers and everything else, where the limit of file descriptors is
low."""


def make_file(path: Path) -> None:
    """Create an empty file that only its owner can access; SQLite gives its WAL the same owner and mode.
    Nothing happens if the file exists. Raises StorageUnavailable."""
    directory = path.parent.parent if path.parent.name == WORKSPACES else path.parent
    try:
        os.close(create_private(path, owner_model_of(directory)))
    except FileExistsError:
        pass
    except OSError as error:
        raise file_failure(error) from error


def file_failure(error: OSError) -> StorageUnavailable:
    """The error of a caller for an error of the file system."""
    log.error("cannot create file", error=str(error))
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull()
    return StorageReadOnly() if error.errno == errno.EROFS else StorageUnavailable()


def failure_at(path: Path, error: StorageUnavailable) -> StorageUnavailable:
    """The same error, or a clearer one: for a device that is full or read-only, SQLite often reports only a
    failed input or output."""
    if type(error) is not StorageUnavailable:
        return error
    try:
        return device_fault(path.parent, FULL_BYTES) or error
    except OSError:
        return error


def device_fault(directory: Path, needed_bytes: int) -> StorageUnavailable | None:
    """The error if the device of a directory cannot be written or has less free space. Raises OSError."""
    device = os.statvfs(directory)
    if device.f_flag & os.ST_RDONLY:
        return StorageReadOnly()
    free = device.f_bavail * device.f_frsize
    if free >= needed_bytes:
        return None
    return StorageFull(f"The device of the database has only {free:,} bytes of free space left.")


def _turns_of(path: Path) -> WriteQueue:
    try:
        return WriteQueue(path)
    except OSError as error:
        raise StorageUnavailable() from error


def _streams_of(path: Path) -> OpenStreams:
    try:
        return OpenStreams(path)
    except OSError as error:
        raise StorageUnavailable() from error


class OpenFile:
    """The connections of one file."""

    def __init__(self, place: FileIdentity, settings: Settings, files: OpenFiles, *, create: bool) -> None:
        """Raises StorageUnavailable; if ``create`` is false, also for a missing file."""
        timeout = settings.busy_timeout_seconds
        path = place.path
        if create:
            make_file(path)
        self.connection = connect(path, timeout, create=False)
        open_another = partial(connect, path, timeout, create=False)
        try:
            place.opened()
            turns = _turns_of(path)
            open_briefly = partial(connect, path, create=False)
            streams = _streams_of(path)
            others = files.threads.others
            self.checkpoints = Checkpoints(open_briefly, others, _turns_of(path), timeout / 2, streams)
            self.checkpoints.follow(self.connection)
            self.writer = GroupWriter(self.connection, files.threads.writers, turns, settings, place.check)
            self.reader = Reader(open_another, files.threads, settings, files.more_readers)
            self.loader = Loader(open_another, place, _turns_of(path), files.threads.others, timeout)
            self.loader.commits_to(self.checkpoints)
            self.streams = FileStreams(open_another, files.threads.streams, settings, streams)
        except BaseException:
            self.connection.close()
            raise

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs and nothing waits; valid until the next iteration of the event loop."""
        runs = self.writer.is_running or self.reader.is_running or self.checkpoints.is_running
        return not (runs or self.streams.is_running or self.loader.is_running)

    def stop(self) -> None:
        """Interrupt streams, long queries, updates and deletes, and reject those that wait."""
        self.streams.stop()
        self.reader.stop()
        self.writer.stop()
        self.loader.stop()

    def close(self) -> None:
        """Close the file; nothing may be running. The last connection to close copies the WAL into it."""
        self.reader.close()
        self.checkpoints.close()
        self.connection.close()


class Opener:
    """Opens one file when it is used."""

    def __init__(
        self, place: FileIdentity, files: OpenFiles, open_file: Callable[..., OpenFile], *, create: bool
    ) -> None:
        """``create`` creates a missing file when it is first opened."""
        self._place = place
        self._files = files
        self._open_file = open_file
        self._create = create
        self._opening = asyncio.Lock()
        self.file: OpenFile | None = None

    async def use(self) -> OpenFile:
        """The open file; it stays open until the next iteration of the event loop, and for as long as it has
        work.

        Raises StorageMissing if it was deleted or replaced since it was first opened.
        """
        open_file = self.use_open()
        if open_file is not None:
            return open_file
        async with self._opening:
            if self.file is None:
                # a file that existed is never created again: if it is missing, its workspace was deleted
                make = partial(self._open_file, create=self._create and not self._place.was_open)
                self.file = await asyncio.get_running_loop().run_in_executor(self._files.executor, make)
            self._files.opened(self)
            return self.file

    def use_open(self) -> OpenFile | None:
        """The same if the file is open already; otherwise None."""
        if self.file is not None:
            self._place.check_now_and_then()
            self._files.order.move_to_end(self)
        return self.file

    async def close(self) -> None:
        """Close the file if it is idle; otherwise its running work finishes undisturbed, and the file is
        closed then."""
        file, self.file = self.file, None
        self._files.order.pop(self, None)
        if file is None:
            return
        if file.is_idle and not self._files.is_stopping:
            await asyncio.get_running_loop().run_in_executor(self._files.executor, file.close)
        else:
            self._files.leave(file)


class OpenFiles:
    """The open files, the least recently used first; at most ``limit``, unless more of them have work."""

    def __init__(self, limit: int, threads: Threads) -> None:
        self.threads = threads
        self.executor = threads.others
        self.more_readers = threading.Semaphore(SPARE)
        self.order: OrderedDict[Opener, None] = OrderedDict()
        self._limit = limit
        self._leaving: dict[OpenFile, asyncio.Task[None]] = {}
        self._left: list[OpenFile] = []
        self.is_stopping = False

    def opened(self, opener: Opener) -> None:
        """Count a file as open and used just now, and close others if there are too many."""
        self.order[opener] = None
        self.order.move_to_end(opener)
        idle = (each for each in self.order if each is not opener and _is_idle(each))
        for other in list(islice(idle, max(0, len(self.order) - self._limit))):
            del self.order[other]
            file, other.file = other.file, None
            if file is not None:
                self._close_later(file)

    def leave(self, file: OpenFile) -> None:
        """Close a file that nobody will open again, once it is idle."""
        self._leaving[file] = asyncio.ensure_future(self._close_when_idle(file))

    async def _close_when_idle(self, file: OpenFile) -> None:
        while not file.is_idle:  # noqa: ASYNC110 - rare, and an event would make each query slower
            await asyncio.sleep(IDLE_NAP_SECONDS)
        del self._leaving[file]
        self._close_later(file)

    def _close_later(self, file: OpenFile) -> None:
        """Close an idle file in a thread, or with all others if there will be no threads."""
        if self.is_stopping:
            self._left.append(file)
        else:
            self.executor.submit(file.close)

    def stop(self) -> None:
        """Interrupt long work in all files. From now on, only :meth:`close` closes files."""
        self.is_stopping = True
        for file in (*self._leaving, *(opener.file for opener in self.order)):
            if file is not None:
                file.stop()

    def close(self) -> None:
        """Close all files; nothing may be running."""
        for file, task in self._leaving.items():
            task.cancel()
            file.close()
        self._leaving.clear()
        for file in self._left:
            file.close()
        self._left.clear()
        for opener in self.order:
            if opener.file is not None:
                opener.file.close()
        self.order.clear()


def _is_idle(opener: Opener) -> bool:
    return opener.file is not None and opener.file.is_idle


def affordable_files(wanted: int) -> int:
    """How many workspaces this process can have open: it requests the file descriptors that it needs from the
    system, and uses what it gets."""
    try:
        import resource
    except ImportError:  # a system that has no such limit
        return wanted
    needed = wanted * FILES_OF_A_WORKSPACE + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return wanted
    return max(1, min(wanted, (soft - SPARE_FILES) // FILES_OF_A_WORKSPACE))
