"""Paths: the parts of URL paths in requests, and the error for a rejected request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from rowkeep.errors.catalogue import SetupError, preview


class Refused(SetupError):
    """An API rejected a request. The message is the reason in one line; ``problems`` are all errors of the
    response."""

    def __init__(self, message: str, problems: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(message)
        self.problems = problems


def path_part(name: str) -> str:
    """A name as one part of a path. Raises Refused for a text that cannot be a name."""
    # no name looks like this, and it would change the meaning of the path
    if name.strip(".") == "" or "/" in name:
        raise Refused(f"{preview(name)} is not a valid name.")
    return quote(name, safe="")
