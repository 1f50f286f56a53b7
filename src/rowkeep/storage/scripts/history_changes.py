"""History changes: the scripts that begin and end the history of a table with a change of its definition, and
let its records follow the change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from rowkeep.codec.stored_cells import StoredCells
from rowkeep.model.tables import Column
from rowkeep.model.values.scalars import Misfit
from rowkeep.plan.table_changes.conversions import converted
from rowkeep.plan.table_changes.diff import Change
from rowkeep.plan.table_changes.matching import RemainingColumn
from rowkeep.sql.history_changes import HistoryChangeSql
from rowkeep.storage.contract import Steps
from rowkeep.storage.scripts.history import HistoryScripts, RecordsOf
from rowkeep.storage.scripts.steps import run


class HistoryChanges:
    """The scripts of one change. ``read`` converts a stored cell of the table as it was to the value of a
    response; ``new`` has the stored cells of the table as it will be."""

    def __init__(
        self,
        scripts: HistoryScripts,
        change: Change,
        read: Callable[[Column, Any], Any],
        new: StoredCells,
    ) -> None:
        self._scripts = scripts
        self._change = change
        self._read = read
        self._new = new

    def before(self) -> Steps[None]:
        """Before the table is changed: nothing that is done to it now is a change of a user."""
        if self._change.before.history is not None:
            table = yield from self._scripts.table_of(self._change.before)
            yield from run(table.drop_triggers())

    def after(self) -> Steps[None]:
        """After the table was changed: record changes again, if it has a history."""
        before, after = self._change.before, self._change.after
        if before.history is None and after.history is not None:
            yield from self._scripts.begin(after)
        elif before.history is not None and after.history is None:
            yield from self._scripts.end(before)
        elif before.history is not None:
            records = yield from self._scripts.records_of(before.id)
            assert records is not None  # noqa: S101 - the table has a history
            yield from self._follow(records)

    def _follow(self, records: RecordsOf) -> Steps[None]:
        change, scripts = self._change, self._scripts
        sql = HistoryChangeSql(change, scripts.dialect, scripts.namespace, records.dropped)
        for pair in change.remaining:
            if pair.converts:
                yield from run(sql.add_converted(pair))
                yield from self._convert(sql, pair)
                yield from run(sql.finish_converted(pair))
        yield from run(sql.add())
        if change.dropped:
            dropped = (*records.dropped, *change.dropped)
            yield from scripts.store(change.after.id, msgspec.structs.replace(records, dropped=dropped))
        yield from run(sql.now.triggers())

    def _convert(self, sql: HistoryChangeSql, pair: RemainingColumn) -> Steps[None]:
        """Convert the values of one column; one that does not fit becomes null."""
        page, write = sql.page(pair), sql.write_converted(pair)
        after = 0
        while rows := (yield page.bind({"after": after})):
            after = rows[-1][0]
            cells = ((row[0], self._converted(pair, row[1])) for row in rows)
            yield write.bind_many({"number": number, "v0": cell} for number, cell in cells)

    def _converted(self, pair: RemainingColumn, stored: Any) -> Any:
        try:
            cell = converted(pair.before, pair.after, self._read(pair.before, stored))
        except Misfit:
            return None
        return self._new.store_cell(pair.after, cell)
