"""Workspace: all scripts of one workspace, by subject."""

from __future__ import annotations

from rowkeep.sql.dialects import Dialect
from rowkeep.storage.scripts.access import Access
from rowkeep.storage.scripts.changes import ChangeScripts
from rowkeep.storage.scripts.chart_changes import ChartChanges
from rowkeep.storage.scripts.charts import Charts
from rowkeep.storage.scripts.deliveries import Deliveries
from rowkeep.storage.scripts.history import HistoryScripts
from rowkeep.storage.scripts.idempotency_keys import IdempotencyKeys
from rowkeep.storage.scripts.operations import OperationScripts
from rowkeep.storage.scripts.rights import RightsOfUsers
from rowkeep.storage.scripts.state import WorkspaceState
from rowkeep.storage.scripts.stored_definitions import StoredDefinitions
from rowkeep.storage.scripts.table_list import TableList
from rowkeep.storage.scripts.tables import Tables
from rowkeep.storage.scripts.used_tokens import UsedTokens
from rowkeep.storage.scripts.view_dependencies import ViewNeeds
from rowkeep.storage.scripts.views import Views
from rowkeep.storage.scripts.webhooks import Webhooks


class WorkspaceScripts:
    """Scripts that a database runs, the same on every engine."""

    def __init__(self, dialect: Dialect, namespace: str | None) -> None:
        self.dialect = dialect
        self.namespace = namespace
        self.state = WorkspaceState(dialect, namespace)
        stored = StoredDefinitions(dialect, namespace)
        self.rights = RightsOfUsers(self.state, stored)
        self.view_needs = ViewNeeds(stored, self.rights)
        self.history = HistoryScripts(dialect, namespace)
        self.changes = ChangeScripts(self.state, self.history)
        self.operations = OperationScripts(stored, self.rights)
        self.tables = Tables(self.state, stored, self.view_needs, self.rights, self.history)
        self.views = Views(self.state, stored, self.tables, self.rights)
        self.table_list = TableList(self.state, stored, self.rights)
        self.keys = IdempotencyKeys(dialect, namespace)
        self.used_tokens = UsedTokens(dialect, namespace)
        self.access = Access(self.state, stored, self.keys)
        self.charts = Charts(self.state, stored, self.rights)
        self.chart_changes = ChartChanges(stored, self.view_needs, self.charts)
        self.webhooks = Webhooks(self.state, stored)
        self.deliveries = Deliveries(self.state, self.webhooks)
