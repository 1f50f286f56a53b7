"""Dry runs: writes that the writer undoes after all checks.

The result is raised, because the writer rolls the savepoint of a job back to its start if the job raises: so
no other job of the group is affected, and nothing of it is committed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from rowkeep.storage.sqlite.connections import Connection


class DryRunDone(Exception):
    """A dry run has ended well; ``result`` is that of the write."""

    def __init__(self, result: Any) -> None:
        super().__init__()
        self.result = result


def undone(work: Callable[[Connection], Any], connection: Connection) -> NoReturn:
    """Do ``work``, then raise its result. Raises DryRunDone, and what ``work`` raises."""
    raise DryRunDone(work(connection))
