"""Stage: what the demo shows: its acts, and the requests and answers of each."""

from __future__ import annotations

import textwrap
import time
from typing import Any

import httpx
from rich.console import Console
from rich.highlighter import JSONHighlighter
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from rowkeep.client.transport import send
from rowkeep.demo.short_json import brief, shortened

WIDTH = 100


class Stage:
    """Where requests are shown as they are sent, and answers as they come."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, markup=False, emoji=False)
        if not self._console.is_terminal:
            self._console.width = WIDTH
        self._acts = 0

    def say(self, line: str) -> None:
        """A line of text, not wrapped: addresses and commands will be copied."""
        self._console.print(Text(line), soft_wrap=True)

    def act(self, title: str) -> None:
        """Open the next act."""
        self._acts += 1
        self._console.print()
        self._console.rule(Text(f"{self._acts}. {title}", "bold"), align="left", style="dim")

    def exchange(self, client: httpx.Client, method: str, path: str, body: Any, shown: int = 1) -> Any:
        """Send a request, show it and its answer (of its lists, the first ``shown``), and give the answer.

        Raises SetupError if it is refused.
        """
        self._console.print(Text(method, "bold magenta"), Text(path, "bold cyan"), soft_wrap=True)
        self._show(body)
        started = time.perf_counter()
        answer = send(client, method, path, json=body)
        milliseconds = (time.perf_counter() - started) * 1000
        status = f"{answer.status_code} {answer.reason_phrase}"
        self._console.print(Text(status, "bold green"), Text(f"in {milliseconds:.0f} ms", "dim"))
        found = answer.json()
        self._show(shortened(found, shown))
        return found

    def _show(self, value: Any) -> None:
        text = textwrap.indent(brief(value, min(self._console.width, WIDTH) - 4), "  ")
        self._console.print(JSONHighlighter()(text), soft_wrap=True)

    def progress(self) -> Progress:
        """A bar for what takes longer."""
        return Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[rate]}"),
            console=self._console,
        )
