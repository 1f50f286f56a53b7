"""Isolated files: files that another process reads, which has limits of memory and time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import BinaryIO, cast

from rowkeep.files.detection import Detected
from rowkeep.files.inspection import Inspected
from rowkeep.files.reading_frames import (
    End,
    FileToRead,
    Frame,
    Inspect,
    Open,
    Opened,
    Part,
    ReadRecords,
    Refused,
    Seen,
    Write,
    read_frame,
    records_in,
    write_task,
)
from rowkeep.files.records import FileRefused, Position, Record, Target

PASSED_ON = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ")
"""The variables that the process gets: none of the server's secrets. (Other allocators of Arrow than that of
the system reserve memory that they do not use.)"""

MAX_UNPACKED_BYTES = 8 * 1024 * 1024 * 1024

IMPORT_CPU_SECONDS = 4 * 3600
"""The time that a process may take to read a file for an import."""

TEXT_FORMATS = ("csv", "tsv", "ndjson")
ENDED_FOR_MEMORY = (-signal.SIGABRT, -signal.SIGKILL, -signal.SIGSEGV, -signal.SIGBUS)


def inspected(file: FileToRead, table: str, directory: str) -> Inspected:
    """Look at the start of a file. Raises FileRefused."""
    with _process(directory) as process:
        for frame in _frames(process, Inspect(file, table)):
            if isinstance(frame, Seen):
                return frame.inspected
    raise AssertionError("the process ends an inspection without an error or a result")


class Running:
    """The process that reads a file now, so that another thread can end it."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()


class IsolatedSource:
    """The records of a file, like those of a ``Source`` that reads in this process. Raises FileRefused."""

    def __init__(
        self, file: FileToRead, directory: str, process: subprocess.Popen[bytes], running: Running
    ) -> None:
        self._file = file
        self._running = running
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = process
        # all frames, up to the end of the task: the process does another one
        opened, *_ = [each for each in _frames(process, Open(file)) if isinstance(each, Opened)]
        self.names = None if opened.names is None else tuple(opened.names)
        self.left_out: set[str] = set()
        self.start = opened.start
        self.size = opened.size
        self.detected: Detected = opened.detected
        self.known_types: Mapping[str, str] = opened.known_types
        self.done = 0

    def records(self, start: Position, targets: Sequence[Target | None]) -> Iterator[Record]:
        task = ReadRecords(self._file, start, list(targets))
        process, self._process = self._process, None
        if process is not None:
            yield from self._read(_frames(process, task))
            return
        with _process(self._directory, self._running) as another:
            yield from self._read(_frames(another, task))

    def _read(self, frames: Iterator[Frame]) -> Iterator[Record]:
        for frame in frames:
            if isinstance(frame, Part):
                yield from records_in(frame)
                self.done = frame.done
                self.left_out.update(frame.left_out)


@contextmanager
def isolated(file: FileToRead, directory: str, running: Running | None = None) -> Iterator[IsolatedSource]:
    """The records of a file while the block runs; ``directory`` is for temporary files. Raises
    FileRefused."""
    running = running or Running()
    with _process(directory, running) as process:
        yield IsolatedSource(file, directory, process, running)


class IsolatedWriter:
    """Writes a file. It must be closed, which ends its process. Methods raise FileRefused."""

    def __init__(self, task: Write, directory: str) -> None:
        self._task = task
        self._stack = ExitStack()
        self._process = self._stack.enter_context(_process(directory))
        self._input = cast("BinaryIO", self._process.stdin)
        self._passed(lambda: write_task(self._input, task))

    def write(self, lines: bytes) -> None:
        """Write lines; a part can end within one."""
        self._passed(lambda: self._input.write(lines))

    def finish(self) -> None:
        """Returns when the file is complete."""
        self._passed(self._input.close)
        self._check(read_frame(cast("BinaryIO", self._process.stdout)))

    def close(self) -> None:
        self._stack.close()

    def _passed(self, write: Callable[[], object]) -> None:
        try:
            write()
        except BrokenPipeError:
            self._check(read_frame(cast("BinaryIO", self._process.stdout)))

    def _check(self, frame: Frame | None) -> None:
        if isinstance(frame, Refused):
            raise FileRefused(frame.message)
        if frame is None:
            raise FileRefused(_why_it_ended(self._process.wait(), self._task))


def _frames(process: subprocess.Popen[bytes], task: Inspect | Open | ReadRecords) -> Iterator[Frame]:
    """What the process returns for a task. Raises FileRefused."""
    out = cast("BinaryIO", process.stdout)
    try:
        write_task(cast("BinaryIO", process.stdin), task)
    except BrokenPipeError:
        raise FileRefused(_why_it_ended(process.wait(), task.file)) from None
    while True:
        frame = read_frame(out)
        if isinstance(frame, End):
            return
        if isinstance(frame, Refused):
            raise FileRefused(frame.message)
        if frame is None:
            raise FileRefused(_why_it_ended(process.wait(), task.file))
        yield frame


def start_process(environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start the process with no variables but these."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "rowkeep.files"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        close_fds=True,
        start_new_session=True,
    )


@contextmanager
def _process(directory: str, running: Running | None = None) -> Iterator[subprocess.Popen[bytes]]:
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    process = start_process({**environment, "TMPDIR": directory, "ARROW_DEFAULT_MEMORY_POOL": "system"})
    if running is not None:
        running.process = process
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()


def _why_it_ended(status: int, file: FileToRead | Write) -> str:
    bounds = file.bounds
    if status == -signal.SIGXCPU:
        return f"{file.name} takes more than {bounds.cpu_seconds:,} seconds to be read. {_cure(file)}"
    if status == -signal.SIGXFSZ:
        return f"{file.name} has more than {bounds.unpacked_bytes:,} bytes when it is unpacked."
    if status in ENDED_FOR_MEMORY:
        return too_much_memory(file)
    return f"{file.name} cannot be read: it may be damaged. Save it again, or save it as CSV."


def too_much_memory(file: FileToRead | Write) -> str:
    return (
        f"{file.name} needs more than {file.bounds.memory_bytes:,} bytes of memory (the setting "
        f"max_file_memory_bytes). {_cure(file)}"
    )


def _cure(file: FileToRead | Write) -> str:
    return "Divide it." if file.format in TEXT_FORMATS else "Save it as CSV, or divide it."
