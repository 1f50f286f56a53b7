"""App: creates all services and endpoints, and the ASGI application that serves them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from functools import partial

import structlog
from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from rowkeep.catalog.catalog import Catalog
from rowkeep.errors.catalogue import NoSuchEndpoint, SetupError
from rowkeep.http.acting_rows import ActingDataEndpoints, ActingRows
from rowkeep.http.audited import AUDIT
from rowkeep.http.batch_requests import BatchRequests
from rowkeep.http.body_budget import BodyBudget
from rowkeep.http.compression import with_compression
from rowkeep.http.console import console_routes
from rowkeep.http.cors import with_cors
from rowkeep.http.data import (
    ADMIN_ROUTE,
    DATA_ENDPOINTS,
    AdminDataEndpoints,
    DataEdge,
    DataEndpoints,
)
from rowkeep.http.data import PREFIX as DATA_PREFIX
from rowkeep.http.docs_pages import document_routes
from rowkeep.http.health import Alive, Ready
from rowkeep.http.management.api import ENDPOINTS, management_routes, management_services
from rowkeep.http.management.api import PREFIX as ADMIN_PREFIX
from rowkeep.http.management.endpoint import COMPLETED
from rowkeep.http.management.gate import Gate
from rowkeep.http.media_types import FILE_FORMATS
from rowkeep.http.methods import READING, readable
from rowkeep.http.metrics_page import MetricsPage, with_metrics_port
from rowkeep.http.observation import PAGES, Observer, Tracer
from rowkeep.http.responses import error_response
from rowkeep.http.root_path import under_prefix
from rowkeep.http.routes import ROUTES
from rowkeep.http.row_requests import RowRequests
from rowkeep.http.stream_requests import is_stream
from rowkeep.http.workspace_data import WORKSPACE_ENDPOINTS, WorkspaceEndpoints
from rowkeep.model.ids import Clock, IdSource, wall_clock
from rowkeep.services.about import About
from rowkeep.services.access import Access, ActingCredential
from rowkeep.services.activity import STEP_SECONDS, ActivityReader, ActivityRecorder
from rowkeep.services.admin_tokens import AdminTokens
from rowkeep.services.audit import AuditLog, command_actor, delete_old_entries
from rowkeep.services.background import BackgroundTask, BackgroundTasks
from rowkeep.services.batches import Batches
from rowkeep.services.change_hub import ChangeHub
from rowkeep.services.changes import Changes
from rowkeep.services.file_imports.files import Files
from rowkeep.services.file_imports.jobs import ImportJobs
from rowkeep.services.file_imports.places import Places, uploads_directory
from rowkeep.services.file_imports.states import UploadedFile
from rowkeep.services.health import Health
from rowkeep.services.history_tasks import ORDER_SECONDS, HistoryTask, order_operations
from rowkeep.services.idempotency import Idempotency, delete_expired_keys
from rowkeep.services.initialise import open_initialised
from rowkeep.services.offload import Offload
from rowkeep.services.passwords import Passwords
from rowkeep.services.past_rows import PastRows
from rowkeep.services.rate_limits import RateLimits, delete_expired_windows
from rowkeep.services.retention import RetentionTask
from rowkeep.services.rows import Rows
from rowkeep.services.sessions import Sessions, delete_expired_sessions
from rowkeep.services.streamed_queries import StreamedQueries
from rowkeep.services.streams import Streams
from rowkeep.services.undo import Undos
from rowkeep.services.used_tokens import delete_used_tokens
from rowkeep.services.webhooks.definitions import WebhookSending
from rowkeep.services.webhooks.recorded_changes import RecordedChanges
from rowkeep.services.webhooks.sender import Sender
from rowkeep.services.webhooks.task import WebhookTask
from rowkeep.settings import Settings
from rowkeep.storage.opening import make_store

log = structlog.get_logger(__name__)

SHOWN = 20
PERCENT = ord("%")
"""As a number, which is found in bytes several times as fast as a text of one byte."""

STOP = "rowkeep.stop"
"""The key of a function in the state of the lifespan, which ends the requests that wait for changes. The
server calls it when it begins to stop."""

MISSING_DATABASES_SECONDS = 600.0
"""The time between two checks for missing databases."""

EXPIRED_KEYS_SECONDS = 3600.0
"""The time between two deletions of expired idempotency keys."""

RATE_WINDOWS_SECONDS = 600.0
"""The time between two deletions of counted requests that no rate limit needs any more."""

USED_TOKENS_SECONDS = 300.0
"""The time between two deletions of the used ``jti`` of tokens that have expired."""

HISTORY_SECONDS = 60.0
"""How often a process looks whether it is time to delete old records of changes."""

RETENTION_SECONDS = 60.0
"""How often a process looks whether old rows must be deleted, which one of them does every hour."""

EXPIRED_SESSIONS_SECONDS = 300.0
"""The time between two deletions of expired sessions, one-time links and failed sign-ins."""

FILE_IMPORTS_SECONDS = 5.0
"""How often a process looks for imports of files that no process runs."""

AUDIT_LOG_SECONDS = 3600.0
"""The time between two deletions of old entries of the audit log."""

TABLE_SIZES_SECONDS = 600.0
"""How often a process looks whether the sizes of all tables must be stored, which one of them does every
hour."""

WEBHOOKS_SECONDS = 1.0
"""How often the process that delivers messages of webhooks looks for changes."""

ROWS_OF_WORKSPACE = re.compile(ADMIN_PREFIX + "/workspaces/[^/]+/data/")
"""Matches the paths of the Data API for administrators."""


UPLOAD = re.compile(ADMIN_PREFIX + "/workspaces/[^/]+/files$")
"""Matches the path of uploads."""


def wire(
    catalog: Catalog,
    settings: Settings,
    clock: Clock,
    tasks: BackgroundTasks,
    operator: str | None = None,
    closing: AsyncExitStack | None = None,
    tracer: Tracer | None = None,
    hub: ChangeHub | None = None,
) -> ASGIApp:
    """The ASGI application for an open catalog; ``closing`` closes what it opens, and ``hub`` has the
    requests that wait for changes."""
    offload = Offload(settings)
    admin_tokens = AdminTokens(catalog, operator)
    keys = Idempotency(settings, clock)
    passwords = Passwords()
    sessions = Sessions(catalog, passwords, settings, clock)
    closing = closing or AsyncExitStack()
    audit = AuditLog(catalog, settings, clock, None if operator is None else command_actor())
    closing.push_async_callback(audit.close)
    rates = RateLimits(catalog, settings, clock, closing)
    access = Access(catalog, admin_tokens, sessions, settings, clock, rates)
    changes = Changes(access, hub or ChangeHub(settings), settings, offload)
    undos = Undos(access, keys, clock, audit)
    edge = _edge(access, settings, offload, keys, changes, undos, PastRows(clock))
    health = Health(catalog)
    activity = ActivityReader(catalog, clock, health, tasks)
    budget = BodyBudget(settings.max_body_bytes, settings.max_buffered_bytes, settings.busy_timeout_seconds)
    jobs = _import_jobs(edge, budget, settings, clock, audit, closing)
    if operator is None:
        tasks.add(BackgroundTask("file imports", jobs.resume, FILE_IMPORTS_SECONDS))
    services = partial(
        management_services, settings, clock, admin_tokens, sessions, passwords, audit, activity,
        About(catalog, settings, health, tasks),
        Files(access, jobs.places, jobs, settings, clock),
        _webhook_sending(settings, closing),
    )  # fmt: skip
    gate = Gate(catalog, services, settings)
    data = with_cors(DataEndpoints(edge, budget), settings)
    no_data = with_cors(_not_found, settings)
    pages = (MetricsPage(admin_tokens), Ready(health, tasks))
    router = _router(settings, pages, management_routes(gate, offload, budget), _row_routes(edge, budget))

    def app(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        scope[AUDIT] = audit
        path: str = scope["path"]
        is_data = path.startswith(DATA_PREFIX)
        raw = scope.get("raw_path", b"")
        if "\x00" in path or (PERCENT in raw and b"%2f" in raw.lower()):
            # no name contains these: an encoded slash must not turn a path into another one
            return (no_data if is_data else _not_found)(scope, receive, send)
        return (data if is_data else router)(scope, receive, send)

    compressing = with_compression(app, settings.min_compressed_bytes, can_have_secrets)
    observed = Observer(with_metrics_port(compressing, settings), settings, tracer)
    return under_prefix(observed, settings.root_path)


def _edge(
    access: Access,
    settings: Settings,
    offload: Offload,
    keys: Idempotency,
    changes: Changes,
    undos: Undos,
    past: PastRows,
) -> DataEdge:
    """What the endpoints of the Data API use."""
    return DataEdge(
        Rows(access, settings, offload, keys, past),
        Streams(access, settings, offload, keys),
        StreamedQueries(access, settings, past),
        Batches(access, settings, offload, keys),
        undos,
        RowRequests(settings, offload),
        BatchRequests(settings, offload),
        offload,
        changes,
        settings,
    )


def _import_jobs(
    edge: DataEdge,
    budget: BodyBudget,
    settings: Settings,
    clock: Clock,
    audit: AuditLog,
    closing: AsyncExitStack,
) -> ImportJobs:
    """The imports of uploaded files."""
    rows_of = partial(rows_of_owner, ActingDataEndpoints(edge, budget))
    jobs = ImportJobs(Places(uploads_directory(settings)), settings, clock, rows_of, audit)
    closing.push_async_callback(jobs.close)
    return jobs


def _webhook_sending(settings: Settings, closing: AsyncExitStack) -> WebhookSending:
    """What sends the messages of webhooks that are asked for in the management API."""
    sender = Sender(settings)
    closing.push_async_callback(sender.close)
    return WebhookSending(sender, RecordedChanges())


def _router(
    settings: Settings,
    pages: tuple[MetricsPage, Ready],
    management: list[BaseRoute],
    rows: list[Route],
) -> Router:
    """All paths outside the Data API of apps."""
    metrics, ready = pages
    return Router(
        routes=[
            Route("/healthz", readable(Alive())),
            Route("/metrics", readable(metrics)),
            Route("/readyz", readable(ready)),
            *document_routes(settings),
            *console_routes(settings),
            *management,
            *rows,
        ],
        redirect_slashes=False,
        default=_not_found,
    )


def _row_routes(edge: DataEdge, budget: BodyBudget) -> list[Route]:
    """The Data API of people and administrators, and what only they have."""
    return [
        Route(ADMIN_ROUTE, AdminDataEndpoints(edge, budget)),
        *(Route(each.path, WorkspaceEndpoints(each, edge, budget)) for each in WORKSPACE_ENDPOINTS),
    ]


def rows_of_owner(endpoints: ActingDataEndpoints, file: UploadedFile) -> ActingRows:
    """The rows that the owner of an uploaded file may write."""
    return ActingRows(endpoints, ActingCredential(file.owner, file.workspace))


ROUTES.declare(
    [
        *(("GET", page) for page in PAGES),
        *((each.method, each.path) for each in DATA_ENDPOINTS),
        *((each.method, each.admin_path) for each in (*DATA_ENDPOINTS, *WORKSPACE_ENDPOINTS)),
        *((each.method, ADMIN_PREFIX + each.path) for each in ENDPOINTS),
    ]
)


def can_have_secrets(scope: Scope) -> bool:
    """Whether the response to a request can contain a secret, such as that of a new app."""
    path: str = scope["path"]
    if scope["method"] in READING or not path.startswith(ADMIN_PREFIX + "/"):
        return False
    return ROWS_OF_WORKSPACE.match(path) is None


def is_interruptible(scope: Scope) -> bool:
    """Whether a request is cancelled when its client disconnects or its time limit is over. Changes through
    the management API are not: they can consist of several transactions, and are always completed."""
    # in the state, because the scope itself is copied under the path prefix of a proxy
    return COMPLETED not in scope.get("state", ())


def is_upload(scope: Scope) -> bool:
    """Whether the body of a request is a file."""
    return scope["method"] == "POST" and UPLOAD.search(scope["path"]) is not None


def is_export(scope: Scope) -> bool:
    """Whether the response to a request is a file that is made as a whole. It has the time limit of streamed
    queries."""
    if not scope["path"].endswith("/query"):
        return False
    accepted = (value.decode("latin-1") for name, value in scope["headers"] if name == b"accept")
    return any(each in FILE_FORMATS for each in accepted)


def is_unlimited(scope: Scope) -> bool:
    """Whether a request can take longer than its time limit: a stream of rows or an uploaded file, which can
    have any size, an exported file, and a request that waits for changes. A body must still arrive without
    long pauses."""
    if scope["method"] == "GET":
        return bool(scope["path"].endswith("/changes"))
    if is_upload(scope) or is_export(scope):
        return True
    if scope["method"] != "POST" or not scope["path"].endswith("/bulk"):
        return False
    return any(
        name == b"content-type" and is_stream(value.decode("latin-1")) for name, value in scope["headers"]
    )


async def _not_found(_scope: Scope, _receive: Receive, send: Send) -> None:
    await error_response(NoSuchEndpoint()).send(send)


def background_tasks(
    catalog: Catalog, settings: Settings, clock: Clock = wall_clock
) -> tuple[BackgroundTask, ...]:
    """The tasks that a server repeats while it runs."""
    recorder = ActivityRecorder(catalog, clock)
    webhooks = WebhookTask(catalog, settings, clock, RecordedChanges())
    return (
        BackgroundTask(
            "missing databases", partial(log_missing_databases, catalog), MISSING_DATABASES_SECONDS
        ),
        BackgroundTask("expired keys", partial(delete_expired_keys, catalog, clock), EXPIRED_KEYS_SECONDS),
        BackgroundTask("rate windows", partial(delete_expired_windows, catalog, clock), RATE_WINDOWS_SECONDS),
        BackgroundTask("used tokens", partial(delete_used_tokens, catalog, clock), USED_TOKENS_SECONDS),
        BackgroundTask("history", HistoryTask(catalog, clock).run, HISTORY_SECONDS),
        BackgroundTask("history order", partial(order_operations, catalog), ORDER_SECONDS),
        BackgroundTask("retention", RetentionTask(catalog, settings, clock).run, RETENTION_SECONDS),
        BackgroundTask(
            "expired sessions", partial(delete_expired_sessions, catalog, clock), EXPIRED_SESSIONS_SECONDS
        ),
        BackgroundTask("audit log", partial(delete_old_entries, catalog, settings, clock), AUDIT_LOG_SECONDS),
        BackgroundTask("activity", recorder.store_counts, STEP_SECONDS),
        BackgroundTask("table sizes", recorder.store_sizes, TABLE_SIZES_SECONDS),
        BackgroundTask("webhooks", webhooks.run, WEBHOOKS_SECONDS, webhooks.stop),
    )


async def log_missing_databases(catalog: Catalog) -> None:
    """Log missing databases when the server starts and as long as they are missing, not only when a request
    needs one."""
    missing = await catalog.missing_databases()
    if missing:
        log.error(
            "workspace databases missing",
            count=len(missing),
            databases=[each.physical for each in missing[:SHOWN]],
            action="restore them from a backup, or delete the workspaces",
        )


@asynccontextmanager
async def running(
    settings: Settings,
    clock: Clock = wall_clock,
    operator: str | None = None,
    hub: ChangeHub | None = None,
) -> AsyncIterator[ASGIApp]:
    """The application for the store in the settings, which is open while the block runs.

    Raises SetupError, StorageUnavailable.
    """
    store = make_store(settings, IdSource(clock))
    try:
        await store.open(create=False)
        catalog = await open_initialised(store, settings)
        if settings.rate_limit_storage.partition("://")[1]:
            # loads the client only if it is needed
            from rowkeep.storage.rates.opening import check_rate_storage

            check_rate_storage(settings)
        tasks = BackgroundTasks(background_tasks(catalog, settings, clock) if operator is None else ())
        async with AsyncExitStack() as closing, tasks:
            tracer = None
            if settings.tracing and operator is None:
                tracer = closing.enter_context(_tracing())
            yield wire(catalog, settings, clock, tasks, operator, closing, tracer, hub)
    finally:
        await store.close()


def _tracing() -> AbstractContextManager[Tracer]:
    """Raises SetupError if the extra is not installed."""
    try:
        from rowkeep.http.tracing import tracing
    except ModuleNotFoundError as error:
        raise SetupError(
            f"ROWKEEP_TRACING needs the module {error.name}. Install it with: pip install 'rowkeep[otel]'"
        ) from None
    return tracing()


class Application:
    """The ASGI application of a server process: it opens the store when the server starts, and closes it
    when the server stops."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._app: ASGIApp | None = None
        self._hub = ChangeHub(settings)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        app = self._app
        if app is not None and scope["type"] == "http":
            return app(scope, receive, send)
        if scope["type"] == "lifespan":
            scope.setdefault("state", {})[STOP] = self._hub.stop
            return self._lifespan(receive, send)
        # Rowkeep has no WebSockets: reject the handshake
        return send({"type": "websocket.close", "code": 1000})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        async with AsyncExitStack() as stack:
            try:
                self._app = await stack.enter_async_context(running(self._settings, hub=self._hub))
            except SetupError as error:
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})
