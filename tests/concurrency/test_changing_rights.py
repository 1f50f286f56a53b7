"""Changing rights: a right that was taken away is gone at once in all processes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.person import PASSWORD, Person, browser
from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace

ROW = {"data": {"Last_Name": "Doe"}}


@pytest.fixture(scope="module")
def pair(
    new_store: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[RowkeepServer, RowkeepServer]]:
    """Two servers of one store."""
    url, directory = new_store(), tmp_path_factory.mktemp("servers")
    first, second = RowkeepServer(url, directory), RowkeepServer(url, directory)
    first.start()
    second.start()
    yield first, second
    second.stop()
    first.stop()


def test_rights_end_in_the_other_process_at_once(pair: tuple[RowkeepServer, RowkeepServer]) -> None:
    first, second = pair
    place = Workspace(first, "rights")
    place.create_table(PEOPLE)
    ada = Person(second)
    rows, member = f"{place.path}/data/tables/people", f"{place.path}/members/{ada.id}"
    for _ in range(10):
        for role, status in (("editor", 200), ("viewer", 403), ("editor", 200)):
            assert place.admin.put(member, json={"role": role}).status_code == 200
            assert ada.http.post(rows, json=ROW).status_code == status
        assert place.admin.delete(member).status_code == 204
        assert ada.http.post(rows, json=ROW).status_code == 404
    assert place.admin.put(member, json={"role": "editor"}).status_code == 200
    assert ada.http.post(rows, json=ROW).status_code == 200
    assert place.admin.patch(f"/users/{ada.id}", json={"disabled": True}).status_code == 200
    assert ada.http.post(rows, json=ROW).status_code == 401


def test_no_row_is_written_after_the_right_has_ended(pair: tuple[RowkeepServer, RowkeepServer]) -> None:
    """Writers on one server, while the other takes the right away: whatever they are told afterwards is
    no."""
    first, second = pair
    place = Workspace(first, "busy_rights")
    place.create_table(PEOPLE)
    ada = Person(second)
    rows, share = f"{place.path}/data/tables/people", f"{place.path}/tables/people/shares/{ada.id}"
    cookie = {"Cookie": f"rowkeep_session={ada.http.cookies['rowkeep_session']}"}
    assert place.admin.put(share, json={"right": "edit"}).status_code == 200
    is_over = threading.Event()

    def write(_: int) -> list[int]:
        after: list[int] = []
        with browser(second, **cookie) as client:
            while len(after) < 5:
                ended = is_over.is_set()
                status = client.post(rows, json=ROW).status_code
                if ended:
                    after.append(status)
        return after

    with ThreadPoolExecutor(4) as threads:
        writers = [threads.submit(write, at) for at in range(4)]
        assert place.admin.put(share, json={"right": "read"}).status_code == 200
        is_over.set()
        assert {status for writer in writers for status in writer.result()} == {403}


def test_a_guess_of_many_passwords_at_once(pair: tuple[RowkeepServer, RowkeepServer]) -> None:
    """However many requests come at once to whichever process, five of them are tried."""
    ada = Person(pair[0])

    def guess(at: int) -> int:
        with browser(pair[at % 2], **{"X-Forwarded-For": f"192.0.2.{at}"}) as client:
            body = {"email": ada.email, "password": f"{PASSWORD} {at}"}
            return client.post("/session", json=body).status_code

    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(guess, range(24)))
    assert statuses.count(401) == 5
    assert statuses.count(429) == 19
