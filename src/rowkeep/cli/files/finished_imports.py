"""Finished imports: those of a file, so that running the same command again does not repeat an import.

They are stored next to the file, in ``FILE.imported``, with one entry for each table, server and app.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from rowkeep.files.journal import Import, replace_file
from rowkeep.files.records import FileRefused

MAX_ENTRIES = 1000
"""If there are more, the oldest entries are removed."""


class Finished(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A finished import: the file and its target, the number of rows, and the time (UTC)."""

    what: Import
    inserted: int
    rejected: int
    on: str

    @property
    def key(self) -> tuple[str, str, str]:
        return _key(self.what)


class FinishedImports:
    """The finished imports of one file. Without a path (for standard input) none are stored."""

    def __init__(self, path: str | None) -> None:
        self._path = None if path is None else Path(f"{path}.imported")

    def find(self, what: Import) -> Finished | None:
        """The entry for this import of the file in its current state. Raises FileRefused."""
        return next((each for each in self._read() if each.what == what), None)

    def add(self, finished: Finished) -> None:
        """Add an entry, which is on disk when this returns. Raises FileRefused, OSError."""
        self._write([*self._others(finished.what), finished])

    def forget(self, what: Import) -> None:
        """Remove the entry for this table, for any state of the file. Raises OSError."""
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
