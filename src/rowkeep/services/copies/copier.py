"""Copier: builds tables in a workspace from the rows of a source, and makes them visible when they are
complete and verified.

Until then the tables have names of ours and no definitions, so no app, user or administrator can see them.
The state of the copy is in the workspace too: each batch of rows and its position are one transaction. A copy
that was stopped reads the source again from the beginning, but writes only what is missing. If the rows that
are stored already differ from those of the source now, the table is copied again.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from rowkeep.catalog.workspace import OpenWorkspace
from rowkeep.errors.catalogue import Busy, ReferenceViolation, SetupError, UniqueViolation, preview
from rowkeep.model.ids import IdSource
from rowkeep.model.table_copies import CopiedTable, CopyState
from rowkeep.model.tables import Table
from rowkeep.services.copies.inputs import RowDigest, TableInput, clear_rows
from rowkeep.services.work_directories import is_in_use
from rowkeep.settings import Settings
from rowkeep.sql.table_copies import CopySql, staged
from rowkeep.storage.contract import Script, StaleCatalog, Steps, UniqueConflict
from rowkeep.storage.scripts.copies import Contents, CopyScripts
from rowkeep.storage.snapshots import Loader, open_loader, open_snapshot


class CopyProgress(msgspec.Struct, frozen=True):
    """What is done now (``copy``, ``index`` or ``verify``), for which table, and how many rows of all of them
    are done."""

    phase: str
    table: str
    done: int
    total: int


Report = Callable[[CopyProgress], None]


class CopyResult(msgspec.Struct, frozen=True):
    """The result for one table: its rows and their checksum at the source and in the workspace, and how many
    rows were refused."""

    source: str
    table: str
    rows: int
    digest: str
    stored_rows: int
    stored_digest: str
    left_out: int = 0

    @property
    def is_same(self) -> bool:
        return (self.rows, self.digest) == (self.stored_rows, self.stored_digest)


class SourceChanged(Exception):
    """The rows that were copied before are not those of the source any more."""


async def unfinished_copy(opened: OpenWorkspace) -> CopyState | None:
    """The unfinished copy into a workspace."""
    try:
        return await opened.database.read(CopyScripts(opened.scripts).state)
    except StaleCatalog:
        return None


async def discard_copy(settings: Settings, opened: OpenWorkspace, owner: str | None = None) -> bool:
    """Drop the tables of an unfinished copy, of this owner if it is given; false if there is none."""
    state = await unfinished_copy(opened)
    if state is not None and owner not in (None, state.owner):
        return False
    if state is not None:
        loader = await open_loader(settings, opened.workspace.physical)
        try:
            await loader.write(partial(CopyScripts(opened.scripts, state.owner).discard, state))
        finally:
            await loader.close()
    return state is not None


class Copier:
    """Copies into one workspace. ``source`` identifies the source and is printed in errors; it has no
    password. ``owner`` identifies this process: the path of the work directory that it has locked, if it has
    one."""

    def __init__(
        self,
        settings: Settings,
        opened: OpenWorkspace,
        source: str,
        report: Report,
        owner: str = "",
    ) -> None:
        self._settings = settings
        self._opened = opened
        self._source = source
        self._report = report
        self._scripts = CopyScripts(opened.scripts, owner or secrets.token_hex(8))
        self._total = 0
        self._done = 0
        self._digests: dict[str, RowDigest] = {}

    async def run(
        self,
        inputs: Sequence[TableInput],
        contents: Contents,
        before_publishing: Callable[[], Awaitable[None]],
        check: Callable[[], Steps[None]] | None = None,
    ) -> list[CopyResult]:
        """Copy the tables, verify them, and make them visible with the other contents. If a result is not the
        same as its source, nothing becomes visible.

        ``check`` is run in the transaction that makes them visible.

        Raises SetupError, UniqueViolation, ReferenceViolation, and errors of the storage; then nothing
        becomes visible, and the copy can be continued.
        """
        try:
            return await self._run(inputs, contents, before_publishing, check)
        except StaleCatalog:
            raise SetupError(
                f"Workspace {self._opened.workspace.name} was deleted meanwhile, or another process finished "
                "or discarded the copy."
            ) from None

    async def _run(
        self,
        inputs: Sequence[TableInput],
        contents: Contents,
        before_publishing: Callable[[], Awaitable[None]],
        check: Callable[[], Steps[None]] | None,
    ) -> list[CopyResult]:
        self._total = sum(each.total for each in inputs)
        by_id = {each.table.id: each.table for each in inputs}
        loader = await open_loader(self._settings, self._opened.workspace.physical)
        try:
            state = await self._begin(loader, inputs)
            for each in inputs:
                copied = state.tables.get(each.name) or await self._add(loader, each, by_id)
                copied = await self._load(loader, each, copied, by_id)
                await self._build_indexes(loader, each, copied, by_id)
            await self._check_references(inputs, by_id)
            results = await self._verify(inputs)
            different = [each for each, result in zip(inputs, results, strict=True) if not result.is_same]
            for each in different:
                await loader.write(partial(self._scripts.remove, each.table))
        finally:
            await loader.close()
        if not different:
            await before_publishing()
            await self._publish(list(by_id.values()), contents, check)
        return results

    async def _publish(
        self, tables: Sequence[Table], contents: Contents, check: Callable[[], Steps[None]] | None
    ) -> None:
        def script() -> Steps[None]:
            yield from self._opened.scripts.state.raise_version()
            if check is not None:
                yield from check()
            yield from self._scripts.publish(tables, contents, self._opened.keys.newest)

        await self._opened.database.write(script)
        self._opened.renew()

    async def _begin(self, loader: Loader, inputs: Sequence[TableInput]) -> CopyState:
        """Begin a copy, or continue one: tables that are not wanted any more, or in another way, are
        dropped. Raises SetupError if another source is being copied, and Busy if another process copies."""
        key = self._opened.keys.newest
        state = await unfinished_copy(self._opened)
        if state is not None and is_in_use(state.owner):
            raise Busy(f"Another process copies into workspace {self._opened.workspace.name} now.")
        if state is not None and state.source != self._source:
            raise SetupError(
                f"Workspace {self._opened.workspace.name} has an unfinished copy of {state.source}. Run that "
                "copy again to continue it, or discard it: rowkeep copy --discard --workspace "
                f"{self._opened.workspace.name}."
            )
        if state is not None:
            state = await loader.write(self._scripts.take_over)
        if state is not None and state.key != key:
            await loader.write(partial(self._scripts.discard, state))
            state = None
        if state is None:
            await _write_new(loader, partial(self._scripts.begin, self._source, key))
            return CopyState(self._source, "", key, {})
        plans = {each.name: each.plan for each in inputs}
        tables = dict(state.tables)
        for name, copied in state.tables.items():
            if plans.get(name) != copied.plan:
                await loader.write(partial(self._scripts.remove, copied.table))
                del tables[name]
        return msgspec.structs.replace(state, tables=tables)

    async def _add(self, loader: Loader, given: TableInput, by_id: Mapping[str, Table]) -> CopiedTable:
        ids = IdSource().stamp(0)
        begun = f"{ids.prefix} {ids.written_on}" if given.is_new else ""
        copied = CopiedTable(given.name, given.plan, given.table, begun)
        await _write_new(loader, partial(self._scripts.add, copied, by_id))
        return copied

    async def _load(
        self, loader: Loader, given: TableInput, copied: CopiedTable, by_id: Mapping[str, Table]
    ) -> CopiedTable:
        done = self._done
        try:
            return await self._append(loader, given, copied)
        except SourceChanged:
            self._done = done
        await loader.write(partial(self._scripts.remove, given.table))
        return await self._append(loader, given, await self._add(loader, given, by_id))

    async def _append(self, loader: Loader, given: TableInput, copied: CopiedTable) -> CopiedTable:
        """Write the rows that are not stored yet. Raises SourceChanged."""
        digest = self._digests[given.name] = RowDigest()
        sql = CopySql(staged(given.table), self._opened.database.dialect, self._opened.database.namespace)
        already = copied
        async for rows in given.batches():
            known = rows[: max(0, already.copied - digest.rows)]
            digest.add(known)
            if known and digest.rows == already.copied and digest.text != already.digest:
                raise SourceChanged
            new = rows[len(known) :]
            if new:
                first = digest.rows
                digest.add(new)
                after = msgspec.structs.replace(copied, copied=digest.rows, digest=digest.text)
                await self._append_batch(
                    loader, given, sql, given.stored(new, first, copied), (copied, after)
                )
                copied = after
            self._done += len(rows)
            self._tell("copy", given)
        if digest.rows < already.copied:
            raise SourceChanged
        return copied

    async def _append_batch(
        self,
        loader: Loader,
        given: TableInput,
        sql: CopySql,
        rows: Sequence[Any],
        steps: tuple[CopiedTable, CopiedTable],
    ) -> None:
        try:
            await loader.append(sql, rows, partial(self._scripts.advance, *steps))
        except UniqueConflict:
            if await self._has_moved(steps[0]):
                raise Busy("Another process copies into this workspace.") from None
            raise UniqueViolation(
                f"Table {given.table.name}: new rows of the source have a key that is already copied. "
                "Discard the copy with --discard, and start again."
            ) from None

    async def _has_moved(self, copied: CopiedTable) -> bool:
        """Whether another process has copied more of a table, or ended the copy."""
        try:
            state = await self._opened.database.read(self._scripts.state)
        except StaleCatalog:
            return True
        found = state.tables.get(copied.source)
        return found is None or (found.copied, found.indexed) != (copied.copied, copied.indexed)

    def _tell(self, phase: str, given: TableInput) -> None:
        self._report(CopyProgress(phase, given.table.name, self._done, max(self._total, self._done)))

    async def _build_indexes(
        self, loader: Loader, given: TableInput, copied: CopiedTable, by_id: Mapping[str, Table]
    ) -> None:
        count = len(self._scripts.staged(given.table, by_id).indexes)
        while copied.indexed < count:
            self._tell("index", given)
            try:
                copied = await loader.write(partial(self._scripts.build_index, copied, by_id))
            except UniqueConflict:
                raise await self._repeated(given, copied.indexed, by_id) from None

    async def _repeated(self, given: TableInput, at: int, by_id: Mapping[str, Table]) -> UniqueViolation:
        """The error for an index that cannot be unique."""
        index = given.table.indexes[at]
        rows = await self._opened.database.read(partial(self._scripts.repeated_key, given.table, by_id, at))
        cells = rows[0] if rows else ()
        key = _shown(given.table, [part.name for part in index.columns], cells)
        return UniqueViolation(
            f"Table {given.table.name}: several rows have the same key {key} in the unique index "
            f"{index.name}. Change these rows at the source, and run the command again."
        )

    async def _check_references(self, inputs: Sequence[TableInput], by_id: Mapping[str, Table]) -> None:
        for given in inputs:
            for column in given.table.columns:
                if column.reference is None:
                    continue
                script = partial(self._scripts.orphan, given.table, by_id, column.name, tuple(given.key))
                rows = await self._opened.database.read(script)
                if rows:
                    row = _shown(given.table, given.key, rows[0][1:])
                    target = by_id[column.reference.table].name
                    raise ReferenceViolation(
                        f"Table {given.table.name}, row {row}: {column.name} {preview(rows[0][0])} is not in "
                        f"table {target}. Change the row at the source, or copy without this reference: "
                        f"--skip-reference {given.name}.{column.name}."
                    )

    async def _verify(self, inputs: Sequence[TableInput]) -> list[CopyResult]:
        """Read what is stored, and compare it with what was read from the source."""
        self._done = 0
        snapshot = await open_snapshot(self._settings, self._opened.workspace.physical)
        try:
            return [await self._compare(snapshot, each) for each in inputs]
        finally:
            await snapshot.close()

    async def _compare(self, snapshot: Any, given: TableInput) -> CopyResult:
        found = RowDigest()
        ciphers = self._opened.ciphers(given.table)
        async for rows in clear_rows(snapshot, staged(given.table), ciphers):
            cut = rows if given.width >= len(rows[0]) else [row[: given.width] for row in rows]
            found.add(cut)
            self._done += len(rows)
            self._tell("verify", given)
        wanted = self._digests[given.name]
        return CopyResult(
            given.name, given.table.name, wanted.rows, wanted.text, found.rows, found.text, given.left_out
        )


async def _write_new(loader: Loader, script: Script[None]) -> None:
    """Write a part of the state that must be new. Raises Busy if it is not."""
    try:
        await loader.write(script)
    except UniqueConflict:
        raise Busy("Another process copies into this workspace.") from None


def _shown(table: Table, names: Sequence[str], cells: Sequence[Any]) -> str:
    """A key for an error; encrypted cells are not shown."""
    hidden = {column.name for column in table.columns if column.is_encrypted}
    pairs = [
        f"{name}={'…' if name in hidden else preview(cell)}" for name, cell in zip(names, cells, strict=False)
    ]
    return ", ".join(pairs) or "without a key"
