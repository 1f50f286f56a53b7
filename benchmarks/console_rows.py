"""The console: time to the first rows of a table, and from a jump in the scroll bar to its rows.

Run by ``make bench-console``: a table of 1,000 rows and one of 1,000,000 (``--rows``), in turns, in a
real browser.
Exits with 1 if the large table takes more than 1.5 times as long.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from chromium import find_chromium
from playwright.sync_api import Page, sync_playwright
from rich.console import Console
from rich.table import Table

from support.person import Person
from support.server import RowkeepServer, sqlite_url
from support.workspace import PEOPLE, Workspace, succeeded

SMALL = 1000
LIMIT = 1.5
CHUNK = 100_000
HAS_ROWS = "document.querySelector('[role=row][aria-rowindex]:not([aria-busy]) [role=gridcell]') !== null"
JUMP = """() => {
  const grid = document.querySelector('[role=grid]');
  grid.scrollTop = grid.scrollHeight / 2;
}"""
JUMPED = """(first) => [...document.querySelectorAll('[role=rowheader]')].some(
  (each) => Number(each.innerText.replaceAll(',', '')) > first && !each.parentElement.ariaBusy)"""


def fill(workspace: Workspace, name: str, rows: int) -> None:
    workspace.create_table(PEOPLE | {"name": name})
    path = f"{workspace.path}/data/tables/{name}/bulk"
    for start in range(0, rows, CHUNK):
        data = [{"First_Name": f"Person {at}", "Number": at} for at in range(start, min(start + CHUNK, rows))]
        succeeded(workspace.admin.post(path, json={"data": data}, headers={"Prefer": "return=minimal"}))


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def measure(page: Page, address: str, name: str, rows: int) -> tuple[float, float]:
    """Milliseconds from a click on the table to its first rows, and from a jump to the middle to its rows."""
    page.goto(address)
    link = page.get_by_role("link", name=name, exact=True)
    link.wait_for()
    page.wait_for_load_state("networkidle")
    link.evaluate("(each) => each.click()")
    first = timed(lambda: page.wait_for_function(HAS_ROWS, polling="raf"))
    page.get_by_text(f"{rows:,} rows", exact=True).wait_for()
    page.evaluate(JUMP)
    jump = timed(lambda: page.wait_for_function(JUMPED, arg=rows * 0.4, polling="raf"))
    return first, jump


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    chromium = find_chromium()
    if chromium is None:
        sys.exit("No Chromium was found: run make browser.")
    sizes = {"small": SMALL, "large": options.rows}
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in sizes}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = RowkeepServer(sqlite_url(Path(folder) / "data"), Path(folder))
        server.leave_unmeasured()
        server.start()
        browser = playwright.chromium.launch(
            executable_path=chromium.path, env=chromium.environment, args=["--headless", "--no-sandbox"]
        )
        try:
            workspace = Workspace(server, "measured")
            for name, rows in sizes.items():
                fill(workspace, name, rows)
            context = browser.new_context(viewport={"width": 1280, "height": 800}, bypass_csp=True)
            context.add_cookies(
                [
                    {"name": cookie.name, "value": cookie.value or "", "url": server.url}
                    for cookie in Person(server, admin=True).http.cookies.jar
                ]
            )
            page = context.new_page()
            address = f"{server.url}/console/w/measured/tables"
            for round_ in range(options.rounds + 1):
                for name, rows in sizes.items():
                    measured = measure(page, address, name, rows)
                    if round_ > 0:
                        times[name].append(measured)
        finally:
            browser.close()
            server.stop()
    sys.exit(report(times, options.rows))


def report(times: dict[str, list[tuple[float, float]]], rows: int) -> int:
    table = Table("median of rounds", f"{SMALL:,} rows", f"{rows:,} rows", "ratio")
    ratios = []
    for at, what in enumerate(("from a click to the first rows", "from a jump to its rows")):
        small, large = (statistics.median(each[at] for each in times[name]) for name in ("small", "large"))
        ratios.append(large / small)
        table.add_row(what, f"{small:.0f} ms", f"{large:.0f} ms", f"{large / small:.2f}")
    Console().print(table)
    return int(max(ratios) > LIMIT)


if __name__ == "__main__":
    main()
