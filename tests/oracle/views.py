"""Views in plain Python: joins, filters, groups and aggregates over rows that are dictionaries."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from oracle.operands import OPERAND_TWINS

Row = dict[str, Any]
Key = Callable[[Any], Any]

EXACT = Context(prec=2000, rounding=ROUND_HALF_UP)


def comparable(kind: str, cell: Any) -> Any:
    """A cell as it compares: decimals by value."""
    return Decimal(cell) if kind == "decimal" and cell is not None else cell


def matches(on: tuple[str, str, str], row: Row, kinds: dict[str, str]) -> bool:
    """Whether a pair of rows meets a condition of a join; empty cells meet none."""
    left, operand, right = on
    cells = [comparable(kinds[name], row[name]) for name in (left, right)]
    return None not in cells and OPERAND_TWINS[operand](*cells)


def joined(
    before: list[Row], table: list[Row], kind: str, on: list[tuple[str, str, str]], kinds: dict[str, str]
) -> list[Row]:
    """The rows of a join; the names of the two sides differ. Either side may be without rows, then not
    without names: ``kinds`` has them all."""
    found: list[Row] = []
    met: set[int] = set()
    for row in before:
        partners = [
            at for at, other in enumerate(table) if all(matches(each, row | other, kinds) for each in on)
        ]
        met |= set(partners)
        found += [row | table[at] for at in partners]
        if kind == "left" and not partners:
            found.append(row)
    if kind == "right":
        found += [other for at, other in enumerate(table) if at not in met]
    return [dict.fromkeys(kinds) | row for row in found]


def plain(value: Decimal) -> str:
    """A decimal without zeros at its end."""
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) if value else "0"


def aggregate(function: str, kind: str, cells: list[Any]) -> Any:
    """What an aggregate gives for the cells of a group."""
    there = [comparable(kind, cell) for cell in cells if cell is not None]
    if function.startswith("count"):
        return len(set(there)) if "distinct" in function else len(there)
    if not there:
        return None
    if function in ("min", "max"):
        found = (min if function == "min" else max)(there)
        return plain(found) if kind == "decimal" else found
    if kind == "integer":
        return str(sum(there)) if function == "sum" else sum(there) / len(there)
    if kind == "number":
        return sum(there) if function == "sum" else sum(there) / len(there)
    total = Decimal(0)
    for each in there:
        total = EXACT.add(total, each)
    scale = max(-int(each.as_tuple().exponent) for each in there)
    if function == "sum":
        return format(total.quantize(Decimal(1).scaleb(-scale), context=EXACT), "f")
    mean = EXACT.divide(total, Decimal(len(there)))
    return plain(mean.quantize(Decimal(1).scaleb(-max(scale, 20)), context=EXACT))


def grouped(
    rows: list[Row], by: list[str], columns: dict[str, tuple[str, str]], kinds: dict[str, str]
) -> list[Row]:
    """One row for each group; ``columns`` are aggregate (or ``""``) and column by name."""
    groups: dict[tuple[Any, ...], list[Row]] = {} if by else {(): []}
    for row in rows:
        groups.setdefault(tuple(comparable(kinds[name], row[name]) for name in by), []).append(row)
    return [
        {
            name: _of_group(function, kinds[column], [row[column] for row in members])
            for name, (function, column) in columns.items()
        }
        for members in groups.values()
    ]


def _of_group(function: str, kind: str, cells: list[Any]) -> Any:
    if function:
        return aggregate(function, kind, cells)
    return plain(Decimal(cells[0])) if kind == "decimal" and cells[0] is not None else cells[0]


def in_order(rows: list[Row], kinds: dict[str, str], sort: list[tuple[str, bool]]) -> list[Row]:
    """By the sort, then by all columns; empty cells are least of all."""
    keys = [*reversed([(name, False) for name in kinds]), *reversed(sort)]
    for name, descending in keys:
        kind = kinds[name]
        rows = sorted(
            rows,
            key=lambda row: (
                row[name] is not None,
                comparable(kind, row[name]) if row[name] is not None else 0,
            ),
            reverse=descending,
        )
    return rows
