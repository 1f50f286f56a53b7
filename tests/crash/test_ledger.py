"""The ledger itself: it sees a loss, a part of a bulk and a row out of nowhere, and lets pass what may be."""

from __future__ import annotations

from ledger import Absent, Batch, Present, Record, losses


def rows(batch: int, size: int, value: int) -> list[Record]:
    return [{"Batch": batch, "Position": at, "Value": value} for at in range(size)]


def batch(state: Absent | Present, pending: Absent | Present | None = None) -> Batch:
    made = Batch(1)
    made.acknowledge(state)
    made.pending = pending
    return made


def test_an_acknowledged_batch_is_there_as_it_was_answered() -> None:
    assert losses([batch(Present(3, 7, rows(1, 3, 7)))], rows(1, 3, 7)) == []


def test_a_lost_batch_is_seen() -> None:
    assert losses([batch(Present(3, 7))], []) == ["batch 1: 0 rows are there, 3 should be"]


def test_a_part_of_a_bulk_is_seen_even_if_no_answer_came() -> None:
    (complaint,) = losses([batch(Absent(), pending=Present(3, 7))], rows(1, 2, 7))
    assert "nor: 2 rows are there, 3 should be" in complaint


def test_a_part_of_an_update_is_seen_even_if_no_answer_came() -> None:
    mixed = [*rows(1, 2, 7), {"Batch": 1, "Position": 2, "Value": 8}]
    assert len(losses([batch(Present(3, 7), pending=Present(3, 8))], mixed)) == 1


def test_a_lost_update_is_seen() -> None:
    assert len(losses([batch(Present(3, 8))], rows(1, 3, 7))) == 1


def test_a_deleted_batch_that_is_back_is_seen() -> None:
    assert losses([batch(Absent())], rows(1, 3, 7)) == ["batch 1: 3 rows are there, none should be"]


def test_a_row_that_nobody_wrote_is_seen() -> None:
    assert losses([], rows(2, 1, 7)) == ["batch 2: nobody wrote it"]


def test_a_record_that_differs_from_its_answer_is_seen() -> None:
    answered = [{**row, "_id": "a"} for row in rows(1, 1, 7)]
    assert len(losses([batch(Present(1, 7, answered))], rows(1, 1, 7))) == 1


def test_an_open_request_may_have_happened_or_not_and_counts_as_found_from_then_on() -> None:
    for found in (rows(1, 3, 7), rows(1, 3, 8)):
        open_update = batch(Present(3, 7), pending=Present(3, 8))
        assert losses([open_update], found) == []
        assert losses([open_update], rows(1, 3, 9)) != []
        assert losses([open_update], found) == []
