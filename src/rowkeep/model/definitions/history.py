"""History: whether the changes of a table are recorded.

``"history": {"keepDays": n}``: all changes of rows are recorded, and the records are deleted in the
background when they are ``n`` days old. ``null``: nothing is recorded.
"""

from __future__ import annotations

from typing import Any

from rowkeep.errors.catalogue import InvalidDefinition, ProblemList, preview
from rowkeep.model.definitions.columns import is_set
from rowkeep.model.history import MAX_KEEP_DAYS, History
from rowkeep.model.tables import Table

FORM = 'An example is {"keepDays": 30}.'


def read_history(sent: Any, problems: ProblemList) -> History | None:
    """The history in a definition of a table; None if it is not set."""
    if not is_set(sent) or sent == {}:
        return None
    if not isinstance(sent, dict) or sent.keys() != {"keepDays"}:
        got = f"keys {', '.join(map(preview, sent))}" if isinstance(sent, dict) else preview(sent)
        message = f"history must be an object with the key keepDays, or null; got {got}. {FORM}"
        problems.add(InvalidDefinition, message, "/history")
        return None
    days = sent["keepDays"]
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= MAX_KEEP_DAYS:
        message = f"keepDays must be a whole number from 1 to {MAX_KEEP_DAYS:,}; got {preview(days)}."
        problems.add(InvalidDefinition, message, "/history/keepDays")
        return None
    return History(days)


def history_of(table: Table) -> dict[str, Any]:
    """The member of a definition; nothing if it is not set."""
    return {} if table.history is None else {"history": {"keepDays": table.history.keep_days}}
