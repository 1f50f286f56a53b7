"""The pictures of the docs: each one is shown, small, and rendered by ``make pictures``."""

from __future__ import annotations

import re

from pictures import FOLDER, MOST_BYTES, MOST_BYTES_OF_ALL, PICTURES, ROOT

SHOWN = re.compile(r"!\[(?P<text>[^\]]*)\]\((?P<path>[^)]*pictures/[^)]+)\)")


def test_each_picture_is_shown_and_each_shown_picture_exists() -> None:
    shown: dict[str, str] = {}
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for picture in SHOWN.finditer(page.read_text()):
            assert (page.parent / picture["path"]).is_file(), f"{page}: {picture['path']} does not exist"
            assert len(picture["text"]) >= 20, (
                f"{page}: {picture['path']} needs a text that says what is seen"
            )
            shown[(page.parent / picture["path"]).resolve().name] = picture["text"]
    rendered = {f"{name}.webp" for name in PICTURES}
    assert rendered == {path.name for path in FOLDER.iterdir()} == set(shown)


def test_pictures_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    assert {name: size for name, size in sizes.items() if size > MOST_BYTES} == {}
    assert sum(sizes.values()) <= MOST_BYTES_OF_ALL
