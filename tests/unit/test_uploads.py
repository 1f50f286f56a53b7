"""How many files a user can have, also while they are uploaded, by several processes at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from rowkeep.errors.files import TooManyUploads
from rowkeep.model.ids import wall_clock
from rowkeep.services.file_imports.files import Files
from rowkeep.services.file_imports.places import Place, Places
from rowkeep.services.file_imports.states import UploadedFile
from rowkeep.settings import Settings

MOST = 3
OWNER = "us-1"


@pytest.fixture
def processes(tmp_path: Path) -> list[Files]:
    nobody: Any = None
    settings = Settings(max_uploads=MOST)
    return [Files(nobody, Places(tmp_path / "uploads"), nobody, settings, wall_clock) for _ in range(2)]


@pytest.fixture
def uploads() -> Iterator[ExitStack]:
    """The uploads that run."""
    with ExitStack() as stack:
        yield stack


def begin(files: Files, uploads: ExitStack, owner: str = OWNER) -> Place | None:
    """The place of a new upload; None if there are too many."""
    try:
        return files.make_place(owner, uploads)
    except TooManyUploads:
        return None


def store(place: Place) -> None:
    place.create_data().close()
    place.write_file(
        UploadedFile(
            id=place.path.name,
            workspace="main",
            owner=OWNER,
            name="a.csv",
            size=1,
            format="csv",
            uploaded_on="2020-03-28T07:02:09.652Z",
        )
    )


def test_uploads_at_the_same_time_are_counted(processes: list[Files], uploads: ExitStack) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda at: begin(processes[at % 2], uploads), range(20)))
    assert sum(place is not None for place in made) == MOST
    assert begin(processes[0], uploads, "us-2") is not None


def test_what_a_killed_upload_has_left_makes_room(processes: list[Files], uploads: ExitStack) -> None:
    left = [begin(processes[0], uploads) for _ in range(MOST)]
    assert begin(processes[1], uploads) is None
    uploads.close()
    assert begin(processes[1], uploads) is not None
    assert [place is not None and place.path.exists() for place in left] == [False] * MOST


def test_results_make_room_and_files_do_not(processes: list[Files], uploads: ExitStack) -> None:
    places = [begin(processes[0], uploads) for _ in range(MOST)]
    for place in places:
        assert place is not None
        store(place)
    uploads.close()
    with pytest.raises(TooManyUploads, match="You have 3 uploaded files; 3 are allowed"):
        processes[0].make_place(OWNER, uploads)
    assert places[1] is not None
    places[1].drop_data()
    assert begin(processes[1], uploads) is not None
    assert [place is not None and place.path.exists() for place in places] == [True, False, True]


def test_root_takes_no_directory_that_anybody_can_have_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of root may belong to the owner of the store; in a directory such as /tmp, it may be a trap."""
    places, file_id = Places(tmp_path / "uploads"), "fi-0123456789abcdef01234567"
    places.make(file_id)
    if os.geteuid() == 0:
        os.chown(places.root, 65534, 65534)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert places.find(file_id) is not None
    tmp_path.chmod(0o1777)
    assert places.find(file_id) is None
    with pytest.raises(PermissionError, match="belongs to another user"):
        places.make("fi-0123456789abcdef01234568")
