"""Stream tables: the table that a stream writes to, and the plans for its rows."""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from rowkeep.catalog.snapshot import CompiledTable
from rowkeep.codec.streams.line_errors import BadLine, at_line
from rowkeep.codec.streams.readers import ReadBlock
from rowkeep.errors.catalogue import Busy
from rowkeep.model.data_requests import InsertOptions
from rowkeep.plan.rows.upserts import changed_keys
from rowkeep.services.access import Caller
from rowkeep.services.row_requests import InsertRequest
from rowkeep.services.rows import insert_plan
from rowkeep.services.staged_rows import Plan
from rowkeep.services.upserts import key_of, plan_rows
from rowkeep.settings import Settings


class StreamTable:
    """The table of a stream, for the caller that writes to it."""

    def __init__(
        self, compiled: CompiledTable, caller: Caller, options: InsertOptions, settings: Settings
    ) -> None:
        """Raises UnknownColumn, DuplicateColumn, InvalidBody for a conflict that names no unique index."""
        self.compiled = compiled
        self.caller = caller
        self.options = options
        self.settings = settings
        if options.on_conflict is not UNSET:
            self._key = key_of(compiled, options.on_conflict)

    def use(self, compiled: CompiledTable, caller: Caller) -> None:
        """Definitions or grants have changed since the stream began. Raises Busy if the table is not the
        same."""
        if compiled.table != self.compiled.table or caller.workspace is not self.caller.workspace:
            raise Busy(
                f"The definition of table {compiled.table.name} has changed since the stream began. The "
                "rest of it was not stored; send it again."
            )
        self.compiled = compiled
        self.caller = caller

    def request(self, block: ReadBlock) -> InsertRequest:
        return InsertRequest(
            block.rows,
            is_array=True,
            is_large=True,
            options=self.options,
            returns_rows=False,
            changes=block.changes,
        )

    def without_changed_keys(self, block: ReadBlock) -> ReadBlock:
        """The block without rows that change a column by which they are found."""
        if not block.changes:
            return block
        bad = list(block.bad)
        wrong: set[int] = set()
        for place, changed in block.changes.items():
            problems = changed_keys(self._key, changed, place)
            if problems:
                wrong.add(place)
                bad.append(
                    BadLine(block.lines[place], [at_line(each, block.lines.__getitem__) for each in problems])
                )
        if not wrong:
            return block
        left = [at for at in range(len(block.rows)) if at not in wrong]
        return msgspec.structs.replace(
            block,
            rows=[block.rows[at] for at in left],
            lines=[block.lines[at] for at in left],
            bad=sorted(bad, key=lambda each: each.line),
            changes={spot: block.changes[at] for spot, at in enumerate(left) if at in block.changes},
        )

    def plan(self, block: ReadBlock) -> Plan:
        """Raises DuplicateKey."""
        request, conflict = self.request(block), self.options.on_conflict
        if conflict is not UNSET and self.options.is_upsert:
            return plan_rows(self.caller, self.compiled, request, conflict, self.settings)
        return insert_plan(self.caller, self.compiled, request)
