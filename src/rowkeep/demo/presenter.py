"""Presenter: prints the steps of the demo, with the requests and responses of each."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Mapping
from typing import Any

import httpx
from rich.console import Console
from rich.highlighter import JSONHighlighter
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from rowkeep.client.transport import send
from rowkeep.demo.short_json import brief, shortened

WIDTH = 100
REPLAYED = "Idempotency-Replayed"


class Stage:
    """Prints requests when they are sent, and responses when they arrive."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, markup=False, emoji=False)
        if not self._console.is_terminal:
            self._console.width = WIDTH
        self._acts = 0

    def say(self, line: str) -> None:
        """Print a line of text without wrapping, because readers copy URLs and commands."""
        self._console.print(Text(line), soft_wrap=True)

    def act(self, title: str) -> None:
        """Start the next step."""
        self._acts += 1
        self._console.print()
        self._console.rule(Text(f"{self._acts}. {title}", "bold"), align="left", style="dim")

    def exchange(
        self,
        client: httpx.Client,
        method: str,
        path: str,
        body: Any,
        *,
        shown: int = 1,
        headers: Mapping[str, str] | None = None,
        refused: int | None = None,
    ) -> Any:
        """Send a request, and print it with its response (of lists, the first ``shown`` elements). Returns
        the JSON of the response.

        Raises SetupError if the request is rejected, or, with the status ``refused``, if it is not rejected
        with it.
        """
        self._console.print(Text(method, "bold magenta"), Text(path, "bold cyan"), soft_wrap=True)
        for name, value in (headers or {}).items():
            self._console.print(Text(f"{name}: {value}", "cyan"), soft_wrap=True)
        self._show(body)
        started = time.perf_counter()
        answer = send(client, method, path, refused, json=body, headers=headers)
        milliseconds = (time.perf_counter() - started) * 1000
        status = Text(
            f"{answer.status_code} {answer.reason_phrase}", "bold green" if refused is None else "bold yellow"
        )
        self._console.print(status, Text(f"in {milliseconds:.0f} ms", "dim"))
        if REPLAYED in answer.headers:
            self._console.print(Text(f"{REPLAYED}: {answer.headers[REPLAYED]}", "cyan"))
        found = answer.json()
        self._show(shortened(found, shown))
        return found

    def _show(self, value: Any) -> None:
        text = textwrap.indent(brief(value, min(self._console.width, WIDTH) - 4), "  ")
        self._console.print(JSONHighlighter()(text), soft_wrap=True)

    def progress(self) -> Progress:
        """A progress bar for long steps."""
        return Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[rate]}"),
            console=self._console,
        )
