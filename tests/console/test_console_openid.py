"""Signing in at a provider of OpenID Connect: back to the page that was asked for, or what is wrong."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from support.openid import CLIENT_ID, CLIENT_SECRET, Provider, provider
from support.server import RowkeepServer, sqlite_url
from support.workspace import Workspace, succeeded


@pytest.fixture(scope="module")
def idp() -> Iterator[Provider]:
    with provider() as found:
        yield found


@pytest.fixture(scope="module")
def site(idp: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RowkeepServer]:
    directory = tmp_path_factory.mktemp("site")
    server = RowkeepServer(
        sqlite_url(directory / "data"),
        directory,
        openid_issuer=idp.issuer,
        openid_client_id=CLIENT_ID,
        openid_client_secret=CLIENT_SECRET,
    )
    server.environment["ROWKEEP_PUBLIC_URL"] = server.url
    server.start()
    yield server
    server.stop()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that goes to another host: the provider's."""
    context = browser.new_context(reduced_motion="reduce")
    yield context.new_page()
    context.close()


def test_there_and_back(page: Page, site: RowkeepServer, idp: Provider) -> None:
    workspace = Workspace(site, "shop")
    with site.admin() as admin:
        ada = succeeded(admin.post("/users", json={"email": "ada@openid.example", "name": "Ada"}))
        succeeded(admin.put(f"{workspace.path}/members/{ada['id']}", json={"role": "viewer"}))
        page.goto(f"{site.url}/console/w/shop/members?a=b")
        button = page.get_by_role("link", name="Sign in with your organisation")
        idp.refuses = True
        button.click()
        expect(page.get_by_role("alert")).to_contain_text("cancelled")
        idp.refuses = False
        idp.issuer_in_metadata = "https://evil.example"
        button.click()
        expect(page.get_by_role("alert")).to_contain_text("does not respond")
        idp.issuer_in_metadata = None
        idp.claims = {"sub": "stranger", "email": "stranger@openid.example"}
        button.click()
        expect(page.get_by_role("alert")).to_contain_text("Ask an administrator to add you")
        idp.claims = {}
        page.goto(f"{site.url}/console/w/shop/members?a=b")
        button.click()
        expect(page.get_by_role("heading", name="Members of shop")).to_be_visible()
        assert page.url == f"{site.url}/console/w/shop/members?a=b"
        # the session ends in the middle of work, and is started again in another tab
        succeeded(admin.post(f"/users/{ada['id']}/reset"))
        page.get_by_role("link", name="Tables").click()
        dialog = page.get_by_role("dialog", name="You are signed out")
        with page.expect_popup() as popup:
            dialog.get_by_role("link", name="Sign in with your organisation").click()
        expect(popup.value.get_by_role("heading", name="Tables")).to_be_visible()
        expect(dialog).to_have_count(0)
        expect(page.get_by_text("There is no table here yet")).to_be_visible()
        succeeded(admin.patch(f"/users/{ada['id']}", json={"disabled": True}))
        page.goto(f"{site.url}/console")
        button.click()
        expect(page.get_by_role("alert")).to_contain_text("Your user is disabled")
        # an address that others wrote is not shown
        page.goto(f"{site.url}/console/sign-in#error=%3Cb%3Ehello")
        page.reload()
        expect(page.get_by_role("alert")).to_contain_text("The sign-in has failed.")
