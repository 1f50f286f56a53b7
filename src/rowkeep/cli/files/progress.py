"""Progress: a progress bar on standard error, if that is a terminal: rows, rows per second and the time
left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich import progress as rich_progress
from rich.console import Console
from rich.progress import (
    BarColumn,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class Work(Protocol):
    """What is being done, for example a file that is read."""

    size: int | None

    @property
    def done(self) -> int:
        """How much of ``size`` is done."""


class Rate(ProgressColumn):
    """The rows per second."""

    def render(self, task: Task) -> Text:
        seconds = task.elapsed or 0
        rate = task.fields["rows"] / seconds if seconds > 0 else 0
        return Text(f"{rate:,.0f} rows/s")


class Bar:
    """A progress bar. ``move`` sets the amount done, in the unit of its total, and the number of rows."""

    def __init__(self, progress: rich_progress.Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    @property
    def is_visible(self) -> bool:
        """Whether somebody sees it."""
        return not self._progress.disable

    def move(self, done: int, rows: int) -> None:
        self._progress.update(self._task, completed=done, rows=rows)

    def restart(self, what: str, total: int) -> None:
        """Show other work, from its beginning."""
        self._progress.update(self._task, description=what, total=total, completed=0)

    def say(self, line: str) -> None:
        """Print one line on standard error, above the bar."""
        self._progress.console.print(line, markup=False, highlight=False, emoji=False, soft_wrap=True)


class Progress:
    """The bar of an import: first of the file, then of rows that waited."""

    def __init__(self, shown: Bar, file: Work) -> None:
        self._shown = shown
        self._file = file

    def move(self, done: int, rows: int) -> None:
        """``done`` is 0 while the file is read."""
        self._shown.move(done or self._file.done, rows)

    def restart(self, what: str, total: int) -> None:
        self._shown.restart(what, total)


@contextmanager
def bar(what: str, total: int | None) -> Iterator[Bar]:
    """A bar that is shown while the block runs; ``total`` is None if it is unknown."""
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        Rate(),
        TimeRemainingColumn(),
    )
    with rich_progress.Progress(
        *columns, console=console, disable=not console.is_terminal, transient=True
    ) as progress:
        yield Bar(progress, progress.add_task(what, total=total, rows=0))
