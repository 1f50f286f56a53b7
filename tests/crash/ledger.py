"""What clients were told, held against what the store holds after a crash.

Rows come in batches. A batch is written, changed and deleted as a whole, each time by one request, so that it
may be found in few ways only: the way that was acknowledged last, or, where an answer is owed, also the way
that the open request would leave it. Anything else is a loss, a part of a request, or a row out of nowhere.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import msgspec

Record = dict[str, Any]

LEDGER_TABLE = {
    "name": "ledger",
    "schemaDef": [
        {"name": "Batch", "type": "integer", "isRequired": True},
        {"name": "Position", "type": "integer", "isRequired": True},
        {"name": "Value", "type": "integer", "isRequired": True},
        {"name": "Note", "type": "string"},
    ],
    "indexes": [{"name": "by_batch", "columns": [{"name": "Batch"}, {"name": "Position"}], "isUnique": True}],
}


class Absent(msgspec.Struct, frozen=True):
    """The batch is not there."""

    def complaint(self, found: list[Record]) -> str | None:
        """What speaks against it, or None."""
        return f"{len(found)} rows are there, none should be" if found else None


class Present(msgspec.Struct, frozen=True):
    """The batch is there with all its `size` rows, each with `value`; `records` are those of the answer."""

    size: int
    value: int
    records: list[Record] | None = None

    def complaint(self, found: list[Record]) -> str | None:
        """What speaks against it, or None."""
        if sorted(row["Position"] for row in found) != list(range(self.size)):
            return f"{len(found)} rows are there, {self.size} should be"
        values = {row["Value"] for row in found}
        if values != {self.value}:
            return f"values are {sorted(values)[:5]}, all should be {self.value}"
        if self.records is not None and found != self.records:
            return "rows differ from the records that were answered"
        return None


State = Absent | Present


class Batch:
    """One batch: its last acknowledged state, and the one that an open request would bring."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.state: State = Absent()
        self.pending: State | None = None

    def acknowledge(self, state: State) -> None:
        """The server answered that the batch is now so."""
        self.state, self.pending = state, None

    def reconcile(self, found: list[Record]) -> str | None:
        """Take over what is there, if it may be there; otherwise say what is wrong."""
        states = [self.state] if self.pending is None else [self.state, self.pending]
        complaints = [state.complaint(found) for state in states]
        if None not in complaints:
            return f"batch {self.number}: " + "; nor: ".join(str(complaint) for complaint in complaints)
        self.acknowledge(Present(len(found), found[0]["Value"], found) if found else Absent())
        return None


def losses(batches: list[Batch], records: list[Record]) -> list[str]:
    """All that is wrong with what the store holds (`records`, in `_id` order), one line each."""
    found: dict[int, list[Record]] = defaultdict(list)
    for record in records:
        found[record["Batch"]].append(record)
    complaints = [batch.reconcile(found.pop(batch.number, [])) for batch in batches]
    strays = [f"batch {number}: nobody wrote it" for number in found]
    return [complaint for complaint in complaints if complaint] + strays
