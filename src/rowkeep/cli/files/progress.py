"""Progress: a progress bar on standard error, if that is a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeRemainingColumn


class Bar:
    """A progress bar. ``move`` sets the amount done, in the unit of its total, and the number of rows."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def move(self, done: int, rows: int) -> None:
        self._progress.update(self._task, completed=done, rows=rows)

    def restart(self, what: str, total: int) -> None:
        """Show other work, from its beginning."""
        self._progress.update(self._task, description=what, total=total, completed=0)

    def say(self, line: str) -> None:
        """Print one line on standard error, above the bar."""
        self._progress.console.print(line, markup=False, highlight=False, emoji=False, soft_wrap=True)


@contextmanager
def bar(what: str, total: int | None) -> Iterator[Bar]:
    """A bar that is shown while the block runs; ``total`` is None if it is unknown."""
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        *(() if total is None else (TimeRemainingColumn(),)),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        yield Bar(progress, progress.add_task(what, total=total, rows=0))
