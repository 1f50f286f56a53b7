"""Pictures of the console for its docs, as a program: renders the real console on a real server.

Run by ``make pictures``. The pictures are not committed, because each build would change them.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from chromium import find_chromium
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from support.person import Person
from support.server import RowkeepServer, sqlite_url
from support.workspace import Workspace, succeeded

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "pictures"
NAMES = ["Ada Byron", "Grace Hopper", "Mary Somerville", "Annie Easley", "Hedy Lamarr", "Radia Perlman"]
CITIES = [
    {"Name": name, "Country": country}
    for name, country in (("London", "England"), ("New York", "USA"), ("Jedburgh", "Scotland"))
]


def fill(workspace: Workspace) -> None:
    """Tables as a small company has them."""
    text = {"type": "string"}
    index = {"name": "by_name", "isUnique": True, "columns": [{"name": "Name"}]}
    workspace.create_table(
        {
            "name": "cities",
            "description": "Where people live",
            "schemaDef": [{"name": "Name", **text}, {"name": "Country", **text}],
            "indexes": [index],
        }
    )
    workspace.create_table(
        {
            "name": "customers",
            "description": "People who bought something",
            "schemaDef": [
                {"name": "Name", **text},
                {"name": "City", **text, "reference": {"table": "cities", "column": "Name"}},
                {"name": "Orders", "type": "integer"},
                {"name": "Active", "type": "boolean"},
                {"name": "Since", "type": "date"},
            ],
        }
    )
    customers = [
        {
            "Name": NAMES[at % len(NAMES)],
            "City": CITIES[at % len(CITIES)]["Name"],
            "Orders": at * 7 % 40,
            "Active": at % 3 > 0,
            "Since": f"2026-0{at % 9 + 1}-12T08:30:00Z",
        }
        for at in range(240)
    ]
    for table, data in (("cities", CITIES), ("customers", customers)):
        path = f"{workspace.path}/data/tables/{table}/bulk"
        succeeded(workspace.admin.post(path, json={"data": data}))

    for name in ("help desk", "web shop", "reports"):
        client_id = workspace.app(name)["clientId"]
        workspace.grant(client_id, "customers", "r" if name == "reports" else "rw")
        workspace.grant(client_id, "cities", "r")


def grid(page: Page) -> None:
    page.get_by_role("link", name="customers").click()
    page.get_by_role("gridcell", name="Ada Byron").first.click()
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowRight")


def editor(page: Page) -> None:
    page.get_by_role("gridcell", name="London").first.dblclick()
    expect(page.get_by_role("option").first).to_be_visible()


def filters(page: Page) -> None:
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def paste(page: Page) -> None:
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_role("menuitem", name="Paste cells").click()
    dialog = page.get_by_role("dialog", name="Paste cells")
    dialog.get_by_label("Cells of a spreadsheet").fill("Name\tOrders\nAda Byron\t7\nKaty Johnson\tsoon")
    expect(dialog.get_by_text("soon").last).to_be_visible()


def row(page: Page) -> None:
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Discard").click()
    page.get_by_role("link", name="Open row 1", exact=True).click()
    expect(page.get_by_role("table", name="Row of cities")).to_be_visible()


def definition(page: Page) -> None:
    page.get_by_role("link", name="Tables").click()
    page.get_by_role("link", name="customers").first.click()
    page.get_by_role("link", name="Definition", exact=True).click()
    page.get_by_role("list", name="Columns").get_by_role("button").first.click()
    expect(page.get_by_label("Most characters")).to_be_visible()


def steps(page: Page) -> None:
    page.get_by_label("Name", exact=True).fill("Full_Name")
    page.get_by_role("list", name="Columns").get_by_role("button").last.click()
    page.get_by_role("button", name="Remove column").click()
    page.get_by_role("button", name="Show the steps").click()
    expect(page.get_by_role("dialog", name="Change customers")).to_be_visible()


def view(page: Page) -> None:
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Tables").click()
    page.get_by_role("button", name="Discard").click()
    page.get_by_role("link", name="New view").click()
    page.get_by_role("list", name="Tables").get_by_role("button").first.click()
    page.get_by_label("Table", exact=True).select_option("customers")
    page.get_by_role("button", name="Add all").click()
    expect(page.get_by_role("table", name="Preview")).to_be_visible()


def grants(page: Page) -> None:
    page.get_by_role("link", name="Apps", exact=True).click()
    page.get_by_role("link", name="Grants of all apps").click()
    page.get_by_role("checkbox", name="web shop: delete customers").click()


def code(page: Page) -> None:
    page.get_by_role("button", name="Discard").click()
    page.get_by_role("link", name="Tables", exact=True).click()
    page.get_by_role("link", name="customers").click()
    page.get_by_role("link", name="Code").click()
    page.get_by_label("App", exact=True).select_option("help desk")
    page.get_by_role("tab", name="Python").click()


PICTURES: dict[str, Callable[[Page], None]] = {
    "tables": lambda page: expect(page.get_by_role("row").filter(has_text="customers")).to_contain_text(
        "240"
    ),
    "grid": grid,
    "editor": editor,
    "filter": filters,
    "paste": paste,
    "row": row,
    "grants": grants,
    "code": code,
    "definition": definition,
    "steps": steps,
    "view": view,
}
"""By file name: what is done before each, one after the other."""


def render(context: BrowserContext, address: str, suffix: str) -> None:
    page = context.new_page()
    page.goto(address)
    for name, prepare in PICTURES.items():
        prepare(page)
        path = FOLDER / f"{name}{suffix}.png"
        page.screenshot(path=path, animations="disabled")
        print(path.relative_to(ROOT))


def main() -> None:
    chromium = find_chromium()
    if chromium is None:
        sys.exit("No Chromium was found: run make browser.")
    FOLDER.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=20_000)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        directory = Path(folder)
        server = RowkeepServer(sqlite_url(directory / "data"), directory)
        server.start()
        browser = playwright.chromium.launch(
            executable_path=chromium.path, env=chromium.environment, args=["--headless", "--no-sandbox"]
        )
        try:
            workspace = Workspace(server, "sales")
            fill(workspace)
            ada = Person(server, admin=True, name="Ada Byron")
            for scheme, suffix in (("light", ""), ("dark", "-dark")):
                context = browser.new_context(
                    viewport={"width": 1100, "height": 620},
                    color_scheme=scheme,  # type: ignore[arg-type]
                )
                context.add_cookies(
                    [
                        {"name": cookie.name, "value": cookie.value or "", "url": server.url}
                        for cookie in ada.http.cookies.jar
                    ]
                )
                render(context, f"{server.url}/console/w/sales/tables", suffix)
        finally:
            browser.close()
            server.stop()


if __name__ == "__main__":
    main()
