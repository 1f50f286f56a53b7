"""Access: authentication and grants, always checked against the current definitions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol, TypeAlias, TypeVar

import msgspec

from rowkeep.catalog.catalog import Catalog
from rowkeep.catalog.snapshot import CompiledApp, CompiledTable, CompiledView, Snapshot
from rowkeep.catalog.workspace import OpenWorkspace
from rowkeep.errors.catalogue import (
    Busy,
    Forbidden,
    NoSuchTable,
    NoSuchView,
    NoSuchWorkspace,
    QueryTimeout,
    RowkeepError,
    ShuttingDown,
    StorageUnavailable,
    Unauthenticated,
    preview,
)
from rowkeep.metrics import count_definition_lookup, count_retry, count_token_lookup
from rowkeep.model.access import App, Grant, Right
from rowkeep.model.history import Operation
from rowkeep.model.ids import Clock, writer_of
from rowkeep.model.tables import Table
from rowkeep.model.users import Actor
from rowkeep.request_context import CURRENT, RequestContext, note_change, operation_id, set_app
from rowkeep.services.admin_tokens import AdminTokens
from rowkeep.services.rate_limits import NO_TABLE, RateLimits, RequestRate
from rowkeep.services.sessions import Sessions, signed_in_user
from rowkeep.services.slow_queries import NOT_WATCHED, SlowQueries
from rowkeep.services.timings import end_phase
from rowkeep.services.tokens import (
    Claims,
    check_audience,
    check_times,
    decrypted_token,
    unverified_client_id,
    verified_claims,
)
from rowkeep.services.used_tokens import UsedTokens
from rowkeep.settings import Settings
from rowkeep.storage.contract import BeyondRange, StaleCatalog, UnfitCells

T = TypeVar("T")

USER_IDS = "us-"
"""The prefix of the ids of users."""

MAX_ATTEMPTS = 20
"""How often a request is planned again because definitions or grants changed meanwhile."""


class AdminCredential(msgspec.Struct, frozen=True):
    """The credential of an administrator: an admin token, and the workspace in the path."""

    token: str
    workspace: str


class UserCredential(msgspec.Struct, frozen=True):
    """The credential of a signed-in user: the token of the session, and the workspace in the path."""

    session: str
    workspace: str


class ActingCredential(msgspec.Struct, frozen=True):
    """The credential of work that a user or administrator has started, and which continues without their
    requests: the id of the user or admin token, which must still be valid."""

    key: str
    workspace: str


Credential: TypeAlias = str | AdminCredential | UserCredential | ActingCredential
"""The token of an app, or the credential of an administrator or a user."""


class Grants(Protocol):
    """Rights to rows by the id of a table or view."""

    def get(self, thing_id: str, /) -> Grant | None: ...


class Caller(msgspec.Struct, frozen=True):
    """An authenticated app, administrator or user, with the snapshot of the workspace at that time.

    ``grants`` are by the id of a table or view; None for an administrator, who has all rights. So is ``app``.
    ``restricted_user_id`` is set for a user who is not an administrator and sees only some tables and views.
    """

    workspace: OpenWorkspace
    snapshot: Snapshot
    writer: str
    grants: Grants | None
    client_id: str | None = None
    app: App | None = None
    restricted_user_id: str | None = None
    rate: RequestRate | None = None
    """Counts the request, if the app has a limit."""
    slow: SlowQueries = NOT_WATCHED
    """Watches the work of the database."""
    actor: Actor | None = None
    """The administrator or user; None for an app."""
    request: RequestContext | None = msgspec.field(default_factory=CURRENT.get)
    """Known here, because other threads do not know the current request."""

    async def count(self, operations: Sequence[tuple[str, bool]] = ()) -> None:
        """Count the request for its rate: each operation on a table or, if true, a view. Raises
        RateLimited."""
        if self.rate is None:
            return
        found = [
            (await self.workspace.view(self.snapshot, name))
            if is_view
            else self.snapshot.table(name) or await self.workspace.table(self.snapshot, name)
            for name, is_view in operations
        ]
        ids = [NO_TABLE if each is None else each.target.id for each in found]
        await self.rate.count(Counter(ids or [NO_TABLE]))

    async def table(self, name: str, rights: Sequence[Right]) -> CompiledTable:
        """The table, if the caller has all these rights to it. Raises NoSuchTable, Forbidden."""
        compiled = self.snapshot.table(name)
        if compiled is None:
            compiled = await self.workspace.table(self.snapshot, name)
        else:
            count_definition_lookup()
        if self.rate is not None:
            counted = NO_TABLE if compiled is None else compiled.table.id
            # without a coroutine where the count is in memory
            if not self.rate.count_here(counted):
                await self.rate.count_one(counted)
        if compiled is None:
            raise NoSuchTable(f"No such table: {preview(name)}.")
        if self.request is not None:
            self.request.table = compiled.table.name
        if self.grants is None:
            return compiled
        grant = self.grants.get(compiled.table.id)
        if grant is None and self.restricted_user_id is not None:
            raise NoSuchTable(f"No such table: {preview(name)}.")
        for right in rights:
            if grant is None or not grant.allows(right):
                raise Forbidden(self._refusal(right, f"table {compiled.table.name}"))
        return compiled

    def may(self, table: Table, right: Right) -> bool:
        """Whether the caller has a right to a table."""
        if self.grants is None:
            return True
        grant = self.grants.get(table.id)
        return grant is not None and grant.allows(right)

    def sees(self, table: Table) -> bool:
        """Whether the caller has any right to a table, and may learn that it exists."""
        return self.grants is None or self.grants.get(table.id) is not None

    async def view(self, name: str) -> CompiledView:
        """The view, if the caller has the right to read it; grants on the view's tables do not matter. Raises
        NoSuchView, Forbidden."""
        compiled = await self.workspace.view(self.snapshot, name)
        if self.rate is not None:
            await self.rate.count_one(NO_TABLE if compiled is None else compiled.view.id)
        if compiled is None:
            raise NoSuchView(f"No such view: {preview(name)}.")
        if self.request is not None:
            self.request.table = compiled.view.name
        if self.grants is None:
            return compiled
        grant = self.grants.get(compiled.view.id)
        if grant is None and self.restricted_user_id is not None:
            raise NoSuchView(f"No such view: {preview(name)}.")
        if grant is None or not grant.read:
            raise Forbidden(self._refusal(Right.READ, f"view {compiled.view.name}"))
        return compiled

    def operation(self, table: Table) -> Operation | None:
        """What the history of a table records of the request; None if it has none."""
        if table.history is None:
            return None
        note_change(self.request, self.workspace, table.id)
        return Operation(operation_id(self.request), self.writer)

    def _refusal(self, right: Right, where: str) -> str:
        if self.restricted_user_id is not None:
            return f"You can read {where}, but not change its rows."
        return f"The app has no {right.value} grant for {where}."


class Access:
    """Authenticates apps and administrators, and runs their requests."""

    def __init__(
        self,
        catalog: Catalog,
        admin_tokens: AdminTokens,
        sessions: Sessions,
        settings: Settings,
        clock: Clock,
        rates: RateLimits,
    ) -> None:
        self._catalog = catalog
        self._admin_tokens = admin_tokens
        self._sessions = sessions
        self._slow = SlowQueries(settings.slow_query_seconds)
        self._leeway = settings.token_leeway_seconds
        self._clock = clock
        self._rates = rates
        self._used_tokens = UsedTokens(settings, clock)

    async def run(
        self, credential: Credential, action: Callable[[Caller], Awaitable[T]], *, again: bool = False
    ) -> T:
        """Run ``action`` for the owner of ``credential``. If it runs ``again`` for the same request, which
        takes long, everything is checked, but the request is not counted, and its token not used, a second
        time.

        It is retried from the beginning if it used old definitions, apps or grants: storage checks that with
        every statement, and it is checked before an error is returned.
        """
        actor: Actor | None = None
        client_id = writer = ""
        if isinstance(credential, str):
            # the token is not checked yet
            client_id = unverified_client_id(credential)
        else:
            actor, writer = await self._person(credential)
        rate = None
        is_used = again
        for _ in range(MAX_ATTEMPTS):
            workspace = self._catalog.known(client_id) or await self._workspace(credential, client_id)
            try:
                snapshot = workspace.newest or await workspace.snapshot()
                try:
                    if not isinstance(credential, str):
                        caller = await _caller(credential, actor, workspace, snapshot, writer, self._slow)
                        end_phase("auth")
                        return await action(caller)
                    found = snapshot.apps.get(client_id) or await workspace.app(snapshot, client_id)
                    app, claims = self._prove(found, credential)
                    current = set_app(client_id)
                    if app.app.require_jti and not is_used:
                        # after all other checks: a token that is refused uses up nothing
                        await self._used_tokens.use(workspace, client_id, claims)
                        is_used = True
                    rate = None if again else self._rates.of(app.app, rate)
                    end_phase("auth")
                    return await action(
                        Caller(
                            workspace,
                            snapshot,
                            app.writer,
                            app.grants,
                            client_id,
                            app.app,
                            rate=rate,
                            slow=self._slow,
                            request=current,
                        )
                    )
                except (Busy, QueryTimeout, ShuttingDown, StorageUnavailable):
                    raise
                except (RowkeepError, BeyondRange, UnfitCells):
                    if await self._holds(workspace, snapshot, client_id):
                        raise
            except StaleCatalog:
                count_retry("stale_catalog")
            await self._catalog.renew(workspace)
        raise Busy("Table definitions or grants keep changing. Nothing was written; try again.")

    async def _person(
        self, credential: AdminCredential | UserCredential | ActingCredential
    ) -> tuple[Actor | None, str]:
        """The person or administrator, and the id of the writer. Raises Unauthenticated."""
        if isinstance(credential, UserCredential):
            actor = await self._sessions.check(credential.session)
            return actor, writer_of(signed_in_user(actor).id)
        if isinstance(credential, ActingCredential):
            return await self._acting(credential.key), writer_of(credential.key)
        actor = Actor(admin_token=await self._admin_tokens.check(credential.token))
        return actor, writer_of(actor.key)

    async def _acting(self, key: str) -> Actor | None:
        """The user with this id; None for the id of an admin token. Raises Unauthenticated if it is not valid
        any more."""
        if not key.startswith(USER_IDS):
            await self._admin_tokens.check_id(key)
            return None
        user = await self._catalog.store.catalog.read(partial(self._catalog.users.find, key))
        if user is None or user.is_disabled:
            raise Unauthenticated("user deleted or disabled")
        return Actor(user=user)

    async def _workspace(self, credential: Credential, client_id: str) -> OpenWorkspace:
        """The workspace of an app, or the one in an administrator's path. Raises Unauthenticated,
        NoSuchWorkspace."""
        if isinstance(credential, str):
            workspace = await self._catalog.of_client(client_id)
            if workspace is None:
                raise Unauthenticated("unknown app")
            return workspace
        try:
            return await self._catalog.named(credential.workspace)
        except StaleCatalog:
            # it is being deleted, or its database is missing
            await self._catalog.check_database(credential.workspace)
            raise NoSuchWorkspace(f"No such workspace: {preview(credential.workspace)}.") from None

    async def _holds(self, workspace: OpenWorkspace, snapshot: Snapshot, client_id: str) -> bool:
        """Whether an error is based on the current definitions. Raises StaleCatalog."""
        if not await workspace.is_current(snapshot):
            return False
        is_app = client_id == "" or snapshot.apps.get(client_id) is not None
        return is_app or not await self._catalog.has_moved(client_id, workspace)

    def _prove(self, app: CompiledApp | None, token: str) -> tuple[CompiledApp, Claims]:
        """The app and the claims of its token, if it is enabled and the token is its own. Raises
        Unauthenticated."""
        if app is None or not app.app.enabled:
            raise Unauthenticated("unknown app" if app is None else "app disabled")
        if app.jwe_key is not None:
            token = decrypted_token(token, app.jwe_key)
        count_token_lookup()
        claims = verified_claims(token, app.key, app.app.algorithm)
        check_times(claims, self._clock, self._leeway)
        if app.app.audience is not None:
            check_audience(claims, app.app.audience)
        return app, claims


async def _caller(
    credential: AdminCredential | UserCredential | ActingCredential,
    actor: Actor | None,
    workspace: OpenWorkspace,
    snapshot: Snapshot,
    writer: str,
    slow: SlowQueries,
) -> Caller:
    """An administrator or a user. Raises NoSuchWorkspace for a user without any rights there."""
    user = None if actor is None else actor.user
    if user is None or user.is_admin:
        return Caller(workspace, snapshot, writer, None, slow=slow, actor=actor)
    rights = await workspace.rights(snapshot, user.id)
    if rights.is_empty:
        raise NoSuchWorkspace(f"No such workspace: {preview(credential.workspace)}.")
    return Caller(workspace, snapshot, writer, rights, restricted_user_id=user.id, slow=slow, actor=actor)
