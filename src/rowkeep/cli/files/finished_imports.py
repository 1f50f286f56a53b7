"""Finished: which imports of a file have come to their end, so that the same command does not repeat one.

It stands beside the file, as ``FILE.imported``, with one entry for each table, server and app.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from rowkeep.cli.files.journal import Import, replace_file
from rowkeep.cli.files.records import FileRefused

MAX_ENTRIES = 1000
"""Of more, the oldest are forgotten."""


class Finished(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """An import that came to its end: what was imported where, with how many rows, and when (UTC)."""

    what: Import
    inserted: int
    rejected: int
    on: str

    @property
    def key(self) -> tuple[str, str, str]:
        return _key(self.what)


class FinishedImports:
    """The finished imports of one file; without a path (for standard input) none are remembered."""

    def __init__(self, path: str | None) -> None:
        self._path = None if path is None else Path(f"{path}.imported")

    def find(self, what: Import) -> Finished | None:
        """This very import, of the file as it is now. Raises FileRefused."""
        return next((each for each in self._read() if each.what == what), None)

    def add(self, finished: Finished) -> None:
        """It is on disk when this returns. Raises FileRefused, OSError."""
        self._write([*self._others(finished.what), finished])

    def forget(self, what: Import) -> None:
        """Forget the import into this table, whatever the file was then. Raises OSError."""
        if self._path is not None and self._path.exists():
            self._write(self._others(what))

    def _others(self, what: Import) -> list[Finished]:
        return [each for each in self._read() if each.key != _key(what)]

    def _read(self) -> list[Finished]:
        if self._path is None:
            return []
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=list[Finished])
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            raise FileRefused(
                f"The list of finished imports {self._path} cannot be read ({error}). To import anyway, "
                "delete that file."
            ) from None

    def _write(self, entries: list[Finished]) -> None:
        if self._path is not None:
            replace_file(self._path, msgspec.json.encode(entries[-MAX_ENTRIES:]))


def _key(what: Import) -> tuple[str, str, str]:
    return what.table, what.server, what.app
