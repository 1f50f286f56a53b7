"""File identity: whether an open file is still the one at its path.

Deleting an open file removes only its name: reads and writes continue, and all data is lost when the last
connection closes. So the path is checked again: at each commit, and for reads once a second.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from rowkeep.errors.catalogue import StorageMissing

SECONDS_BETWEEN_LOOKS = 1.0


class FileIdentity:
    """The path of a file, and the identity of the file that was there when it was first opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._name = str(path)
        self._file: tuple[int, int] | None = None
        self._next_look = 0.0

    @property
    def was_open(self) -> bool:
        return self._file is not None

    def opened(self) -> None:
        """The file was opened; it must be the same one each time. Raises StorageMissing."""
        if self._file is None:
            self._file = self._present()
        self.check()

    def check(self) -> None:
        """Raises StorageMissing if the file was deleted or replaced by another one."""
        present = self._present()
        if present != self._file:
            # the next reader must check, too
            self._next_look = 0.0
            raise StorageMissing() from FileNotFoundError(
                f"the file {self.path} was {'deleted' if present is None else 'replaced'} while it was open"
            )
        self._next_look = time.monotonic() + SECONDS_BETWEEN_LOOKS

    def check_now_and_then(self) -> None:
        """The same, at most once a second."""
        if time.monotonic() >= self._next_look:
            self.check()

    def _present(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self._name)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageMissing() from error
        return found.st_dev, found.st_ino
