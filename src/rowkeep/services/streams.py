"""Streams: inserts of any number of rows, for apps and administrators (contract, section 9)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial

from rowkeep.catalog.snapshot import CompiledTable
from rowkeep.codec.rows import InsertLimits
from rowkeep.codec.streams.blocks import Block, BlockCutter
from rowkeep.codec.streams.readers import ReadBlock, StreamReader
from rowkeep.errors.catalogue import Busy
from rowkeep.metrics import STREAMS
from rowkeep.model.access import Right
from rowkeep.services.access import Access, Caller, Credential
from rowkeep.services.atomic_streams import AtomicStream
from rowkeep.services.idempotency import Idempotency, KeyedRequest, Replayed
from rowkeep.services.offload import Offload
from rowkeep.services.partial_streams import PartialStream
from rowkeep.services.rows import INSERT_RIGHTS
from rowkeep.services.stream_requests import StreamRequest, StreamResult
from rowkeep.services.stream_tables import StreamTable
from rowkeep.settings import Settings
from rowkeep.storage.contract import StaleCatalog
from rowkeep.storage.opening import stream_directory

MAX_BLOCK_CELLS = 200_000
"""A block has fewer rows if the table has many columns."""


class Streams:
    """Inserts streams. Raises what an insert of rows raises."""

    def __init__(self, access: Access, settings: Settings, offload: Offload, keys: Idempotency) -> None:
        self._access = access
        self._settings = settings
        self._offload = offload
        self._keys = keys
        self._running = 0
        self._limits = InsertLimits(
            settings.max_bulk_cells,
            settings.max_json_depth,
            settings.max_row_bytes,
            settings.max_bulk_errors,
        )

    async def insert(
        self,
        credential: Credential,
        table: str,
        read: Callable[[], StreamRequest],
        keyed: KeyedRequest[StreamResult] | None = None,
    ) -> StreamResult | Replayed:
        """Insert or upsert the rows of a stream: all in one transaction, or with mode ``partial`` a part at a
        time. ``read`` reads its options. Raises Busy if too many streams are being received."""
        with self._place():
            stream = _Stream(self, table, read, keyed)
            try:
                write: Callable[[Caller], Awaitable[StreamResult | Replayed]] = stream.write
                if keyed is not None:
                    write = partial(self._keys.run, keyed, stream.write)
                return await self._access.run(credential, write)
            finally:
                stream.close()

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self._running >= self._settings.max_streams:
            raise Busy(
                f"The server receives {self._running} streams already (the setting max_streams). Nothing was "
                "written; try again."
            )
        self._running += 1
        STREAMS["in"].add(1)
        try:
            yield
        finally:
            self._running -= 1
            STREAMS["in"].add(-1)


class _Stream:
    """One stream. It is read once, also if definitions change meanwhile: then the table must still be the
    same."""

    def __init__(
        self,
        streams: Streams,
        table: str,
        read: Callable[[], StreamRequest],
        keyed: KeyedRequest[StreamResult] | None,
    ) -> None:
        self._streams = streams
        self._name = table
        self._read = read
        self._request: StreamRequest | None = None
        self._keyed = keyed
        self._table: StreamTable | None = None
        self._writing: AtomicStream | PartialStream | None = None

    async def write(self, caller: Caller) -> StreamResult:
        """Raises StaleCatalog."""
        compiled = await caller.table(self._name, INSERT_RIGHTS)
        if self._request is None:
            self._request = self._read()
        request = self._request
        if request.options.action == "update":
            compiled = await caller.table(self._name, (Right.READ,))
        if self._keyed is not None and request.options.dry_run:
            self._keyed.ignore()
        if self._writing is None or self._table is None:
            if not await caller.workspace.is_current(caller.snapshot):
                # another process has changed definitions: nothing was read yet, so that it can begin again
                raise StaleCatalog()
            self._table = StreamTable(compiled, caller, request.options, self._streams._settings)
            self._writing = self._begin(self._table, compiled, request)
        else:
            self._table.use(compiled, caller)
        return await self._writing.write()

    def _begin(
        self, table: StreamTable, compiled: CompiledTable, request: StreamRequest
    ) -> AtomicStream | PartialStream:
        streams = self._streams
        reader = request.make_reader(compiled.codec, request.options, streams._limits)
        width = len(compiled.table.columns)
        blocks = read_ahead(self._blocks(reader, width, request.chunks), reader, streams._offload)
        if request.options.is_partial:
            return PartialStream(
                table, blocks, streams._offload, self._keyed, streams._keys, streams._settings.max_bulk_errors
            )
        return AtomicStream(
            table, blocks, streams._offload, self._keyed, streams._keys, stream_directory(streams._settings)
        )

    async def _blocks(
        self, reader: StreamReader, width: int, chunks: AsyncIterator[bytes]
    ) -> AsyncIterator[Block]:
        cutter = BlockCutter(
            self._streams._limits.max_row_bytes,
            reader.quote,
            max_lines=min(20_000, max(100, MAX_BLOCK_CELLS // width)),
        )
        async for chunk in chunks:
            for block in cutter.feed(chunk):
                yield block
        for block in cutter.end():
            yield block

    def close(self) -> None:
        if isinstance(self._writing, AtomicStream):
            self._writing.close()


async def read_ahead(
    blocks: AsyncIterator[Block], reader: StreamReader, offload: Offload
) -> AsyncIterator[ReadBlock]:
    """Read blocks in a thread, while the next one arrives."""
    reading: asyncio.Future[ReadBlock] | None = None
    try:
        async for block in blocks:
            if reading is not None:
                yield await reading
            reading = asyncio.ensure_future(offload.run(partial(reader.read, block)))
        if reading is not None:
            last, reading = reading, None
            yield await last
        reader.check_end()
    finally:
        if reading is not None:
            reading.cancel()
