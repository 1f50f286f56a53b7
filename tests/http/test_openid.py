"""OpenID Connect: people sign in at a provider, and only as who they are there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from answers import good, problem

from rowkeep.errors.catalogue import SetupError
from rowkeep.services.openid import Refusal
from rowkeep.settings import Settings
from support.engines import first_on_each
from support.openid import CLIENT_ID, CLIENT_SECRET, Provider, provider
from support.person import browser
from support.server import RowkeepServer

START = "/session/openid"


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    with provider() as found:
        yield found


@pytest.fixture
def idp(running: Provider) -> Provider:
    """The provider, as it should be."""
    running.claims, running.signs, running.issuer_in_metadata = {}, "well", None
    return running


@pytest.fixture(scope="module")
def site(
    running: Provider, new_store: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RowkeepServer]:
    """A server with that provider, which takes verified addresses of two domains."""
    server = RowkeepServer(
        new_store(),
        tmp_path_factory.mktemp("server"),
        openid_issuer=running.issuer,
        openid_client_id=CLIENT_ID,
        openid_client_secret=CLIENT_SECRET,
        openid_domains="openid.example, other.example",
        openid_creates_users="true",
        workers=2,
    )
    server.environment["ROWKEEP_PUBLIC_URL"] = server.url
    server.start()
    yield server
    server.stop()


def sign_in(client: httpx.Client, idp: Provider, change: Callable[[str], str] = str) -> httpx.Response:
    """The response to the callback; ``change`` changes its address."""
    started = client.get(START)
    assert started.status_code == 303, started.text
    assert started.headers["location"].startswith(f"{idp.issuer}/authorize?")
    return client.get(change(idp.authorize(started.headers["location"])))


def is_signed_in(response: httpx.Response) -> bool:
    if response.headers["location"] == "/console":
        return any("rowkeep_session=rks_" in each for each in response.headers.get_list("set-cookie"))
    assert refusal(response)
    assert "rowkeep_session" not in "".join(response.headers.get_list("set-cookie"))
    return False


def refusal(response: httpx.Response) -> str:
    """What the page to sign in says about a sign-in that has failed."""
    page, _, error = response.headers["location"].partition("#error=")
    assert page == "/console/sign-in"
    return str(Refusal(error))


def test_a_new_user_has_no_rights(site: RowkeepServer, idp: Provider) -> None:
    with browser(site) as client:
        assert is_signed_in(sign_in(client, idp))
        session = good(client.get("/session"))
        assert (session["email"], session["name"]) == ("ada@openid.example", "Ada")
        assert (session["admin"], session["workspaces"]) == (False, [])
        assert good(client.get("/session/methods"))["openId"] is True
    # the same person again, whose address has changed meanwhile
    idp.claims = {"email": "countess@other.example", "name": "Countess"}
    with browser(site) as client:
        assert is_signed_in(sign_in(client, idp))
        assert good(client.get("/session"))["id"] == session["id"]


def test_a_user_with_this_address_is_found(site: RowkeepServer, idp: Provider) -> None:
    with site.admin() as admin:
        created = admin.post("/users", json={"email": "Bob@Openid.Example", "name": "Bob"}).json()
        idp.claims = {"sub": "bob", "email": "bob@openid.example"}
        with browser(site) as client:
            assert is_signed_in(sign_in(client, idp))
            assert good(client.get("/session"))["id"] == created["id"]
            # another person of the provider with the same address
            idp.claims = {"sub": "not bob", "email": "bob@openid.example"}
        with browser(site) as client:
            assert not is_signed_in(sign_in(client, idp))
            idp.claims = {"sub": "bob"}
            good(admin.patch(f"/users/{created['id']}", json={"disabled": True}))
            assert refusal(sign_in(client, idp)) == "user_disabled"


def test_another_address_of_the_same_key_is_not_the_user_s(site: RowkeepServer, idp: Provider) -> None:
    """Other letters are another mailbox, or another domain: only upper and lower case is ignored."""
    with site.admin() as admin:
        boss = admin.post("/users", json={"email": "boss@openid.example", "name": "Boss"}).json()
        eve = admin.post("/users", json={"email": "ÈVE.ß@openid.example", "name": "Eve"}).json()
    for number, email in enumerate(
        ("bo\u017f\u017f@openid.example", "boß@openid.example", "ève.ss@openid.example")
    ):
        idp.claims = {"sub": f"somebody {number}", "email": email}
        with browser(site) as client:
            assert refusal(sign_in(client, idp)) == "no_such_user", email
    for user, email in ((boss, "BOSS@OpenId.example"), (eve, "ève.ß@openid.example")):
        idp.claims = {"sub": user["id"], "email": email}
        with browser(site) as client:
            assert is_signed_in(sign_in(client, idp)), email
            assert good(client.get("/session"))["id"] == user["id"]


def test_the_page_says_why(site: RowkeepServer, idp: Provider) -> None:
    with browser(site) as client:
        refused = sign_in(client, idp, lambda url: url + "&error=access_denied")
        assert refusal(refused) == "provider_refused"
        assert (
            refusal(sign_in(client, idp, lambda url: url.replace("state=", "state=x"))) == "sign_in_expired"
        )
        idp.claims = {"email": "ada@evil.example"}
        assert refusal(sign_in(client, idp)) == "no_such_user"
        idp.claims = {"nonce": "another"}
        assert refusal(sign_in(client, idp)) == "sign_in_failed"


QUERY = "/w/main/tables/people?filter=%7B%22a%22%7D&sort=-Number"


@first_on_each(
    ("page", "opened"),
    [
        (QUERY, QUERY),
        ("//evil.example", ""),
        ("/\\evil.example", ""),
        ("https://evil.example", ""),
        ("/w\r\nSet-Cookie: a=b", ""),
        ("/w/é", ""),
        ("/" + "x" * 1000, ""),
    ],
)
def test_the_page_that_was_asked_for(site: RowkeepServer, idp: Provider, page: str, opened: str) -> None:
    with browser(site) as client:
        started = client.get(START, params={"next": page})
        done = client.get(idp.authorize(started.headers["location"]))
        assert done.headers["location"] == f"/console{opened}"
        assert "rowkeep_session=rks_" in "".join(done.headers.get_list("set-cookie"))


@first_on_each(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "another"},
        {"aud": None},
        {"aud": [CLIENT_ID, "another"], "azp": "another"},
        {"exp": 1},
        {"exp": None},
        {"sub": None},
        {"at_hash": "wrong"},
        {"email_verified": False},
        {"email_verified": None},
        {"email": "ada@evil.example"},
        {"email": "ada@evil.openid.example"},
        {"email": None},
        {"sub": "x", "email": "no address@openid.example"},
        {"sub": ["x"], "email": 5},
    ],
)
def test_a_token_with_a_wrong_claim(site: RowkeepServer, idp: Provider, claims: dict[str, Any]) -> None:
    idp.claims = claims
    with browser(site) as client:
        assert not is_signed_in(sign_in(client, idp))


@first_on_each("signs", ["none", "client secret", "unknown key"])
def test_a_token_with_a_wrong_signature(site: RowkeepServer, idp: Provider, signs: str) -> None:
    idp.signs = signs
    with browser(site) as client:
        assert not is_signed_in(sign_in(client, idp))


@first_on_each(
    "change",
    [
        lambda url: url.replace("state=", "state=x"),
        lambda url: url.replace("&state", "&x"),
        lambda url: url.replace("code=", "code=x"),
        lambda url: url.replace("code=", "x="),
        lambda url: url + "&error=access_denied",
        lambda url: url + "&iss=https://evil.example",
    ],
)
def test_a_wrong_callback(site: RowkeepServer, idp: Provider, change: Callable[[str], str]) -> None:
    with browser(site) as client:
        assert not is_signed_in(sign_in(client, idp, change))


def test_a_sign_in_ends_in_the_browser_that_started_it(site: RowkeepServer, idp: Provider) -> None:
    with browser(site) as client, browser(site) as victim:
        callback = idp.authorize(client.get(START).headers["location"])
        assert not is_signed_in(victim.get(callback))
        victim.get(START)
        assert not is_signed_in(victim.get(callback))
        victim.cookies.set("rowkeep_openid", "AAAA", domain="127.0.0.1", path="/api/v1/session/openid")
        assert is_signed_in(client.get(callback))
        assert not is_signed_in(client.get(callback))


def test_a_provider_with_other_metadata(site: RowkeepServer, idp: Provider) -> None:
    idp.issuer_in_metadata = "https://evil.example"
    with browser(site) as client:
        assert refusal(client.get(START)) == "provider_unavailable"


def test_no_secret_is_logged(site: RowkeepServer, idp: Provider) -> None:
    idp.claims = {"nonce": "another"}
    with browser(site) as client:
        started = client.get(START)
        callback = idp.authorize(started.headers["location"])
        client.get(callback)
    log = site.log.read_text()
    assert "openid sign-in failed" in log
    assert CLIENT_SECRET not in log
    assert callback.partition("code=")[2].partition("&")[0] not in log


def test_it_is_off_unless_it_is_configured(server: RowkeepServer) -> None:
    with browser(server) as client:
        problem(client.get(START), 404, "no_such_endpoint")
        problem(client.get(f"{START}/callback?code=1"), 404, "no_such_endpoint")
        assert good(client.get("/session/methods"))["openId"] is False


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"OPENID_ISSUER": "https://idp.example"}, "needs ROWKEEP_OPENID_CLIENT_ID and ROWKEEP_PUBLIC_URL"),
        ({"OPENID_ISSUER": "http://idp.example"}, "must be the https:// URL of the provider"),
        ({"OPENID_ISSUER": "https://idp.example?x"}, "must be the https:// URL of the provider"),
        ({"PUBLIC_URL": "https://data.example/"}, "PUBLIC_URL"),
        ({"PUBLIC_URL": "data.example"}, "PUBLIC_URL"),
        ({"PUBLIC_URL": "ftp://data.example"}, "PUBLIC_URL"),
    ],
)
def test_wrong_settings(settings: dict[str, str], message: str) -> None:
    with pytest.raises(SetupError, match=message):
        Settings.from_environment({f"ROWKEEP_{name}": value for name, value in settings.items()})


def test_the_client_secret_is_not_shown() -> None:
    shown = repr(Settings.from_environment({"ROWKEEP_OPENID_CLIENT_SECRET": CLIENT_SECRET}))
    assert CLIENT_SECRET not in shown


def test_a_provider_that_does_not_respond(
    new_store: Callable[[], str], tmp_path: Path, idp: Provider
) -> None:
    with provider() as gone:
        issuer = gone.issuer
    server = RowkeepServer(new_store(), tmp_path, openid_issuer=issuer, openid_client_id=CLIENT_ID)
    server.environment["ROWKEEP_PUBLIC_URL"] = server.url
    server.start()
    try:
        with browser(server) as client:
            assert refusal(client.get(START)) == "provider_unavailable"
    finally:
        server.stop()
