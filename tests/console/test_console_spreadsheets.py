"""The walk of docs/console-walk.md: a new user makes tables of a folder of spreadsheets, and uses them, with
as many clicks and keys as the page says."""

from __future__ import annotations

import base64
import re
from collections import Counter
from pathlib import Path
from uuid import uuid4

from browsing import SQLITE, OpenPage
from playwright.sync_api import Locator, Page, expect
from spreadsheets import CUSTOMERS, ORDERS, write_folder
from test_console_grid import cell
from test_console_walk import demo_link

from support.person import Person
from support.server import RowkeepServer
from support.workspace import Workspace, succeeded

PAGE = Path(__file__).parents[2] / "docs" / "console-walk.md"
JOB = re.compile(r"^\| (?P<job>[^|]+) \| [^|]+ \| (?P<clicks>\d+) \| (?P<keys>\d+) \|$", re.MULTILINE)

DROP = """(files) => {
  const dropped = new DataTransfer();
  for (const { name, content } of files) {
    const bytes = Uint8Array.from(atob(content), (each) => each.charCodeAt(0));
    dropped.items.add(new File([bytes], name));
  }
  for (const type of ["dragover", "drop"]) {
    dispatchEvent(new DragEvent(type, { dataTransfer: dropped, bubbles: true, cancelable: true }));
  }
}"""


class Input:
    """Clicks and presses keys, and counts both by job. To choose from a list is two clicks, to type a text is
    one key for each character."""

    def __init__(self) -> None:
        self.clicks: Counter[str] = Counter()
        self.keys: Counter[str] = Counter()
        self._job = ""

    def job(self, name: str) -> None:
        self._job = name
        self.clicks[name] = self.keys[name] = 0

    def click(self, target: Locator) -> None:
        target.click()
        self.clicks[self._job] += 1

    def choose(self, target: Locator, option: str) -> None:
        target.select_option(option)
        self.clicks[self._job] += 2

    def type(self, page: Page, text: str) -> None:
        page.keyboard.type(text)
        self.keys[self._job] += len(text)

    def press(self, page: Page, key: str) -> None:
        page.keyboard.press(key)
        self.keys[self._job] += 1

    def drop(self, page: Page, files: list[Path]) -> None:
        """One movement of the mouse, counted as a click."""
        page.evaluate(
            DROP,
            [{"name": each.name, "content": base64.b64encode(each.read_bytes()).decode()} for each in files],
        )
        self.clicks[self._job] += 1


@SQLITE
def test_the_walk_with_a_folder_of_spreadsheets(
    open_page: OpenPage, server: RowkeepServer, workspace: Workspace, tmp_path: Path
) -> None:
    email = f"walker-{uuid4().hex[:8]}@example.com"
    succeeded(workspace.admin.post("/users", json={"email": email, "name": "Walker", "admin": True}))
    colleague = Person(server, name="Colleague")
    entry = Input()

    entry.job("sign in")
    page = open_page(None, demo_link(server, email))
    entry.click(page.get_by_role("button", name="Sign in"))
    expect(page.get_by_role("heading", name="Tables")).to_be_visible()
    page.goto(f"{server.url}/console/w/{workspace.name}")  # a new server has one workspace
    expect(page.get_by_role("heading", name="Tables and views")).to_be_visible()

    _tables_of_the_folder(entry, page, write_folder(tmp_path))
    _second_sheet(entry, page)
    _reference(entry, page)
    _view_and_chart(entry, page)

    entry.job("share the orders with a colleague")
    entry.click(page.get_by_role("link", name="Tables", exact=True))
    entry.click(page.get_by_role("link", name="orders", exact=True))
    entry.click(page.get_by_role("button", name="Share"))
    expect(page.get_by_label("E-mail address of a user")).to_be_focused()
    entry.type(page, colleague.email)
    entry.press(page, "Enter")
    expect(page.get_by_label("Right of Colleague")).to_have_value("read")
    entry.press(page, "Escape")
    theirs = open_page(colleague, f"/console/w/{workspace.name}/tables/orders")
    expect(theirs.get_by_text(f"{len(ORDERS)} rows")).to_be_visible()

    _app(entry, page)

    entry.job("export the orders as Excel")
    entry.click(page.get_by_role("link", name="Tables", exact=True))
    entry.click(page.get_by_role("link", name="orders", exact=True))
    entry.click(page.get_by_role("button", name="Export"))
    with page.expect_download() as download:
        entry.click(page.get_by_role("menuitem", name="Excel"))
    assert download.value.suggested_filename == "orders.xlsx"

    written = {
        found["job"]: (int(found["clicks"]), int(found["keys"])) for found in JOB.finditer(PAGE.read_text())
    }
    # the address of the colleague is another one each time
    entry.keys["share the orders with a colleague"] -= len(colleague.email)
    assert {job: (entry.clicks[job], entry.keys[job]) for job in entry.clicks} == written


TYPES = {
    "customers.xlsx": ["string", "string", "string", "date", "boolean"],
    "orders.csv": ["integer", "string", "date", "decimal"],
    "products.tsv": ["string", "string", "decimal", "boolean", "integer"],
    "survey.ods": ["integer", "string", "integer"],
    "events.ndjson": ["date", "string", "json"],
    "readings.parquet": ["date", "string", "decimal"],
}
"""The types that the files get without a choice."""


def _tables_of_the_folder(entry: Input, page: Page, files: list[Path]) -> None:
    entry.job("drop the folder, and make a table of each of its six files")
    entry.drop(page, files)
    for at, (name, types) in enumerate(TYPES.items()):
        if at:
            entry.click(page.get_by_role("link", name=f"Next: {name}"))
        expect(page.get_by_role("heading", name=f"Import {name}")).to_be_visible()
        for place, kind in enumerate(types):
            expect(page.get_by_label("Type of ").nth(place)).to_have_value(kind)
        entry.click(page.get_by_role("button", name="Create the table and import"))
        expect(page.get_by_text("The import has finished.")).to_be_visible()


def _second_sheet(entry: Input, page: Page) -> None:
    entry.job("make a table of the second sheet")
    entry.click(page.get_by_role("link", name="All imports"))
    entry.click(page.get_by_role("link", name="customers.xlsx"))
    entry.click(page.get_by_role("button", name="Import another sheet"))
    entry.choose(page.get_by_label("Sheet"), "Contacts")
    expect(page.get_by_label("Name of the table")).to_have_value("Contacts")
    entry.click(page.get_by_role("button", name="Create the table and import"))
    expect(page.get_by_text("2 rows imported")).to_be_visible()


def _reference(entry: Input, page: Page) -> None:
    entry.job("let orders refer to customers")
    entry.click(page.get_by_role("link", name="Tables", exact=True))
    entry.click(page.get_by_role("link", name="orders", exact=True))
    entry.click(page.get_by_role("link", name="Definition", exact=True))
    entry.click(page.get_by_role("button", name="Customer string"))
    entry.choose(page.get_by_label("Refers to table"), "Customers")
    entry.click(page.get_by_role("button", name="Show the steps"))
    entry.click(page.get_by_role("dialog").get_by_role("button", name="Apply"))
    expect(cell(page, CUSTOMERS[0][0]).first).to_be_visible()


def _view_and_chart(entry: Input, page: Page) -> None:
    entry.job("define a view: the sum of orders by company")
    entry.click(page.get_by_role("link", name="Tables", exact=True))
    entry.click(page.get_by_role("link", name="New view"))
    expect(page.get_by_label("Name of the view")).to_be_focused()
    entry.type(page, "sales")
    entry.click(page.get_by_role("list", name="Tables").get_by_role("button").first)
    entry.choose(page.get_by_label("Table", exact=True), "orders")
    entry.click(page.get_by_role("button", name="Join a table"))
    # the reference is the condition, and so the table that it leads to is the likely one
    expect(page.get_by_label("Table", exact=True)).to_have_value("Customers")
    entry.click(page.get_by_role("button", name="Add column"))
    entry.choose(page.get_by_role("combobox", name="Of column"), "Customers.Company")
    entry.click(page.get_by_role("button", name="Add column"))
    entry.choose(page.get_by_role("combobox", name="Of column"), "orders.Amount")
    entry.choose(page.get_by_label("Shows"), "sum")
    expect(page.get_by_role("table", name="Preview")).to_be_visible()
    entry.click(page.get_by_role("button", name="Create view"))
    expect(cell(page, CUSTOMERS[0][1])).to_be_visible()

    entry.job("chart it")
    entry.click(page.get_by_role("button", name="Chart"))
    entry.click(page.get_by_role("menuitem", name="Bars"))
    chart = page.get_by_role("region", name="Chart")
    expect(chart).to_be_visible()
    expect(chart.get_by_label("Of", exact=True)).to_have_value("sum_Amount")
    expect(chart.get_by_label("By", exact=True)).to_have_value("Company")


def _app(entry: Input, page: Page) -> None:
    entry.job("make an app that may read the orders")
    entry.click(page.get_by_role("link", name="Apps", exact=True))
    entry.click(page.get_by_role("button", name="New app"))
    expect(page.get_by_role("dialog").get_by_role("textbox", name="Name", exact=True)).to_be_focused()
    entry.type(page, "shop")
    entry.press(page, "Enter")
    entry.click(page.get_by_role("link", name="Change grants"))
    entry.click(page.get_by_role("checkbox", name="shop: read orders"))
    entry.click(page.get_by_role("button", name="Store changes"))
    expect(page.get_by_role("button", name="Store changes")).to_have_count(0)

    entry.job("try it")
    entry.click(page.get_by_role("link", name="Tables", exact=True))
    entry.click(page.get_by_role("link", name="orders", exact=True))
    entry.click(page.get_by_role("link", name="Code"))
    entry.choose(page.get_by_label("App", exact=True), "shop")
    entry.click(page.get_by_role("button", name="Send the request"))
    expect(page.get_by_text("queryResult")).to_be_visible()
