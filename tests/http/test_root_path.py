"""Under a path prefix: behind a proxy that removes it from paths, and behind one that leaves it."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from types import SimpleNamespace
from urllib.parse import urljoin

import httpx
import pytest
from test_documents import assets

from rowkeep.errors.catalogue import SetupError
from rowkeep.setting_rules import OWN_PATHS
from rowkeep.settings import Settings
from support import plain
from support.bot import Bot
from support.gateway import Gateway
from support.server import RowkeepServer, sqlite_url
from support.workspace import PEOPLE, Workspace

PREFIX = "/shop/rows"


class Proxy(Gateway):
    """Serves a server under the prefix, and nothing else."""

    def __init__(self, server_url: str, removes: bool) -> None:
        super().__init__(server_url, [])
        self._removes = removes

    def pass_on(self, request: BaseHTTPRequestHandler, body: bytes) -> httpx.Response:
        rest = request.path.removeprefix(PREFIX)
        if rest == request.path or (rest and not rest.startswith(("/", "?"))):
            return httpx.Response(404, text="not here")
        if self._removes:
            request.path = rest or "/"
        return super().pass_on(request, body)


@pytest.fixture(scope="module")
def prefixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RowkeepServer]:
    directory = tmp_path_factory.mktemp("prefixed")
    server = RowkeepServer(sqlite_url(directory / "data"), directory, root_path=PREFIX)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def bot(prefixed: RowkeepServer) -> Bot:
    workspace = Workspace(prefixed, "shop")
    workspace.create_table(PEOPLE)
    return workspace.bot({"people": "rwd"})


@pytest.fixture(params=["removes", "leaves"])
def url(request: pytest.FixtureRequest, prefixed: RowkeepServer) -> Iterator[str]:
    """The address under which the proxy serves it."""
    with Proxy(prefixed.url, request.param == "removes") as proxy:
        yield proxy.url + PREFIX


def test_the_way_to_the_docs(url: str) -> None:
    for start in (url, f"{url}/"):
        sent = plain.get(start)
        assert sent.status_code == 307
        assert urljoin(start, sent.headers["location"]) == f"{url}/docs"
        assert plain.get(start, follow_redirects=True).headers["content-type"].startswith("text/html")


def test_the_docs_and_all_that_they_load(url: str) -> None:
    found = assets(SimpleNamespace(url=url))  # type: ignore[arg-type]
    assert len(found) >= 4
    assert all(address.startswith(f"{url}/docs") for address in found)
    start = next(answer.text for address, answer in found.items() if address.endswith("start.js"))
    assert 'url: "openapi.json"' in start  # relative to the page, as Swagger UI takes it


def test_the_description_leads_to_the_calls(url: str, bot: Bot) -> None:
    """As a client that is made from the description puts addresses together."""
    document = plain.get(urljoin(f"{url}/docs", "openapi.json")).json()
    assert document["servers"] == [{"url": PREFIX}]
    base = urljoin(url, document["servers"][0]["url"])
    assert base == url
    answer = plain.post(f"{base}/api/public/tables/people/query", json={}, headers={"auth": bot.token()})
    assert (answer.status_code, answer.json()["total"]) == (200, 0)
    assert plain.get(f"{base}/healthz").status_code == 200
    assert plain.get(f"{base}/api/v1/workspaces").status_code == 401
    assert plain.get(f"{base}/nothing").status_code == 404


def test_paths_that_only_look_like_the_prefix(prefixed: RowkeepServer) -> None:
    for path in (f"{PREFIX}x/docs", f"{PREFIX}{PREFIX}/docs", f"/{PREFIX}/docs", "/shop/docs"):
        assert plain.get(prefixed.url + path).status_code == 404, path


def test_without_a_prefix(server_on_sqlite: RowkeepServer) -> None:
    for method in ("GET", "HEAD"):
        sent = plain.request(method, f"{server_on_sqlite.url}/")
        assert (sent.status_code, sent.headers["location"]) == (307, "/docs")
    assert plain.post(f"{server_on_sqlite.url}/").status_code == 405
    assert plain.get(f"{server_on_sqlite.url}{PREFIX}/docs").status_code == 404


@pytest.mark.parametrize(
    "text",
    ["rows", "/", "/rows/", "//rows", "/ro ws", "/rows?x", "/rows#x", "/../x", "/%72ows", "/größe"]
    + [f"/{name}" for name in OWN_PATHS]
    + ["/api/rows"],
)
def test_a_value_that_is_no_prefix(text: str) -> None:
    with pytest.raises(SetupError, match="ROWKEEP_ROOT_PATH"):
        Settings.from_environment({"ROWKEEP_ROOT_PATH": text})


@pytest.mark.parametrize("text", ["/rows", "/shop/rows", "/apis", "/a.b-c_d~e"])
def test_a_value_that_is_a_prefix(text: str) -> None:
    assert Settings.from_environment({"ROWKEEP_ROOT_PATH": text}).root_path == text
