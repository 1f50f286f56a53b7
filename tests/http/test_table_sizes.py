"""Sizes of tables in the list: exact for small tables, estimates for large ones."""

from __future__ import annotations

import pytest
from answers import good, problem
from definitions import column, table

from rowkeep.model.tables import COUNTED, TableSize
from rowkeep.sql.sizes import table_size
from support.workspace import Workspace


@pytest.mark.parametrize(
    ("row", "size"),
    [
        ((0, None, None, None), TableSize(0, 0)),
        ((0, None, 8192, None), TableSize(0, 8192)),
        ((7, 900, None, 10.5), TableSize(7, 73)),  # rows were deleted: counted is exact
        ((COUNTED, 5, None, 1.0), TableSize(COUNTED, COUNTED)),
        ((COUNTED + 1, 1_000_000, None, 50.0), TableSize(1_000_000, 50_000_000)),
        ((COUNTED + 1, 1_000_000, 123, None), TableSize(1_000_000, 123)),
        ((COUNTED + 1, None, 123, None), TableSize(COUNTED + 1, 123)),  # never analysed
        ((COUNTED + 1, -20_000, 123, None), TableSize(COUNTED + 1, 123)),
    ],
)
def test_counted_or_estimated(row: tuple[object, ...], size: TableSize) -> None:
    assert table_size(row) == size


def test_the_list_has_sizes_only_if_they_are_asked_for(workspace: Workspace) -> None:
    workspace.create_table(table("small", column("oid"), column("Exact", "decimal"), column("Data", "json")))
    workspace.create_table(table("Empty", column("A")))
    workspace.create_table(table("large", column("A")))
    rows = f"{workspace.path}/data/tables"
    text = "x" * 1000
    cells = [{"oid": text, "Exact": "1.50", "Data": [text]}, {"oid": None}, {"oid": "é"}]
    good(workspace.admin.post(f"{rows}/small/bulk", json={"data": cells}))
    many = [{"A": "0123456789"}] * (COUNTED + 500)
    headers = {"Prefer": "return=minimal"}
    good(workspace.admin.post(f"{rows}/large/bulk", json={"data": many}, headers=headers))
    tables = f"{workspace.path}/tables"
    assert all("size" not in each for each in good(workspace.admin.get(tables))["tables"])
    listed = good(workspace.admin.get(tables, params={"sizes": "true", "limit": 3}))["tables"]
    sizes = {each["name"]: each["size"] for each in listed}
    assert sizes["Empty"]["rows"] == 0
    assert sizes["small"]["rows"] == 3
    assert 2000 < sizes["small"]["bytes"] < 100_000
    assert COUNTED < sizes["large"]["rows"] < 3 * COUNTED
    assert sizes["large"]["bytes"] > 10 * COUNTED
    refused = problem(workspace.admin.get(tables, params={"sizes": "yes"}), 400)
    assert refused["code"] == "invalid_parameter"
