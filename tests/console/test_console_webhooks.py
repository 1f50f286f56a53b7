"""Webhooks in the console: created, tested, changed and deleted, with a receiver that is a real server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from queue import Queue

import pytest
from browsing import SQLITE, OpenPage
from playwright.sync_api import Page, expect
from standardwebhooks import Webhook as Verifier
from test_console_dialogs import check, press

from support.person import Person
from support.receiver import FAILED, OK, Receiver, receiving
from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace, succeeded

pytestmark = SQLITE

RECORDED = PEOPLE | {"name": "recorded", "history": {"keepDays": 30}}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that runs in a thread: the loop of this one belongs to the browser."""
    started: Queue[tuple[Receiver, Callable[[], object]]] = Queue()
    thread = threading.Thread(target=asyncio.run, args=(serve(started),))
    thread.start()
    receiver, stop = started.get()
    yield receiver
    stop()
    thread.join()


async def serve(started: Queue[tuple[Receiver, Callable[[], object]]]) -> None:
    """Run a receiver until it is stopped, and its connections have ended."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    async with receiving() as receiver:
        started.put((receiver, lambda: loop.call_soon_threadsafe(stopped.set)))
        await stopped.wait()
    await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)


def manager(server: RowkeepServer, workspace: Workspace) -> Person:
    workspace.create_table(RECORDED)
    person = Person(server)
    succeeded(workspace.admin.put(f"{workspace.path}/members/{person.id}", json={"role": "manager"}))
    return person


def create(page: Page, url: str) -> None:
    """Create a webhook by the keyboard."""
    press(page, page.get_by_role("button", name="New webhook"))
    dialog = page.get_by_role("dialog", name="New webhook")
    expect(dialog.get_by_label("URL")).to_be_focused()
    page.keyboard.type(url)
    dialog.get_by_label("recorded").focus()
    page.keyboard.press("Space")
    press(page, dialog.get_by_role("button", name="Create webhook"))


def test_addresses_inside_are_refused_at_their_field(
    open_page: OpenPage, server: RowkeepServer, workspace: Workspace
) -> None:
    page = open_page(manager(server, workspace), f"/console/w/{workspace.name}/webhooks", 360)
    create(page, "http://127.0.0.1:9/hook")
    url = page.get_by_role("dialog").get_by_label("URL")
    expect(url).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("has an address that is not public")).to_be_visible()
    check(page)
    url.fill("https://hooks.invalid/rows")
    page.get_by_role("button", name="Create webhook").click()
    expect(page.get_by_role("heading", name="https://hooks.invalid/rows")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("main").get_by_role("link", name="Webhooks").click()
    row = page.get_by_role("table", name="Webhooks").get_by_role("row").last
    expect(row).to_contain_text("enabled")
    expect(row).to_contain_text("none")
    check(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


class TestWithReceiver:
    """On a server that may send messages to this machine."""

    @pytest.fixture
    def server(
        self,
        receiver: Receiver,  # noqa: ARG002 - so that it outlives the server, which holds connections to it
        new_store: Callable[[], str],
        tmp_path_factory: pytest.TempPathFactory,
    ) -> Iterator[RowkeepServer]:
        directory = tmp_path_factory.mktemp("server")
        server = RowkeepServer(new_store(), directory, webhook_allow_private=True)
        try:
            server.start()
            yield server
        finally:
            server.stop()

    def test_messages_are_sent_shown_and_sent_again(
        self, open_page: OpenPage, server: RowkeepServer, receiver: Receiver
    ) -> None:
        workspace = Workspace(server, "hooked")
        receiver.responses["/hook"] = [FAILED, OK]
        page = open_page(manager(server, workspace), "/console/w/hooked/webhooks", 360)
        create(page, receiver.url())
        secret = page.get_by_role("alert").locator("code").inner_text()
        expect(page.get_by_role("button", name="Copy the secret")).to_be_visible()

        page.get_by_role("button", name="Send a test").click()
        expect(page.get_by_role("status")).to_contain_text("not accepted: status 500")
        row = page.get_by_role("table", name="Messages").get_by_role("row").nth(1)
        expect(row).to_contain_text("failed")
        row.get_by_role("button", name="Send again").click()
        expect(row).to_contain_text("delivered")
        first, second = receiver.requests
        assert (first.id, first.body) == (second.id, second.body)
        Verifier(secret).verify(second.body, second.headers)
        page.get_by_label("State").select_option("failed")
        expect(page.get_by_text("No message is in this state.")).to_be_visible()
        page.get_by_label("State").select_option("delivered")
        expect(row).to_contain_text("status 204")
        check(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360

        page.get_by_role("button", name="New secret").click()
        page.get_by_role("button", name="Create a new secret").click()
        expect(page.get_by_text("The former secret is valid until")).to_be_visible()
        expect(page.get_by_role("alert").locator("code")).not_to_have_text(secret)
        page.get_by_role("button", name="Pause").click()
        expect(page.get_by_text("It was paused by a user.")).to_be_visible()
        page.get_by_role("button", name="Resume").click()
        expect(page.get_by_role("button", name="Pause")).to_be_visible()
        page.get_by_role("button", name="Change", exact=True).click()
        page.get_by_role("dialog").get_by_label("delete").uncheck()
        page.get_by_role("button", name="Save changes").click()
        expect(page.get_by_text("recorded: insert, update. Created")).to_be_visible()
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("button", name="Delete the webhook").click()
        expect(page.get_by_text("There is no webhook yet.")).to_be_visible()
