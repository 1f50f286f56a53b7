"""Views follow the tables that they are made of, renamed columns too; what would break one is refused."""

from __future__ import annotations

from typing import Any

from answers import good, problem
from definitions import column, table

from support.workspace import Workspace

WIDE = [column("City"), column("Amount", "integer"), column("Spare"), column("Code", "number")]
SUMS: dict[str, Any] = {
    "name": "sums",
    "table": "sales",
    "columns": ["sales.City", {"expr": "sum(sales.Amount)", "as": "Total"}],
    "filter": {"expressions": [{"field": "sales.Code", "operand": ">", "value": 1}]},
    "groupBy": ["sales.City"],
}


def test_views_follow_what_is_renamed_and_hold_what_they_need(workspace: Workspace) -> None:
    workspace.create_table(table("sales", *WIDE))
    bot = workspace.bot({"sales": "rwd"})
    admin, tables = workspace.admin, f"{workspace.path}/tables"
    assert admin.post(f"{workspace.path}/views", json=SUMS).status_code == 201
    good(admin.put(f"{workspace.path}/views/sums/grants/{bot.client_id}", json={"read": True}))
    rows = [{"City": "Ulm", "Amount": n, "Code": n} for n in range(5)]
    good(bot.bulk("sales", rows))

    def answered() -> list[dict[str, Any]]:
        return good(bot.request("POST", "/api/public/views/sums/query"))["queryResult"]

    assert answered() == [{"City": "Ulm", "Total": "9"}]
    renamed = [column("Town", renamedFrom="City"), column("Sum", "integer", renamedFrom="Amount"), *WIDE[2:]]
    moved = {**table("deals", *renamed), "renamedFrom": "sales"}
    good(admin.put(f"{tables}/deals", json=moved))
    assert answered() == [{"City": "Ulm", "Total": "9"}]
    definition = good(admin.get(f"{workspace.path}/views/sums"))
    assert (definition["table"], definition["groupBy"]) == ("deals", ["deals.Town"])

    now = [column("Town"), column("Sum", "integer"), column("Spare"), column("Code", "number")]

    def put(*columns: dict[str, Any]) -> Any:
        return admin.put(f"{tables}/deals?allowDataLoss=true", json=table("deals", *columns))

    for wanted in (
        now[:1] + now[2:],  # what is summed goes
        [now[0], column("Sum"), *now[2:]],  # a sum of strings
        [*now[:3], column("Code", "json")],  # what the filter compares cannot be compared
        [column("Town", isEncrypted=True), *now[1:]],  # groups of what is encrypted
    ):
        refusal = problem(put(*wanted), 409, "still_referenced")
        assert "sums" in refusal["detail"]
    good(put(now[0], now[1], now[3]))
    assert answered() == [{"City": "Ulm", "Total": "9"}]
    problem(admin.delete(f"{tables}/deals"), 409, "still_referenced")
    taken = {**table("sums", now[0]), "renamedFrom": "deals"}
    problem(admin.put(f"{tables}/sums?allowDataLoss=true", json=taken), 409)
    assert admin.delete(f"{workspace.path}/views/sums").status_code == 204
    assert admin.delete(f"{tables}/deals").status_code == 204
