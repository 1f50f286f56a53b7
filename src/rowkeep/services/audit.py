"""Audit: who changed what, who signed in, and who was refused.

A change of the catalog and its entry are one transaction. For a change of a workspace's database, the entry
is stored first, as ``started``, and gets its result afterwards: there is no change without an entry. An
entry that is still ``started`` after a crash, or because the change was cut off, says that it may have been
made.
"""

from __future__ import annotations

import asyncio
import os
import pwd
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import timedelta
from functools import partial
from secrets import token_hex
from typing import Any, TypeVar

import msgspec
from msgspec import structs

from rowkeep.catalog.catalog import Catalog
from rowkeep.errors.catalogue import (
    Busy,
    InternalError,
    InvalidParameter,
    RowkeepError,
    ShuttingDown,
    StorageUnavailable,
    preview,
)
from rowkeep.limited_log import LimitedLog
from rowkeep.model.audit import (
    COMMAND,
    SERVER,
    ActorKind,
    AuditActor,
    AuditEntry,
    AuditFilter,
    Outcome,
    short,
)
from rowkeep.model.ids import Clock, wall_clock
from rowkeep.model.values.scalars import Misfit, canonical_date, parsed_date
from rowkeep.request_context import CURRENT
from rowkeep.services.audit_lines import AuditLines
from rowkeep.services.lists import Listing, ListRequest
from rowkeep.settings import Settings
from rowkeep.storage.contract import Script, Steps
from rowkeep.storage.scripts.leases import Leases

T = TypeVar("T")

faults = LimitedLog()

MAX_WAITING = 1000
"""How many entries of refused requests wait to be stored; more are only in the lines."""

AT_ONCE = 100
"""How many of them one transaction stores."""

TASK, LEASE_SECONDS = "audit", 600
"""The lease of the process that deletes old entries."""

DELETED_AT_ONCE = 500
"""How many old entries one transaction deletes."""

UNAUTHORISED = (401, 403, 429)
"""The statuses of requests that were refused, and did not fail."""

CUT_OFF = (ShuttingDown.code, StorageUnavailable.code)
"""The codes of errors after which nobody knows whether the change was committed."""

NO_TIME = (Busy, ShuttingDown, StorageUnavailable)
"""Why the catalog cannot store an entry now."""


class Pending:
    """The entry of a request that changes the catalog, until the transaction of the change stores it."""

    def __init__(self, entry: AuditEntry) -> None:
        self.entry = entry
        self.is_stored = False
        self.failure = ""
        """Why it failed, if the request ends without an error."""


PENDING: ContextVar[Pending | None] = ContextVar("pending audit entry", default=None)


def note_failure(cause: str) -> None:
    """The request has failed, although it ends without an error."""
    pending = PENDING.get()
    if pending is not None:
        pending.failure = cause


def note_target(target: str) -> None:
    """What a request is about, found while it runs."""
    pending = PENDING.get()
    if pending is not None:
        pending.entry = structs.replace(pending.entry, target=target)


def more_entry(catalog: Catalog, action: str) -> AuditEntry | None:
    """Another entry of the request that runs, for something else that its transaction changes. Scripts can
    run in another thread, so it is made before them."""
    pending = PENDING.get()
    if pending is None:
        return None
    identity = f"au-{next(catalog.store.ids.stamp(1).ids())}"
    return structs.replace(pending.entry, id=identity, action=action, result=Outcome.SUCCESS)


async def write_audited(
    catalog: Catalog, script: Script[T], target: str = "", actor_of: Callable[[T], AuditActor] | None = None
) -> T:
    """Run a script that changes the catalog, in one transaction with the entry of the request, if there is
    one and it is not stored yet. ``actor_of`` is for a request that says who sent it only by its success."""
    pending = PENDING.get()
    database = catalog.store.catalog
    if pending is None or pending.is_stored:
        return await database.write(script)
    given = pending.entry
    entry = structs.replace(given, result=Outcome.SUCCESS, target=target or given.target)
    made: list[AuditEntry] = []

    def both() -> Steps[T]:
        done = yield from script()
        made[:] = [entry if actor_of is None else structs.replace(entry, actor=actor_of(done))]
        yield from catalog.audit.add(made)
        return done

    done = await database.write(both)
    pending.entry, pending.is_stored = made[0], True
    return done


def end_of(error: BaseException) -> tuple[Outcome, str]:
    """How a change ended with this error, and the cause: ``started`` if it may have been committed."""
    if isinstance(error, asyncio.CancelledError | KeyboardInterrupt):
        return Outcome.STARTED, ShuttingDown.code
    if not isinstance(error, RowkeepError):
        return Outcome.FAILED, InternalError.code
    if error.code in CUT_OFF:
        return Outcome.STARTED, error.code
    return Outcome.REFUSED if error.status in UNAUTHORISED else Outcome.FAILED, error.code


class AuditLog:
    """The audit log of one process."""

    def __init__(
        self, catalog: Catalog, settings: Settings, clock: Clock, command: AuditActor | None = None
    ) -> None:
        """``command`` is set in a command that uses the store directly."""
        self._catalog = catalog
        self._database = catalog.store.catalog
        self._clock = clock
        self.command = command
        self._lines = AuditLines(settings.audit_log_path, is_command=command is not None)
        self._waiting: deque[AuditEntry] = deque()
        self._storing: asyncio.Task[None] | None = None

    def entry(
        self, actor: AuditActor, action: str, result: Outcome = Outcome.STARTED, **values: Any
    ) -> AuditEntry:
        """A new entry, started now."""
        stamp = self._catalog.store.ids.stamp(1)
        current = CURRENT.get()
        return AuditEntry(
            id=f"au-{next(stamp.ids())}",
            time=canonical_date(self._clock()),
            actor=structs.replace(actor, id=short(actor.id), name=short(actor.name)),
            action=action,
            result=result,
            request_id="" if current is None else current.id,
            **values,
        )

    async def run(
        self,
        draft: AuditEntry,
        call: Callable[[], Awaitable[T]],
        *,
        is_atomic: bool,
        target_of: Callable[[T], str] | None = None,
        admits: Callable[[str], bool] | None = None,
    ) -> T:
        """Run a change, and record how it ended. If ``is_atomic``, its services store the entry themselves,
        with :func:`write_audited`; if they do not, nothing was changed. ``admits`` limits failures that
        everybody can cause."""
        pending = Pending(draft)
        token = PENDING.set(pending if is_atomic else None)
        if not is_atomic:
            await self._database.write_one(partial(self._catalog.audit.add, [draft]))
        result, cause = Outcome.SUCCESS, ""
        try:
            done = await call()
            if target_of is not None:
                pending.entry = structs.replace(pending.entry, target=target_of(done) or pending.entry.target)
            return done
        except BaseException as error:
            result, cause = end_of(error)
            raise
        finally:
            PENDING.reset(token)
            if is_atomic:
                self._end_atomic(pending, result, cause, admits)
            else:
                await self.finish(structs.replace(pending.entry, result=result, cause=cause))

    def _end_atomic(
        self, pending: Pending, result: Outcome, cause: str, admits: Callable[[str], bool] | None
    ) -> None:
        if pending.failure:
            result, cause = Outcome.FAILED, pending.failure
        if pending.is_stored:
            # the change is committed, whatever happened to the response
            self._lines.write(pending.entry)
        elif result is not Outcome.SUCCESS and (admits is None or admits(cause)):
            self.add_later(structs.replace(pending.entry, result=result, cause=cause))

    async def finish(self, entry: AuditEntry) -> None:
        """Record how a started change has ended. Errors are logged: the change is made."""
        self._lines.write(entry)
        try:
            await self._database.write_one(partial(self._catalog.audit.finish, entry))
        except NO_TIME as error:
            faults.error(
                "audit entry not finished", key=error.code, entry=entry.id, result=entry.result.value
            )

    async def record(self, entry: AuditEntry) -> None:
        """Store something that has happened."""
        await self._database.write_one(partial(self._catalog.audit.add, [entry]))
        self._lines.write(entry)

    def add_later(self, entry: AuditEntry) -> None:
        """Store something that must not delay a request. Callers limit how often it happens."""
        self._lines.write(entry)
        if len(self._waiting) >= MAX_WAITING:
            faults.error("audit entry not stored", key="waiting", action=entry.action)
            return
        self._store(entry)

    async def record_done(self, entry: AuditEntry) -> None:
        """Store something that is committed, whatever becomes of its request: it is stored even if that is
        cancelled, and errors are logged, because they must not say that nothing was written."""
        self._lines.write(entry)
        await asyncio.shield(self._store(entry))

    def _store(self, entry: AuditEntry) -> asyncio.Task[None]:
        self._waiting.append(entry)
        if self._storing is None or self._storing.done():
            self._storing = asyncio.create_task(self._store_waiting())
        return self._storing

    async def _store_waiting(self) -> None:
        while self._waiting:
            some = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
            try:
                # the entry of a change that was cut off is there if the change is
                await self._database.write(partial(self._catalog.audit.add_missing, some))
            except NO_TIME as error:
                faults.error("audit entries not stored", key=error.code, count=len(some), error=error.msg)

    async def close(self) -> None:
        """Store what waits."""
        if self._storing is not None:
            await self._storing
        self._lines.close()

    async def list(self, wanted: AuditFilter, request: ListRequest) -> Listing[AuditEntry]:
        """A page of entries, the newest first."""
        script = partial(self._catalog.audit.entries, wanted, request.after, request.limit + 1)
        return request.page(await self._database.read(script), lambda each: f"{each.time} {each.id}")


def read_filter(texts: dict[str, str | None]) -> AuditFilter:
    """The filter in the parameters of a list. Raises InvalidParameter."""
    given = {name: text or "" for name, text in texts.items()}
    for name in ("since", "until"):
        if given.get(name):
            try:
                given[name] = canonical_date(parsed_date(given[name]))
            except Misfit as error:
                raise InvalidParameter(f"{name} {error}; got {preview(given[name])}.") from None
    for name, text in given.items():
        if "\x00" in text:
            raise InvalidParameter(f"{name} must not contain the character U+0000; got {preview(text)}.")
    return AuditFilter(**given)


async def delete_old_entries(catalog: Catalog, settings: Settings, clock: Clock) -> None:
    """Delete entries that are older than the setting, some in each transaction. One of all processes does it
    at a time."""
    now = clock()
    time = canonical_date(now - timedelta(days=settings.audit_days))
    database, scripts = catalog.store.catalog, catalog.audit
    if not await database.read(partial(scripts.has_older, time)):
        return
    seconds, leases = int(now.timestamp()), Leases(database.dialect, database.namespace)
    take = partial(leases.take, TASK, token_hex(8), seconds, LEASE_SECONDS)
    if not await database.write(take):
        return
    while await database.read(partial(scripts.has_older, time)):
        await database.write(partial(scripts.delete_older, time, DELETED_AT_ONCE))


def system_user() -> str:
    """The user of the operating system that runs this process."""
    user_id = os.getuid()
    try:
        return pwd.getpwuid(user_id).pw_name
    except KeyError:
        return str(user_id)


def command_actor() -> AuditActor:
    """The command that this process runs."""
    return AuditActor(ActorKind.COMMAND, system_user(), COMMAND.get() or "rowkeep")


def process_actor() -> AuditActor:
    """The command that this process runs, or the server."""
    return command_actor() if COMMAND.get() else structs.replace(SERVER, id=system_user())


@asynccontextmanager
async def audited_command(
    catalog: Catalog, settings: Settings, action: str, workspace: str = "", target: str = ""
) -> AsyncIterator[None]:
    """A command that changes the store: its entry is stored first, and gets its result at the end."""
    audit = AuditLog(catalog, settings, wall_clock, command_actor())
    entry = audit.entry(command_actor(), action, workspace=workspace, target=target)
    await catalog.store.catalog.write(partial(catalog.audit.add, [entry]))
    result, cause = Outcome.SUCCESS, ""
    try:
        yield
    except BaseException as error:
        result, cause = end_of(error)
        if not isinstance(error, RowkeepError):
            cause = ""
        raise
    finally:
        await audit.finish(structs.replace(entry, result=result, cause=cause))
        await audit.close()


async def record_command(catalog: Catalog, settings: Settings, action: str, target: str) -> None:
    """Record what a command has done to a store that it could not write to before."""
    audit = AuditLog(catalog, settings, wall_clock, command_actor())
    await audit.record(audit.entry(command_actor(), action, Outcome.SUCCESS, target=target))
    await audit.close()


async def record_start(settings: Settings, catalog: Catalog) -> None:
    """Record that a server starts, and with which settings. Errors are logged."""
    # on standard output, programs expect the address of the server first: as for a command, only the file
    audit = AuditLog(catalog, settings, wall_clock, process_actor())
    defaults = Settings()
    changed = {
        name: short(value) for name, value in settings.shown().items() if value != getattr(defaults, name)
    }
    entry = audit.entry(process_actor(), "server.start", details=msgspec.to_builtins(changed))
    try:
        await audit.record(structs.replace(entry, result=Outcome.SUCCESS))
    except (Busy, StorageUnavailable) as error:
        faults.error("audit entry not stored", key=error.code, action=entry.action, error=error.msg)
    await audit.close()
