"""What the pages of this suite must not do is noticed: to ask other hosts, to go there, and to fail."""

from __future__ import annotations

from browsing import SQLITE, Tab, eventually
from playwright.sync_api import Browser

from support.server import RowkeepServer

OTHER = "http://127.0.0.2:9"

ASKS = {
    "connect-src": f"fetch('{OTHER}/').catch(() => 0)",
    "img-src": f"new Image().src = '{OTHER}/a.png'",
    "style-src": f"document.head.append(Object.assign(document.createElement('link'), "
    f"{{ rel: 'stylesheet', href: '{OTHER}/a.css' }}))",
    "script-src": f"import('{OTHER}/a.js').catch(() => 0)",
    "frame-src": f"document.body.append(Object.assign(document.createElement('iframe'), "
    f"{{ src: '{OTHER}/' }}))",
}
"""By the directive that refuses it."""


@SQLITE
def test_what_a_page_must_not_do_is_noticed(server: RowkeepServer, browser: Browser) -> None:
    tab = Tab(browser, {})
    tab.begin(server.url, None, 1280, 800)
    tab.page.goto(server.url + "/console/sign-in")
    assert tab.watched.problems == []
    for asked in ASKS.values():
        tab.page.evaluate(f"() => void ({asked})")
    tab.page.evaluate("() => void setTimeout(() => nothingOfThisName())")
    expected = [*ASKS, "nothingOfThisName"]
    found = tab.watched.problems

    def missing() -> list[str]:
        tab.page.evaluate("0")  # what the browser has written is read while something is asked of it
        return [text for text in expected if not any(text in each for each in found)]

    eventually(missing, [])

    tab.watched.host = "127.0.0.2"
    tab.page.goto(server.url + "/healthz")
    assert found[-1] == f"went to another host: {server.url}/healthz"
    tab.close()
