"""Changes: ``rowkeep changes``, which prints the changes of a table, one JSON object a line, and follows
them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from rowkeep.cli.options import TableName
from rowkeep.cli.row_commands import AppOption, WorkspaceOption, do
from rowkeep.errors.catalogue import SetupError, preview
from rowkeep.model.change_feeds import NOW

if TYPE_CHECKING:
    from rowkeep.client.changes import ReceivedChanges
    from rowkeep.client.data import DataClient

Follow = Annotated[
    bool, typer.Option("--follow", help="Wait for further changes, until the command is interrupted.")
]
After = Annotated[
    str | None,
    typer.Option(
        metavar="CURSOR",
        help="Begin after this change: its id, a cursor, or now. By default, begin with the oldest change "
        "that is recorded.",
    ),
]
CursorFile = Annotated[
    Path | None,
    typer.Option(
        "--cursor-file",
        metavar="FILE",
        help="Resume after the cursor in this file, and store each new cursor in it, after its changes were "
        "printed. A file that does not exist is created.",
    ),
]

MAX_CURSOR_BYTES = 1024


def changes(
    table: TableName,
    follow: Follow = False,
    after: After = None,
    cursor_file: CursorFile = None,
    app: AppOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Print the recorded changes of a table as NDJSON, in the order in which they were committed.

    With --cursor-file, each change is printed at least once, however often the command is interrupted: after
    a crash, the changes of the last page can be printed again.
    """
    start = after
    if cursor_file is not None:
        start = _stored(cursor_file) or after

    async def print_all(api: DataClient) -> None:
        from rowkeep.client.changes import follow as pages

        async for page in pages(api, table, start, is_endless=follow):
            _print(page)
            if cursor_file is not None:
                _store(cursor_file, page.next_cursor)

    do(app, workspace, print_all)


def _print(page: ReceivedChanges) -> None:
    if page.changes:
        # without the line ends that a JSON cell can have
        lines = [msgspec.json.format(bytes(each), indent=-1) for each in page.changes]
        sys.stdout.buffer.write(b"".join(line + b"\n" for line in lines))
        sys.stdout.buffer.flush()


def _stored(path: Path) -> str | None:
    """The cursor in a file; None if it does not exist. Raises SetupError."""
    try:
        with path.open("rb") as file:
            found = file.read(MAX_CURSOR_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SetupError(f"The file {path} cannot be read: {error.strerror}.") from None
    text = found.decode("ascii", "replace").strip()
    if len(found) > MAX_CURSOR_BYTES or not text or not text.isprintable() or text == NOW:
        raise SetupError(
            f"The file {path} is not a cursor file: it begins with {preview(text)}. Use another file, or "
            "delete it to begin again."
        )
    return text


def _store(path: Path, cursor: str) -> None:
    """Replace the cursor in a file, completely or not at all. Raises SetupError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(f"{cursor}\n", "ascii")
        temporary.replace(path)
    except OSError as error:
        raise SetupError(f"The file {path} cannot be written: {error.strerror}.") from None
