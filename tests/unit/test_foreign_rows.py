"""Cells of other databases: each as its column has it, or refused with the rule that it violates."""

from __future__ import annotations

from typing import Any

import pytest

from rowkeep.codec.foreign_rows import ForeignRows
from rowkeep.model.foreign_tables import Family
from rowkeep.model.tables import Column
from rowkeep.plan.foreign_tables.columns import TYPES
from rowkeep.services.copies.foreign import ids_from
from rowkeep.services.copies.inputs import RowDigest

ACCEPTED: list[tuple[Family, Any, Any]] = [
    (Family.BOOLEAN, 1, True),
    (Family.BOOLEAN, "F", False),
    (Family.INTEGER, 2**63 - 1, 2**63 - 1),
    (Family.INTEGER, "12", 12),
    (Family.INTEGER, 3.0, 3),
    (Family.DOUBLE, -0.0, 0.0),
    (Family.DOUBLE, 2**60, float(2**60)),
    (Family.DOUBLE, "1.5", 1.5),
    (Family.DECIMAL, 0.1, "0.1"),
    (Family.DECIMAL, 7, "7"),
    (Family.DECIMAL, "1.50", "1.50"),
    (Family.TEXT, 17, "17"),
    (Family.TEXT, "ŝ😀", "ŝ😀"),
    (Family.MOMENT, "2020-03-28 07:02:09.6529+02", "2020-03-28T05:02:09.652Z"),
    (Family.MOMENT, "2020-03-28T07:02:09+0530", "2020-03-28T01:32:09.000Z"),
    (Family.LOCAL_MOMENT, "2020-03-28 07:02", "2020-03-28T07:02:00.000Z"),
    (Family.DAY, "2020-03-28", "2020-03-28T00:00:00.000Z"),
    (Family.JSON, '{"a": 1.50}', '{"a": 1.50}'),
    (Family.JSON, 5, "5"),
    (Family.JSON, "null", None),
    (Family.BINARY, b"\x00\xff", "AP8="),
    (Family.OTHER, 1.5, "1.5"),
]
REFUSED: list[tuple[Family, Any, str]] = [
    (Family.BOOLEAN, 2, "true or false"),
    (Family.INTEGER, "many", "whole number"),
    (Family.INTEGER, b"x", "whole number"),
    (Family.DOUBLE, float("inf"), "finite"),
    (Family.DOUBLE, b"1", "not bytes"),
    (Family.DECIMAL, "NaN", "decimal"),
    (Family.TEXT, "a\x00b", "U+0000"),
    (Family.TEXT, "\udcff", "UTF-8"),
    (Family.TEXT, b"x", "string"),
    (Family.TEXT, "123456", "at most 5 characters"),
    (Family.TEXT, "ŝŝŝŝ", "at most 7 bytes"),
    (Family.MOMENT, "infinity", "RFC 3339"),
    (Family.MOMENT, 1577836800, "unit"),
    (Family.DAY, "2021-02-30", "exists"),
    (Family.JSON, "{", "valid JSON"),
    (Family.JSON, b"{}", "not bytes"),
]


def rows_of(family: Family, **rest: Any) -> ForeignRows:
    return ForeignRows([Column(id="c1", name="a", type=TYPES[family], **rest)], [family])


@pytest.mark.parametrize(("family", "cell", "read"), ACCEPTED)
def test_cells_that_fit(family: Family, cell: Any, read: Any) -> None:
    # alone, and among cells of another type
    for others in ([], [None], ["1"]):
        found, _ = rows_of(family).read([(each,) for each in (cell, *others)])
        assert found[0] == (read,)
        assert type(found[0][0]) is type(read)


@pytest.mark.parametrize(("family", "cell", "rule"), REFUSED)
def test_cells_that_do_not_fit(family: Family, cell: Any, rule: str) -> None:
    limits = {"max_length": 5, "max_bytes": 7} if family is Family.TEXT else {}
    found, refused = rows_of(family, **limits).read([(None,), (cell,)])
    assert found == [(None,)]
    assert [(each.row, each.column) for each in refused] == [(1, 0)]
    assert rule in refused[0].rule


def test_null_in_a_required_column_is_refused() -> None:
    found, refused = rows_of(Family.INTEGER, is_required=True).read([(None,), (1,)])
    assert found == [(1,)]
    assert "is required" in refused[0].rule


def test_a_checksum_does_not_depend_on_batches() -> None:
    rows = [(n, str(n), n / 3, None, b"x") for n in range(10)]
    whole, parts = RowDigest(), RowDigest()
    whole.add(rows)
    for cut in (rows[:3], rows[3:3], rows[3:]):
        parts.add(cut)
    assert (whole.text, whole.rows) == (parts.text, parts.rows)


def test_ids_of_places() -> None:
    prefix = "5f000000" + "ab" * 5
    assert ids_from(prefix, 0, 2) == [f"{prefix}000000", f"{prefix}000001"]
    assert ids_from(prefix, 2**24 - 1, 2) == [f"{prefix}ffffff", "5f000001" + "ab" * 5 + "000000"]
