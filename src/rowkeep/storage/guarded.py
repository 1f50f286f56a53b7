"""Guarded database: the database of a workspace for one request of a user, whose rights every script checks
first, in its own transaction."""

from __future__ import annotations

from typing import TypeVar

from rowkeep.storage.contract import Database, Script, Steps
from rowkeep.storage.inspection import Inspection

T = TypeVar("T")


class GuardedDatabase(Database):
    """``check`` raises the error for a user who lacks a right. It runs scripts only: requests for rows use
    the workspace itself, whose reads and writes check the version that the rights were read with."""

    def __init__(self, database: Database, check: Script[None]) -> None:
        self._database = database
        self._check = check
        self.dialect = database.dialect
        self.namespace = database.namespace

    @property
    def inspection(self) -> Inspection:
        return self._database.inspection

    async def read(self, script: Script[T]) -> T:
        def checked() -> Steps[T]:
            yield from self._check()
            return (yield from script())

        return await self._database.read(checked)

    async def write(self, script: Script[T]) -> T:
        def checked() -> Steps[T]:
            # after the first statement: a write comes first, and raises the version, so that nobody can
            # change the rights until this transaction ends
            steps = script()
            try:
                statement = next(steps)
            except StopIteration as end:
                result: T = end.value
                return result
            rows = yield statement
            yield from self._check()
            while True:
                try:
                    statement = steps.send(rows)
                except StopIteration as end:
                    result = end.value
                    return result
                rows = yield statement

        return await self._database.write(checked)
