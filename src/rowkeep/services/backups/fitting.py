"""Fitting: lets the entries of the catalog match the databases of the workspaces in a backup.

The catalog is read last. Until then a workspace, an app or a user can be created or deleted, and its entry
would belong to nothing: what is in the backup of a workspace's database decides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

Row = Sequence[Any]


class Fitting:
    """The rows of the catalog, table by table, as they belong to the workspaces that were read."""

    def __init__(self) -> None:
        self._apps: dict[int, set[str]] = defaultdict(set)
        self._users: dict[int, set[str]] = defaultdict(set)
        self._webhooks: set[int] = set()
        self._databases: set[int] = set()
        self._workspaces: set[int] = set()
        self._known_users: set[str] = set()

    def saw(self, workspace: int, table: str, names: Sequence[str], rows: Sequence[Row]) -> None:
        """Remember the apps and users in a workspace's system table, and whether it has webhooks."""
        self._databases.add(workspace)
        if table == "_rowkeep_apps":
            at = names.index("client_id")
            self._apps[workspace].update(row[at] for row in rows)
        elif table in ("_rowkeep_members", "_rowkeep_owners", "_rowkeep_shares"):
            at = names.index("user_id")
            self._users[workspace].update(row[at] for row in rows)
        elif table == "_rowkeep_webhooks" and rows:
            self._webhooks.add(workspace)

    def begin(self, workspaces: Iterable[int], users: Iterable[str]) -> None:
        """Take the workspaces and users that the catalog has."""
        self._workspaces = set(workspaces)
        self._known_users = set(users)

    def fitted(self, table: str, rows: Sequence[Row]) -> list[Row]:
        """All rows of a table of the catalog."""
        if table == "databases":
            return [(each,) for each in sorted(self._databases & self._workspaces)]
        if table == "webhook_workspaces":
            return [(each,) for each in sorted(self._webhooks & self._workspaces)]
        if table == "clients":
            return self._clients(rows)
        if table == "user_workspaces":
            return self._user_workspaces(rows)
        return list(rows)

    def _clients(self, rows: Sequence[Row]) -> list[Row]:
        """The client ids of the apps that were read; where two workspaces have one, the catalog decides."""
        known: dict[str, int] = {row[0]: row[1] for row in rows}
        found: dict[str, int] = {}
        for workspace in sorted(self._workspaces):
            for client_id in self._apps[workspace]:
                if known.get(client_id, workspace) == workspace or client_id not in found:
                    found[client_id] = workspace
        return [*sorted(found.items())]

    def _user_workspaces(self, rows: Sequence[Row]) -> list[Row]:
        pairs = {(user, workspace) for user, workspace in rows if workspace in self._workspaces}
        pairs |= {
            (user, workspace)
            for workspace in self._workspaces
            for user in self._users[workspace] & self._known_users
        }
        return [*sorted(pairs)]
