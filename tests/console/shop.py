"""The shop of the pictures: tables, rows, apps, users and files as a small company has them."""

from __future__ import annotations

from typing import Any

import httpx

from support.person import PASSWORD, browser
from support.server import RowkeepServer
from support.workspace import Workspace, succeeded

ADA = {"email": "ada@example.com", "name": "Ada Byron", "admin": True, "password": PASSWORD}
USERS = [
    {"email": "grace@example.com", "name": "Grace Hopper", "password": PASSWORD},
    {"email": "mary@example.com", "name": "Mary Somerville", "password": PASSWORD},
    {"email": "annie@example.com", "name": "Annie Easley", "password": PASSWORD},
]
ROLES = {"Grace Hopper": "manager", "Mary Somerville": "editor", "Annie Easley": "viewer"}

FIRST = [
    "Ada",
    "Grace",
    "Mary",
    "Annie",
    "Hedy",
    "Radia",
    "Karen",
    "Sophie",
    "Emmy",
    "Jean",
    "Lise",
    "Barbara",
    "Frances",
    "Joan",
]
LAST = [
    "Byron",
    "Hopper",
    "Somerville",
    "Easley",
    "Lamarr",
    "Perlman",
    "Jones",
    "Germain",
    "Noether",
    "Bartik",
    "Meitner",
]
CITIES = {
    "London": "England",
    "New York": "USA",
    "Jedburgh": "Scotland",
    "Berlin": "Germany",
    "Lisbon": "Portugal",
    "Vienna": "Austria",
}
PRODUCTS = {"Notebook": "4.80", "Fountain pen": "39.00", "Ink, blue": "7.25", "Desk lamp": "64.50"}

TEXT = {"type": "string"}
TABLES: list[dict[str, Any]] = [
    {
        "name": "cities",
        "description": "Where customers live",
        "schemaDef": [{"name": "Name", **TEXT}, {"name": "Country", **TEXT}],
        "indexes": [{"name": "by_name", "isUnique": True, "columns": [{"name": "Name"}]}],
    },
    {
        "name": "customers",
        "description": "People who bought something",
        "schemaDef": [
            {"name": "Name", **TEXT, "isRequired": True, "maxLength": 80},
            {"name": "E_mail", **TEXT},
            {"name": "City", **TEXT, "reference": {"table": "cities", "column": "Name"}},
            {"name": "Orders", "type": "integer"},
            {"name": "Spent", "type": "decimal"},
            {"name": "Active", "type": "boolean"},
            {"name": "Since", "type": "date"},
        ],
        "indexes": [{"name": "by_e_mail", "isUnique": True, "columns": [{"name": "E_mail"}]}],
        "history": {"keepDays": 90},
    },
    {
        "name": "orders",
        "description": "What they bought",
        "schemaDef": [
            {"name": "Number", "type": "integer"},
            {"name": "Customer", **TEXT, "reference": {"table": "customers", "column": "E_mail"}},
            {"name": "Product", **TEXT},
            {"name": "Pieces", "type": "integer"},
            {"name": "Price", "type": "decimal"},
            {"name": "Ordered", "type": "date"},
        ],
        "history": {"keepDays": 90},
    },
]
VIEW = {
    "name": "sales_by_city",
    "description": "What each city ordered",
    "table": "customers",
    "joins": [
        {
            "table": "orders",
            "type": "inner",
            "on": [{"left": "orders.Customer", "operand": "=", "right": "customers.E_mail"}],
        }
    ],
    "columns": [
        "customers.City",
        {"expr": "count(orders._id)", "as": "Orders"},
        {"expr": "sum(orders.Price)", "as": "Amount"},
    ],
    "groupBy": ["customers.City"],
    "sortBy": [{"field": "Amount", "order": "desc"}],
}
CHARTS = {
    "tables/orders": [
        {
            "name": "Pieces by product",
            "kind": "pie",
            "category": "Product",
            "aggregate": "sum",
            "value": "Pieces",
        },
        {"name": "Orders by month", "kind": "line", "category": "Ordered"},
    ],
    "views/sales_by_city": [
        {"name": "Sales by city", "kind": "bar", "category": "City", "aggregate": "sum", "value": "Amount"}
    ],
}

APPS = {
    "help desk": {"customers": "rw", "cities": "r", "orders": "r"},
    "web shop": {"customers": "rw", "cities": "r", "orders": "rw"},
    "reports": {"customers": "r", "cities": "r", "orders": "r"},
}


def customers() -> list[dict[str, Any]]:
    rows = []
    for at in range(240):
        name = f"{FIRST[at % len(FIRST)]} {LAST[at * 7 % len(LAST)]}"
        rows.append(
            {
                "Name": name,
                "E_mail": f"{name.lower().replace(' ', '.')}{at // 154 or ''}@example.com",
                "City": list(CITIES)[at * at % len(CITIES)],
                "Orders": at * 7 % 40,
                "Spent": f"{at * 137 % 2000 + 12}.{at * 31 % 100:02}",
                "Active": at % 3 > 0,
                "Since": f"{2023 + at % 4}-0{at % 9 + 1}-{at % 28 + 1:02}T08:30:00Z",
            }
        )
    return rows


def orders(people: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "Number": 1000 + at,
            "Customer": people[at * at % len(people)]["E_mail"],
            "Product": list(PRODUCTS)[at * at * 3 % 7 % len(PRODUCTS)],
            "Pieces": at % 5 + 1,
            "Price": list(PRODUCTS.values())[at * at * 3 % 7 % len(PRODUCTS)],
            "Ordered": f"2026-{at % 11 + 1:02}-{at * 3 % 28 + 1:02}T12:00:00Z",
        }
        for at in range(900)
    ]


def sign_in(server: RowkeepServer, email: str) -> httpx.Client:
    person = browser(server)
    succeeded(person.post("/session", json={"email": email, "password": PASSWORD}))
    return person


def fill(server: RowkeepServer, receiver: str) -> None:
    """Everything that the pictures show, except what they do themselves."""
    workspace = Workspace(server, "shop")
    admin, path = workspace.admin, workspace.path
    succeeded(admin.post("/users", json=ADA))
    for user in USERS:
        made = succeeded(admin.post("/users", json=user))
        role = {"role": ROLES[user["name"]]}
        succeeded(admin.put(f"{path}/members/{made['id']}", json=role))
    people = customers()
    cities = [{"Name": name, "Country": country} for name, country in CITIES.items()]
    ada = sign_in(server, str(ADA["email"]))
    for table in TABLES:
        succeeded(ada.post(f"{path}/tables", json=table))
    for name, rows in (("cities", cities), ("customers", people), ("orders", orders(people))):
        succeeded(ada.post(f"{path}/data/tables/{name}/bulk", json={"data": rows}))
    bots = [workspace.bot(grants, name=name) for name, grants in APPS.items()]
    succeeded(admin.post(f"{path}/views", json=VIEW))
    for source, charts in CHARTS.items():
        for chart in charts:
            succeeded(ada.post(f"{path}/{source}/charts", json=chart | {"shared": True}))
    hook = {"url": f"{receiver}/rows", "tables": ["customers", "orders"]}
    succeeded(ada.post(f"{path}/webhooks", json=hook))
    change(ada, f"{path}/data/tables/customers", people[0], Name="Ada Lovelace", Orders=3)
    change(ada, f"{path}/data/tables/customers", people[0], City="Vienna", Orders=1)
    new = {"Name": "Katherine Johnson", "E_mail": "katherine.johnson@example.com", "City": "New York"}
    succeeded(bots[1].insert("customers", new))
    succeeded(ada.put(f"{path}/tables/customers/shares/{made['id']}", json={"right": "read"}))


def change(person: httpx.Client, path: str, row: dict[str, Any], **data: object) -> None:
    where = {"expressions": [{"field": "E_mail", "operand": "=", "value": row["E_mail"]}]}
    succeeded(person.put(path, json={"query": where, "data": data}))


def counted() -> dict[str, Any]:
    """What servers have counted in a day, as they answer it to the home page."""
    points = [
        {
            "time": f"2026-11-{27 + (hour > 13)}T{(hour + 10) % 24:02}:10:00.000Z",
            "requests": 900 + 1400 * (12 - abs(hour - 12)) // 12 + hour * 37 % 90,
            "clientErrors": 12 + hour * 7 % 20,
            "serverErrors": int(hour == 17) * 4,
            "refusals": {"token": 6 + hour * 5 % 9, "rate": hour * 3 % 14, "grant": hour % 4},
            "rows": {},
        }
        for hour in range(24)
    ]
    growth = {"orders": 8100, "customers": 2300, "cities": 40}
    return {
        "since": "2026-11-27T10:00:00.000Z",
        "until": "2026-11-28T10:00:00.000Z",
        "stepSeconds": 300,
        "points": points,
        "slowest": [
            {
                "time": f"2026-11-28T0{at + 2}:12:00.000Z",
                "seconds": 1.84 - at * 0.41,
                "operation": "query",
                "statement": statement,
                "table": "orders",
                "app": "reports",
            }
            for at, statement in enumerate(
                ('SELECT … FROM "orders" ORDER BY "Price"', 'SELECT … FROM "orders" WHERE "Product" LIKE ?')
            )
        ],
        "tables": [
            {
                "workspace": "shop",
                "table": name,
                "days": [
                    {"day": f"2026-11-{day:02}", "rows": day * 40, "bytes": daily * (day + 20 + day * 3 % 7)}
                    for day in range(1, 29)
                ],
            }
            for name, daily in growth.items()
        ],
        "notices": [
            {
                "about": "backups",
                "level": "warning",
                "message": "The last backup is of 2026-11-19T02:00:00.000Z. "
                "Make backups regularly: rowkeep backup.",
            }
        ],
    }
