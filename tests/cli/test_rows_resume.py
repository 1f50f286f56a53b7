"""``rowkeep rows import`` after a stop: wherever it was stopped, every row comes exactly once."""

from __future__ import annotations

import hashlib
import json
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rows_shell import NUMBERS, RowsShell, numbers_bot, numbers_of, on_the_store
from shell import Shell

from support.bot import Bot
from support.engines import ON_SQLITE, first_on_each
from support.gateway import (
    Gateway,
    Handler,
    late_and_after,
    late_but_before,
    lose_answer,
    lose_request,
    pass_on,
    refuse,
)
from support.processes import GUARD
from support.server import RowkeepServer
from support.workspace import Workspace


@pytest.fixture
def bot(workspace: Workspace) -> Bot:
    return numbers_bot(workspace)


@pytest.fixture
def rows(bot: Bot, tmp_path: Path) -> RowsShell:
    return RowsShell(bot, tmp_path)


def numbered(count: int, first: int = 0) -> str:
    return "Number,Text\n" + "".join(f'{number},"row\n{number}"\n' for number in range(first, first + count))


@pytest.mark.parametrize(("way", "kills"), [("server", 3), ("store", 1)])
def test_killed_at_any_point(rows: RowsShell, bot: Bot, server: RowkeepServer, way: str, kills: int) -> None:
    count = 1000
    text = numbered(count).splitlines(keepends=True)
    text.insert(701, "bad,x\n")
    name = rows.write("numbers.csv", "".join(text))
    shell = rows.shell if way == "server" else on_the_store(server, rows.directory)
    # far more requests than any machine answers between two looks at the progress
    command = rows.arguments("import", "numbers", name, "--batch", "5")
    draw = random.Random(kills)
    killed, status, said = 0, -9, b""
    while status == -9:
        # each kill meets it at work
        pause = draw.uniform(0, 0.02) if killed < kills else None
        status, said = _killed(shell, command, rows.directory / f"{name}.progress", pause)
        killed += status == -9
    assert (killed, status) == (kills, 1), said
    assert b"1 row rejected" in said
    assert numbers_of(bot) == list(range(count))
    assert [reject["line"] for reject in rows.rejects(name)] == [702]
    assert not (rows.directory / f"{name}.progress").exists()


def _killed(shell: Shell, command: list[str], progress: Path, pause: float | None) -> tuple[int, bytes]:
    """Run a command, and kill it so many seconds after its progress moves; its status and what it said."""
    before = progress.read_bytes() if progress.exists() else None
    with tempfile.TemporaryFile() as said:
        importer = shell.start(*command, stderr=said)
        GUARD.keep(importer.pid)
        while pause is not None and importer.poll() is None:
            if progress.exists() and progress.read_bytes() != before:
                time.sleep(pause)
                importer.kill()
                break
            time.sleep(0.005)
        status = importer.wait()
        GUARD.release(importer.pid)
        said.seek(0)
        return status, said.read()


AT_ONCE = {"Retry-After": "0"}


def test_what_is_lost_on_the_way(rows: RowsShell, bot: Bot) -> None:
    handlers = [pass_on, lose_answer, lose_request, pass_on, refuse(429, **AT_ONCE), refuse(503), lose_answer]
    name = rows.write("numbers.csv", numbered(50))
    with Gateway(bot.server_url, list(handlers)) as gateway:
        counts = rows.at(gateway.url).json("import", "numbers", name, "--batch", "10")
    assert counts == {"nInserted": 50, "nRejected": 0, "rejects": None}
    assert numbers_of(bot) == list(range(50))
    assert gateway.bulks == 5 + 5


@first_on_each("late", [late_but_before, late_and_after])
def test_a_request_that_comes_late(rows: RowsShell, bot: Bot, late: Callable[[], list[Handler]]) -> None:
    """Before or after the same request was sent again, it is executed once."""
    name = rows.write("numbers.csv", numbered(20))
    with Gateway(bot.server_url, late()) as gateway:
        rows.at(gateway.url).json("import", "numbers", name, "--batch", "10")
    assert numbers_of(bot) == list(range(20))
    assert gateway.bulks == 3


@ON_SQLITE
def test_rows_that_are_all_alike(rows: RowsShell, bot: Bot) -> None:
    """Nothing in the rows tells one batch from another; the ids do."""
    name = rows.write("same.csv", "Number\n" + "7\n" * 40)
    with Gateway(bot.server_url, [pass_on, pass_on, lose_answer, lose_request]) as gateway:
        rows.at(gateway.url).json("import", "numbers", name, "--batch", "10")
    assert Counter(numbers_of(bot)) == {7: 40}


@ON_SQLITE
def test_other_rows_of_the_app(rows: RowsShell, bot: Bot) -> None:
    """Rows that the app writes at the same time do not matter."""

    def lose(is_in: bool) -> Handler:
        def handler(gateway: Gateway, request: object, body: bytes) -> None:
            bot.insert("numbers", {"Number": -1})
            if is_in:
                gateway.pass_on(request, body)  # type: ignore[arg-type]
            bot.bulk("numbers", [{"Number": -1}] * 10)

        return handler

    name = rows.write("numbers.csv", numbered(40))
    with Gateway(bot.server_url, [pass_on, lose(True), lose(False)]) as gateway:
        assert rows.at(gateway.url).json("import", "numbers", name, "--batch", "10")["nInserted"] == 40
    assert [number for number in numbers_of(bot) if number >= 0] == list(range(40))


@ON_SQLITE
def test_errors_of_a_lost_response(rows: RowsShell, bot: Bot) -> None:
    """Which rows were rejected is in the response that the server has stored."""
    lines = numbered(30).replace('\n7,"row', '\nx,"row').replace('\n17,"row', '\ny,"row')
    name = rows.write("numbers.csv", lines)
    with Gateway(bot.server_url, [lose_answer, lose_answer]) as gateway:
        done = rows.at(gateway.url).run("import", "numbers", name, "--batch", "20", "--json")
    assert json.loads(done.out)["nInserted"] == 28
    assert [reject["row"]["Number"] for reject in rows.rejects(name)] == ["x", "y"]
    assert numbers_of(bot) == [number for number in range(30) if number not in (7, 17)]


@pytest.fixture
def halted(rows: RowsShell, bot: Bot) -> str:
    """A file that is imported to its 30th row, which is rejected."""
    name = rows.write(
        "numbers.ndjson", "".join(f'{{"Number":{n if n != 29 else None!r}}}\n' for n in range(40))
    )
    (rows.directory / name).write_text(rows.read(name).replace("None", "null"))
    assert "--max-errors" in rows.fails("import", "numbers", name, "--batch", "10", "--max-errors", "0")
    assert numbers_of(bot) == list(range(29))
    assert [reject["line"] for reject in rows.rejects(name)] == [30]
    return name


@ON_SQLITE
def test_going_on(rows: RowsShell, bot: Bot, halted: str) -> None:
    result = rows.run("import", "numbers", halted)
    assert result.status == 1
    assert "Resuming at line 31 (29 rows already imported)." in result.err
    assert "Imported 39 rows" in result.out
    assert "1 row rejected" in result.err
    assert [reject["line"] for reject in rows.rejects(halted)] == [30]
    assert sorted(numbers_of(bot)) == [n for n in range(40) if n != 29]


@ON_SQLITE
def test_another_file_under_the_name(rows: RowsShell, bot: Bot, halted: str) -> None:
    mended = rows.read(halted).replace("null", "29")
    rows.write(halted, mended)
    said = rows.fails("import", "numbers", halted)
    assert "changed" in said
    assert "line 31" in said
    result = rows.run("import", "numbers", halted, "--resume-at", "30", "--json")
    assert json.loads(result.out)["nInserted"] == 40
    assert numbers_of(bot) == list(range(40))
    assert [reject["line"] for reject in rows.rejects(halted)] == [30]
    rows.write(f"{halted}.rejects.ndjson", "{}")
    os.utime(rows.directory / halted)
    assert "from another import" in rows.fails("import", "numbers", halted)
    assert rows.json("import", "numbers", halted, "--restart")["nInserted"] == 40
    assert len(numbers_of(bot)) == 80
    assert "The file has no line 99" in rows.fails("import", "numbers", halted, "--resume-at", "99")
    rows.fails("import", "numbers", halted, "--resume-at", "3", "--restart", status=2)


@ON_SQLITE
def test_again_after_the_end(rows: RowsShell, bot: Bot) -> None:
    """It says so and does nothing, unless it is asked to do it again, or the file is another."""
    name = rows.write("numbers.csv", numbered(3))
    assert rows.json("import", "numbers", name)["nInserted"] == 3
    again = rows.run("import", "numbers", name)
    assert (again.status, again.err) == (0, "")
    assert "Nothing to do: numbers.csv was already imported into numbers" in again.out
    assert "3 rows inserted" in again.out
    assert "--restart" in again.out
    told = rows.json("import", "numbers", name)
    assert (told["nInserted"], told["nRejected"], told["rejects"]) == (0, 0, None)
    assert told["finishedOn"] in again.out
    assert numbers_of(bot) == [0, 1, 2]
    assert rows.json("import", "numbers", name, "--restart")["nInserted"] == 3
    assert "Nothing to do" in rows.run("import", "numbers", name).out
    assert len(numbers_of(bot)) == 6
    for changed in (numbered(2, 7), numbered(2, 8)):  # of the same size, the second time
        rows.write(name, changed)
        assert rows.json("import", "numbers", name)["nInserted"] == 2
    assert numbers_of(bot)[6:] == [7, 8, 8, 9]


@ON_SQLITE
def test_each_import_of_a_file_has_its_own_end(rows: RowsShell, workspace: Workspace) -> None:
    name = rows.write("numbers.csv", numbered(3) + "bad,x\n")
    assert "rejected" in rows.run("import", "numbers", name).err
    assert "3 rows inserted and 1 row rejected" in rows.run("import", "numbers", name).out
    workspace.create_table(NUMBERS | {"name": "others"})
    workspace.grant(rows.bot.client_id, "others", "rw")
    refused = rows.run("import", "others", name, "--rejects", "others.rejects")
    assert "Imported 3 rows" in refused.out
    for table in ("numbers", "others"):
        assert f"already imported into {table}" in rows.run("import", table, name).out
    # one that was stopped between its last two steps
    progress = rows.directory / f"{name}.progress"
    (entry,) = [each for each in _finished(rows, name) if each["what"]["table"] == "numbers"]
    at_end = {"what": entry["what"], "standing": {"next": {"line": 9, "offset": 99}}}
    progress.write_text(json.dumps(at_end))
    assert "already imported" in rows.run("import", "numbers", name).out
    # what was begun again and not ended is gone on with
    assert "--max-errors" in rows.fails(
        "import", "numbers", name, "--restart", "--batch", "2", "--max-errors", "0"
    )
    assert [each["what"]["table"] for each in _finished(rows, name)] == ["others"]
    assert "Imported 3 rows" in rows.run("import", "numbers", name).out
    (rows.directory / f"{name}.imported").write_text("[")
    assert "numbers.csv.imported" in rows.fails("import", "numbers", name)


def _finished(rows: RowsShell, name: str) -> list[dict[str, Any]]:
    return json.loads(rows.read(f"{name}.imported"))


@ON_SQLITE
@pytest.mark.parametrize("is_in", [True, False])
def test_a_key_that_may_have_expired(rows: RowsShell, bot: Bot, is_in: bool) -> None:
    """The command does not guess, and says how to continue."""
    name = rows.write("numbers.csv", numbered(30))
    lost = lose_answer if is_in else lose_request
    with Gateway(bot.server_url, [pass_on, lost, refuse(404)]) as gateway:
        assert "is not Rowkeep" in rows.at(gateway.url).fails("import", "numbers", name, "--batch", "10")
        progress = rows.directory / f"{name}.progress"
        known = json.loads(progress.read_text())
        assert (known["inFlight"]["first"], known["inFlight"]["rows"]) == (22, 10)
        known["inFlight"]["sentOn"] -= 24 * 3600
        progress.write_text(json.dumps(known))
        there = rows.at(gateway.url)
        said = there.fails("import", "numbers", name)
        assert "Cannot tell whether lines 22 to 40 were imported" in said
        assert "only for 24 hours (idempotency_hours)" in said
        in_doubt = "stored" if is_in else "lost"
        assert f"--in-doubt {in_doubt}" in said
        result = there.run("import", "numbers", name, "--in-doubt", in_doubt, "--json")
    assert json.loads(result.out)["nInserted"] == 30
    assert numbers_of(bot) == list(range(30))


@ON_SQLITE
def test_an_unreadable_journal(rows: RowsShell, bot: Bot) -> None:
    name = rows.write("numbers.csv", numbered(20))
    (rows.directory / f"{name}.progress").write_text("{")
    assert "cannot be read" in rows.fails("import", "numbers", name)
    assert rows.run("import", "numbers", name, "--resume-at", "22").status == 0
    assert numbers_of(bot) == list(range(10, 20))


@ON_SQLITE
def test_rows_that_have_changed_since(rows: RowsShell, bot: Bot) -> None:
    """A request is sent again only as it was."""
    name = rows.write("numbers.csv", numbered(20))
    with Gateway(bot.server_url, [lose_answer, refuse(404)]) as gateway:
        assert "is not Rowkeep" in rows.at(gateway.url).fails("import", "numbers", name, "--batch", "10")
        status = os.stat(rows.directory / name)
        # as if the file's system did not notice
        head = rows.read(name).replace("row\n3", "row\n4")
        rows.write(name, head)
        os.utime(rows.directory / name, ns=(status.st_atime_ns, status.st_mtime_ns))
        progress = rows.directory / f"{name}.progress"
        known = json.loads(progress.read_text())
        known["what"]["headSha256"] = hashlib.sha256(head.encode()).hexdigest()
        progress.write_text(json.dumps(known))
        said = rows.at(gateway.url).fails("import", "numbers", name)
    assert "have changed since their request was sent" in said
    assert numbers_of(bot) == list(range(10))


@ON_SQLITE
def test_a_lost_journal(rows: RowsShell, bot: Bot) -> None:
    """Requests that were executed are not executed again, and the command says so."""
    name = rows.write("numbers.csv", numbered(20))
    assert rows.json("import", "numbers", name)["nInserted"] == 20
    (rows.directory / f"{name}.imported").unlink()
    assert "20 rows of them had been imported before" in rows.run("import", "numbers", name).out
    assert numbers_of(bot) == list(range(20))


@ON_SQLITE
def test_one_at_a_time(rows: RowsShell, bot: Bot) -> None:
    import fcntl

    name = rows.write("numbers.csv", numbered(3))
    with (rows.directory / name).open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "another process" in rows.fails("import", "numbers", name)
    assert rows.json("import", "numbers", name)["nInserted"] == 3


@ON_SQLITE
def test_a_server_that_stays_away(rows: RowsShell) -> None:
    name = rows.write("numbers.csv", numbered(3))
    assert "No response from http://127.0.0.1:1" in rows.at("http://127.0.0.1:1").fails(
        "import", "numbers", name
    )
