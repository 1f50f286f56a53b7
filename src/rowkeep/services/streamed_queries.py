"""Streamed queries: queries whose rows are sent as they are read, all from one snapshot."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum

from rowkeep.codec.row_lines import CsvLines, NdjsonLines, RowLines
from rowkeep.errors.catalogue import Busy
from rowkeep.metrics import ROWS_READ, STREAMS
from rowkeep.plan.rows.select import SelectPlan, plan_stream
from rowkeep.services.access import Access, Caller, Credential
from rowkeep.services.past_rows import PastRows
from rowkeep.services.row_requests import CompiledRelation, QueryRequest, ReadRequest
from rowkeep.services.rows import QUERY_RIGHTS, SHORT_FILTER, compiled_in_thread, too_large_sum
from rowkeep.services.timings import end_phase
from rowkeep.settings import Settings
from rowkeep.sql.pages import Pages
from rowkeep.storage.contract import BeyondRange, Row, RowStream


class StreamForm(Enum):
    """The format of a stream."""

    NDJSON = NdjsonLines
    CSV = CsvLines


class CountingEncoder:
    """Encodes the rows of one stream, in any thread but one call at a time, and counts them."""

    def __init__(self, lines: RowLines) -> None:
        self._lines = lines
        self._count = 0
        self.head = lines.head

    def __call__(self, rows: Sequence[Row]) -> bytes:
        self._count += len(rows)
        return self._lines(rows)

    def take_count(self) -> int:
        """The number of rows since the last call."""
        count, self._count = self._count, 0
        return count


class StreamedRows:
    """An open stream: its first part is made. ``deadline`` is when it must end, on the clock of the event
    loop. It must be closed."""

    def __init__(
        self,
        stream: RowStream,
        encode: CountingEncoder,
        deadline: float,
        ended: Callable[[], None],
        columns: Sequence[tuple[str, str]],
    ) -> None:
        self._stream = stream
        self._encode = encode
        self._head = encode.head
        self._ended: Callable[[], None] | None = ended
        self.deadline = deadline
        self.columns = columns
        """The names and types of the columns of the rows."""

    @property
    def is_done(self) -> bool:
        """Whether the last part was returned."""
        return self._stream.is_done

    async def part(self) -> bytes:
        """The next part of the response. Raises QueryTimeout, StorageUnavailable, InvalidValue."""
        head, self._head = self._head, b""
        try:
            part = await self._stream.part()
        except BeyondRange:
            raise too_large_sum() from None
        ROWS_READ.add(self._encode.take_count())
        return head + part

    def close(self) -> None:
        """Give up the snapshot. It can be called twice."""
        ended, self._ended = self._ended, None
        if ended is not None:
            self._stream.close()
            ended()


class StreamedQueries:
    """Streamed queries of tables and views, a limited number at a time."""

    def __init__(self, access: Access, settings: Settings, past: PastRows) -> None:
        self._access = access
        self._past = past
        self._settings = settings
        self._open = 0

    def table(
        self, credential: Credential, table: str, read: ReadRequest[QueryRequest], form: StreamForm
    ) -> Awaitable[StreamedRows]:
        """The rows of a table. Raises what a query raises, and Busy if there are too many streams."""

        def stream(caller: Caller) -> Awaitable[StreamedRows]:
            return self._stream(caller, caller.table(table, QUERY_RIGHTS), read, form)

        return self._access.run(credential, stream)

    def view(
        self, credential: Credential, view: str, read: ReadRequest[QueryRequest], form: StreamForm
    ) -> Awaitable[StreamedRows]:
        """The rows of a view. Raises NoSuchView instead of NoSuchTable."""

        def stream(caller: Caller) -> Awaitable[StreamedRows]:
            return self._stream(caller, caller.view(view), read, form)

        return self._access.run(credential, stream)

    async def _stream(
        self,
        caller: Caller,
        usable: Awaitable[CompiledRelation],
        read: ReadRequest[QueryRequest],
        form: StreamForm,
    ) -> StreamedRows:
        compiled = await usable
        request = await read()
        plan = plan_stream(
            compiled.target, request.body, request.page, self._settings, caller.workspace.cursors
        )
        sql = compiled.sql if not plan.as_of else await self._past.sql(caller, compiled, plan)
        if len(plan.where.values) > SHORT_FILTER:
            await compiled_in_thread(lambda shape: sql.stream(shape, plan.is_limited), plan.shape)
        end_phase("plan")
        self._take_turn()
        try:
            return await self._opened(caller, compiled, sql, plan, form)
        except BeyondRange:
            self._give_turn()
            raise too_large_sum() from None
        except BaseException:
            self._give_turn()
            raise

    async def _opened(
        self, caller: Caller, compiled: CompiledRelation, sql: Pages, plan: SelectPlan, form: StreamForm
    ) -> StreamedRows:
        fields = plan.shape.fields
        columns = [compiled.sql.physical.columns[name] for name in fields or compiled.sql.names]
        encode = CountingEncoder(form.value(compiled.codec, columns, fields))
        deadline = asyncio.get_running_loop().time() + self._settings.max_streamed_query_seconds
        database = caller.workspace.database
        with caller.slow.stream(database, sql, plan):
            stream = await database.stream(sql, plan, caller.snapshot.version, encode)
        end_phase("db")
        named = [(column.name, column.type) for column in columns]
        return StreamedRows(stream, encode, deadline, self._give_turn, named)

    def _take_turn(self) -> None:
        """Raises Busy."""
        most = self._settings.max_streamed_queries
        if self._open >= most:
            raise Busy(
                f"Too many queries are being streamed: at most {most} at a time (the setting "
                "max_streamed_queries). Try again later, or query page by page."
            )
        self._open += 1
        STREAMS["out"].add(1)

    def _give_turn(self) -> None:
        self._open -= 1
        STREAMS["out"].add(-1)
