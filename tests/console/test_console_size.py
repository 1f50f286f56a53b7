"""What a browser loads first is small, and nothing of it is on another host."""

from __future__ import annotations

import re
from pathlib import Path

import rowkeep

BUILT = Path(rowkeep.__file__).parent / "web"
MOST_BYTES = 220_000
LOADED = re.compile(r'(?:src|href)="(?:\./)?(assets/[^"]+)"')


def test_the_first_page_is_small() -> None:
    assert (BUILT / "index.html").is_file(), "The console is not built: run make console."
    page = (BUILT / "index.html").read_text()
    names = set(LOADED.findall(page))
    kinds = {Path(name).suffix for name in names}
    assert {".js", ".css"} <= kinds
    sizes = {}
    for name in names:
        compressed = BUILT / f"{name}.br"
        sizes[name] = (compressed if compressed.is_file() else BUILT / name).stat().st_size
    assert sum(sizes.values()) <= MOST_BYTES, sizes
    assert "//" not in re.sub(r"<!--.*?-->", "", page, flags=re.DOTALL)
