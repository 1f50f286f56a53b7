"""Addresses: how commands spell the paths of calls, and what they reach without a detour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from rowkeep.errors.catalogue import SetupError, preview


class Refused(SetupError):
    """An API refuses a call; the message is the one line that says why, ``problems`` all that is wrong, as it
    was answered."""

    def __init__(self, message: str, problems: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(message)
        self.problems = problems


def path_part(name: str) -> str:
    """A name as one part of a path. Raises Refused for what no thing is called."""
    # nothing has such a name, and it would make the path another one
    if name.strip(".") == "" or "/" in name:
        raise Refused(f"{preview(name)} is not a valid name.")
    return quote(name, safe="")
