"""Past rows: queries of a table as it was at a moment (contract, section 12)."""

from __future__ import annotations

from functools import partial

from rowkeep.catalog.snapshot import CompiledTable
from rowkeep.errors.catalogue import HistoryOff, InvalidBody
from rowkeep.model.ids import Clock
from rowkeep.model.values.scalars import canonical_date
from rowkeep.plan.rows.select import SelectPlan
from rowkeep.services.access import Caller
from rowkeep.services.row_requests import CompiledRelation
from rowkeep.sql.pages import Pages
from rowkeep.storage.scripts.past import PastScripts


class PastRows:
    """Finds the statements of a query that can be of the past."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def sql(self, caller: Caller, compiled: CompiledRelation, plan: SelectPlan) -> Pages:
        """The statements for a plan, at the moment that it names. What was committed up to then is complete:
        later reads find the same. Raises InvalidBody, HistoryOff, HistoryExpired."""
        if not plan.as_of:
            return compiled.sql
        if not isinstance(compiled, CompiledTable):
            raise InvalidBody('"asOf" is only for tables. Remove it; a view has no history.', pointer="/asOf")
        if compiled.table.history is None:
            raise HistoryOff(
                f"Table {compiled.table.name} has no history, so it can only be read as it is now.",
                pointer="/asOf",
            )
        now = canonical_date(self._clock())
        if plan.as_of > now:
            raise InvalidBody(
                f'"asOf" must not be in the future; got "{plan.as_of}", and it is {now}.', pointer="/asOf"
            )
        workspace = caller.workspace
        past = PastScripts(workspace.scripts.history)
        if not await workspace.database.read(partial(past.is_closed, plan.as_of)):
            await workspace.database.write(partial(workspace.scripts.history.order_operations, now))
        position = await workspace.database.read(partial(past.position, compiled.table, plan.as_of))
        return workspace.database.prepare_as_of(compiled.table).at(position)
