"""Row progress: a bar for commands that read and write many rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rowkeep.services.copies.copier import CopyProgress


@contextmanager
def row_progress() -> Iterator[Callable[[CopyProgress], None]]:
    """Shows the progress on standard error, if that is a terminal: rows, rows per second, time left."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Any) -> Text:
            return Text("" if task.speed is None else f"{int(task.speed):,} rows/s")

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        phase = ""
        task = bar.add_task("", total=None)

        def report(step: CopyProgress) -> None:
            nonlocal phase
            if step.phase == "verify" and phase != "verify":
                bar.reset(task, total=step.total)
            phase = step.phase
            bar.update(task, description=f"{step.phase} {step.table}", completed=step.done, total=step.total)

        yield report
