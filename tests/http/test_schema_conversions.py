"""PUT of a definition with other types: values convert exactly or not at all."""

from __future__ import annotations

from typing import Any

from answers import good, rows
from definitions import column, table
from test_schema_changes import ALLOW, DRY, own_cells, put

from support.workspace import Workspace, succeeded

CONVERSIONS: list[tuple[str, str, list[tuple[Any, Any]]]] = [
    (
        "string",
        "number",
        [
            ("263", 263),
            ("-1.5e3", -1500),
            ("0.1", 0.1),
            ("0.10", 0.1),
            ("9007199254740991", 9007199254740991),
        ],
    ),
    ("string", "integer", [("9223372036854775807", 9223372036854775807), ("1.0", 1), ("-0", 0)]),
    ("string", "boolean", [("true", True), ("FALSE", False)]),
    (
        "string",
        "date",
        [
            ("2020-03-28", "2020-03-28T00:00:00.000Z"),
            ("2020-03-28T09:02:09.6520+02:00", "2020-03-28T07:02:09.652Z"),
        ],
    ),
    ("number", "string", [(263, "263"), (1e300, "1e300"), (-0.5, "-0.5")]),
    ("number", "integer", [(263, 263), (-9007199254740991, -9007199254740991)]),
    ("number", "date", [(1585378929652, "2020-03-28T07:02:09.652Z"), (0, "1970-01-01T00:00:00.000Z")]),
    ("integer", "number", [(263, 263), (-9007199254740991, -9007199254740991)]),
    ("integer", "string", [(9223372036854775807, "9223372036854775807")]),
    ("integer", "date", [(0, "1970-01-01T00:00:00.000Z")]),
    ("boolean", "string", [(True, "true"), (False, "false")]),
    (
        "date",
        "string",
        [
            ("0001-01-01", "0001-01-01T00:00:00.000Z"),
            ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
        ],
    ),
]
"""From a type to another: what was sent, and what is answered after the change."""

UNFIT: dict[tuple[str, str], list[Any]] = {
    ("string", "number"): [
        "",
        "1 ",
        "1e400",
        "9007199254740993",
        "0.1000000000000000055",
        "1e-400",
        "1e-99999999999999999999",
    ],
    ("string", "integer"): ["1.5", "9223372036854775808"],
    ("string", "boolean"): ["1", "yes"],
    ("string", "date"): ["today", "2020-03-28T07:02:09.6521Z", "2016-12-31T23:59:60Z", "1585378929652"],
    ("number", "integer"): [0.5, 1e300],
    ("number", "boolean"): [1, 0],
    ("number", "date"): [0.5, 1e15],
    ("integer", "number"): [9007199254740992],
    ("integer", "boolean"): [1],
    ("boolean", "number"): [True],
    ("boolean", "integer"): [True],
    ("boolean", "date"): [True],
    ("date", "number"): ["2020-03-28"],
    ("date", "integer"): ["2020-03-28"],
    ("date", "boolean"): ["2020-03-28"],
    ("decimal", "number"): ["0.1000000000000000055", "9007199254740993"],
    ("decimal", "integer"): ["1.5"],
    ("decimal", "date"): ["0"],
    ("boolean", "decimal"): [True],
}
"""What cannot become a value of the other type exactly."""


def test_values_convert_exactly_or_not_at_all(workspace: Workspace) -> None:
    """All at once: a column for each pair of types; in pages, for there are more rows than one holds."""
    converted = [
        table(f"t{at}", column("V", source), column("N", "integer"))
        for at, (source, _, _) in enumerate(CONVERSIONS)
    ]
    unfit = [table(f"u{at}", column("V", source)) for at, (source, _) in enumerate(UNFIT)]
    bot = workspace.bot_with([*converted, *unfit])
    for at, (source, target, pairs) in enumerate(CONVERSIONS):
        name = f"t{at}"
        sent = [{"V": value, "N": n} for n, (value, _) in enumerate(pairs)]
        filler = [{"N": n} for n in range(600 if at == 0 else 3)]
        good(bot.bulk(name, [*sent, *filler, *sent]))
        succeeded(put(workspace, table(name, column("V", target), column("N", "integer"))))
        found = rows(
            bot.query(
                name,
                {
                    "sort": [{"field": "N"}],
                    "query": {"expressions": [{"field": "V", "operand": "is not null"}]},
                },
                sys_limit=100,
            )
        )
        assert [row["V"] for row in found] == [value for _, value in pairs for _ in range(2)], (
            source,
            target,
        )
        if source == "string":
            # and back again
            succeeded(put(workspace, table(name, column("V"), column("N", "integer"))))
    for at, ((source, target), values) in enumerate(UNFIT.items()):
        name = f"u{at}"
        # where no value is stored, every value fits
        succeeded(put(workspace, table(name, column("V", target))))
        succeeded(put(workspace, unfit[at]))
        good(bot.bulk(name, [{"V": value} for value in values]))
        stored = [own_cells(row) for row in rows(bot.query(name))]
        for params in (DRY, ALLOW):
            (told,) = put(workspace, table(name, column("V", target)), **params).json()["errors"]
            assert (told["code"], told["count"]) == ("incompatible_rows", len(values)), (source, target, told)
            assert [each["values"] for each in told["sample"]] == stored
        assert [own_cells(row) for row in rows(bot.query(name))] == stored
