"""Error samples: complete errors, for errors that need an example in addition to their description."""

from __future__ import annotations

from rowkeep.errors.catalogue import (
    AffectedOutOfBounds,
    DataLoss,
    IncompatibleRows,
    InvalidValue,
    MethodNotAllowed,
    Problem,
    QuotaExceeded,
    RateLimited,
    RowkeepError,
    TooManySignIns,
    Unauthenticated,
    UnknownColumn,
)
from rowkeep.plan.table_changes.diff import LOSS_HINT

_TOO_EMPTY = "Column Gender cannot be required: 1 row has no value in it."

_TOO_MANY = "The filter matches 5 rows, but maxAffected is 1. Nothing was written."

_TOO_LARGE = (
    "Table people would have more than 1000000 rows, the maximum of the setting max_rows_per_table. Nothing "
    "was written; delete rows, or ask the operator of the server to raise the setting."
)

PROBLEMS: dict[type[RowkeepError], RowkeepError] = {
    UnknownColumn: UnknownColumn(
        'Table people has no column "Fist_Name". Did you mean First_Name?',
        pointer="/query/expressions/0/field",
    ),
    DataLoss: DataLoss(
        f"This would drop column Gender with all its values. {LOSS_HINT}",
        pointer="/schemaDef",
    ),
    IncompatibleRows: IncompatibleRows(
        _TOO_EMPTY,
        problems=[
            Problem(
                _TOO_EMPTY,
                IncompatibleRows.code,
                "/schemaDef/2/isRequired",
                {"count": 1, "sample": [{"_id": "5e7ef67172034b39ac000001", "values": {"Gender": None}}]},
            )
        ],
    ),
    AffectedOutOfBounds: AffectedOutOfBounds(
        _TOO_MANY,
        problems=[Problem(_TOO_MANY, AffectedOutOfBounds.code, "/maxAffected", {"nMatched": 5})],
    ),
    Unauthenticated: Unauthenticated(),
    RateLimited: RateLimited(
        "You've exceeded the per-minute rate limit. Please wait for sometime before retrying.", 17
    ),
    QuotaExceeded: QuotaExceeded(_TOO_LARGE, quota="max_rows_per_table", value=1_000_000),
    TooManySignIns: TooManySignIns(60),
    MethodNotAllowed: MethodNotAllowed("PATCH", "GET, POST"),
    InvalidValue: InvalidValue(
        'Row 1: Column Number must be a number (or a numeric string such as "263"); got "many".',
        pointer="/data/1/Number",
    ),
}
"""Errors that an example explains better than their description."""
