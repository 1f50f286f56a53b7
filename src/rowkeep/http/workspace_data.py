"""Workspace data: endpoints for the rows of a workspace that apps do not have, served like those of the Data
API."""

from __future__ import annotations

from starlette.types import Scope

from rowkeep.errors import catalogue as errors
from rowkeep.errors.catalogue import MethodNotAllowed
from rowkeep.http import data_responses as responses
from rowkeep.http.body_budget import BodyBudget
from rowkeep.http.data import AdminDataEndpoints, DataEdge, DataEndpoint, Found
from rowkeep.http.routes import ROUTES
from rowkeep.http.undo_calls import IN_UNDOS, undo_changes
from rowkeep.model.undo_requests import UndoChangesBody


class WorkspaceDataEndpoint(DataEndpoint, frozen=True, kw_only=True):
    """An endpoint for the rows of a workspace that apps do not have; its path begins with that of the
    workspace."""

    @property
    def admin_path(self) -> str:
        return self.path

    @property
    def admin_name(self) -> str:
        return self.name


UNDO_CHANGES = WorkspaceDataEndpoint(
    method="POST", path="/api/v1/workspaces/{workspace}/undo", name="undoChanges",
    summary="Undo changes of rows in a workspace",
    description="Undoes the recorded changes that match all of the given members, in one transaction, which "
    "is itself an operation that can be undone. The sender needs the rights for the changes that it makes.",
    call=undo_changes, rights=(), body=UndoChangesBody, responses=(responses.UndoResponse,),
    errors=(*IN_UNDOS, errors.NoSuchTable, errors.HistoryOff),
)  # fmt: skip

WORKSPACE_ENDPOINTS = (UNDO_CHANGES,)


class WorkspaceEndpoints(AdminDataEndpoints):
    """Serves one of :data:`WORKSPACE_ENDPOINTS`."""

    def __init__(self, endpoint: DataEndpoint, edge: DataEdge, budget: BodyBudget) -> None:
        super().__init__(edge, budget)
        self._endpoint = endpoint
        self._routes = {endpoint.name: ROUTES.number(endpoint.method, endpoint.path)}

    def _found(self, scope: Scope) -> Found:
        if scope["method"] != self._endpoint.method:
            raise MethodNotAllowed(scope["method"], self._endpoint.method)
        return self._endpoint, "", ""
