"""Files: uploads, inspections and imports of files, for users and administrators."""

from __future__ import annotations

import asyncio
import errno
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from functools import partial
from pathlib import PurePosixPath
from typing import BinaryIO, TypeVar

import msgspec

from rowkeep.errors.catalogue import (
    Busy,
    Forbidden,
    InvalidParameter,
    InvalidValue,
    StorageFull,
    StorageUnavailable,
    preview,
)
from rowkeep.errors.files import (
    FileTooLarge,
    ImportInProgress,
    NoSuchFile,
    TooManyUploads,
    UnreadableFile,
)
from rowkeep.files.formats import format_of
from rowkeep.files.header import legal_name
from rowkeep.files.inspection import Inspected
from rowkeep.files.isolated import inspected
from rowkeep.files.records import FileRefused
from rowkeep.model.access import Right
from rowkeep.model.file_requests import FileReading, ImportBody
from rowkeep.model.ids import Clock
from rowkeep.model.users import Actor, Role, SharedRight
from rowkeep.model.values.scalars import canonical_date
from rowkeep.services.access import Access, ActingCredential, Caller
from rowkeep.services.file_imports.jobs import (
    INSPECT_CPU_SECONDS,
    ImportJobs,
    file_to_read,
)
from rowkeep.services.file_imports.new_table import check_new_table
from rowkeep.services.file_imports.places import Place, Places
from rowkeep.services.file_imports.readings import check_reading, reading_of, without_options
from rowkeep.services.file_imports.states import ImportState, ImportStatus, UploadedFile
from rowkeep.services.rows import INSERT_RIGHTS
from rowkeep.settings import Settings

T = TypeVar("T")

MAX_NAME = 200
WRITE_BYTES = 1024 * 1024
INSPECTIONS, MAX_WAITING = 2, 16
"""How many files a process looks at at a time, and how many wait for that."""

FULL = (errno.ENOSPC, errno.EDQUOT)


class FileAndImport(msgspec.Struct, frozen=True):
    """An uploaded file; whether it is still stored; and its import, if there is one."""

    file: UploadedFile
    is_stored: bool
    state: ImportState | None


class Files:
    """The uploaded files of users and admin tokens. Everybody sees only their own."""

    def __init__(
        self, access: Access, places: Places, jobs: ImportJobs, settings: Settings, clock: Clock
    ) -> None:
        self._access = access
        self._places = places
        self._jobs = jobs
        self._settings = settings
        self._clock = clock
        self._looking = asyncio.Semaphore(INSPECTIONS)
        self._waiting = 0

    async def upload(
        self, actor: Actor, workspace: str, name: str | None, chunks: AsyncIterator[bytes]
    ) -> FileAndImport:
        """Store a file. Raises InvalidParameter, Forbidden, TooManyUploads, FileTooLarge, StorageFull."""
        checked = _file_name(name)
        workspace_id = await self._access.run(ActingCredential(actor.key, workspace), _writable_workspace)
        with ExitStack() as stack:
            place = None
            try:
                place = await asyncio.to_thread(self.make_place, actor.key, stack)
                size = await self._receive(place, chunks)
                file = UploadedFile(
                    id=place.path.name,
                    workspace=workspace_id,
                    owner=actor.key,
                    name=checked,
                    size=size,
                    format=_format_of(checked),
                    uploaded_on=canonical_date(self._clock()),
                )
                await asyncio.to_thread(place.write_file, file)
            except BaseException as error:
                if place is not None:
                    place.delete()
                if isinstance(error, OSError):
                    raise _storage_error(error) from None
                raise
        return FileAndImport(file, True, None)

    def make_place(self, owner: str, stack: ExitStack) -> Place:
        """A place for one more file, locked until the stack is closed. Raises TooManyUploads, OSError."""
        with self._places.locked():
            self._make_room(owner)
            place = self._places.make(f"fi-{secrets.token_hex(12)}")
            place.write_owner(owner)
            stack.enter_context(place.locked())
        return place

    async def _receive(self, place: Place, chunks: AsyncIterator[bytes]) -> int:
        most = self._settings.max_upload_bytes
        size, pending, pending_bytes = 0, list[bytes](), 0
        with place.create_data() as out:
            async for chunk in chunks:
                size += len(chunk)
                pending_bytes += len(chunk)
                if size > most:
                    raise FileTooLarge(
                        f"The file is too large: at most {most} bytes are allowed (the setting "
                        "max_upload_bytes). Compress it as .gz or .zst, or use rowkeep rows import."
                    )
                pending.append(chunk)
                if pending_bytes >= WRITE_BYTES:
                    await asyncio.to_thread(_write, out, pending)
                    pending, pending_bytes = [], 0
            await asyncio.to_thread(_write, out, pending)
        if size == 0:
            raise UnreadableFile("The file is empty.")
        return size

    def _make_room(self, owner: str) -> None:
        """Delete the oldest results of the owner if there are too many. Raises TooManyUploads."""
        mine = [place for place in self._places.all() if place.owner == owner]
        for place in [each for each in mine if each.is_abandoned()]:
            place.delete()
            mine.remove(place)
        most = self._settings.max_uploads
        results = [each for each in mine if each.file() is not None and not each.has_data]
        for place in results[: max(0, len(mine) - most + 1)]:
            place.delete()
            mine.remove(place)
        if len(mine) >= most:
            raise TooManyUploads(
                f"You have {len(mine)} uploaded files; {most} are allowed (the setting max_uploads). Import "
                "or delete some of them first."
            )

    async def list(self, actor: Actor, workspace: str) -> list[FileAndImport]:
        """The files of the actor in a workspace, the newest first."""
        workspace_id = await self._workspace_id(actor, workspace)
        found = []
        for place in reversed(await asyncio.to_thread(self._places.all)):
            file = place.file()
            if file is not None and file.owner == actor.key and file.workspace == workspace_id:
                found.append(FileAndImport(file, place.has_data, place.state()))
        return found

    async def find(self, actor: Actor, workspace: str, file_id: str) -> FileAndImport:
        """Raises NoSuchFile."""
        place, file = await self._own(actor, workspace, file_id)
        return FileAndImport(file, place.has_data, place.state())

    async def inspect(self, actor: Actor, workspace: str, file_id: str, body: FileReading) -> Inspected:
        """What the start of a file shows, read in this way. Raises NoSuchFile, UnreadableFile, Busy."""
        place, file = await self._own(actor, workspace, file_id, must_be_stored=True)
        check_reading(body)
        stem = PurePosixPath(file.name).name.partition(".")[0]
        to_read = file_to_read(place, file, body, reading_of(body), self._settings, INSPECT_CPU_SECONDS)
        if self._waiting >= MAX_WAITING:
            raise Busy("Too many files are being looked at. Try again.")
        self._waiting += 1
        try:
            async with self._looking:
                found = await _to_its_end(partial(inspected, to_read, legal_name(stem), str(place.path)))
            return msgspec.structs.replace(found, notes=[without_options(each) for each in found.notes])
        except FileRefused as error:
            raise UnreadableFile(without_options(str(error))) from None
        except OSError as error:
            raise _storage_error(error) from None
        finally:
            self._waiting -= 1

    async def start(self, actor: Actor, workspace: str, file_id: str, body: ImportBody) -> FileAndImport:
        """Start an import in the background. Raises NoSuchFile, NoSuchTable, Forbidden, ImportInProgress."""
        place, file = await self._own(actor, workspace, file_id, must_be_stored=True)
        check_reading(body.reading)
        check_new_table(body)
        if body.on_conflict != "error" and not body.key:
            raise InvalidValue(
                f'"onConflict" {preview(body.on_conflict)} needs "key": the columns of a unique index.',
                pointer="/key",
            )
        rights = (*INSERT_RIGHTS, Right.READ) if body.on_conflict == "update" else INSERT_RIGHTS

        async def check(caller: Caller) -> str:
            if body.new_table is not None:
                await _writable_workspace(caller)
                opened = caller.workspace
                await opened.database.read(partial(opened.scripts.tables.check_name_is_free, body.table))
                return body.table
            return (await caller.table(body.table, rights)).table.name

        table = await self._access.run(ActingCredential(actor.key, workspace), check)
        with place.locked() as is_mine:
            former = place.state()
            if not is_mine or (former is not None and former.status.is_open):
                raise ImportInProgress("The file is being imported. Wait until that has ended, or cancel it.")
            state = ImportState(
                table=table,
                mode=body.mode,
                is_dry_run=body.dry_run,
                status=ImportStatus.QUEUED,
                started_on=canonical_date(self._clock()),
            )
            try:
                await asyncio.to_thread(place.begin, msgspec.structs.replace(body, table=table), state)
            except OSError as error:
                raise _storage_error(error) from None
        self._jobs.start(place)
        return FileAndImport(file, True, state)

    async def cancel(self, actor: Actor, workspace: str, file_id: str) -> FileAndImport:
        """Cancel the import, which stops soon; rows that are imported already stay. Raises NoSuchFile."""
        place, file = await self._own(actor, workspace, file_id)
        state = place.state()
        if state is None:
            raise NoSuchFile(f"The file {preview(file_id)} has no import.")
        if state.status.is_open:
            place.cancel()
            self._jobs.start(place)  # if no process runs it
        return FileAndImport(file, place.has_data, place.state())

    async def delete(self, actor: Actor, workspace: str, file_id: str) -> None:
        """Delete a file and the result of its import. Raises NoSuchFile, ImportInProgress."""
        place, _ = await self._own(actor, workspace, file_id)
        with place.locked() as is_mine:
            if not is_mine:
                raise ImportInProgress("The file is being imported. Cancel that first.")
            await asyncio.to_thread(place.delete)

    async def rejects(self, actor: Actor, workspace: str, file_id: str) -> tuple[str, BinaryIO]:
        """The rejected rows with their errors as NDJSON: a name for the file, and its content. Raises
        NoSuchFile."""
        place, file = await self._own(actor, workspace, file_id)
        try:
            return f"{file.name}.rejects.ndjson", await asyncio.to_thread(place.rejects.open, "rb")
        except FileNotFoundError:
            raise NoSuchFile("The import has no rejected rows.") from None

    async def _own(
        self, actor: Actor, workspace: str, file_id: str, *, must_be_stored: bool = False
    ) -> tuple[Place, UploadedFile]:
        workspace_id = await self._workspace_id(actor, workspace)
        place = self._places.find(file_id)
        file = None if place is None else place.file()
        if (
            place is None
            or file is None
            or file.owner != actor.key
            or file.workspace != workspace_id
            or (must_be_stored and not place.has_data)
        ):
            raise NoSuchFile(f"No such file: {preview(file_id)}. Upload it again.")
        return place, file

    async def _workspace_id(self, actor: Actor, workspace: str) -> str:
        return await self._access.run(ActingCredential(actor.key, workspace), _workspace_of)


async def _workspace_of(caller: Caller) -> str:
    return caller.workspace.workspace.name


async def _writable_workspace(caller: Caller) -> str:
    """The name of the workspace, if the caller may write rows of something there. Raises Forbidden."""
    if caller.restricted_user_id is not None:
        rights = await caller.workspace.rights(caller.snapshot, caller.restricted_user_id)
        shares = set(rights.shares.values()) - {SharedRight.READ}
        if rights.role not in (Role.EDITOR, Role.MANAGER) and not rights.owned and not shares:
            raise Forbidden("You can read rows of this workspace, but not import any.")
    return caller.workspace.workspace.name


async def _to_its_end(work: Callable[[], T]) -> T:
    """Do work in a thread. It cannot be stopped: if the caller is cancelled, this waits for its end, so that
    its turn does not end before it."""
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.gather(running, return_exceptions=True)
        raise


def _file_name(name: str | None) -> str:
    """Raises InvalidParameter."""
    if not name or len(name) > MAX_NAME or not name.isprintable() or "/" in name or "\\" in name:
        raise InvalidParameter(
            f"name must be the name of the file, of at most {MAX_NAME} characters and without a directory; "
            f"got {preview(name or '')}."
        )
    return name


def _format_of(name: str) -> str | None:
    try:
        return format_of(name, None).name
    except FileRefused:
        return None


def _write(out: BinaryIO, chunks: list[bytes]) -> None:
    content = memoryview(b"".join(chunks))
    while content:
        content = content[out.write(content) :]


def _storage_error(error: OSError) -> StorageUnavailable:
    if error.errno in FULL:
        return StorageFull("The device of upload_directory has no space left. Nothing was stored.")
    return StorageUnavailable(
        f"The directory of uploaded files cannot be used: {error.strerror or error}. See the setting "
        "upload_directory."
    )
