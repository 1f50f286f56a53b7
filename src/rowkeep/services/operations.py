"""Operations: the list of what was written to tables with a history."""

from __future__ import annotations

from functools import partial

import msgspec

from rowkeep.catalog.catalog import Catalog
from rowkeep.errors.catalogue import InvalidCursor, InvalidParameter, preview
from rowkeep.model.ids import writer_of
from rowkeep.model.operations import OperationFilter, RecordedOperation
from rowkeep.model.users import Asker
from rowkeep.model.values.scalars import Misfit, canonical_date, parsed_date
from rowkeep.services.lists import Listing, ListRequest, write_cursor


class Operations:
    """The operations of workspaces."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def list(
        self, workspace: str, wanted: OperationFilter, asker: Asker, request: ListRequest
    ) -> Listing[RecordedOperation]:
        """The newest first. Raises NoSuchWorkspace, NoSuchTable, HistoryOff, InvalidParameter,
        InvalidCursor."""
        before = _position(request.after)
        opened = await self._catalog.named(workspace)
        scripts, database = opened.scripts, opened.database
        if await database.read(scripts.history.has_unordered):
            await database.write(scripts.history.order_operations)
        found, after = await database.read(
            partial(scripts.operations.page, _read(wanted), asker, before, request.limit)
        )
        return Listing(found, None if after is None else write_cursor(str(after)))


def _position(after: str) -> int | None:
    if not after:
        return None
    if not (after.isascii() and after.isdigit() and len(after) <= 18):
        raise InvalidCursor("Invalid cursor: use a nextCursor of this list.")
    return int(after)


def _read(wanted: OperationFilter) -> OperationFilter:
    """The filter with its times as they are stored. Raises InvalidParameter."""
    times: dict[str, str] = {}
    for name in ("since", "until"):
        text: str = getattr(wanted, name)
        if text:
            try:
                times[name] = canonical_date(parsed_date(text))
            except Misfit as error:
                raise InvalidParameter(f"{name} {error}; got {preview(text)}.") from None
    if "\x00" in wanted.writer:
        raise InvalidParameter(f"writer must be the id of a writer; got {preview(wanted.writer)}.")
    writer = wanted.writer
    if writer.startswith(("cs-", "us-")):
        writer = writer_of(writer)
    return msgspec.structs.replace(wanted, writer=writer, **times)
