"""Pictures of the console for its docs, as a program: renders the real console on a real server.

Run by ``make pictures``. A picture is written only if more than a few of its points differ from the one
that is there, so that a second run changes nothing.
"""

from __future__ import annotations

import base64
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from chromium import find_chromium
from playwright.sync_api import Browser, Page, expect, sync_playwright
from shop import ADA, counted, fill
from spreadsheets import write_folder
from steady import Steady

from support.person import PASSWORD
from support.server import RowkeepServer, sqlite_url

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "pictures"
WIDTH, HEIGHT = 1200, 600
PORT = 8080
"""The usual one: it is seen in the code for programs."""
QUALITY = 60
MOST_BYTES = 45_000
MOST_BYTES_OF_ALL = 800_000
MOST_DIFFERENT = 700
"""So many points may differ from the picture that is there."""

STILL = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(
    `*, *::before, *::after { caret-color: transparent !important; transition: none !important;
       animation: none !important; scroll-behavior: auto !important }`);
  document.adoptedStyleSheets.push(sheet);
}"""
DIFFERENT = """async (pictures) => {
  const points = await Promise.all(pictures.map(async (picture) => {
    const bytes = Uint8Array.from(atob(picture), (each) => each.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes]));
    const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
    context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, image.width, image.height).data;
  }));
  const [one, other] = points;
  if (one.length !== other.length) return one.length;
  let different = 0;
  for (let at = 0; at < one.length; at += 4) {
    if ([0, 1, 2].some((color) => Math.abs(one[at + color] - other[at + color]) > 24)) different += 1;
  }
  return different;
}"""


def sign_in(page: Page) -> None:
    page.context.clear_cookies()
    page.goto("/console/sign-in")
    page.get_by_label("E-mail address").fill(str(ADA["email"]))
    page.get_by_label("Password").first.fill(PASSWORD)


def home(page: Page) -> None:
    page.route("**/api/v1/activity", lambda route: route.fulfill(json=counted()))
    page.goto("/console/w/shop")
    expect(page.locator("figure canvas")).to_have_count(3)


def tables(page: Page) -> None:
    page.goto("/console/w/shop/tables")
    expect(page.get_by_role("row").filter(has_text="bought something")).to_contain_text("241")


def customers(page: Page, more: str = "") -> None:
    page.goto(f"/console/w/shop/tables/customers{more}")
    expect(page.get_by_role("gridcell", name="Ada Lovelace").first).to_be_visible()
    expect(page.get_by_text("241 rows")).to_be_visible()


def grid(page: Page) -> None:
    customers(page)
    page.get_by_role("gridcell", name="Grace Germain").first.click()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight"):
        page.keyboard.press(f"Shift+{key}")


def editor(page: Page) -> None:
    customers(page)
    page.get_by_role("gridcell", name="Lisbon").first.dblclick()
    expect(page.get_by_role("option").first).to_be_visible()


def filters(page: Page) -> None:
    shown = (
        '{"expressions":[{"field":"City","operand":"=","value":"London"},{"operator":"or","expressions":['
        '{"field":"Orders","operand":">","value":10},{"field":"Active","operand":"=","value":true}]}]}'
    )
    page.goto(f"/console/w/shop/tables/customers?sort=-Spent&filter={shown}")
    expect(page.get_by_role("gridcell", name="London").first).to_be_visible()
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def paste(page: Page) -> None:
    customers(page)
    page.get_by_role("gridcell", name="Grace Germain").first.click()
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_role("menuitem", name="Paste cells").click()
    dialog = page.get_by_role("dialog", name="Paste cells")
    lines = "Name\tCity\tOrders\nGrace Germain\tBerlin\t8\nMary Easley\tVienna\t14\nAnnie Meitner\tBerlin\t22"
    dialog.get_by_label("Cells of a spreadsheet").fill(lines)
    expect(dialog.get_by_role("table")).to_contain_text("Vienna")


def row(page: Page) -> None:
    customers(page)
    page.get_by_role("link", name="Open row 1", exact=True).click()
    expect(page.get_by_role("region", name="History").locator("ins").first).to_be_visible()


def history(page: Page) -> None:
    page.goto("/console/w/shop/history")
    operation = page.get_by_role("group").filter(has_text="customers: 1 changed").first
    operation.get_by_role("button", name="Changes").click()
    expect(operation.get_by_text("Vienna")).to_be_visible()


def undo(page: Page) -> None:
    page.goto("/console/w/shop/history")
    operation = page.get_by_role("group").filter(has_text="customers: 1 changed").last
    operation.get_by_role("button", name="Undo this").click()
    expect(page.get_by_role("dialog").get_by_text("Conflicts")).to_be_visible()
    page.get_by_label("Skip").check()


def definition(page: Page) -> None:
    page.goto("/console/w/shop/define/tables/customers")
    page.get_by_role("list", name="Columns").get_by_role("button").first.click()
    expect(page.get_by_label("Most characters")).to_be_visible()


def steps(page: Page) -> None:
    definition(page)
    page.get_by_label("Name", exact=True).fill("Full_Name")
    page.get_by_role("list", name="Columns").get_by_role("button").last.click()
    page.get_by_role("button", name="Remove column").click()
    page.get_by_role("button", name="Show the steps").click()
    expect(page.get_by_role("dialog", name="Change customers")).to_be_visible()


def view(page: Page) -> None:
    page.goto("/console/w/shop/define/views/sales_by_city")
    expect(page.get_by_role("table", name="Preview")).to_be_visible()


def chart(page: Page) -> None:
    page.goto("/console/w/shop/views/sales_by_city")
    page.get_by_role("button", name="Chart", exact=True).click()
    page.get_by_role("menuitem", name="Sales by city").click()
    expect(page.locator("figure canvas")).to_be_visible()


def upload(page: Page, path: Path) -> None:
    page.goto("/console/w/shop/import")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Import").click()
    chooser.value.set_files(path)
    expect(page.get_by_role("heading", name=f"Import {path.name}")).to_be_visible()


def import_(page: Page) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = next(each for each in write_folder(Path(folder)) if each.name == "orders.csv")
        upload(page, path)
    expect(page.get_by_label("Delimiter")).to_have_value(";")
    expect(page.get_by_label("Type of Date")).to_have_value("date")


def rejected(page: Page) -> None:
    weights = [f"{at % 7 + 1}.5" for at in range(240)]
    weights[30:210:60] = ["unknown", "2,75 kg", "?"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "parcels.csv"
        lines = [f"P{at + 5000},{at + 1000},{weight}\n" for at, weight in enumerate(weights)]
        path.write_text("Parcel,Order,Weight\n" + "".join(lines))
        upload(page, path)
    page.get_by_label("Type of Weight").select_option("number")
    page.get_by_role("button", name="Create the table and import").click()
    expect(page.get_by_text("The import has finished.")).to_be_visible()
    expect(page.get_by_role("cell", name="152")).to_be_visible()


def export(page: Page) -> None:
    customers(page)
    page.get_by_role("button", name="Export").click()
    expect(page.get_by_role("menuitem", name="Excel")).to_be_visible()


def grants(page: Page) -> None:
    page.goto("/console/w/shop/grants")
    page.get_by_role("checkbox", name="web shop: delete customers").click()


def code(page: Page) -> None:
    page.goto("/console/w/shop/tables/customers/code")
    page.get_by_label("App", exact=True).select_option("help desk")
    page.get_by_label("Secret").fill("the secret of the help desk is only in this page")
    expect(page.get_by_role("status").filter(has_text="is valid until")).to_be_visible()
    page.get_by_role("tab", name="Python").click()
    page.get_by_role("tab", name="Python").evaluate("(tab) => (tab.scrollIntoView(), scrollBy(0, -64))")


def webhook(page: Page) -> None:
    page.goto("/console/w/shop/webhooks")
    page.get_by_role("table", name="Webhooks").get_by_role("link").first.click()
    expect(page.get_by_role("table", name="Messages").get_by_text("delivered")).to_have_count(3)


def users(page: Page) -> None:
    page.goto("/console/w/shop/users")
    expect(page.get_by_role("row").filter(has_text="Grace")).to_be_visible()


def search(page: Page) -> None:
    page.goto("/console/w/shop")
    page.get_by_role("button", name="Search everywhere").click()
    page.get_by_role("combobox", name="Search everywhere").fill("orders")
    dialog = page.get_by_role("dialog", name="Search everywhere")
    expect(dialog.get_by_role("option").nth(3)).to_be_visible()
    expect(dialog.get_by_label("Loading")).to_have_count(0)


def about(page: Page) -> None:
    page.goto("/console/w/shop/about")
    workspaces = page.get_by_role("table", name="Workspaces")
    expect(workspaces.get_by_role("row").filter(has_text="shop")).to_contain_text("today")


class Receiver(BaseHTTPRequestHandler):
    """Receives the messages of a webhook."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """It writes nothing."""


@dataclass(frozen=True)
class Picture:
    """What is done before it, its height, and whether it is of the dark scheme."""

    prepare: Callable[[Page], None]
    height: int = HEIGHT
    is_dark: bool = False


PICTURES = {
    "sign-in": Picture(sign_in, height=350),
    "home": Picture(home),
    "home-dark": Picture(home, is_dark=True),
    "search": Picture(search),
    "tables": Picture(tables, height=530),
    "definition": Picture(definition),
    "steps": Picture(steps),
    "view": Picture(view),
    "grid": Picture(grid, height=540),
    "filter": Picture(filters),
    "chart": Picture(chart),
    "editor": Picture(editor, height=480),
    "paste": Picture(paste),
    "row": Picture(row),
    "history": Picture(history),
    "undo": Picture(undo),
    "import": Picture(import_, height=800),
    "rejected": Picture(rejected),
    "export": Picture(export, height=400),
    "grants": Picture(grants),
    "code": Picture(code),
    "webhook": Picture(webhook),
    "users": Picture(users, height=530),
    "about": Picture(about),
}
"""By file name, without its ending."""


def taken(page: Page) -> bytes:
    """The picture of a page, as soon as two of them are the same."""
    page.evaluate(STILL)
    page.evaluate("document.fonts.ready.then(() => null)")
    page.mouse.move(WIDTH - 1, 0)
    session = page.context.new_cdp_session(page)
    last = b""
    for _ in range(50):
        found = session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
        picture = base64.b64decode(found["data"])
        if picture == last:
            return picture
        last = picture
        time.sleep(0.2)
    sys.exit("The page does not come to rest.")


def store(page: Page, name: str, picture: bytes) -> None:
    """Write a picture unless it looks like the one that is there."""
    if len(picture) > MOST_BYTES:
        sys.exit(f'The picture "{name}" has {len(picture):,} bytes; the limit is {MOST_BYTES:,}.')
    path = FOLDER / f"{name}.webp"
    if path.exists():
        both = [base64.b64encode(each).decode() for each in (path.read_bytes(), picture)]
        if page.evaluate(DIFFERENT, both) <= MOST_DIFFERENT:
            return
    path.write_bytes(picture)
    print(f"{path.relative_to(ROOT)}: {len(picture):,} bytes")


def render(browser: Browser, server: RowkeepServer, steady: Steady, names: list[str]) -> None:
    for name in names:
        picture = PICTURES[name]
        context = browser.new_context(
            base_url=server.url,
            viewport={"width": WIDTH, "height": picture.height},
            color_scheme="dark" if picture.is_dark else "light",
            reduced_motion="reduce",
            locale="en-US",
            timezone_id="UTC",
        )
        steady.begin(context)
        signed_in = context.request.post(
            "/api/v1/session",
            data={"email": ADA["email"], "password": PASSWORD},
            headers={"Origin": server.url},
        )
        expect(signed_in).to_be_ok()
        page = context.new_page()
        picture.prepare(page)
        store(page, name, taken(page))
        context.unroute_all(behavior="ignoreErrors")
        context.close()


def main() -> None:
    chromium = find_chromium()
    if chromium is None:
        sys.exit("No Chromium was found: run make browser.")
    FOLDER.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=20_000)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        directory = Path(folder)
        steady = Steady()
        server = RowkeepServer(sqlite_url(directory / "data"), directory, webhook_allow_private=True)
        server.port = PORT
        server.url = f"http://127.0.0.1:{PORT}"
        receiver = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        threading.Thread(target=receiver.serve_forever).start()
        server.start()
        browser = playwright.chromium.launch(
            executable_path=chromium.path, env=chromium.environment, args=["--headless", "--no-sandbox"]
        )
        try:
            address = f"http://127.0.0.1:{receiver.server_port}"
            fill(server, address)
            steady.show(address, "https://warehouse.example.com")
            render(browser, server, steady, sys.argv[1:] or list(PICTURES))
        finally:
            browser.close()
            server.stop()
            receiver.shutdown()


if __name__ == "__main__":
    main()
