"""State: the version of a workspace and its data keys."""

from __future__ import annotations

import sqlalchemy as sa

from rowkeep.sql.system_tables import WorkspaceTables
from rowkeep.storage.contract import Steps
from rowkeep.storage.migrations import alone
from rowkeep.storage.scripts.steps import WorkspaceSteps


class WorkspaceState(WorkspaceSteps):
    """The scripts of one workspace. Scripts that change something raise the version first, which makes all
    changes run one after the other."""

    def initialise(self, wrapped: bytes) -> Steps[None]:
        """Give a new workspace its first version and its wrapped data key; do nothing for an existing one."""
        workspace = self._system.workspace
        # two simultaneous first requests would both find it new
        yield from alone(self.dialect, self.namespace)
        # a write comes first here, as in every transaction that writes
        known = sa.update(workspace).values(version=workspace.c.version).returning(workspace.c.version)
        if not (yield from self._do(known)):
            yield from self._do(sa.insert(workspace).values(version=1))
            yield from self._do(sa.insert(self._system.data_keys).values(number=1, wrapped=wrapped))

    def version(self) -> Steps[int]:
        rows = yield from self._do_known(_version)
        return int(rows[0][0]) if rows else 0

    def data_keys(self) -> Steps[dict[int, bytes]]:
        """The wrapped data keys by number; two while the older one is replaced."""
        keys = self._system.data_keys
        rows = yield from self._do(sa.select(keys.c.number, keys.c.wrapped))
        return {row[0]: bytes(row[1]) for row in rows}

    def version_and_newest_key(self) -> Steps[tuple[int, int]]:
        version = yield from self.version()
        return version, (yield from self.newest_key())

    def newest_key(self) -> Steps[int]:
        rows = yield from self._do_known(_newest_key)
        return int(rows[0][0] or 0)

    def lock(self) -> Steps[None]:
        """Let what follows run after all changes before it, and before those after it; the version stays the
        same."""
        workspace = self._system.workspace
        yield from self._do(sa.update(workspace).values(version=workspace.c.version))

    def raise_version(self) -> Steps[int]:
        rows = yield from self._do_known(_raise_version)
        return int(rows[0][0])


def _version(system: WorkspaceTables) -> sa.Executable:
    return sa.select(system.workspace.c.version)


def _newest_key(system: WorkspaceTables) -> sa.Executable:
    return sa.select(sa.func.max(system.data_keys.c.number))


def _raise_version(system: WorkspaceTables) -> sa.Executable:
    version = system.workspace.c.version
    return sa.update(system.workspace).values(version=version + sa.literal_column("1")).returning(version)
