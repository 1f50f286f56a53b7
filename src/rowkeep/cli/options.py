"""Options: arguments that several commands share."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from rowkeep.errors.catalogue import SetupError
from rowkeep.settings import Settings, setting_fields

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def setting(name: str) -> Any:
    """An option for a setting, with the description, limits and default of the setting."""
    meta = get_type_hints(Settings, include_extras=True)[name].__metadata__[0]
    default = next(field.default for field in setting_fields() if field.name == name)
    return typer.Option(
        help=meta.description,
        min=meta.ge,
        max=meta.le,
        show_default=f"ROWKEEP_{name.upper()}, or {default}",
        metavar=name.upper(),
    )


Workspace = Annotated[str, typer.Option(metavar="NAME", help="The workspace.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the response of the API as JSON.")]
TableName = Annotated[str, typer.Argument(metavar="TABLE", help="The name of the table.")]
ViewName = Annotated[str, typer.Argument(metavar="VIEW", help="The name of the view.")]
ClientId = Annotated[str, typer.Argument(metavar="CLIENT_ID", help="The client id of the app.")]


def read_file(path: str) -> bytes:
    """The content of a file, or of standard input if ``path`` is ``-``, without a byte order mark. Raises
    SetupError."""
    if path == "-":
        return sys.stdin.buffer.read().removeprefix(BYTE_ORDER_MARK)
    try:
        return Path(path).read_bytes().removeprefix(BYTE_ORDER_MARK)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SetupError(f"The file {path} cannot be read: {reason}.") from None
