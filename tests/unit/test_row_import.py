"""Imports of rows that refer to each other, against a server in memory that loses requests and responses."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from import_model import Killed, ServerModel, no_fault, rejected_lines, run_import

from oracle.effort import ROUNDS
from rowkeep.cli.import_options import Mode, OnConflict
from rowkeep.files import batches, text_import
from rowkeep.files.journal import Ledger
from rowkeep.files.responses import NoResponse
from rowkeep.files.sender import Uncertain

Place = dict[str, str | None]


def place(code: str | None, parent: str | None = None, other: str | None = None) -> Place:
    return {"Code": code, "Parent": parent, "Other": other}


def write(directory: Path, places: list[Place]) -> Path:
    path = directory / "places.ndjson"
    path.write_text("".join(json.dumps(each) + "\n" for each in places))
    return path


def write_csv(directory: Path, places: list[Place]) -> Path:
    path = directory / "places.csv"
    rows = [",".join(cell or "" for cell in each.values()) + "\n" for each in places]
    path.write_text("Code,Parent,Other\n" + "".join(rows))
    return path


def write_one(draw: random.Random, directory: Path, places: list[Place]) -> tuple[Path, int]:
    """A file of one format, and the lines before its rows."""
    is_csv = draw.random() < 0.5
    return (write_csv(directory, places), 1) if is_csv else (write(directory, places), 0)


def importable(places: list[Place]) -> list[Place]:
    """The rows of a file that can be in the table: the first with each code, if what they refer to is."""
    first: dict[Any, int] = {}
    for at, each in enumerate(places):
        if each["Code"] != "bad":
            first.setdefault(at if each["Code"] is None else each["Code"], at)
    found = [places[at] for at in first.values()]
    while True:
        codes = {each["Code"] for each in found}
        good = [each for each in found if {each["Parent"], each["Other"]} <= codes | {None}]
        if len(good) == len(found):
            return good
        found = good


def sorted_rows(rows: list[Any]) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


def drawn(draw: random.Random, doubles: bool) -> list[Place]:
    """Some places, which refer to earlier and later ones, to themselves, in circles, and to none."""
    count = draw.randint(1, 30)
    codes = [f"c{number}" for number in range(count)]

    def target() -> str | None:
        if draw.random() < 0.4:
            return None
        return "nowhere" if draw.random() < 0.05 else draw.choice(codes)

    places = [place(code, target(), target() if draw.random() < 0.3 else None) for code in codes]
    for at in range(count):
        if draw.random() < 0.05:
            places[at] = place("bad", target())
        elif draw.random() < 0.05:
            places[at] = place(None, target())
    if doubles:
        places += [place(draw.choice(codes)) for _ in range(draw.randint(0, 5))]
    return places


@pytest.fixture(autouse=True)
def small_pieces() -> Iterator[None]:
    """Pieces of a file that are streamed have some rows, like batches."""
    with (
        patch.object(batches, "FIRST_PIECE_BYTES", 150),
        patch.object(batches, "PIECE_BYTES", 600),
        patch.object(batches, "BATCH_ROWS", 5),
        patch.object(text_import, "FIRST_TEXT_BYTES", 60),
        patch.object(text_import, "TEXT_BYTES", 500),
        patch.object(text_import, "READ_BYTES", 100),
    ):
        yield


def some_rows(draw: random.Random) -> int | None:
    """The rows of a request; None for pieces that are streamed."""
    return draw.choice([None, draw.randint(1, 7)])


@pytest.mark.parametrize("seed", range(60 * ROUNDS))
def test_what_goes_in(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    places = drawn(draw, doubles=False)
    (path, before), server = write_one(draw, tmp_path, places), ServerModel()
    batch = some_rows(draw)
    standing = run_import(server, path, batch=batch)
    good = importable(places)
    assert sorted_rows(server.rows) == sorted_rows(good)
    rejected = [at + 1 + before for at, each in enumerate(places) if each not in good]
    assert sorted(rejected_lines(path)) == rejected
    assert (standing.inserted, standing.rejected) == (len(good), len(rejected))
    assert server.sent_rows <= (4 if batch is None else 2) * len(places)
    assert bool(server.streams) == (batch is None)


class Accidents:
    """Kills the import, or loses a request or response, now and then."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw

    def at(self, _moment: str) -> None:
        chance = self._draw.random()
        if chance < 0.1:
            raise Killed
        if chance < 0.25:
            raise NoResponse("lost")

    def record(self, ledger: Ledger, progress: Any) -> None:
        if self._draw.random() < 0.05:
            raise Killed
        _record(ledger, progress)
        if self._draw.random() < 0.05:
            raise Killed


_record = Ledger.record


@pytest.mark.parametrize("seed", range(75 * ROUNDS))
def test_killed_and_resumed(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    places = drawn(draw, doubles=False)
    (path, before), server = write_one(draw, tmp_path, places), ServerModel()
    accidents = Accidents(draw)
    server.fault = accidents.at
    batch = some_rows(draw)
    standing = None
    while standing is None:
        try:
            with patch.object(Ledger, "record", lambda ledger, progress: accidents.record(ledger, progress)):
                standing = run_import(server, path, batch=batch)
        except Killed:
            batch = some_rows(draw)
    good = importable(places)
    assert sorted_rows(server.rows) == sorted_rows(good)
    rejected = [at + 1 + before for at, each in enumerate(places) if each not in good]
    assert sorted(rejected_lines(path)) == rejected
    assert (standing.inserted, standing.rejected, standing.replayed) == (len(good), len(rejected), 0)
    assert sorted(each.name for each in tmp_path.iterdir() if "rejects" not in each.name) == [
        path.name,
        f"{path.name}.imported",
    ]


@pytest.mark.parametrize("seed", range(30 * ROUNDS))
def test_killed_while_rows_exist(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    places = drawn(draw, doubles=True)
    path = write(tmp_path, places)
    before = [place(f"c{n}") for n in range(0, 30, draw.randint(2, 5))]
    options: dict[str, Any] = {
        "on_conflict": draw.choice([OnConflict.IGNORE, OnConflict.UPDATE]), "key": ("Code",)
    }  # fmt: skip
    undisturbed, server = ServerModel(), ServerModel()
    undisturbed.rows = [dict(row) for row in before]
    server.rows = [dict(row) for row in before]
    expected = run_import(undisturbed, path, batch=4, restart=True, **options)
    rejected = sorted(rejected_lines(path))
    Path(f"{path}.imported").unlink()
    Path(f"{path}.rejects.ndjson").unlink(missing_ok=True)
    accidents = Accidents(draw)
    server.fault = accidents.at
    standing = None
    while standing is None:
        try:
            with patch.object(Ledger, "record", lambda ledger, progress: accidents.record(ledger, progress)):
                standing = run_import(server, path, batch=some_rows(draw), **options)
        except Killed:
            continue
    assert sorted_rows(server.rows) == sorted_rows(undisturbed.rows)
    assert sorted(rejected_lines(path)) == rejected
    for name in ("inserted", "updated", "ignored"):
        assert getattr(standing, name) == getattr(expected, name), name


def chain(count: int) -> list[Place]:
    """Each refers to the next one."""
    return [place(f"c{number}", f"c{number + 1}" if number + 1 < count else None) for number in range(count)]


SHAPES: dict[str, list[Place]] = {
    "parents last": [place(f"c{n}", f"p{n % 12}") for n in range(1200)] + [place(f"p{n}") for n in range(12)],
    "reversed chain": chain(1200),
    "one circle": [*chain(600)[:-1], place("c599", "c0")],
    "circles": [place(f"c{n}", f"c{(n + 600) % 1200}") for n in range(1200)],
    "themselves": [place(f"c{n}", f"c{n}") for n in range(1200)],
    "all alike": [place("c", "c")] * 600 + [place(f"d{n}", "c") for n in range(600)],
}


@pytest.mark.parametrize("shape", SHAPES)
def test_requests_grow_with_the_rows(shape: str, tmp_path: Path) -> None:
    places = SHAPES[shape]
    path, server = write(tmp_path, places), ServerModel()
    run_import(server, path, batch=100)
    assert sorted_rows(server.rows) == sorted_rows(importable(places))
    assert server.requests <= 2 * -(-len(places) // 100) + 2
    assert server.sent_rows <= 2 * len(places)
    # all of them are there already: one pass
    again = ServerModel()
    again.rows = server.rows
    standing = run_import(again, path, batch=100, restart=True)
    assert standing.inserted == 0
    assert again.requests == -(-len(places) // 100)


def test_good_rows_of_a_bulk_with_a_conflict(tmp_path: Path) -> None:
    """Subdivisions whose parents come later, and one row that is there already."""
    places = [place(f"c{n}", f"p{n % 90}") for n in range(5000)] + [place(f"p{n}") for n in range(127)]
    path, server = write(tmp_path, places), ServerModel()
    server.rows = [place("c7")]
    standing = run_import(server, path, batch=1000)
    assert (standing.inserted, standing.rejected) == (5126, 1)
    assert rejected_lines(path) == [8]


def test_a_circle_that_is_too_large(tmp_path: Path) -> None:
    places = [*chain(300)[:-1], place("c299", "c0"), place("d", "c1"), place("e")]
    path, server = write(tmp_path, places), ServerModel()
    server.max_body_bytes = 2000
    standing = run_import(server, path, batch=10)
    assert [row["Code"] for row in server.rows] == ["e"]
    assert standing.rejected == 301
    assert server.requests < 100


@pytest.mark.parametrize("action", [OnConflict.IGNORE, OnConflict.UPDATE])
def test_half_of_them_exist(action: OnConflict, tmp_path: Path) -> None:
    places = [place(f"c{n}", f"c{n + 1}" if n < 99 else None) for n in range(100)]
    path, server = write(tmp_path, [*places, place("c7", "c1")]), ServerModel()
    server.rows = [place(f"c{n}") for n in range(0, 100, 2)]
    standing = run_import(server, path, batch=10, on_conflict=action, key=("Code",))
    changed = standing.updated if action is OnConflict.UPDATE else standing.ignored
    assert (standing.inserted, changed, standing.rejected) == (50, 50, 1)
    assert rejected_lines(path) == [101]
    assert "Line 8 has the same Code" in Path(f"{path}.rejects.ndjson").read_text()
    by_code = {row["Code"]: row["Parent"] for row in server.rows}
    assert by_code["c7"] == "c8"
    assert by_code["c8"] == ("c9" if action is OnConflict.UPDATE else None)


def test_all_or_nothing(tmp_path: Path) -> None:
    places = [*chain(50), place("bad")]
    path, server = write(tmp_path, places), ServerModel()
    standing = run_import(server, path, batch=10, mode=Mode.ATOMIC)
    assert (standing.inserted, standing.rejected, server.rows) == (0, 1, [])
    path = write(tmp_path, chain(50))
    assert run_import(server, path, batch=10, mode=Mode.ATOMIC, restart=True).inserted == 50
    assert server.requests == 2


@pytest.mark.parametrize("seed", range(30 * ROUNDS))
def test_all_or_nothing_killed_and_resumed(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    places = drawn(draw, doubles=draw.random() < 0.2)
    (path, before), server = write_one(draw, tmp_path, places), ServerModel()
    accidents = Accidents(draw)
    server.fault = accidents.at
    standing = None
    while standing is None:
        try:
            with patch.object(Ledger, "record", lambda ledger, progress: accidents.record(ledger, progress)):
                standing = run_import(server, path, mode=Mode.ATOMIC)
        except Killed:
            assert len(server.rows) in (0, len(places))
    good = importable(places)
    if len(good) == len(places):
        assert sorted_rows(server.rows) == sorted_rows(places)
        assert (standing.inserted, standing.rejected) == (len(places), 0)
    else:
        assert (server.rows, standing.inserted) == ([], 0)
        bad = {at + 1 + before for at, each in enumerate(places) if each not in good}
        assert set(rejected_lines(path)) & bad
    assert not Path(f"{path}.progress").exists()


@pytest.mark.parametrize(("moment", "in_doubt"), [("after", "stored"), ("before", "lost")])
def test_all_or_nothing_in_doubt(moment: str, in_doubt: str, tmp_path: Path) -> None:
    path, server = write_csv(tmp_path, [place(None) for _ in range(20)]), ServerModel()
    interrupted(server, path, moment, 0 if moment == "before" else 1, mode=Mode.ATOMIC)
    server.stored.clear()
    server.key_seconds = 0
    with pytest.raises(Uncertain, match=r"whether the rows of the file were imported.* the row of line 2 "):
        run_import(server, path, mode=Mode.ATOMIC)
    assert run_import(server, path, mode=Mode.ATOMIC, in_doubt=in_doubt).inserted == 20
    assert len(server.rows) == 20


def test_a_lost_journal(tmp_path: Path) -> None:
    """The keys are the same for the same file, so that nothing is inserted again without --restart."""
    places = [place(None) for _ in range(20)]
    path, server = write(tmp_path, places), ServerModel()
    assert run_import(server, path).inserted == 20
    Path(f"{path}.imported").unlink()
    assert run_import(server, path).replayed == 20
    assert len(server.rows) == 20
    assert run_import(server, path, restart=True).replayed == 0
    assert len(server.rows) == 40


def interrupted(server: ServerModel, path: Path, moment: str, after: int, **options: Any) -> None:
    """Kill the import at its request number ``after``, before or after it is executed."""

    def fault(now: str) -> None:
        if now == moment and server.requests >= after:
            raise Killed

    server.fault = fault
    with pytest.raises(Killed):
        run_import(server, path, **options)
    server.fault = no_fault


@pytest.mark.parametrize(("moment", "in_doubt"), [("after", "stored"), ("before", "lost")])
@pytest.mark.parametrize("places", [[place(None) for _ in range(20)], chain(20)])
def test_a_key_that_has_expired(moment: str, in_doubt: str, places: list[Place], tmp_path: Path) -> None:
    path, server = write(tmp_path, places), ServerModel()
    requests = 2 if places[0]["Code"] is None else 5
    interrupted(server, path, moment, requests)
    server.stored.clear()
    server.key_seconds = 0
    with pytest.raises(Uncertain, match=f"--in-doubt {in_doubt}"):
        run_import(server, path)
    assert run_import(server, path, in_doubt=in_doubt).inserted == 20
    assert len(server.rows) == 20


def test_a_response_with_counts_only(tmp_path: Path) -> None:
    places = [place("bad") if n % 2 else place(None) for n in range(20)]
    path, server = write(tmp_path, places), ServerModel()
    server.keeps_errors = False
    interrupted(server, path, "after", 2)
    with pytest.raises(Uncertain, match="--in-doubt stored"):
        run_import(server, path)
    run_import(server, path, in_doubt="stored")
    assert len(server.rows) == 10


@pytest.mark.parametrize("seed", range(30 * ROUNDS))
def test_a_dry_run_says_what_an_import_does(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    places = drawn(draw, doubles=True)
    path, server = write(tmp_path, places), ServerModel()
    server.rows = [place(f"c{n}") for n in range(0, 30, draw.randint(2, 30))]
    action = draw.choice(list(OnConflict))
    options: dict[str, Any] = {"batch": draw.randint(1, 7), "on_conflict": action, "key": ("Code",)}
    before = len(server.rows)
    would = run_import(server, path, **options, is_dry_run=True)
    lines = sorted(rejected_lines(path))
    assert len(server.rows) == before
    assert server.sent_rows <= 2 * len(places)
    assert [each.name for each in tmp_path.iterdir() if "rejects" not in each.name] == ["places.ndjson"]
    done = run_import(server, path, **options, restart=True)
    assert sorted(rejected_lines(path)) == lines
    for name in ("inserted", "updated", "ignored", "rejected"):
        assert getattr(would, name) == getattr(done, name), name
