"""A server that restarts while somebody edits: nothing is lost, and nothing is stored twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browsing import OpenPage, eventually
from playwright.sync_api import Locator, Page, expect
from test_console_editing import edit, rows_of
from test_console_grid import cell
from test_console_ranges import paste

from support.person import Person
from support.server import RowkeepServer, sqlite_url
from support.workspace import Workspace


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RowkeepServer]:
    """One that no other test uses."""
    server = RowkeepServer(
        sqlite_url(tmp_path_factory.mktemp("store") / "data"), tmp_path_factory.mktemp("server")
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def ada(server: RowkeepServer) -> Person:
    return Person(server, admin=True, name="Ada Lovelace")


def wait_in_vain(page: Page, alert: Locator) -> None:
    """Until the page stops sending something again, and says so in this alert."""
    for _ in range(100):
        if alert.is_visible():
            break
        page.clock.run_for(1000)
    expect(alert).to_contain_text("Check the connection, then try again.")


def test_edits_outlive_the_server(
    open_page: OpenPage, ada: Person, server: RowkeepServer, workspace: Workspace, people_path: str
) -> None:
    page = open_page(ada, people_path, is_own=True)
    # they are sent again
    cell(page, "Person 0").dblclick()
    server.kill()
    edit(page, "First_Name", "Stored later")
    expect(page.get_by_text("Storing…")).to_be_visible()
    server.start()
    expect(cell(page, "Stored later")).to_be_visible()
    # as when a proxy, or a page of the network, is there instead of the server
    page.route("**/data/tables/people", lambda route: route.fulfill(status=502), times=1)
    page.route(
        "**/data/tables/people", lambda route: route.fulfill(body="<p>", content_type="text/html"), times=1
    )
    cell(page, "Stored later").dblclick()
    edit(page, "First_Name", "Stored now")
    expect(cell(page, "Stored now")).to_be_visible()
    dialog = paste(page, "One\nTwo\nThree")
    expect(dialog.get_by_text("This changes 3 cells")).to_be_visible()
    # the batch is stored, and only its response is lost
    page.route("**/data/batch", lambda route: (route.fetch(), route.abort()), times=1)
    dialog.get_by_role("button", name="Paste").click()
    expect(cell(page, "Three")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    eventually(
        lambda: [row["First_Name"] for row in rows_of(workspace)][:4], ["One", "Two", "Three", "Person 3"]
    )
    page.get_by_role("button", name="Undo: paste into 3 rows").click()
    expect(cell(page, "Stored now")).to_be_visible()

    # of a server that does not come back, the editor stays open with its value, and says what to do
    page.clock.install()
    cell(page, "Person 1").dblclick()
    server.kill()
    edit(page, "First_Name", "Not lost")
    editor = page.get_by_role("dialog", name="Edit First_Name")
    wait_in_vain(page, editor.get_by_role("alert"))
    expect(editor.get_by_role("textbox", name="First_Name")).to_have_value("Not lost")
    server.start()
    page.clock.resume()
    editor.get_by_role("textbox", name="First_Name").press("Enter")
    expect(cell(page, "Not lost")).to_be_visible()
    assert rows_of(workspace)[1]["First_Name"] == "Not lost"

    # a new row that was stored without a response is not added once more
    page.get_by_role("button", name="Add row").click()
    form = page.get_by_role("dialog", name="Add a row")
    form.get_by_role("textbox", name="First_Name").fill("Once")
    page.route("**/data/tables/people", lambda route: (route.fetch(), route.abort()))
    form.get_by_role("button", name="Add").click()
    wait_in_vain(page, form.get_by_role("alert"))
    page.unroute_all()
    form.get_by_role("button", name="Add").click()
    expect(page.get_by_text("13 rows", exact=True)).to_be_visible()
    expect(cell(page, "Once")).to_be_visible()
