"""References: which cells of some tables would refer to nothing, and what a refusal may say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from oracle.filters import Record, compared
from oracle.uniqueness import is_violated

State = dict[str, list[Record]]
"""Table → its rows; a row that is not stored yet lacks the system columns."""


@dataclass(frozen=True)
class Referring:
    """A table whose columns ``to`` refer to others (column → table and column); ``Key`` is unique."""

    name: str
    own: dict[str, str]
    to: dict[str, tuple[str, str]] = field(default_factory=dict)

    def definition(self) -> dict[str, Any]:
        columns = [{"name": name, "type": kind} for name, kind in self.own.items()]
        for column in columns:
            if column["name"] in self.to:
                table, there = self.to[column["name"]]
                column["reference"] = {"table": table, "column": there}  # type: ignore[assignment]
        unique = {"name": "by_key", "isUnique": True, "columns": [{"name": "Key"}]}
        return {"name": self.name, "schemaDef": columns, "indexes": [unique]}


def refusals(tables: list[Referring], state: State, written: Mapping[str, list[Record]]) -> set[str]:
    """The codes that a refusal of what leads to ``state`` may have; none if all is well.

    ``written`` has, for the table written to, the cells that were written: what dangles there is at fault
    itself, and elsewhere it is what it referred to that was taken away.
    """
    codes = set()
    there = {
        (table.name, column): {compared(row, table.own).get(column) for row in state[table.name]}
        for table in tables
        for column in ("Key", "_id", "sys_Id")
    }
    for table in tables:
        unique = [{"isUnique": True, "columns": [{"name": "Key"}]}]
        if is_violated(state[table.name], unique, table.own):
            codes.add("unique_violation")
        for column, target in table.to.items():
            for row in state[table.name]:
                cell = compared(row, table.own)[column]
                if cell is not None and cell not in there[target]:
                    mine = any(
                        row.items() >= cells.items()
                        for cells in written.get(table.name, [])
                        if column in cells
                    )
                    codes.add("reference_violation" if mine else "still_referenced")
    return codes
