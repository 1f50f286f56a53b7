"""Safe writes: the steps of the demo that show retries, upserts, guards and batches."""

from __future__ import annotations

import uuid

import httpx

from rowkeep.demo.presenter import Stage

ORDERS = {
    "name": "orders",
    "schemaDef": [
        {"name": "Order_No", "type": "string", "isRequired": True, "maxLength": 20},
        {"name": "Customer", "type": "string"},
        {"name": "Paid", "type": "decimal"},
    ],
    "indexes": [{"name": "by_order_no", "columns": [{"name": "Order_No"}], "isUnique": True}],
}
ORDER_LINES = {
    "name": "order_lines",
    "schemaDef": [
        {"name": "Order_No", "type": "string", "reference": {"table": "orders", "column": "Order_No"}},
        {"name": "Item", "type": "string"},
        {"name": "Quantity", "type": "integer"},
    ],
}
TABLES = (ORDERS, ORDER_LINES)

ORDER = {"data": {"Order_No": "A-1", "Customer": "Jane", "Paid": 10.25}}
PAYMENT = {
    "data": {"Order_No": "A-1", "Paid": {"$inc": 5.5}},
    "onConflict": {"columns": ["Order_No"], "action": "update"},
}
TOO_MANY = {
    "query": {"expressions": [{"field": "Gender", "operand": "=", "value": "female"}]},
    "maxAffected": 1,
}
PARENT_AND_CHILDREN = {
    "operations": [
        {"op": "insert", "table": "orders", "data": {"Order_No": "A-2", "Customer": "Mike"}},
        {
            "op": "bulk",
            "table": "order_lines",
            "data": [
                {"Order_No": {"$ref": "/0/Order_No"}, "Item": "Pen", "Quantity": 3},
                {"Order_No": {"$ref": "/0/Order_No"}, "Item": "Paper", "Quantity": 1},
            ],
        },
    ]
}


def show_safe_writes(stage: Stage, app: httpx.Client, customers: str) -> None:
    """The steps, as an app with all rights to :data:`TABLES` and to the table ``customers``. Raises
    SetupError if a step fails."""
    key = {"Idempotency-Key": str(uuid.uuid4())}
    stage.act("Send an insert twice under one key, as after a lost response: one row, the same response")
    for _ in range(2):
        stage.exchange(app, "POST", "/api/public/tables/orders", ORDER, headers=key)
    stage.act("Upsert: change the row with this Order_No, or insert it; $inc adds to what is stored")
    stage.exchange(app, "POST", "/api/public/tables/orders", PAYMENT)
    stage.act("Guard a delete: nothing happens if more rows match than expected")
    stage.exchange(app, "DELETE", f"/api/public/tables/{customers}", TOO_MANY, refused=409)
    stage.act("Insert a parent and its children in one transaction")
    stage.exchange(app, "POST", "/api/public/batch", PARENT_AND_CHILDREN, shown=2)
